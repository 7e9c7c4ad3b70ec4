/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HISTORY files: what happened, a line each, in V5's order. A project's is rendered once, for all
 * the stories and epics it is of: theirs are the lines that name them. A time that is later than
 * any before, and how many lines there are, is the file's time; what happened does not change.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

enum {
	CELL_BYTES = 2000, /* a comment's whole text may be in a message */
	WIDTH = 8,
};

/* The columns, by V5's keys where it has them; the last one alone is free text. */
struct columns {
	enum kind kind;
	int time; /* when it happened */
	size_t max;
	bool has_members; /* who is told by the name of a member */
	const char *heads;
	int fields[WIDTH];
	size_t n;
};

static const struct columns columns[] = {
	{ KIND_story_transition, F_story_transition_occurred_at, 0, true,
		"occurred_at\tstate\tstory_id\tproject_version\tperformed_by\n",
		{ F_story_transition_occurred_at, F_story_transition_state,
			F_story_transition_story_id, F_story_transition_project_version,
			F_story_transition_performed_by },
		5 },
	{ KIND_activity, F_activity_occurred_at, STORE_ACTIVITY_MAX, false,
		"occurred_at\tguid\tperformed_by\tkind\tresources\tchanges\tmessage\n",
		{ F_activity_occurred_at, F_activity_guid, F_activity_performer, F_activity_kind,
			F_activity_subjects, F_activity_summary, F_activity_message },
		7 },
};

/* The lines that are of one resource, or of the project itself. */
struct part {
	struct table_item item;
	struct {
		int64_t kind, id;
	} key;
	struct ids at; /* where they begin in the text */
	int64_t last_ms;
};

/* A history as it was rendered last, and of what. */
struct history {
	struct table_item item;
	struct {
		int64_t kind, project_id; /* 0: ours */
	} key;
	uint64_t stamp, people_stamp;
	struct buf text;
	struct table parts;
};

static const struct columns *columns_of(enum kind kind)
{
	const struct columns *c = columns;

	while (c->kind != kind)
		c++;
	return c;
}

/* ---- what a file is of ---- */

static const struct {
	enum kind kind;
	int activity, transition; /* the fields with ids of such, -1: none */
} subjects[] = {
	{ KIND_story, F_activity_story_ids, F_story_transition_story_id },
	{ KIND_epic, F_activity_epic_ids, -1 },
};

enum { N_SUBJECTS = sizeof(subjects) / sizeof(*subjects) };

void history_subjects(const struct record *r, enum kind kind, struct ids *ret)
{
	bool is_activity = record_kind(r) == KIND_activity;

	for (size_t i = 0; i < N_SUBJECTS; i++) {
		int f = is_activity ? subjects[i].activity : subjects[i].transition;

		if (subjects[i].kind != kind || f < 0 || !record_has(r, f))
			continue;
		const struct value *v = record_get(r, f);

		if (is_activity)
			ids_add_value(ret, v);
		else
			ids_add(ret, v->i);
	}
}

/* The list it is made of; -ESTALE when what it is of is gone. */
static int find_place(struct tree *t, const struct node *node, struct place *ret)
{
	enum kind kind = layout_subject_kind(node->row);
	scoped(record_unref) struct record *r = NULL;

	*ret = (struct place){ .kind = layout_of(node->row)->kind };
	if (!kind)
		return 0;
	if (store_peek(t->store, kind, node->id, &r))
		return -ESTALE;
	ret->parent = KIND_project;
	ret->parent_id = ret->project_id = store_project_of(t->store, r);
	return 0;
}

int history_load(struct tree *t, const struct node *node, struct call *call)
{
	scoped(records_fini) struct records all = { 0 };
	struct place place;
	int e = find_place(t, node, &place);

	if (e == 0)
		e = store_list(t->store, &place, call, &all);
	return e > 0 ? -ESTALE : e;
}

/* ---- rendering ---- */

static struct part *make_part(struct history *h, enum kind kind, int64_t id)
{
	struct part *p, key = { .key = { kind, id } };

	p = table_find(&h->parts, &key.key, sizeof(key.key));
	if (p)
		return p;
	p = xcalloc(1, sizeof(*p));
	p->key.kind = kind;
	p->key.id = id;
	table_add(&h->parts, &p->item, &p->key, sizeof(p->key));
	return p;
}

static void add_line_to(struct history *h, enum kind kind, int64_t id, int64_t at, int64_t time_ms)
{
	struct part *p = make_part(h, kind, id);

	ids_add(&p->at, at);
	p->last_ms = time_ms > p->last_ms ? time_ms : p->last_ms;
}

/* From the top of the mount where the project is not told by where the file is. */
static void add_paths(const struct record *r, const char *paths, struct buf *b)
{
	for (const char *p = paths; *p;) {
		size_t len = strcspn(p, ",");
		scoped(free_ptr) char *path = xstrndup(p, len);

		buf_add_fmt(b, "%sprojects/%" PRId64 "/%s", b->len ? "," : "",
			record_int(r, F_activity_project_id, 0), path);
		p += len + (p[len] == ',');
	}
}

static void add_cell(const struct history *h, const struct record *r, int f,
	const struct resolver *resolver, struct buf *b)
{
	scoped(buf_fini) struct buf text = BUF_INIT, shown = BUF_INIT;

	if (!h->key.project_id && f == F_activity_subjects)
		add_paths(r, record_text(r, f), &text);
	else
		plain_write(r, f, resolver, &text);
	text_add_excerpt(&shown, buf_str(&text), text.len, CELL_BYTES);
	while (shown.len && shown.data[shown.len - 1] == ' ')
		shown.len--;
	buf_add(b, buf_str(&shown), shown.len);
}

static void add_line(struct history *h, const struct columns *c, const struct record *r,
	const struct resolver *resolver)
{
	int64_t at = (int64_t)h->text.len, time_ms = record_int(r, c->time, 0);

	for (size_t i = 0; i < c->n; i++) {
		if (i)
			buf_add_char(&h->text, '\t');
		add_cell(h, r, c->fields[i], resolver, &h->text);
	}
	buf_add_char(&h->text, '\n');
	add_line_to(h, KIND_none, 0, at, time_ms);
	for (size_t i = 0; h->key.project_id && i < N_SUBJECTS; i++) {
		scoped(ids_fini) struct ids ids = { 0 };

		history_subjects(r, subjects[i].kind, &ids);
		for (size_t k = 0; k < ids.n; k++)
			add_line_to(h, subjects[i].kind, ids.v[k], at, time_ms);
	}
}

static void parts_fini(struct history *h)
{
	struct part *p;

	while ((p = table_pop(&h->parts))) {
		ids_fini(&p->at);
		free(p);
	}
}

static void history_free(struct history *h)
{
	parts_fini(h);
	buf_fini(&h->text);
	free(h);
}

static struct history *render(struct tree *t, const struct place *place, const struct records *all)
{
	struct history *h = xcalloc(1, sizeof(*h));
	struct people people = { t, place->parent_id };
	struct resolver resolver = people_resolver(&people);

	h->key.kind = place->kind;
	h->key.project_id = place->parent_id;
	make_part(h, KIND_none, 0);
	each_record(r, all)
		add_line(h, columns_of(place->kind), r, place->parent ? &resolver : NULL);
	buf_trim(&h->text);
	return h;
}

/* ---- what is kept ---- */

/* The caller holds the tree's lock. */
static struct history *find_kept(struct tree *t, const struct history *of)
{
	return table_find(&t->histories, &of->key, sizeof(of->key));
}

static void keep(struct tree *t, struct history *now)
{
	lock_scope(&t->lock);
	struct history *old = find_kept(t, now);

	if (old) {
		table_remove(&t->histories, &old->item);
		history_free(old);
	}
	table_add(&t->histories, &now->item, &now->key, sizeof(now->key));
}

/* Render what is behind; 0 when it is there to be looked at, under the lock. */
static int refresh(struct tree *t, const struct place *place, struct history *ret_key)
{
	scoped(records_fini) struct records all = { 0 };
	struct place members = *place;
	uint64_t stamp = store_stamp(t->store, place), people_stamp = 0;

	members.kind = KIND_project_membership;
	if (columns_of(place->kind)->has_members)
		people_stamp = store_stamp(t->store, &members);
	ret_key->key.kind = place->kind;
	ret_key->key.project_id = place->parent_id;
	{
		lock_scope(&t->lock);
		const struct history *kept = find_kept(t, ret_key);

		if (stamp && kept && kept->stamp == stamp && kept->people_stamp == people_stamp)
			return 0;
	}
	if (store_peek_list(t->store, place, &all))
		return -ENODATA;
	struct history *now = render(t, place, &all);

	now->stamp = stamp;
	now->people_stamp = people_stamp;
	keep(t, now);
	return 0;
}

static const struct part *find_part(
	struct tree *t, const struct history *key, const struct node *node, struct history **ret)
{
	struct part of = { 0 };

	*ret = find_kept(t, key);
	if (!layout_of(node->row)->name) {
		of.key.kind = layout_subject_kind(node->row);
		of.key.id = node->id;
	}
	return *ret ? table_find(&(*ret)->parts, &of.key, sizeof(of.key)) : NULL;
}

/* That the list was cut; in the same words as long as it is. */
static void add_end(const struct history *h, struct buf *ret)
{
	struct part none = { 0 };
	const struct part *all = table_find(&h->parts, &none.key, sizeof(none.key));
	size_t max = columns_of((enum kind)h->key.kind)->max;

	if (max && !h->key.project_id)
		max = STORE_OWN_ACTIVITY_MAX;
	if (max && all->at.n >= max)
		buf_add_fmt(ret, "# of the newest %zu of %s; what is older is not loaded\n", max,
			h->key.project_id ? "the project" : "yours");
}

int history_read(struct tree *t, const struct node *node, struct buf *ret)
{
	struct history key = { 0 }, *h;
	struct place place;
	int e = find_place(t, node, &place);

	if (e == 0)
		e = refresh(t, &place, &key);
	if (e < 0)
		return e;
	buf_add_str(ret, columns_of(place.kind)->heads);
	lock_scope(&t->lock);
	const struct part *part = find_part(t, &key, node, &h);

	for (size_t i = 0; part && i < part->at.n; i++) {
		const char *line = h->text.data + part->at.v[i];

		buf_add(ret, line, strcspn(line, "\n") + 1);
	}
	if (h)
		add_end(h, ret);
	return 0;
}

int64_t history_time(struct tree *t, const struct node *node)
{
	int64_t at = store_mtime(t->store, KIND_none, 0, -1);
	struct history key = { 0 }, *h;
	struct place place;

	if (find_place(t, node, &place) < 0 || refresh(t, &place, &key) < 0)
		return at;
	struct place members = place;

	members.kind = KIND_project_membership;
	int64_t people_ns =
		columns_of(place.kind)->has_members ? store_touched(t->store, &members) : 0;

	lock_scope(&t->lock);
	const struct part *part = find_part(t, &key, node, &h);

	if (part && part->at.n)
		at = part->last_ms * 1000000 + (int64_t)part->at.n;
	return people_ns > at ? people_ns : at;
}

void histories_fini(struct tree *t)
{
	struct history *h;

	while ((h = table_pop(&t->histories)))
		history_free(h);
}
