/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expansion walks the fields that are wanted and not stored. How one is filled follows from its
 * row: an object form from the ids it comes `via`; ids (or objects) that are not stored are those
 * of the children, found by their key to the parent. Nested records are expanded first, once each,
 * and then shared by all that hold them.
 */
#include "shape.h"

#include <jansson.h>
#include <string.h>

#include "children.h"
#include "derived.h"
#include "projects.h"
#include "route.h"
#include "storyfs/alloc.h"

int shape_order(enum kind kind)
{
	static const int orders[N_KINDS] = {
		[KIND_label] = F_label_name,
		[KIND_story] = F_story_rank,
		[KIND_epic] = F_epic_rank,
		[KIND_task] = F_task_position,
		[KIND_story_transition] = F_story_transition_occurred_at,
	};

	return orders[kind];
}

static int by_name(const void *a, const void *b)
{
	const struct record *left = *(struct record *const *)a;
	const struct record *right = *(struct record *const *)b;

	return strcmp(record_text(left, F_label_name), record_text(right, F_label_name));
}

void shape_sort_labels(struct records *labels)
{
	if (labels->n)
		qsort(labels->items, labels->n, sizeof(struct record *), by_name);
}

static int expand(struct call *c, enum kind kind, struct records *list, const struct fields *f);

/* ---- nested resources, by id ---- */

/* A resource that the archive does not hold: its id is all there is to say. */
static struct record *make_stub(enum kind kind, int64_t id)
{
	struct record *r = record_new(kind);

	record_set_int(r, 0, id);
	return r;
}

static struct record *find_or_make(const struct records *sorted, enum kind kind, int64_t id)
{
	struct record *r = records_find(sorted, id);

	return r ? record_ref(r) : make_stub(kind, id);
}

static void collect_ids(const struct records *list, int f, struct ids *ret)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct value *v = record_get(list->items[i], f);
		bool is_list = schema_field(record_kind(list->items[i]), f)->type == TYPE_IDS;

		if (is_list)
			ids_add_value(ret, v);
		else if (v->state == VALUE_SET)
			ids_add(ret, v->i);
	}
}

static void summarize(struct records *list, enum kind kind)
{
	for (size_t i = 0; i < list->n; i++) {
		struct record *whole = list->items[i];

		list->items[i] = record_as(whole, kind);
		record_unref(whole);
	}
}

/* What is not there, or not for whoever asks, is not found. */
static int load_by_ids(struct call *c, enum kind kind, const struct ids *ids,
	const struct fields *nested, struct records *ret)
{
	enum kind whole = schema_resource(kind)->summary_of;
	struct query q = { .kind = whole ? whole : kind, .limit = -1 };

	if (!ids->n)
		return 0;
	query_where(&q, 0, OP_IN, 0)->where[0].ids = ids;
	int r = tx_list(c->tx, &q, ret);

	if (r == 0)
		r = projects_drop_invisible(c, q.kind, ret);
	if (whole)
		summarize(ret, kind);
	return r < 0 ? r : expand(c, kind, ret, nested);
}

static void set_objects(
	struct record *r, int f, const struct value *ids, const struct records *found)
{
	enum kind of = schema_field(record_kind(r), f)->of;
	struct records nested = { 0 };

	for (size_t i = 0; i < ids->n; i++) {
		/* A project that is not there was deleted. */
		if (of != KIND_project || records_find(found, ids->ids[i]))
			records_add(&nested, find_or_make(found, of, ids->ids[i]));
	}
	if (of == KIND_label)
		shape_sort_labels(&nested);
	record_set_objects(r, f, &nested);
}

/* f is an object form; via is the id form in the same records. */
static int fill_objects(
	struct call *c, struct records *list, int f, int via, const struct fields *nested)
{
	const struct field *field = schema_field(record_kind(list->items[0]), f);
	scoped(ids_fini) struct ids ids = { 0 };
	scoped(records_fini) struct records found = { 0 };

	collect_ids(list, via, &ids);
	int r = load_by_ids(c, field->of, &ids, nested, &found);

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		const struct value *v = record_get(list->items[i], via);

		if (v->state != VALUE_SET)
			continue;
		if (field->type == TYPE_OBJECTS) {
			set_objects(list->items[i], f, v, &found);
			continue;
		}
		scoped(record_unref) struct record *one = find_or_make(&found, field->of, v->i);

		record_set_object(list->items[i], f, one);
	}
	return r;
}

/* ---- children ---- */

static int load_children(struct call *c, enum kind child, enum kind parent,
	const struct records *parents, struct records *ret)
{
	struct query q = { .kind = child, .limit = -1, .order = shape_order(child) };
	scoped(ids_fini) struct ids ids = { 0 };

	collect_ids(parents, 0, &ids);
	query_where(&q, children_key(child, parent), OP_IN, 0)->where[0].ids = &ids;
	return tx_list(c->tx, &q, ret);
}

/* One parent's children, as they are found. */
struct family {
	int64_t id;
	struct record *parent;
	struct ids ids;
	struct records records;
};

static int by_id(const void *a, const void *b)
{
	int64_t left = ((const struct family *)a)->id, right = ((const struct family *)b)->id;

	return (left > right) - (left < right);
}

/* The first of the families with this id: a list may hold a parent twice. */
static size_t find_family(const struct family *families, size_t n, int64_t id)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (families[middle].id < id)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static void join_family(struct family *family, struct record *child, enum value_type type)
{
	if (type == TYPE_IDS)
		ids_add(&family->ids, record_id(child));
	else
		records_add(&family->records, record_ref(child));
}

/* Hands the children over to their parent. */
static void close_family(struct family *family, int f, enum value_type type)
{
	if (type == TYPE_IDS)
		record_set_ids(family->parent, f, &family->ids);
	else
		record_set_objects(family->parent, f, &family->records);
	ids_fini(&family->ids);
}

static void give_children(struct records *parents, int f, const struct records *children)
{
	const struct field *field = schema_field(record_kind(parents->items[0]), f);
	int key = children_key(field->of, record_kind(parents->items[0]));
	size_t n = parents->n;
	struct family *families = xcalloc(n, sizeof(*families));

	for (size_t i = 0; i < n; i++)
		families[i] = (struct family){ .id = record_id(parents->items[i]),
			.parent = parents->items[i] };
	qsort(families, n, sizeof(*families), by_id);
	for (size_t i = 0; i < children->n; i++) {
		int64_t id = record_int(children->items[i], key, 0);

		for (size_t k = find_family(families, n, id); k < n && families[k].id == id; k++)
			join_family(&families[k], children->items[i], field->type);
	}
	for (size_t i = 0; i < n; i++)
		close_family(&families[i], f, field->type);
	free(families);
}

static int fill_children(struct call *c, struct records *list, int f, const struct fields *nested)
{
	enum kind kind = record_kind(list->items[0]);
	const struct field *field = schema_field(kind, f);
	scoped(records_fini) struct records children = { 0 };
	int r = load_children(c, field->of, kind, list, &children);

	if (r == 0 && field->type == TYPE_OBJECTS)
		r = expand(c, field->of, &children, nested);
	if (r == 0)
		give_children(list, f, &children);
	return r;
}

/* ---- all of it ---- */

static void set_empty(struct record *r, int f)
{
	struct value v = { .state = VALUE_SET };

	if (schema_field(record_kind(r), f)->type == TYPE_JSON)
		v.s = xstrdup("[]");
	record_set(r, f, v);
}

/* Is the object form asked for, so that the id form it comes from is needed? */
static bool is_needed(const struct fields *f, enum kind kind, int field)
{
	const struct resource *res = schema_resource(kind);

	if (fields_wants(f, kind, field))
		return true;
	if (res->fields[field].type != TYPE_INT && !derived_find(kind, field))
		return false;
	for (int i = 0; i < res->n_fields; i++) {
		const char *via = res->fields[i].via;

		if (via && strcmp(via, res->fields[field].key) == 0 && fields_wants(f, kind, i))
			return true;
	}
	return false;
}

static int fill_by_row(struct call *c, struct records *list, int f, const struct fields *nested)
{
	enum kind kind = record_kind(list->items[0]);
	const struct field *field = schema_field(kind, f);
	int via = field->via ? schema_find_field(kind, field->via) : -1;
	bool stored = via >= 0 && (schema_field(kind, via)->type == TYPE_INT ||
					  schema_field(kind, via)->flags & FIELD_KEEP ||
					  record_has(list->items[0], via));

	if (stored)
		return fill_objects(c, list, f, via, nested);
	bool is_list = field->type == TYPE_IDS || field->type == TYPE_OBJECTS;

	if (is_list && !(field->flags & FIELD_KEEP) && children_are(field->of, kind))
		return fill_children(c, list, f, nested);
	return 0;
}

/* A nested record that is part of this one (a time zone). */
static int expand_part(struct call *c, struct records *list, int f, const struct fields *nested)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct value *v = record_get(list->items[i], f);
		struct records one = { 0 };

		if (v->state != VALUE_SET)
			continue;
		records_add(&one, record_copy(v->record));
		int r = expand(c, record_kind(v->record), &one, nested);

		if (r == 0)
			record_set_object(list->items[i], f, one.items[0]);
		records_fini(&one);
		if (r < 0)
			return r;
	}
	return 0;
}

static int fill_field(struct call *c, struct records *list, int f, const struct fields *wanted)
{
	enum kind kind = record_kind(list->items[0]);
	const struct field *field = schema_field(kind, f);
	const struct fields *nested = fields_nested(wanted, field->key);

	derived_fill *fill = derived_find(kind, f);

	if (fill)
		return fill(c, list, f);
	if (field->type == TYPE_OBJECT && !field->via)
		return expand_part(c, list, f, nested);
	return fill_by_row(c, list, f, nested);
}

static int expand(struct call *c, enum kind kind, struct records *list, const struct fields *f)
{
	int r = 0;

	for (int i = 0; list->n && r == 0 && i < schema_resource(kind)->n_fields; i++) {
		if (!is_needed(f, kind, i))
			continue;
		r = fill_field(c, list, i, f);
		for (size_t k = 0; r == 0 && k < list->n; k++) {
			if (schema_field(kind, i)->flags & FIELD_LIST &&
				!record_has(list->items[k], i))
				set_empty(list->items[k], i);
		}
	}
	return r;
}

int shape_fill(struct call *c, enum kind kind, struct records *list, const struct fields *f)
{
	return expand(c, kind, list, f);
}

int answer_records(struct call *c, enum kind kind, struct records *list)
{
	int r = expand(c, kind, list, c->fields);

	if (r < 0)
		return r;
	c->status = 200;
	c->page.returned = (int64_t)list->n;
	json_add_records(list, c->fields, c->json_flags, &c->body);
	return 0;
}

int answer_record(struct call *c, const struct record *r)
{
	scoped(records_fini) struct records one = { 0 };

	records_add(&one, record_copy(r));
	int e = expand(c, record_kind(r), &one, c->fields);

	if (e < 0)
		return e;
	c->status = 200;
	json_add_record(one.items[0], c->fields, c->json_flags, &c->body);
	return 0;
}

int answer_named(struct call *c, enum kind kind, const struct value *named)
{
	const struct ids ids = value_ids(named);
	struct query q = { .kind = kind, .limit = -1 };
	scoped(records_fini) struct records found = { 0 };
	scoped(records_fini) struct records list = { 0 };
	int r = 0;

	if (ids.n) {
		query_where(&q, 0, OP_IN, 0)->where[0].ids = &ids;
		r = tx_list(c->tx, &q, &found);
	}
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		records_add(&list, find_or_make(&found, kind, ids.v[i]));
	if (kind == KIND_label)
		shape_sort_labels(&list);
	return r < 0 ? r : answer_records(c, kind, &list);
}

int answer_nothing(struct call *c)
{
	c->status = 204;
	return 0;
}

/* ---- the endpoints that only read ---- */

int read_one(struct call *c)
{
	return answer_record(c, c->at[c->route->kind]);
}

int read_list(struct call *c)
{
	enum kind kind = c->route->kind;
	const struct resource *res = schema_resource(kind);
	struct query q = { .kind = kind, .limit = -1, .order = shape_order(kind) };
	scoped(records_fini) struct records list = { 0 };
	bool second = !c->at[res->parent];

	query_where(&q, second ? res->parent2_key : res->parent_key, OP_EQ,
		record_id(c->at[second ? res->parent2 : res->parent]));
	int r = tx_list(c->tx, &q, &list);

	return r < 0 ? r : answer_records(c, kind, &list);
}
