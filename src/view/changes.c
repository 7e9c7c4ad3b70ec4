/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a change of the store means for those who were shown the tree. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"

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
	/* Directories below have the time of what they hang below. */
	for (int r = ROW_root + 1; r < N_ROWS; r++) {
		const struct layout *l = layout_of((enum layout_row)r);

		if (l->parent == row && (l->type == ROW_JSON || l->type == ROW_COLLECTION))
			announce_content(a, (enum layout_row)r, c->id, -1);
	}
}

/* ---- links ---- */

static void announce_link(
	const struct announce *a, enum layout_row row, const char *plain, int64_t id)
{
	scoped(free_ptr) char *name = link_long_name(plain, id);

	announce_entry(a, row, 0, name);
}

/* The link's name, old and new, and those of all that share it: they may need their id now, or no
 * longer. */
static void announce_links(struct tree *t, const struct announce *a, const struct change *c)
{
	enum layout_row row = layout_find(ROW_LINKS, c->kind, KIND_none);
	scoped(records_fini) struct records all = { 0 };
	struct place place = { .kind = c->kind };
	const struct record *versions[] = { c->before, c->after };

	if (row == N_ROWS)
		return;
	store_peek_list(t->store, &place, &all);
	for (size_t i = 0; i < 2; i++) {
		scoped(free_ptr) char *plain = versions[i] ? link_plain_name(versions[i]) : NULL;

		if (!plain)
			continue;
		announce_entry(a, row, 0, plain);
		announce_link(a, row, plain, c->id);
		each_record(other, &all) {
			scoped(free_ptr) char *theirs = link_plain_name(other);

			if (record_id(other) != c->id && strcmp(theirs, plain) == 0)
				announce_link(a, row, plain, record_id(other));
		}
	}
}

static bool is_retitled(const struct change *c)
{
	int label = schema_resource(c->kind)->label;

	return !value_equal(schema_field(c->kind, label), record_get(c->before, label),
		record_get(c->after, label));
}

/* ---- people ---- */

static void announce_people_of(const struct people *people, const struct announce *a,
	const struct record *r, enum layout_row row)
{
	enum kind kind = record_kind(r);

	each_field(f, kind) {
		if (layout_has_file(kind, f) && people_are_shown(schema_field(kind, f)) &&
			people_mtime(people, r, f))
			announce_content(a, row, record_id(r), f);
	}
}

/* A membership may have changed what people are called, in whatever file shows them. */
static void announce_people(struct tree *t, const struct announce *a, int64_t project_id)
{
	struct people people = { t, project_id };

	if (!people_were_renamed(&people))
		return;
	for (int row = ROW_root + 1; row < N_ROWS; row++) {
		const struct layout *l = layout_of((enum layout_row)row);
		struct place place = { .kind = l->kind,
			.parent = layout_parent_kind((enum layout_row)row),
			.project_id = project_id };
		scoped(records_fini) struct records all = { 0 };

		if (l->type != ROW_RESOURCE || place.parent == KIND_none)
			continue;
		store_peek_all(t->store, &place, &all);
		each_record(r, &all)
			announce_people_of(&people, a, r, (enum layout_row)row);
	}
}

/* ---- all ---- */

static void announce_coming_and_going(
	const struct announce *a, const struct change *c, enum layout_row row)
{
	enum layout_row list = layout_of(row)->parent;
	char name[24];

	snprintf(name, sizeof(name), "%" PRId64, c->id);
	announce_entry(a, list, c->parent_id, name);
	announce_content(a, list, c->parent_id, -1);
}

void tree_changes(struct tree *t, const struct change *change,
	void (*emit)(void *data, const struct tree_change *change), void *data)
{
	struct announce a = { emit, data };
	enum layout_row row = layout_find(ROW_RESOURCE, change->kind, change->parent);

	if (row == N_ROWS)
		return;
	if (change->type == CHANGE_REMOVED)
		refusal_drop(t, &(struct node){ row, change->id, -1 }, NULL);
	if (change->type == CHANGE_RECORD)
		announce_record(&a, change, row);
	else
		announce_coming_and_going(&a, change, row);
	if (change->type != CHANGE_RECORD || is_retitled(change))
		announce_links(t, &a, change);
	if (change->kind == KIND_project_membership)
		announce_people(t, &a, change->parent_id);
}
