/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a saved document means: against the one that was read (base) it is what somebody wants to be
 * otherwise; against the one that would be read now (present) it is what is left to be sent, or
 * has moved meanwhile and is not. All of it is checked before anything is sent.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "document.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "storyfs/text.h"

enum { SHOWN_BYTES = 60 };

void document_plan_fini(struct document_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		record_unref(p->steps[i].patch);
	free(p->steps);
	buf_fini(&p->conflicts);
	buf_fini(&p->reason);
	v5_error_fini(&p->error);
}

static void add_step(struct document_plan *p, struct document_step step)
{
	p->steps = xrealloc(p->steps, p->n + 1, sizeof(*p->steps));
	p->steps[p->n++] = step;
}

static void add_shown(struct buf *b, const char *text)
{
	buf_add_char(b, '\'');
	text_add_excerpt(b, text, strlen(text), SHOWN_BYTES);
	buf_add_char(b, '\'');
}

/* ---- values ---- */

/* The problem of a text that is too long quotes all of it. */
static int check(struct document_plan *p, const struct record *patch, size_t line)
{
	int e = check_patch(patch, &p->error);

	if (e == 0)
		return 0;
	buf_add_fmt(&p->reason, "line %zu:\n", line);
	if (!p->error.requirement)
		return e;
	free(p->error.general_problem);
	p->error.general_problem = NULL;
	return -EMSGSIZE;
}

int document_read_field(struct document_plan *p, int f, struct record **ret)
{
	const struct markdown_field *field = &p->mine->fields[f];
	scoped(record_unref) struct record *patch = record_new(KIND_story);
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(buf_fini) struct buf why = BUF_INIT;

	buf_add_str(&text, field->text);
	int e = plain_read(patch, f, &text, p->resolver, &why);

	if (e < 0)
		buf_add_fmt(&p->reason, "line %zu: %s", field->line, buf_str(&why));
	else
		e = check(p, patch, field->line);
	if (e == 0)
		*ret = take_ptr(patch);
	return e;
}

static int make_patch(
	struct document_plan *p, struct record *patch, int f, const char *text, size_t line)
{
	record_set_text(patch, f, text);
	return check(p, patch, line);
}

int document_read_item(struct document_plan *p, const struct document_list *list,
	const struct markdown_item *item, struct record **ret)
{
	scoped(record_unref) struct record *patch = record_new(list->kind);
	int e = make_patch(p, patch, list->text, item->text, item->line);

	if (e < 0)
		return e;
	if (item->done)
		record_set_int(patch, list->done, true);
	*ret = take_ptr(patch);
	return 0;
}

int document_read_comment(struct document_plan *p, struct record **ret)
{
	scoped(record_unref) struct record *patch = record_new(KIND_comment);
	int e = make_patch(p, patch, F_comment_text, p->mine->comment, p->mine->comment_line);

	if (e == 0)
		*ret = take_ptr(patch);
	return e;
}

/* ---- what must be as it was read ---- */

static int refuse(
	struct document_plan *p, size_t line, const char *what, const char *text, const char *why)
{
	buf_add_fmt(&p->reason, "line %zu: %s ", line, what);
	add_shown(&p->reason, text);
	buf_add_fmt(&p->reason, " %s\n", why);
	return -EINVAL;
}

/* Up to the blanks at the end of its lines, which editors take off (CR among them). */
static bool is_same_text(const char *a, const char *b)
{
	for (;;) {
		size_t len_a = strcspn(a, "\n"), len_b = strcspn(b, "\n");
		size_t n_a = len_a, n_b = len_b;

		while (n_a && strchr(" \t\r", a[n_a - 1]))
			n_a--;
		while (n_b && strchr(" \t\r", b[n_b - 1]))
			n_b--;
		if (n_a != n_b || memcmp(a, b, n_a) != 0 || !a[len_a] != !b[len_b])
			return false;
		if (!a[len_a])
			return true;
		a += len_a + 1;
		b += len_b + 1;
	}
}

static bool is_same_comment(const struct markdown_comment *a, const struct markdown_comment *b)
{
	return a->id == b->id && strcmp(a->head, b->head) == 0 && is_same_text(a->text, b->text);
}

/* Those of the base that were there when it was read. */
static size_t count_read(const struct markdown_comments *comments)
{
	size_t n = 0;

	for (size_t i = 0; i < comments->n; i++)
		n += comments->v[i].line != 0;
	return n;
}

static int check_comments(struct document_plan *p)
{
	const struct markdown_comments *base = &p->base->comments, *mine = &p->mine->comments;
	size_t n = count_read(base);

	for (size_t i = 0; i < mine->n; i++) {
		const struct markdown_comment *m = &mine->v[i];

		if (i < n && is_same_comment(&base->v[i], m))
			continue;
		return refuse(p, m->line, "the comment of", m->head,
			i < n ? "is not as it was read; comments/<id>/text changes one"
			      : "was not there when the document was read; new ones are written "
				"below the last line");
	}
	if (mine->n < n)
		return refuse(p, base->v[mine->n].line, "the comment of", base->v[mine->n].head,
			"is missing; rmdir comments/<id> deletes one");
	return 0;
}

/* What the last save of this document made is in it still, or somebody else is saving. */
static int check_made(struct document_plan *p, const struct markdown_items *base,
	const struct markdown_items *mine)
{
	for (size_t i = 0; i < base->n; i++) {
		const struct markdown_item *made = &base->v[i];

		if (!p->follows && !made->line && !document_find_item(mine, made->id))
			return refuse(p, mine->n ? mine->v[0].line : 1, "the line", made->text,
				"was made by the last save of this document, and is not in it any "
				"more; read the document again");
	}
	return 0;
}

static bool is_there_twice(const struct markdown_items *mine, const struct markdown_item *item)
{
	return document_find_item(mine, item->id) != item;
}

static int check_ids(struct document_plan *p, const struct document_list *list,
	const struct markdown_items *base, const struct markdown_items *mine)
{
	const struct markdown_item *last = NULL;

	for (size_t i = 0; i < mine->n; i++) {
		const struct markdown_item *item = &mine->v[i];

		if (!item->id)
			continue;
		const struct markdown_item *found = document_find_item(base, item->id);

		if (!found)
			return refuse(p, item->line, "the line", item->text,
				"has an id that was not there when the document was read; a new "
				"one has none");
		if (is_there_twice(mine, item))
			return refuse(p, item->line, "the line", item->text, "is there twice");
		if (last && found < last && !list->has_order)
			return refuse(p, item->line, "the line", item->text,
				"was moved, but these have no order of their own");
		last = found;
	}
	return 0;
}

/* ---- fields ---- */

bool document_has_changed(const char *base, const char *mine)
{
	for (; *base; base++, mine++) {
		if (base[0] == '\r' && base[1] == '\n' && *mine == '\n')
			base++;
		if (*base != *mine)
			return true;
	}
	return *mine;
}

static void note_conflict(
	struct document_plan *p, size_t line, const char *what, const char *was, const char *is)
{
	buf_add_fmt(&p->conflicts, "line %zu: not sent: %s was ", line, what);
	add_shown(&p->conflicts, was);
	buf_add_str(&p->conflicts, " when you read it, and is ");
	add_shown(&p->conflicts, is);
	buf_add_str(&p->conflicts, " now\n");
}

/* Nothing would change: other words for the same, or a list in another order. */
static bool is_nothing_new(const struct document_plan *p, int f, const struct record *patch)
{
	scoped(record_unref) struct record *diff = record_diff(p->story, patch);

	return !diff || (schema_field(KIND_story, f)->type == TYPE_OBJECTS &&
				record_fulfils(p->story, patch));
}

void document_merge(struct record *patch, const struct record *more)
{
	each_field(f, KIND_story) {
		const struct value *v = record_get(more, f);

		if (v->state != VALUE_ABSENT)
			record_set(patch, f, value_copy(schema_field(KIND_story, f), v));
	}
}

static int plan_field(struct document_plan *p, int f, struct record *patch, bool *ret_any)
{
	const char *base = document_text(p->base, f), *mine = document_text(p->mine, f),
		   *present = document_text(p->present, f);
	scoped(record_unref) struct record *one = NULL;

	if (!document_has_changed(base, mine) || strcmp(mine, present) == 0)
		return 0;
	int e = document_read_field(p, f, &one);

	if (e < 0 || is_nothing_new(p, f, one))
		return e;
	if (strcmp(present, base) != 0) {
		note_conflict(p, p->mine->fields[f].line, schema_field(KIND_story, f)->key, base,
			present);
		return 0;
	}
	document_merge(patch, one);
	*ret_any = true;
	return 0;
}

static int plan_fields(struct document_plan *p)
{
	scoped(record_unref) struct record *patch = record_new(KIND_story);
	bool any = false;

	each_field(f, KIND_story) {
		int e = markdown_has_field(f) ? plan_field(p, f, patch, &any) : 0;

		if (e < 0)
			return e;
	}
	if (any)
		add_step(p, (struct document_step){ .type = STEP_UPDATE,
				    .kind = KIND_story,
				    .id = record_id(p->story),
				    .patch = take_ptr(patch) });
	return 0;
}

/* ---- lists ---- */

static bool is_same_item(const struct markdown_item *base, const struct markdown_item *mine)
{
	return base->done == mine->done && !document_has_changed(base->text, mine->text);
}

bool document_is_removed(const struct document_versions *l, const struct markdown_item *present)
{
	const struct markdown_item *base = document_find_item(l->base, present->id);

	return base && !document_find_item(l->mine, present->id) && is_same_item(base, present);
}

static void plan_removal(struct document_plan *p, const struct document_versions *l,
	const struct markdown_item *base)
{
	const struct markdown_item *present = document_find_item(l->present, base->id);
	scoped(free_ptr) char *what = NULL;

	if (!present || document_find_item(l->mine, base->id))
		return;
	if (document_is_removed(l, present)) {
		add_step(p, (struct document_step){
				    .type = STEP_DELETE, .kind = l->list->kind, .id = base->id });
		return;
	}
	what = xasprintf("the removal of %s %" PRId64 ", which",
		schema_resource(l->list->kind)->name, base->id);
	note_conflict(p, base->line, what, base->text, present->text);
}

/* One of two fields; 1 when it is to be sent. */
static int plan_text(struct document_plan *p, const struct document_list *list,
	const struct markdown_item *const *versions, struct record *patch)
{
	const struct markdown_item *base = versions[0], *mine = versions[1], *present = versions[2];

	if (!document_has_changed(base->text, mine->text) || strcmp(mine->text, present->text) == 0)
		return 0;
	int e = make_patch(p, patch, list->text, mine->text, mine->line);

	if (e < 0)
		return e;
	if (strcmp(present->text, base->text) == 0)
		return 1;
	record_clear(patch, list->text);
	note_conflict(p, mine->line, schema_resource(list->kind)->name, base->text, present->text);
	return 0;
}

static int plan_change(struct document_plan *p, const struct document_versions *l,
	struct markdown_item *mine, int64_t position)
{
	const struct markdown_item *versions[] = { document_find_item(l->base, mine->id), mine,
		document_find_item(l->present, mine->id) };
	scoped(record_unref) struct record *patch = record_new(l->list->kind);

	if (is_same_item(versions[0], mine) && !position)
		return 0;
	if (!versions[2]) {
		note_conflict(p, mine->line, schema_resource(l->list->kind)->name,
			versions[0]->text, "(removed)");
		return 0;
	}
	int any = plan_text(p, l->list, versions, patch);

	if (any < 0)
		return any;
	/* Of two values, whoever moved it moved it to mine. */
	if (mine->done != versions[0]->done && mine->done != versions[2]->done) {
		record_set_int(patch, l->list->done, mine->done);
		any = 1;
	}
	if (position) {
		record_set_int(patch, F_task_position, position);
		any = 1;
	}
	if (any)
		add_step(p, (struct document_step){ .type = STEP_UPDATE,
				    .kind = l->list->kind,
				    .id = mine->id,
				    .patch = take_ptr(patch),
				    .item = mine });
	return 0;
}

static int plan_creation(struct document_plan *p, const struct document_versions *l,
	struct markdown_item *mine, int64_t position)
{
	struct record *patch;
	int e = document_read_item(p, l->list, mine, &patch);

	if (e < 0)
		return e;
	if (position)
		record_set_int(patch, F_task_position, position);
	add_step(p,
		(struct document_step){
			.type = STEP_CREATE, .kind = l->list->kind, .patch = patch, .item = mine });
	return 0;
}

static int plan_list(struct document_plan *p, const struct document_list *list)
{
	struct document_versions l = { list, document_items(p->base, list),
		document_items(p->mine, list), document_items(p->present, list) };
	scoped(free_ptr) int64_t *positions = NULL;
	int e = 0;

	if (!document_find_positions(&l, &positions))
		buf_add_fmt(&p->conflicts,
			"line %zu: not sent: the order of the %s, which is another one now than "
			"when you read it\n",
			l.mine->v[0].line, schema_resource(list->kind)->plural);
	for (size_t i = 0; i < l.base->n; i++)
		plan_removal(p, &l, &l.base->v[i]);
	for (size_t i = 0; e == 0 && i < l.mine->n; i++) {
		struct markdown_item *mine = &l.mine->v[i];
		int64_t position = list->has_order ? positions[i] : 0;

		e = mine->id ? plan_change(p, &l, mine, position)
			     : plan_creation(p, &l, mine, position);
	}
	return e;
}

/* ---- the comment ---- */

/* The one that the last save of this text made, if any. */
static const struct markdown_comment *made_comment(const struct markdown *m)
{
	const struct markdown_comments *all = &m->comments;

	return all->n && !all->v[all->n - 1].line ? &all->v[all->n - 1] : NULL;
}

/* Whoever saves while writing goes on with the comment that was made then. */
static int plan_comment(struct document_plan *p)
{
	const struct markdown_comment *made = made_comment(p->base);
	const char *mine = p->mine->comment;
	struct document_step step = { .type = STEP_CREATE, .kind = KIND_comment };

	if (!mine || (made && strcmp(mine, made->text) == 0))
		return 0;
	if (made && !p->follows && !text_has_prefix(mine, made->text))
		return refuse(p, p->mine->comment_line, "the comment", made->text,
			"was made by the last save of this document, and reads otherwise now; "
			"read the document again, or change comments/<id>/text");
	if (made) {
		step.type = STEP_UPDATE;
		step.id = made->id;
	}
	int e = document_read_comment(p, &step.patch);

	if (e == 0)
		add_step(p, step);
	return e;
}

/* ---- all ---- */

int document_plan_make(struct document_plan *p)
{
	int e = check_comments(p);

	for (size_t i = 0; e == 0 && i < 2; i++) {
		const struct markdown_items *base = document_items(p->base, &document_lists[i]);
		const struct markdown_items *mine = document_items(p->mine, &document_lists[i]);

		e = check_ids(p, &document_lists[i], base, mine);
		if (e == 0)
			e = check_made(p, base, mine);
	}
	if (e == 0)
		e = plan_fields(p);
	for (size_t i = 0; e == 0 && i < 2; i++)
		e = plan_list(p, &document_lists[i]);
	return e < 0 ? e : plan_comment(p);
}
