/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes, their numbers and their names. walk() is both lookup and listing: it emits the entries of
 * a directory, all of them or just those that could have the wanted name.
 */
#include "storyfs/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

enum {
	FIELD_BITS = 8,
	ROW_BITS = 8,
	ID_SHIFT = FIELD_BITS + ROW_BITS,
	FIELD_OFFSET = 2, /* field -1 is 1, so that the root is inode 1 */
};

#define MAX_ID (INT64_C(1) << (63 - ID_SHIFT))

_Static_assert(N_ROWS < 1 << ROW_BITS, "a row has its bits in a node's number");

struct tree *tree_new(struct store *store)
{
	struct tree *t = xcalloc(1, sizeof(*t));

	t->store = store;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	refusal_drop(t, KIND_none, 0, -1);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

uint64_t tree_number(const struct node *node)
{
	return (uint64_t)node->id << ID_SHIFT | (uint64_t)node->row << FIELD_BITS |
	       (uint64_t)(node->field + FIELD_OFFSET);
}

bool tree_node(uint64_t number, struct node *ret)
{
	unsigned row = (number >> FIELD_BITS) & ((1U << ROW_BITS) - 1);
	int field = (int)(number & ((1U << FIELD_BITS) - 1)) - FIELD_OFFSET;

	if (number >> 63 || row >= N_ROWS || field < -1)
		return false;
	if (field >= 0 &&
		(layout_of((enum layout_row)row)->type != ROW_RESOURCE ||
			field >= schema_resource(layout_of((enum layout_row)row)->kind)->n_fields))
		return false;
	*ret = (struct node){ (enum layout_row)row, (int64_t)(number >> ID_SHIFT), field };
	return true;
}

/* ---- entries ---- */

struct walk {
	struct tree *tree;
	const struct node *dir;
	const char *wanted; /* or NULL: all */
	struct call *call;
	bool (*entry)(void *data, const char *name, const struct node *node);
	void *data;
	bool stopped;
};

static void emit(struct walk *w, const char *name, enum layout_row row, int64_t id, int field)
{
	struct node node = { row, id, field };

	if (w->stopped || (w->wanted && strcmp(w->wanted, name) != 0))
		return;
	w->stopped = !w->entry(w->data, name, &node);
}

/* The id a fixed child of a directory hangs below. */
static int64_t child_id(const struct node *dir)
{
	return dir->id;
}

static bool is_there(struct walk *w, enum layout_row row)
{
	return layout_of(row)->type != ROW_ERROR ||
	       refusal_time(w->tree, layout_of(row)->kind, w->dir->id) != 0;
}

static void walk_fixed(struct walk *w)
{
	for (int row = ROW_root + 1; row < N_ROWS; row++) {
		const struct layout *l = layout_of((enum layout_row)row);

		if (l->parent == w->dir->row && l->name && is_there(w, (enum layout_row)row))
			emit(w, l->name, (enum layout_row)row, child_id(w->dir), -1);
	}
}

static void walk_fields(struct walk *w)
{
	enum kind kind = layout_of(w->dir->row)->kind;

	each_field(f, kind) {
		if (layout_has_file(kind, f))
			emit(w, schema_field(kind, f)->key, w->dir->row, w->dir->id, f);
	}
}

static struct place place_below(const struct node *dir)
{
	return (struct place){
		.kind = layout_of(dir->row)->kind,
		.parent = layout_parent_kind(dir->row),
		.parent_id = dir->id,
	};
}

/* The row of the entries of a COLLECTION or LINKS directory. */
static enum layout_row entry_row(enum layout_row dir)
{
	int row = ROW_root + 1;

	while (row < N_ROWS && (layout_of((enum layout_row)row)->parent != dir ||
				       layout_of((enum layout_row)row)->name))
		row++;
	return (enum layout_row)row;
}

static void emit_id(struct walk *w, enum layout_row row, int64_t id)
{
	char name[24];

	snprintf(name, sizeof(name), "%" PRId64, id);
	if (id > 0 && id < MAX_ID)
		emit(w, name, row, id, -1);
}

static int walk_collection(struct walk *w)
{
	scoped(records_fini) struct records list = { 0 };
	scoped(record_unref) struct record *one = NULL;
	struct place place = place_below(w->dir);
	enum layout_row row = entry_row(w->dir->row);

	if (w->wanted) {
		if (!parse_int(w->wanted, 1, MAX_ID - 1, &place.id))
			return 0;
		int e = store_find(w->tree->store, &place, w->call, &one);

		if (e == 0)
			emit_id(w, row, place.id);
		return e < 0 ? e : 0;
	}
	int e = store_list(w->tree->store, &place, w->call, &list);

	each_record(r, &list)
		emit_id(w, row, record_id(r));
	return e < 0 ? e : 0;
}

/* The link's name: the title made safe, with the id where two have the same. */
static void add_link_name(const struct records *all, const struct record *r, struct buf *b)
{
	const struct resource *res = schema_resource(record_kind(r));
	scoped(buf_fini) struct buf mine = BUF_INIT;
	size_t n = 0;

	text_add_file_name(&mine, record_text(r, res->label));
	each_record(other, all) {
		scoped(buf_fini) struct buf theirs = BUF_INIT;

		text_add_file_name(&theirs, record_text(other, res->label));
		n += strcmp(mine.data, theirs.data) == 0;
	}
	buf_add_str(b, mine.data);
	if (n > 1)
		buf_add_fmt(b, " (%" PRId64 ")", record_id(r));
}

static int walk_links(struct walk *w)
{
	scoped(records_fini) struct records list = { 0 };
	struct place place = place_below(w->dir);
	enum layout_row row = entry_row(w->dir->row);
	int e = store_list(w->tree->store, &place, w->call, &list);

	each_record(r, &list) {
		scoped(buf_fini) struct buf name = BUF_INIT;

		add_link_name(&list, r, &name);
		emit(w, name.data, row, record_id(r), -1);
	}
	return e < 0 ? e : 0;
}

/* Whoever we are is asked for once, when somebody looks into me/. */
static int walk_resource(struct walk *w)
{
	enum kind kind = layout_of(w->dir->row)->kind;
	scoped(record_unref) struct record *r = NULL;
	int e = kind == KIND_me ? store_get_me(w->tree->store, w->call, &r)
				: store_peek(w->tree->store, kind, w->dir->id, &r);

	if (e)
		return e < 0 ? e : -ESTALE;
	walk_fields(w);
	walk_fixed(w);
	return 0;
}

static int walk(struct walk *w)
{
	if (w->dir->field >= 0)
		return -ENOTDIR;
	switch (layout_of(w->dir->row)->type) {
	case ROW_DIR:
		walk_fixed(w);
		return 0;
	case ROW_COLLECTION:
		return walk_collection(w);
	case ROW_RESOURCE:
		return walk_resource(w);
	case ROW_LINKS:
		return walk_links(w);
	case ROW_JSON:
	case ROW_ERROR:
	case ROW_LINK:
		break;
	}
	return -ENOTDIR;
}

static bool keep_node(void *data, const char *name, const struct node *node)
{
	(void)name;
	*(struct node *)data = *node;
	return false;
}

int tree_lookup(struct tree *t, const struct node *dir, const char *name,
	const struct call_limit *limit, struct node *ret)
{
	scoped(call_fini) struct call call = { 0 };
	struct walk w = { t, dir, name, &call, keep_node, ret, false };

	if (limit)
		call.limit = *limit;
	int e = walk(&w);

	return e < 0 ? e : !w.stopped;
}

int tree_list(struct tree *t, const struct node *dir, const struct call_limit *limit,
	bool (*entry)(void *data, const char *name, const struct node *node), void *data)
{
	scoped(call_fini) struct call call = { 0 };
	struct walk w = { t, dir, NULL, &call, entry, data, false };

	if (limit)
		call.limit = *limit;
	return walk(&w);
}

/* ---- the other way ---- */

int tree_parent(struct tree *t, const struct node *node, struct node *ret)
{
	const struct layout *l = layout_of(node->row);
	const struct layout *up = layout_of(l->parent);
	scoped(record_unref) struct record *r = NULL;

	*ret = (struct node){ l->parent, node->id, -1 };
	if (node->field >= 0)
		ret->row = node->row;
	else if (up->type == ROW_DIR || up->type == ROW_LINKS)
		ret->id = 0;
	else if (up->type == ROW_COLLECTION) {
		if (store_peek(t->store, l->kind, node->id, &r) > 0)
			return -ESTALE;
		ret->id = store_parent_of(t->store, r);
	}
	return 0;
}

int tree_name(struct tree *t, const struct node *node, struct buf *ret)
{
	const struct layout *l = layout_of(node->row);

	if (node->field >= 0) {
		buf_add_str(ret, schema_field(l->kind, node->field)->key);
	} else if (l->name) {
		buf_add_str(ret, l->name);
	} else if (l->type == ROW_LINK) {
		scoped(records_fini) struct records all = { 0 };
		scoped(record_unref) struct record *r = NULL;
		struct place place = { .kind = l->kind };

		store_peek_list(t->store, &place, &all);
		if (store_peek(t->store, l->kind, node->id, &r) > 0)
			return -ESTALE;
		add_link_name(&all, r, ret);
	} else {
		buf_add_fmt(ret, "%" PRId64, node->id);
	}
	return 0;
}

/* ---- what changed ---- */

struct announce {
	void (*emit)(void *data, const struct tree_change *change);
	void *data;
};

static void announce_content(const struct announce *a, enum layout_row row, int64_t id, int field)
{
	struct tree_change c = { .type = TREE_CONTENT, .node = { row, id, field } };

	a->emit(a->data, &c);
}

static void announce_entry(
	const struct announce *a, enum layout_row row, int64_t id, const char *name)
{
	struct tree_change c = { .type = TREE_ENTRY, .parent = { row, id, -1 }, .name = name };

	a->emit(a->data, &c);
}

/* A field's file has another text: its own value moved, or the id form it is written from. */
static bool file_moved(const struct change *c, int f)
{
	const struct field *field = schema_field(c->kind, f);
	int via = field->via ? schema_find_field(c->kind, field->via) : f;

	return layout_has_file(c->kind, f) &&
	       (!value_same(field, record_get(c->before, f), record_get(c->after, f)) ||
		       !value_same(schema_field(c->kind, via), record_get(c->before, via),
			       record_get(c->after, via)));
}

static void announce_record(const struct announce *a, const struct change *c, enum layout_row row)
{
	each_field(f, c->kind) {
		if (file_moved(c, f))
			announce_content(a, row, c->id, f);
	}
	announce_content(a, row, c->id, -1);
	for (int r = ROW_root + 1; r < N_ROWS; r++) {
		if (layout_of((enum layout_row)r)->parent == row &&
			layout_of((enum layout_row)r)->type == ROW_JSON)
			announce_content(a, (enum layout_row)r, c->id, -1);
	}
}

static void announce_links(const struct announce *a, const struct change *c)
{
	enum layout_row row = layout_find(ROW_LINKS, c->kind, KIND_none);
	const struct record *versions[] = { c->before, c->after };

	for (size_t i = 0; row != N_ROWS && i < 2; i++) {
		scoped(buf_fini) struct buf name = BUF_INIT;

		if (!versions[i])
			continue;
		text_add_file_name(
			&name, record_text(versions[i], schema_resource(c->kind)->label));
		announce_entry(a, row, 0, name.data);
	}
}

void tree_changes(struct tree *t, const struct change *change,
	void (*emit_change)(void *data, const struct tree_change *change), void *data)
{
	struct announce a = { emit_change, data };
	enum layout_row row = layout_find(ROW_RESOURCE, change->kind, change->parent);
	char name[24];

	(void)t;
	if (row == N_ROWS)
		return;
	if (change->type == CHANGE_RECORD) {
		announce_record(&a, change, row);
	} else {
		snprintf(name, sizeof(name), "%" PRId64, change->id);
		announce_entry(&a, layout_of(row)->parent, change->parent_id, name);
	}
	announce_links(&a, change);
}
