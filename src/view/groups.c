/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views of a project's stories: by a word of a field (by-state, by-type), by owner, label or epic,
 * as Tracker's panels, and those that a query finds. A group is a LINKS directory, its links are
 * `<rank>-<id>-<slug>` in V5's order. The rank tells the order and is not looked at again, so that
 * a name lives as long as its story is in the group.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "groups.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

/* The field whose words are the names of a directory's groups. */
static const struct {
	enum layout_row dir;
	int field;
} by_word[] = {
	{ ROW_by_state, F_story_current_state },
	{ ROW_by_type, F_story_story_type },
};

static const struct panel panels[] = {
	{ ROW_panel_current, STATE_UNSTARTED },
	{ ROW_panel_backlog, STATE_UNSTARTED },
	{ ROW_panel_icebox, STATE_UNSCHEDULED },
	{ ROW_panel_done, STATE_ACCEPTED },
};

void group_fini(struct group *g)
{
	record_unref(g->named);
}

bool is_group(enum layout_row row)
{
	const struct layout *l = layout_of(row);

	return l->type == ROW_LINKS && (layout_parent_kind(row) == KIND_project || is_shelf(row));
}

bool is_story_link(enum layout_row row)
{
	return row == ROW_story_link || row == ROW_shelf_link || row == ROW_my_link;
}

bool is_movable_group(enum layout_row row)
{
	return is_group(row) && !is_shelf(row) && layout_of(row)->parent != ROW_search;
}

bool is_shelf(enum layout_row row)
{
	const struct layout *l = layout_of(row);

	return l->type == ROW_LINKS && l->kind == KIND_story &&
	       layout_of(l->parent)->type == ROW_RESOURCE;
}

static bool make_by_word(const struct node *dir, struct group *ret)
{
	const struct layout *l = layout_of(dir->row);

	for (size_t i = 0; i < sizeof(by_word) / sizeof(*by_word); i++) {
		if (by_word[i].dir != l->parent)
			continue;
		ret->field = by_word[i].field;
		ret->word =
			choices_find(schema_field(KIND_story, ret->field)->choices, l->name, false);
		ret->project_id = dir->id;
		return true;
	}
	return false;
}

static bool make_panel(const struct node *dir, struct group *ret)
{
	for (size_t i = 0; i < sizeof(panels) / sizeof(*panels); i++) {
		if (panels[i].row != dir->row)
			continue;
		ret->panel = &panels[i];
		ret->field = F_story_current_state;
		ret->word = (int)panels[i].state;
		ret->project_id = dir->id;
		return true;
	}
	return false;
}

/* A saved search; its record holds the query for as long as the group. */
static void make_by_search(struct record *r, struct group *ret)
{
	ret->named = record_ref(r);
	ret->query = record_text(r, F_saved_search_query);
}

/* The resource the group is made of: its kind is the GROUPS directory's. */
static int make_by_resource(struct tree *t, const struct node *dir, struct group *ret)
{
	enum kind kind = layout_of(layout_of(dir->row)->parent)->kind;
	scoped(record_unref) struct record *r = NULL;

	if (store_peek(t->store, kind, dir->id, &r))
		return -ESTALE;
	ret->project_id = store_project_of(t->store, r);
	if (kind == KIND_saved_search) {
		make_by_search(r, ret);
		return 0;
	}
	ret->field = kind == KIND_project_membership ? F_story_owners : F_story_labels;
	if (kind == KIND_label) {
		ret->named = take_ptr(r);
	} else {
		int f = kind == KIND_epic ? F_epic_label : F_project_membership_person;
		const struct value *v = record_get(r, f);

		if (v->state == VALUE_SET)
			ret->named = record_ref(v->record);
	}
	ret->id = ret->named ? record_id(ret->named) : 0;
	return 0;
}

static int make_shelf(struct tree *t, const struct node *dir, struct group *ret)
{
	if (store_peek(t->store, layout_parent_kind(dir->row), dir->id, &ret->named))
		return -ESTALE;
	ret->project_id = store_project_of(t->store, ret->named);
	ret->is_shelf = true;
	return 0;
}

int group_of(struct tree *t, const struct node *dir, struct group *ret)
{
	*ret = (struct group){ 0 };
	if (is_shelf(dir->row))
		return make_shelf(t, dir, ret);
	if (make_by_word(dir, ret) || make_panel(dir, ret))
		return 0;
	if (dir->row == ROW_search_query)
		return query_get(t, dir, &ret->project_id, &ret->query);
	return make_by_resource(t, dir, ret);
}

static bool has_label(const struct record *story, int64_t id)
{
	const struct value *v = record_get(story, F_story_labels);

	for (size_t i = 0; i < v->n; i++) {
		if (record_id(v->records[i]) == id)
			return true;
	}
	return false;
}

static bool is_in(const struct group *g, const struct record *story)
{
	if (g->field == F_story_labels)
		return g->id && has_label(story, g->id);
	if (g->field == F_story_owners)
		return value_has_id(record_get(story, F_story_owner_ids), g->id);
	const struct value *v = record_get(story, g->field);

	return v->state == VALUE_SET && v->i == g->word;
}

struct place group_stories_of(int64_t project_id)
{
	return (struct place){ .kind = KIND_story,
		.parent = KIND_project,
		.parent_id = project_id,
		.project_id = project_id };
}

int group_place(struct tree *t, const struct node *dir, struct place *ret)
{
	scoped(group_fini) struct group g;
	int e = group_of(t, dir, &g);

	*ret = group_stories_of(g.project_id);
	return e;
}

const struct value *group_shelf_ids(const struct record *shelf)
{
	static const struct value none = { 0 };
	int f = schema_find_field(record_kind(shelf), "story_ids");

	return f >= 0 ? record_get(shelf, f) : &none;
}

/* Those the server names, in its order. */
static void pick(const struct records *all, const struct ids *ids, struct records *ret)
{
	struct table by_id = { 0 };
	struct picked {
		struct table_item item;
		int64_t id;
		struct record *record;
	} *items = xcalloc(all->n, sizeof(*items));
	size_t n = 0;

	each_record(story, all) {
		items[n] = (struct picked){ .id = record_id(story), .record = story };
		table_add(&by_id, &items[n].item, &items[n].id, sizeof(items[n].id));
		n++;
	}
	for (size_t i = 0; i < ids->n; i++) {
		const struct picked *one = table_find(&by_id, &ids->v[i], sizeof(ids->v[i]));

		if (one)
			records_add(ret, record_ref(one->record));
	}
	while (table_pop(&by_id))
		;
	free(items);
}

/* Is the story in the panel, when these are in the current iteration? */
static bool is_in_panel(
	const struct panel *panel, const struct record *story, const struct ids *now)
{
	int64_t state = record_int(story, F_story_current_state, STATE_UNSCHEDULED);

	if (state == STATE_UNSCHEDULED)
		return panel->row == ROW_panel_icebox;
	if (ids_has(now, record_id(story)))
		return panel->row == ROW_panel_current;
	return panel->row == (state == STATE_ACCEPTED ? ROW_panel_done : ROW_panel_backlog);
}

static int select_panel(struct tree *t, const struct group *g, const struct records *all,
	struct call *call, struct records *ret)
{
	scoped(ids_fini) struct ids current = { 0 };
	const struct selector what = { g->project_id, SELECT_SCOPE, "current" };
	int e = g->panel->row == ROW_panel_icebox ? 0
						  : store_select(t->store, &what, call, &current);

	if (e < 0)
		return e;
	if (g->panel->row == ROW_panel_current) {
		pick(all, &current, ret);
		return 0;
	}
	each_record(story, all) {
		if (is_in_panel(g->panel, story, &current))
			records_add(ret, record_ref(story));
	}
	return 0;
}

/* A query that V5 does not take is told beside it. */
static int find(struct tree *t, const struct node *dir, const struct group *g, struct call *call,
	struct ids *ret)
{
	struct node search = { ROW_search, g->project_id, -1 };
	const struct buf none = BUF_INIT;
	const struct selector what = { g->project_id, SELECT_QUERY, g->query };
	int e = store_select(t->store, &what, call, ret);

	if (e == 0) {
		refusal_drop(t, &search, dir);
	} else if (e == -EINVAL) {
		refusal_put(t, &search, dir,
			explain_refusal(&(struct refused_save){ .name = "query",
				.what = "taken",
				.error = e,
				.data = g->query,
				.len = strlen(g->query),
				.reason = &none,
				.v5 = &call->error,
				.sent = SENT_REQUEST,
				.next = "write another one; the language is that of Tracker's "
					"search: state:started label:\"needs design\" -type:chore" }));
	}
	return e;
}

int group_select(struct tree *t, const struct node *dir, const struct records *all,
	struct call *call, struct records *ret)
{
	scoped(group_fini) struct group g;
	int e = group_of(t, dir, &g);

	if (e < 0)
		return e;
	if (g.is_shelf) {
		const struct ids ids = value_ids(group_shelf_ids(g.named));

		pick(all, &ids, ret);
		return 0;
	}
	if (g.panel)
		return select_panel(t, &g, all, call, ret);
	if (g.query) {
		scoped(ids_fini) struct ids found = { 0 };

		e = find(t, dir, &g, call, &found);
		pick(all, &found, ret);
		return e;
	}
	each_record(story, all) {
		if (is_in(&g, story))
			records_add(ret, record_ref(story));
	}
	return 0;
}

/* ---- names ---- */

static void add_slug(const struct record *story, struct buf *b)
{
	size_t start = b->len;

	text_add_file_name(b, record_text(story, F_story_name));
	for (size_t i = start; i < b->len; i++) {
		if (b->data[i] == ' ')
			b->data[i] = '-';
	}
}

char *group_link_name(const struct record *story, size_t rank, int width)
{
	struct buf name = BUF_INIT;

	buf_add_fmt(&name, "%0*zu-%" PRId64 "-", width, rank, record_id(story));
	add_slug(story, &name);
	return buf_take(&name);
}

/* What follows the rank; NULL when there is none. */
static const char *after_rank(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits && name[digits] == '-' ? name + digits + 1 : NULL;
}

int64_t group_link_id(const char *name)
{
	const char *rest = after_rank(name);
	scoped(free_ptr) char *digits = rest ? xstrndup(rest, strspn(rest, "0123456789")) : NULL;
	int64_t id;

	return digits && parse_int(digits, 1, INT64_MAX, &id) ? id : 0;
}

bool group_link_fits(const struct record *story, const char *name)
{
	scoped(free_ptr) char *real = group_link_name(story, 1, 1);
	const char *rest = after_rank(name);

	return rest && strcmp(rest, after_rank(real)) == 0;
}

char *group_name(struct tree *t, int64_t project_id, const struct record *r)
{
	struct people people = { t, project_id };
	struct resolver resolver = people_resolver(&people);
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct buf name = BUF_INIT;

	plain_write(r, schema_resource(record_kind(r))->label, &resolver, &text);
	text_add_file_name(&name, buf_str(&text));
	return buf_take(&name);
}

void group_names_make(
	struct tree *t, int64_t project_id, const struct records *all, struct link_names *ret)
{
	char **plain = xcalloc(all->n, sizeof(*plain));

	for (size_t i = 0; i < all->n; i++)
		plain[i] = group_name(t, project_id, all->items[i]);
	link_names_take(all, plain, ret);
}
