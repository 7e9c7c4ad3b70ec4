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

		if (l->parent == row && (l->type == ROW_JSON || l->type == ROW_COLLECTION ||
						l->type == ROW_DOCUMENTS || l->type == ROW_LINK ||
						l->type == ROW_LINKS))
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

	if (row == N_ROWS || is_mine(row))
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

/* ---- documents ---- */

/* What a document shows moved: a story, or what hangs below one. */
static void announce_document(struct tree *t, const struct announce *a, const struct change *c)
{
	enum layout_row row = layout_find(ROW_DOCUMENT, KIND_story, KIND_project);
	bool is_below = c->kind != KIND_story;
	int64_t id = c->id;
	char name[32];

	if (!document_shows(c->kind) || (is_below && c->parent != KIND_story) ||
		(!is_below && c->type == CHANGE_ORDER))
		return;
	if (is_below)
		id = c->type == CHANGE_RECORD ? store_parent_of(t->store, c->after) : c->parent_id;
	if (is_below || c->type == CHANGE_RECORD) {
		announce_content(a, row, id, -1);
		return;
	}
	snprintf(name, sizeof(name), "%" PRId64 ".md", id);
	announce_entry(a, layout_of(row)->parent, c->parent_id, name);
	announce_content(a, layout_of(row)->parent, c->parent_id, -1);
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

/* The documents that show people of a record. */
static void announce_document_of(
	const struct people *people, const struct announce *a, const struct record *r)
{
	enum layout_row row = layout_find(ROW_DOCUMENT, KIND_story, KIND_project);
	enum kind kind = record_kind(r);

	each_field(f, kind) {
		if (people_are_shown(schema_field(kind, f)) && people_mtime(people, r, f)) {
			announce_content(a, row,
				kind == KIND_story ? record_id(r)
						   : store_parent_of(people->tree->store, r),
				-1);
			return;
		}
	}
}

/* Tables and histories tell people by name. */
static void announce_lists_of_people(struct tree *t, const struct announce *a, int64_t project_id)
{
	scoped(records_fini) struct records stories = { 0 };
	struct place place = {
		.kind = KIND_story, .parent = KIND_project, .parent_id = project_id
	};

	store_peek_list(t->store, &place, &stories);
	for (int i = ROW_root + 1; i < N_ROWS; i++) {
		enum layout_row row = (enum layout_row)i;
		const struct layout *l = layout_of(row);

		if (l->type != ROW_TABLE &&
			!(l->type == ROW_HISTORY && l->kind == KIND_story_transition))
			continue;
		if (l->name)
			announce_content(a, row, project_id, -1);
		for (size_t k = 0; !l->name && k < stories.n; k++)
			announce_content(a, row, record_id(stories.items[k]), -1);
	}
}

/* A membership may have changed what people are called, in whatever file shows them. */
static void announce_people(struct tree *t, const struct announce *a, int64_t project_id)
{
	struct people people = { t, project_id };

	if (!people_were_renamed(&people))
		return;
	announce_lists_of_people(t, a, project_id);
	for (int row = ROW_root + 1; row < N_ROWS; row++) {
		const struct layout *l = layout_of((enum layout_row)row);
		struct place place = { .kind = l->kind,
			.parent = layout_parent_kind((enum layout_row)row),
			.project_id = project_id };
		scoped(records_fini) struct records all = { 0 };

		if (l->type != ROW_RESOURCE || place.parent == KIND_none)
			continue;
		store_peek_all(t->store, &place, &all);
		each_record(r, &all) {
			announce_people_of(&people, a, r, (enum layout_row)row);
			if (place.kind == KIND_story || place.parent == KIND_story)
				announce_document_of(&people, a, r);
		}
	}
}

/* ---- views ---- */

static int64_t id_of(const struct record *r, int f)
{
	const struct value *v = r ? record_get(r, f) : NULL;

	return v && v->state == VALUE_SET ? record_id(v->record) : 0;
}

static bool has_one(const struct record *story, enum kind kind, int64_t id)
{
	if (!story)
		return false;
	if (kind != KIND_label)
		return value_has_id(record_get(story, F_story_owner_ids), id);
	const struct value *v = record_get(story, F_story_labels);

	for (size_t i = 0; i < v->n; i++) {
		if (record_id(v->records[i]) == id)
			return true;
	}
	return false;
}

/* What a group's stories have: the label's id, or the person's; 0: any story may be in it. */
static int64_t common_id(const struct record *group)
{
	enum kind kind = record_kind(group);

	if (kind == KIND_label)
		return record_id(group);
	if (kind == KIND_epic)
		return id_of(group, F_epic_label);
	return kind == KIND_project_membership ? id_of(group, F_project_membership_person) : 0;
}

/* The groups of a GROUPS directory that the story is in, or was, or that all may be in. */
static void announce_groups_of(
	struct tree *t, const struct announce *a, const struct change *c, enum layout_row row)
{
	enum kind kind = layout_of(layout_of(row)->parent)->kind;
	enum kind by = kind == KIND_project_membership ? KIND_person : KIND_label;
	struct place place = { .kind = kind, .parent = KIND_project, .parent_id = c->parent_id };
	scoped(records_fini) struct records all = { 0 };

	store_peek_list(t->store, &place, &all);
	each_record(r, &all) {
		int64_t id = common_id(r);

		if (c->type == CHANGE_ORDER || !id || has_one(c->before, by, id) ||
			has_one(c->after, by, id))
			announce_content(a, row, record_id(r), -1);
	}
}

static void announce_queries(struct tree *t, const struct announce *a, int64_t project_id)
{
	scoped(ids_fini) struct ids ids = { 0 };

	query_list(t, project_id, &ids);
	for (size_t i = 0; i < ids.n; i++)
		announce_content(a, ROW_search_query, ids.v[i], -1);
}

/* What the server selects may be another choice whenever the project moved. */
static void announce_selections(struct tree *t, const struct announce *a, const struct change *c)
{
	static const enum layout_row rows[] = { ROW_panel_current, ROW_panel_backlog,
		ROW_panel_done };
	struct change all = {
		.type = CHANGE_ORDER, .kind = KIND_story, .parent = KIND_project, .parent_id = c->id
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		announce_content(a, rows[i], c->id, -1);
	announce_groups_of(t, a, &all, ROW_search_group);
	announce_queries(t, a, c->id);
}

/* The releases or iterations that list the story. */
static void announce_shelves(
	struct tree *t, const struct announce *a, const struct change *c, enum layout_row row)
{
	struct place place = {
		.kind = layout_parent_kind(row), .parent = KIND_project, .parent_id = c->parent_id
	};
	scoped(records_fini) struct records all = { 0 };

	store_peek_list(t->store, &place, &all);
	each_record(r, &all) {
		if (c->type == CHANGE_ORDER || value_has_id(group_shelf_ids(r), c->id))
			announce_content(a, row, record_id(r), -1);
	}
}

/* What shows all stories of a project shows this one. */
static void announce_story(struct tree *t, const struct announce *a, const struct change *c)
{
	for (int i = ROW_root + 1; i < N_ROWS; i++) {
		enum layout_row row = (enum layout_row)i;
		const struct layout *l = layout_of(row);

		if (row == ROW_search_query)
			announce_queries(t, a, c->parent_id);
		else if (is_mine(row))
			announce_content(a, row, 0, -1);
		else if (is_shelf(row))
			announce_shelves(t, a, c, row);
		else if (is_group(row) && !l->name)
			announce_groups_of(t, a, c, row);
		else if (is_group(row) || (l->type == ROW_TABLE && l->kind == c->kind))
			announce_content(a, row, c->parent_id, -1);
		else if (l->type == ROW_JSON && !l->name && l->kind == c->kind &&
			 c->type == CHANGE_RECORD)
			announce_content(a, row, c->id, -1);
	}
}

/* The files named by what came or went. */
static void announce_files(struct tree *t, const struct announce *a, const struct change *c)
{
	for (int i = ROW_root + 1; i < N_ROWS; i++) {
		enum layout_row row = (enum layout_row)i;
		const struct layout *l = layout_of(row);
		struct node file = { layout_entry(row), c->id, -1 };
		scoped(buf_fini) struct buf name = BUF_INIT;

		if (l->type != ROW_FILES || l->kind != c->kind)
			continue;
		tree_name(t, &file, &name);
		announce_entry(a, row, c->parent_id, buf_str(&name));
		announce_content(a, row, c->parent_id, -1);
	}
}

/* ---- histories ---- */

/* The file of each that the thing is of, as far as those are there. */
static void announce_history_of(
	struct tree *t, const struct announce *a, enum layout_row row, const struct record *r)
{
	enum kind kind = layout_subject_kind(row);
	scoped(ids_fini) struct ids ids = { 0 };

	history_subjects(r, kind, &ids);
	for (size_t i = 0; i < ids.n; i++) {
		scoped(record_unref) struct record *subject = NULL;

		if (store_peek(t->store, kind, ids.v[i], &subject) == 0)
			announce_content(a, row, ids.v[i], -1);
	}
}

/* The files that tell of it: the whole one, and those of what it is of. */
static void announce_history(struct tree *t, const struct announce *a, const struct change *c)
{
	const struct record *r = c->after ? c->after : c->before;

	for (int i = ROW_root + 1; i < N_ROWS; i++) {
		enum layout_row row = (enum layout_row)i;
		const struct layout *l = layout_of(row);

		if (l->type != ROW_HISTORY || l->kind != c->kind)
			continue;
		if (l->name && layout_parent_kind(row) == c->parent)
			announce_content(a, row, c->parent_id, -1);
		else if (!l->name && c->parent)
			announce_history_of(t, a, row, r);
	}
}

/* A group's directory, by any name it had or has. */
static void announce_group_names(struct tree *t, const struct announce *a, const struct change *c)
{
	const struct record *versions[] = { c->before, c->after };

	for (int i = ROW_root + 1; i < N_ROWS; i++) {
		enum layout_row row = (enum layout_row)i;

		if (layout_of(row)->type != ROW_GROUPS || layout_of(row)->kind != c->kind)
			continue;
		for (size_t v = 0; v < 2; v++) {
			scoped(free_ptr) char *name =
				versions[v] ? group_name(t, c->parent_id, versions[v]) : NULL;
			scoped(free_ptr) char *longer = name ? link_long_name(name, c->id) : NULL;

			if (name) {
				announce_entry(a, row, c->parent_id, name);
				announce_entry(a, row, c->parent_id, longer);
			}
		}
		announce_content(a, row, c->parent_id, -1);
	}
}

/* ---- attachments ---- */

/* The links of one that came, went or is called otherwise: its own by both names, and those of
 * others with the same. */
static void announce_attached_name(struct tree *t, const struct announce *a, const struct change *c,
	const struct record *version, enum layout_row row)
{
	scoped(free_ptr) char *plain = version ? link_plain_name(version) : NULL;
	scoped(records_fini) struct records all = { 0 };
	struct place place = { .kind = c->kind, .parent = c->parent, .parent_id = c->parent_id };

	if (!plain)
		return;
	announce_entry(a, row, c->parent_id, plain);
	store_peek_list(t->store, &place, &all);
	each_record(other, &all) {
		scoped(free_ptr) char *theirs = link_plain_name(other);
		scoped(free_ptr) char *longer = link_long_name(plain, record_id(other));

		if (strcmp(theirs, plain) == 0)
			announce_entry(a, row, c->parent_id, longer);
	}
	scoped(free_ptr) char *own = link_long_name(plain, c->id);

	announce_entry(a, row, c->parent_id, own);
}

static void announce_attachment(struct tree *t, const struct announce *a, const struct change *c)
{
	enum layout_row row = layout_find(ROW_LINKS, c->kind, c->parent);
	scoped(record_unref) struct record *parent = NULL;

	if (row == N_ROWS)
		return;
	announce_content(a, row, c->parent_id, -1);
	announce_content(a, ROW_attachment_bytes, c->id, -1);
	announce_attached_name(t, a, c, c->before, row);
	announce_attached_name(t, a, c, c->after, row);
	if (c->type == CHANGE_RECORD || store_peek(t->store, c->parent, c->parent_id, &parent))
		return;
	scoped(free_ptr) char *id = xasprintf("%" PRId64, c->id);

	announce_entry(a, ROW_attachments, store_project_of(t->store, parent), id);
}

/* ---- all ---- */

static void announce_coming_and_going(
	const struct announce *a, const struct change *c, enum layout_row row)
{
	enum layout_row list = layout_of(row)->parent;
	char name[24];

	snprintf(name, sizeof(name), "%" PRId64, store_shown_id(c->kind, c->id));
	announce_entry(a, list, c->parent_id, name);
	announce_content(a, list, c->parent_id, -1);
}

/* Listings by id, too, are in V5's order. */
static void announce_order(struct tree *t, const struct announce *a, const struct change *c)
{
	enum layout_row row = layout_find(ROW_COLLECTION, c->kind, c->parent);

	if (row != N_ROWS)
		announce_content(a, row, c->parent_id, -1);
	if (c->kind == KIND_story)
		announce_story(t, a, c);
	announce_document(t, a, c);
}

void tree_changes(struct tree *t, const struct change *change,
	void (*emit)(void *data, const struct tree_change *change), void *data)
{
	struct announce a = { emit, data };

	if (change->kind == KIND_file_attachment) {
		announce_attachment(t, &a, change);
		return;
	}
	if (layout_find(ROW_HISTORY, change->kind, change->parent) != N_ROWS) {
		announce_history(t, &a, change);
		return;
	}
	enum layout_row row = layout_find(ROW_RESOURCE, change->kind, change->parent);

	if (change->type == CHANGE_ORDER) {
		announce_order(t, &a, change);
		return;
	}
	if (row == N_ROWS)
		return;
	if (change->type == CHANGE_REMOVED)
		refusal_drop(t, &(struct node){ row, change->id, -1 }, NULL);
	if (change->type == CHANGE_RECORD)
		announce_record(&a, change, row);
	else
		announce_coming_and_going(&a, change, row);
	if (change->type == CHANGE_ADDED || change->type == CHANGE_REMOVED)
		announce_files(t, &a, change);
	if (change->type != CHANGE_RECORD || is_retitled(change))
		announce_links(t, &a, change);
	if (change->kind == KIND_story)
		announce_story(t, &a, change);
	if (change->kind == KIND_project && change->type == CHANGE_RECORD)
		announce_selections(t, &a, change);
	announce_group_names(t, &a, change);
	announce_document(t, &a, change);
	if (change->kind == KIND_project_membership)
		announce_people(t, &a, change->parent_id);
}
