/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The save of a document: read, planned, sent step by step, and told of. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "document.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"
#include "write.h"

enum { SHOWN_BYTES = 60 };

struct saving {
	struct tree *tree;
	const struct node *node;
	struct record *story;
	struct buf text;
	const struct buf *last; /* what the same one saved last, or NULL */
	struct markdown read, mine, present;
	struct remembered *remembered;
	struct people people;
	struct resolver resolver;
	struct document_plan plan;
	struct call call;
	size_t n_sent; /* steps that were carried out */
	bool has_made; /* something new */
};

static void saving_fini(struct saving *s)
{
	if (s->remembered)
		remembered_give(s->tree, s->remembered);
	record_unref(s->story);
	buf_fini(&s->text);
	markdown_fini(&s->read);
	markdown_fini(&s->mine);
	markdown_fini(&s->present);
	document_plan_fini(&s->plan);
	call_fini(&s->call);
}

SCOPED_VALUE(struct saving, saving_fini);

/* ---- what was read ---- */

/* The document that this one was before it was changed. */
static int find_read(struct saving *s)
{
	scoped(buf_fini) struct buf now = BUF_INIT;
	int64_t id = record_id(s->story);

	/* The one there is now counts as read: pages of it may be older than we are. */
	markdown_write(&s->present, &now);
	remembered_add(s->tree, id, &now);
	s->remembered = remembered_take(s->tree, id, s->mine.version);
	if (s->remembered)
		return markdown_read(
			&s->remembered->text, MARKDOWN_OF_STORY, &s->read, &s->plan.reason);
	buf_add_str(&s->plan.reason, "the story is not the one that this text was read from, and "
				     "what that was is not known any more; read it again\n");
	return -EBUSY;
}

/* What became of the text that the same one saved last, which this one goes on from. */
static struct markdown *find_followed(struct saving *s, enum markdown_use use)
{
	scoped(markdown_fini) struct markdown last = { 0 };
	scoped(buf_fini) struct buf reason = BUF_INIT;

	if (!s->last || !s->last->len || markdown_read(s->last, use, &last, &reason) < 0 ||
		(use == MARKDOWN_OF_STORY && strcmp(last.version, s->mine.version) != 0))
		return NULL;
	struct markdown *sent = use == MARKDOWN_OF_STORY
					? document_find_sent(s->remembered, &s->read, &last)
					: s->remembered->sent[0];

	if (!sent)
		return NULL;
	document_follow(&s->mine, &last, sent);
	s->plan.follows = true;
	return sent;
}

/* What is to be compared with: what was read, with what this text's earlier saves sent. */
static const struct markdown *find_base(struct saving *s)
{
	const struct remembered *r = s->remembered;
	struct markdown *sent = find_followed(s, MARKDOWN_OF_STORY);

	if (sent)
		return sent;
	sent = document_find_sent(r, &s->read, &s->mine);
	bool is_as_read = !document_has_changed(buf_str(&r->text), buf_str(&s->text));

	/* Whoever saves just what was read takes the last save back. */
	if (!sent && is_as_read && r->n_sent)
		sent = r->sent[r->n_sent - 1];
	if (sent)
		document_adopt(&s->mine, sent);
	return sent ? sent : &s->read;
}

/* Where to note what is sent: the base if it is such a one, or a new one. */
static struct markdown *begin_note(struct saving *s)
{
	struct remembered *r = s->remembered;
	struct markdown *sent;

	for (size_t i = 0; i < r->n_sent; i++) {
		if (r->sent[i] == s->plan.base)
			return r->sent[i];
	}
	sent = xcalloc(1, sizeof(*sent));
	markdown_read(&r->text, MARKDOWN_OF_STORY, sent, &s->plan.reason);
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what it holds */
	r->sent = xrealloc(r->sent, r->n_sent + 1, sizeof(*r->sent));
	r->sent[r->n_sent++] = sent;
	return sent;
}

/* Is it the text that made the story, saved again? */
static bool take_made(struct saving *s)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;

	s->remembered = remembered_take(s->tree, record_id(s->story), REMEMBERED_MADE);
	return s->remembered && markdown_read(&s->text, MARKDOWN_OF_NEW, &s->mine, &reason) == 0;
}

/* Then what it does not say stays as it was. */
static const struct markdown *find_made(struct saving *s)
{
	struct markdown *made = s->remembered->sent[0];

	each_field(f, KIND_story) {
		if (!s->mine.fields[f].text)
			s->mine.fields[f].text = xstrdup(document_text(made, f));
	}
	if (!find_followed(s, MARKDOWN_OF_NEW))
		document_adopt(&s->mine, made);
	return made;
}

static void tell_made(struct saving *s, const struct record *made)
{
	struct node node = { layout_find(ROW_RESOURCE, record_kind(made), KIND_story),
		record_id(made), -1 };

	control_note_made(s->tree, &node, made, s->has_made);
	s->has_made = true;
}

/* What an earlier save may have made is looked for before it is made again. */
static int settle_doubts(struct saving *s)
{
	struct remembered *r = s->remembered;
	bool any = false;

	while (r && r->n_doubts) {
		const struct remembered_doubt *last = &r->doubts[r->n_doubts - 1];
		scoped(record_unref) struct record *made = NULL;
		int e = doubt_look(s->tree, last->doubt, &s->call, &made);

		if (e < 0) {
			buf_reset(&s->plan.reason);
			buf_add_str(&s->plan.reason, "whether the last save of this text made "
						     "something is not known yet\n");
			return e;
		}
		if (e == 0) {
			document_note_made(made, last->sent);
			tell_made(s, made);
		}
		any = true;
		remembered_drop_doubt(r);
	}
	if (any) {
		markdown_fini(&s->present);
		document_make(s->tree, s->story, &s->present);
	}
	return 0;
}

static int find_texts(struct saving *s)
{
	struct document_plan *p = &s->plan;
	int e = markdown_read(&s->text, MARKDOWN_OF_STORY, &s->mine, &p->reason);

	document_make(s->tree, s->story, &s->present);
	bool is_new = e < 0;

	if (is_new)
		e = take_made(s) ? 0 : e;
	else
		e = find_read(s);
	if (e == 0)
		e = settle_doubts(s);
	if (e == 0)
		p->base = is_new ? find_made(s) : find_base(s);
	return e;
}

static int begin(struct saving *s)
{
	struct document_plan *p = &s->plan;
	int e = find_texts(s);

	if (e < 0)
		return e;
	buf_reset(&p->reason);
	s->people = (struct people){ s->tree, store_project_of(s->tree->store, s->story) };
	s->resolver = people_resolver(&s->people);
	p->story = s->story;
	p->resolver = &s->resolver;
	p->mine = &s->mine;
	p->present = &s->present;
	return document_plan_make(p);
}

/* ---- sending ---- */

static int update(struct saving *s, const struct document_step *step)
{
	scoped(record_unref) struct record *old = NULL;
	scoped(write_result_fini) struct write_result written = { 0 };

	if (store_peek(s->tree->store, step->kind, step->id, &old))
		return -ENOENT;
	if (step->type == STEP_DELETE)
		return write_delete(s->tree, old, &s->call);
	int e = write_update(s->tree, old, step->patch, &s->call, &written);

	if (e != WRITE_MOVED)
		return e;
	buf_add_str(&s->plan.reason, "what was to be changed was changed by somebody else just "
				     "now\n");
	return -EBUSY;
}

static int create(
	struct saving *s, const struct document_step *step, struct markdown *sent, int64_t *ret_id)
{
	scoped(record_unref) struct record *now = NULL;
	struct place place = {
		.kind = step->kind, .parent = KIND_story, .parent_id = record_id(s->story)
	};
	scoped(doubt_free) struct doubt *doubt = doubt_new(s->tree, &place, step->patch);
	int e = write_create(s->tree, &place, step->patch, &s->call, &now);

	if (e < 0 && doubt && api_is_outcome_unknown(e))
		remembered_add_doubt(s->remembered, take_ptr(doubt), sent);
	if (e < 0)
		return e;
	*ret_id = record_id(now);
	tell_made(s, now);
	return 0;
}

static bool has_position(const struct document_step *step)
{
	return step->kind == KIND_task && step->patch && record_has(step->patch, F_task_position);
}

static int send_all(struct saving *s)
{
	struct document_plan *p = &s->plan;
	struct markdown *sent = p->n ? begin_note(s) : NULL;
	bool moved = false;

	for (; s->n_sent < p->n; s->n_sent++) {
		const struct document_step *step = &p->steps[s->n_sent];
		int64_t id = step->id;
		int e = step->type == STEP_CREATE ? create(s, step, sent, &id) : update(s, step);

		if (e < 0)
			return e;
		document_note_sent(p, step, id, sent);
		moved |= has_position(step);
	}
	if (moved) {
		scoped(call_fini) struct call call = { .limit = s->call.limit };

		/* What stands behind a new task has other positions now. Not our failure. */
		store_refresh(s->tree->store, &call);
	}
	return p->conflicts.len ? -EBUSY : 0;
}

/* ---- telling ---- */

static void add_keys(const struct record *patch, struct buf *b)
{
	const char *sep = ": ";

	each_field(f, KIND_story) {
		if (record_get(patch, f)->state == VALUE_ABSENT)
			continue;
		buf_add_fmt(b, "%s%s", sep, schema_field(KIND_story, f)->key);
		sep = ", ";
	}
}

static void add_step(const struct document_step *step, struct buf *b)
{
	static const char *const words[] = {
		[STEP_UPDATE] = "change", [STEP_DELETE] = "delete", [STEP_CREATE] = "make"
	};
	const char *kind = schema_resource(step->kind)->name;

	buf_add_fmt(b, "%s %s", words[step->type], kind);
	if (step->kind == KIND_story) {
		add_keys(step->patch, b);
	} else if (step->id) {
		buf_add_fmt(b, " %" PRId64, step->id);
	} else {
		const char *text = record_text(step->patch, schema_resource(step->kind)->label);

		buf_add_str(b, " '");
		text_add_excerpt(b, text, strlen(text), SHOWN_BYTES);
		buf_add_char(b, '\'');
	}
	buf_add_char(b, '\n');
}

/* What was done, what failed and what was not tried. */
static void add_outcome(struct saving *s, struct buf *b)
{
	const struct document_plan *p = &s->plan;

	for (size_t i = 0; i < p->n; i++) {
		buf_add_str(b, i < s->n_sent	? "done: "
			       : i == s->n_sent ? "failed: "
						: "not sent: ");
		add_step(&p->steps[i], b);
	}
}

static void refuse(struct saving *s, const struct node *dir, int e)
{
	struct document_plan *p = &s->plan;
	bool is_sent = s->n_sent || s->call.error.code != V5_OK || p->conflicts.len;
	scoped(buf_fini) struct buf name = BUF_INIT;

	tree_name(s->tree, s->node, &name);
	buf_add_str(&p->reason, buf_str(&p->conflicts));
	if (is_sent)
		add_outcome(s, &p->reason);
	refusal_put(s->tree, dir, s->node,
		explain_refusal(&(struct refused_save){ .name = buf_str(&name),
			.what = s->n_sent ? "saved whole" : "saved",
			.error = e,
			.reason = &p->reason,
			.v5 = s->call.error.code != V5_OK ? &s->call.error : &p->error,
			.next = s->n_sent ? "read the document again; what was not sent is still "
					    "to be saved"
					  : "nothing was changed; save another text",
			.next_unknown =
				"whether what failed was done is unknown; read the document "
				"again" }));
}

int document_save(struct tree *t, const struct node *node, const struct tree_text *text,
	const struct call_limit *limit)
{
	scoped(saving_fini) struct saving s = { .tree = t, .node = node, .last = text->base };
	struct node dir;

	if (store_peek(t->store, KIND_story, node->id, &s.story) || tree_parent(t, node, &dir) < 0)
		return -ESTALE;
	if (limit)
		s.call.limit = *limit;
	buf_add(&s.text, text->data, text->len);
	int e = begin(&s);

	if (e == 0)
		e = send_all(&s);
	if (e < 0)
		refuse(&s, &dir, e);
	else
		refusal_drop(t, &dir, node);
	return e;
}

bool document_is_saved(struct tree *t, const struct node *node, const char *data, size_t len)
{
	scoped(buf_fini) struct buf now = BUF_INIT;

	return document_write(t, node->id, &now) == 0 && now.len == len &&
	       memcmp(now.data, data, len) == 0;
}
