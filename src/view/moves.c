/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mv of a story's link: from group to group, and within a panel. */
#include <errno.h>
#include <string.h>

#include "groups.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "write.h"

/* One move on its way. */
struct move {
	struct tree *tree;
	const struct tree_rename *rename;
	struct group source, target;
	struct call call;
	enum sent sent;
};

static void move_fini(struct move *m)
{
	group_fini(&m->source);
	group_fini(&m->target);
	call_fini(&m->call);
}

SCOPED_VALUE(struct move, move_fini);

/* ---- another value of the field ---- */

/* The lines of a list without one item, with another. */
static void change_lines(struct buf *text, const char *without, const char *with)
{
	struct buf lines = BUF_INIT;
	bool has = false;

	for (const char *p = buf_str(text); *p;) {
		size_t len = strcspn(p, "\n");
		scoped(free_ptr) char *line = xstrndup(p, len);

		has = has || strcmp(line, with) == 0;
		if (strcmp(line, without) != 0)
			buf_add_fmt(&lines, "%s\n", line);
		p += len + (p[len] == '\n');
	}
	if (!has)
		buf_add_fmt(&lines, "%s\n", with);
	buf_fini(text);
	*text = lines;
}

static void add_member_name(struct tree *t, const struct group *g, struct buf *b)
{
	struct people people = { t, g->project_id };
	struct resolver resolver = people_resolver(&people);
	enum kind kind = record_kind(g->named);

	if (!resolver.add_name(resolver.data, kind, g->id, b))
		buf_add_str(b, record_text(g->named, schema_resource(kind)->label));
}

/* The text of the field for a story that leaves one group for another. */
static int write_moved(const struct move *m, const struct node *file, struct buf *ret)
{
	scoped(buf_fini) struct buf out = BUF_INIT, in = BUF_INIT;
	const struct field *field = schema_field(KIND_story, m->target.field);

	if (field->type == TYPE_ENUM) {
		buf_add_fmt(ret, "%s\n", field->choices->words[m->target.word]);
		return 0;
	}
	if (!m->source.named || !m->target.named)
		return -EINVAL;
	add_member_name(m->tree, &m->source, &out);
	add_member_name(m->tree, &m->target, &in);
	int e = tree_read(m->tree, file, ret);

	change_lines(ret, buf_str(&out), buf_str(&in));
	return e;
}

static int change_field(struct move *m)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct node file = { ROW_story, m->rename->node.id, m->target.field };
	int e = write_moved(m, &file, &text);

	return e < 0 ? e
		     : tree_save(m->tree, &file,
			       &(struct tree_text){ .data = buf_str(&text), .len = text.len },
			       &m->call.limit);
}

/* ---- another place ---- */

/* The panel's stories without the one that moves. */
static int list_others(struct move *m, const struct node *panel, struct records *ret)
{
	scoped(records_fini) struct records all = { 0 }, members = { 0 };
	struct place place = group_stories_of(m->target.project_id);
	int e = store_list(m->tree->store, &place, &m->call, &all);

	if (e == 0)
		e = group_select(m->tree, panel, &all, &m->call, &members);
	each_record(story, &members) {
		if (record_id(story) != m->rename->node.id)
			records_add(ret, record_ref(story));
	}
	return e > 0 ? -ESTALE : e;
}

/* The rank that a name begins with, 1 or more; 0: it begins with none. */
static size_t rank_of(const char *name)
{
	scoped(free_ptr) char *digits = xstrndup(name, strspn(name, "0123456789"));
	int64_t rank;

	return parse_int(digits, 1, INT32_MAX, &rank) ? (size_t)rank : 0;
}

/* The same, when the story gets another name than it had. */
static size_t asked_rank(const struct move *m)
{
	bool is_kept = strcmp(m->rename->old_name, m->rename->new_name) == 0;

	return is_kept ? 0 : rank_of(m->rename->new_name);
}

static bool is_planned_panel(const struct panel *panel)
{
	return panel && panel->state == STATE_UNSTARTED;
}

/* Nothing but the place changes. */
static bool is_state_kept(const struct move *m)
{
	return tree_number(&m->rename->from) == tree_number(&m->rename->to) ||
	       (is_planned_panel(m->source.panel) && is_planned_panel(m->target.panel));
}

static int put_place(struct move *m, int field, int64_t other)
{
	scoped(record_unref) struct record *old = NULL;
	scoped(write_result_fini) struct write_result written = { 0 };
	scoped(record_unref) struct record *patch = record_new(KIND_story);

	if (store_peek(m->tree->store, KIND_story, m->rename->node.id, &old))
		return -ESTALE;
	record_set_int(patch, field, other);
	if (!is_state_kept(m))
		record_set_int(patch, m->target.field, m->target.word);
	m->sent = SENT_REQUEST;
	return write_update(m->tree, old, patch, &m->call, &written);
}

/* Before the story that has the rank now, or after the last. */
static int put_at(struct move *m, const struct records *others, size_t rank)
{
	if (!others->n)
		return is_state_kept(m) ? 0 : change_field(m);
	if (rank <= others->n)
		return put_place(m, F_story_before_id, record_id(others->items[rank - 1]));
	return put_place(m, F_story_after_id, record_id(others->items[others->n - 1]));
}

static size_t first_unstarted(const struct records *stories)
{
	size_t rank = 1;

	each_record(story, stories) {
		int64_t state = record_int(story, F_story_current_state, 0);

		if (state == STATE_UNSTARTED || state == STATE_PLANNED)
			break;
		rank++;
	}
	return rank;
}

static void refuse_place(struct move *m, int e)
{
	struct node panels = { ROW_panels, m->target.project_id, -1 };
	const struct buf none = BUF_INIT;

	refusal_put(m->tree, &panels, &panels,
		explain_refusal(&(struct refused_save){ .name = m->rename->new_name,
			.what = "moved",
			.error = e,
			.reason = &none,
			.v5 = &m->call.error,
			.sent = m->sent,
			.next = "the order is as it was; a name begins with the rank that the "
				"story is to have",
			.next_unknown = "whether it was moved is unknown; look again" }));
}

static int change_place(struct move *m)
{
	scoped(records_fini) struct records others = { 0 };
	struct node panels = { ROW_panels, m->target.project_id, -1 };
	bool is_same = m->source.panel == m->target.panel;
	size_t rank = is_same ? rank_of(m->rename->new_name) : asked_rank(m);
	int e = list_others(m, &m->rename->to, &others);

	if (!is_same && !rank)
		rank = m->target.panel->row == ROW_panel_current ? first_unstarted(&others) : 1;
	if (e == 0)
		e = rank ? put_at(m, &others, rank) : -EINVAL;
	if (e < 0)
		refuse_place(m, e);
	else
		refusal_drop(m->tree, &panels, &panels);
	return e;
}

/* ---- which of both ---- */

/* Why it means nothing; NULL when it does. */
static const char *find_fault(const struct move *m, int *ret_error)
{
	bool is_same = tree_number(&m->rename->from) == tree_number(&m->rename->to);

	*ret_error = -EPERM;
	if (m->source.query || m->target.query)
		return "what a search finds cannot be moved: it is what matches";
	if (m->source.is_shelf || m->target.is_shelf)
		return "what a release or an iteration holds follows from the order in panels/";
	if (is_same && !m->target.panel)
		return "its rank here follows from the panels, where it can be changed";
	*ret_error = -EXDEV;
	if (m->source.project_id != m->target.project_id)
		return "the two directories are of different projects";
	if (m->source.field != m->target.field || !m->source.panel != !m->target.panel)
		return "the two directories are of different views";
	return NULL;
}

static int refuse_move(const struct move *m, const char *fault, int e)
{
	struct node story = { ROW_story, m->rename->node.id, -1 };
	scoped(buf_fini) struct buf reason = BUF_INIT;

	buf_add_fmt(&reason, "%s\n", fault);
	refusal_put(m->tree, &story, &m->rename->node,
		explain_refusal(&(struct refused_save){ .name = m->rename->new_name,
			.what = "moved",
			.error = e,
			.reason = &reason,
			.v5 = &m->call.error,
			.sent = SENT_NOTHING,
			.accepted = "another directory of the same view: by-state/, by-type/, "
				    "by-owner/, by-label/, panels/; another rank in panels/",
			.next = "nothing was changed; move it there, or write the field" }));
	return e;
}

static int group_move(
	struct tree *t, const struct tree_rename *rename, const struct call_limit *limit)
{
	scoped(move_fini) struct move m = { .tree = t, .rename = rename, .sent = SENT_NOTHING };
	struct node story = { ROW_story, rename->node.id, -1 };
	int e = group_of(t, &rename->from, &m.source), e2 = group_of(t, &rename->to, &m.target);

	if (e < 0 || e2 < 0)
		return -ESTALE;
	if (limit)
		m.call.limit = *limit;
	const char *fault = find_fault(&m, &e);

	if (fault)
		return refuse_move(&m, fault, e);
	refusal_drop(t, &story, &rename->node);
	if (is_state_kept(&m) || (m.target.panel && asked_rank(&m)))
		return change_place(&m);
	return change_field(&m);
}

int tree_move(struct tree *t, const struct tree_rename *rename, const struct call_limit *limit)
{
	if (rename->node.row != ROW_story_link || !is_group(rename->from.row) ||
		!is_group(rename->to.row))
		return 1;
	return group_move(t, rename, limit);
}
