/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records: the values that they have, counted atomically. */
#include "storyfs/record.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "storyfs/alloc.h"

/* Values lie where they are until they go: whoever borrowed one may set another one. */
struct block {
	struct block *next;
	uint8_t n, room;
	struct value values[];
};

/* Most fields of most resources have no value: only those that were ever set have a place. */
struct record {
	atomic_uint refs;
	uint16_t kind;
	char *extra;
	struct block *blocks;
	uint8_t slots[]; /* by field: 1 + its place, counted through the blocks; 0: none */
};

enum { ROOM = 8 }; /* of a block, while it is not known how many will come */

/* Slots are bytes. */
#define CHOICES(set, ...)
#define RESOURCE(kind, plural, ...)
#define FIELD(kind, key, ...)
#define END(kind) static_assert(N_##kind##_FIELDS < UINT8_MAX, #kind " has too many fields");
#include "storyfs/schema.def"

static const struct value absent;

struct record *record_new(enum kind kind)
{
	size_t n = (size_t)schema_resource(kind)->n_fields;
	struct record *r = xcalloc(1, sizeof(*r) + n * sizeof(r->slots[0]));

	atomic_init(&r->refs, 1);
	r->kind = (uint16_t)kind;
	return r;
}

struct record *record_ref(const struct record *r)
{
	struct record *mine = (struct record *)r;

	atomic_fetch_add(&mine->refs, 1);
	return mine;
}

static const struct value *find_value(const struct record *r, int f)
{
	const struct block *b = r->blocks;
	unsigned at = r->slots[f];

	if (!at)
		return &absent;
	for (at--; at >= b->room; b = b->next)
		at -= b->room;
	return &b->values[at];
}

static struct block *add_block(struct record *r, size_t room)
{
	struct block **last = &r->blocks;

	while (*last)
		last = &(*last)->next;
	*last = xcalloc(1, sizeof(**last) + room * sizeof((*last)->values[0]));
	(*last)->room = (uint8_t)room;
	return *last;
}

static struct value *make_value(struct record *r, int f)
{
	struct block *b = r->blocks;
	unsigned before = 0;

	if (r->slots[f])
		return (struct value *)find_value(r, f);
	for (; b && b->n == b->room; b = b->next)
		before += b->room;
	if (!b)
		b = add_block(r, ROOM);
	r->slots[f] = (uint8_t)(before + ++b->n);
	return &b->values[b->n - 1];
}

static void free_blocks(struct block *b)
{
	while (b) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
}

static bool is_absent(const struct record *r, int f)
{
	return find_value(r, f)->state == VALUE_ABSENT;
}

static size_t count_values(const struct record *r)
{
	size_t n = 0;

	each_field(f, r->kind)
		n += !is_absent(r, f);
	return n;
}

void record_reserve(struct record *r, size_t n)
{
	if (n && n <= UINT8_MAX && !r->blocks)
		add_block(r, n);
}

size_t record_trim(struct record *r)
{
	struct block *old = r->blocks;
	size_t n = count_values(r), at = 0;

	if (!old || (!old->next && old->room == n))
		return n;
	struct block *exact = n ? xcalloc(1, sizeof(*exact) + n * sizeof(exact->values[0])) : NULL;

	each_field(f, r->kind) {
		if (exact && !is_absent(r, f))
			exact->values[exact->n++] = *find_value(r, f);
	}
	each_field(f, r->kind)
		r->slots[f] = is_absent(r, f) ? 0 : (uint8_t)++at;
	if (exact)
		exact->room = exact->n;
	r->blocks = exact;
	free_blocks(old);
	return n;
}

void record_unref(struct record *r)
{
	if (!r || atomic_fetch_sub(&r->refs, 1) > 1)
		return;
	each_field(f, r->kind) {
		if (r->slots[f])
			value_fini(schema_field(r->kind, f), make_value(r, f));
	}
	free_blocks(r->blocks);
	free(r->extra);
	free(r);
}

struct record *record_copy(const struct record *r)
{
	struct record *copy = record_new(r->kind);

	record_reserve(copy, count_values(r));
	each_field(f, r->kind) {
		if (!is_absent(r, f))
			*make_value(copy, f) =
				value_copy(schema_field(r->kind, f), find_value(r, f));
	}
	copy->extra = r->extra ? xstrdup(r->extra) : NULL;
	return copy;
}

enum kind record_kind(const struct record *r)
{
	return r->kind;
}

int64_t record_id(const struct record *r)
{
	/* Every resource with an id, be it one that V5 does not show, has it as its first field;
	 * test_schema holds it to that. */
	const struct resource *res = schema_resource(r->kind);
	bool has_id = !res->plain || (res->fields[0].flags & (FIELD_KEEP | FIELD_HIDDEN));

	return has_id ? record_int(r, 0, 0) : 0;
}

const struct value *record_get(const struct record *r, int f)
{
	assert(f >= 0 && f < schema_resource(r->kind)->n_fields);
	return find_value(r, f);
}

bool record_has(const struct record *r, int f)
{
	return record_get(r, f)->state == VALUE_SET;
}

int64_t record_int(const struct record *r, int f, int64_t otherwise)
{
	const struct value *v = record_get(r, f);

	return v->state == VALUE_SET ? v->i : otherwise;
}

double record_float(const struct record *r, int f, double otherwise)
{
	const struct value *v = record_get(r, f);

	return v->state == VALUE_SET ? v->f : otherwise;
}

const char *record_text(const struct record *r, int f)
{
	const struct value *v = record_get(r, f);

	return v->state == VALUE_SET ? v->s : "";
}

const char *record_word(const struct record *r, int f)
{
	const struct value *v = record_get(r, f);

	return v->state == VALUE_SET ? schema_field(r->kind, f)->choices->words[v->i] : "";
}

void record_set(struct record *r, int f, struct value v)
{
	assert(f >= 0 && f < schema_resource(r->kind)->n_fields);
	if (v.state == VALUE_ABSENT && !r->slots[f])
		return;
	struct value *mine = make_value(r, f);

	value_fini(schema_field(r->kind, f), mine);
	*mine = v;
}

void record_set_int(struct record *r, int f, int64_t i)
{
	record_set(r, f, (struct value){ .state = VALUE_SET, .i = i });
}

void record_set_float(struct record *r, int f, double d)
{
	record_set(r, f, (struct value){ .state = VALUE_SET, .f = d });
}

void record_set_text(struct record *r, int f, const char *s)
{
	record_set(r, f, (struct value){ .state = VALUE_SET, .s = xstrdup(s) });
}

void record_set_null(struct record *r, int f)
{
	record_set(r, f, (struct value){ .state = VALUE_NULL });
}

void record_set_ids(struct record *r, int f, const struct ids *ids)
{
	struct value v = value_of_ids(*ids);

	record_set(r, f, value_copy(schema_field(r->kind, f), &v));
}

void record_set_object(struct record *r, int f, const struct record *nested)
{
	record_set(r, f, (struct value){ .state = VALUE_SET, .record = record_ref(nested) });
}

void record_set_objects(struct record *r, int f, struct records *list)
{
	record_set(r, f, value_of_records(*list));
	*list = (struct records){ 0 };
}

void record_clear(struct record *r, int f)
{
	record_set(r, f, (struct value){ .state = VALUE_ABSENT });
}

void record_add_id(struct record *r, int f, int64_t id)
{
	struct value *v = make_value(r, f);
	struct ids ids = value_ids(v);

	if (!ids_has(&ids, id))
		ids_add(&ids, id);
	*v = value_of_ids(ids);
}

void record_remove_id(struct record *r, int f, int64_t id)
{
	struct value *v = (struct value *)find_value(r, f);
	struct ids ids = value_ids(v);

	if (ids_remove(&ids, id))
		*v = value_of_ids(ids);
}

const char *record_extra(const struct record *r)
{
	return r->extra;
}

void record_set_extra(struct record *r, char *json)
{
	free(r->extra);
	r->extra = json;
}

static bool is_writable(const struct field *field)
{
	return field->write != 0;
}

struct record *record_diff(const struct record *a, const struct record *b)
{
	scoped(record_unref) struct record *patch = record_new(a->kind);
	bool differs = false;

	assert(a->kind == b->kind);
	each_field(f, a->kind) {
		const struct field *field = schema_field(a->kind, f);
		const struct value *v = find_value(b, f);

		if (!is_writable(field) || v->state == VALUE_ABSENT ||
			value_equal(field, find_value(a, f), v))
			continue;
		record_set(patch, f, value_copy(field, v));
		differs = true;
	}
	return differs ? take_ptr(patch) : NULL;
}

/* Drop what the patch left behind: object forms of ids that it changed. */
static void clear_stale_objects(struct record *r, const struct record *patch)
{
	each_field(f, r->kind) {
		const char *via = schema_field(r->kind, f)->via;

		if (!via || !record_has(r, f) || find_value(patch, f)->state != VALUE_ABSENT)
			continue;
		if (find_value(patch, schema_find_field(r->kind, via))->state != VALUE_ABSENT)
			record_clear(r, f);
	}
}

struct record *record_patched(const struct record *r, const struct record *patch)
{
	struct record *copy = record_copy(r);

	assert(r->kind == patch->kind);
	each_field(f, r->kind) {
		const struct value *v = find_value(patch, f);

		if (v->state == VALUE_NULL)
			record_clear(copy, f);
		else if (v->state == VALUE_SET)
			record_set(copy, f, value_copy(schema_field(r->kind, f), v));
	}
	clear_stale_objects(copy, patch);
	return copy;
}

struct record *record_as(const struct record *r, enum kind kind)
{
	struct record *other = record_new(kind);

	each_field(f, kind) {
		const struct field *field = schema_field(kind, f);
		int from = schema_find_field(r->kind, field->key);

		if (from >= 0 && schema_field(r->kind, from)->type == field->type)
			record_set(other, f, value_copy(field, find_value(r, from)));
	}
	return other;
}

void records_fini(struct records *list)
{
	for (size_t i = 0; i < list->n; i++)
		record_unref(list->items[i]);
	free(list->items);
	*list = (struct records){ 0 };
}

/* Room grows at powers of two to twice that, so no capacity has to be kept. */
static bool is_full(size_t n)
{
	return (n & (n - 1)) == 0;
}

void records_add(struct records *list, struct record *r)
{
	if (is_full(list->n))
		list->items =
			xrealloc(list->items, list->n ? list->n * 2 : 1, sizeof(struct record *));
	list->items[list->n++] = r;
}

struct record *records_find(const struct records *sorted, int64_t id)
{
	size_t from = 0, to = sorted->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (record_id(sorted->items[middle]) < id)
			from = middle + 1;
		else
			to = middle;
	}
	bool found = from < sorted->n && record_id(sorted->items[from]) == id;

	return found ? sorted->items[from] : NULL;
}

void ids_fini(struct ids *ids)
{
	free(ids->v);
	*ids = (struct ids){ 0 };
}

void ids_add(struct ids *ids, int64_t id)
{
	if (is_full(ids->n))
		ids->v = xrealloc(ids->v, ids->n ? ids->n * 2 : 1, sizeof(id));
	ids->v[ids->n++] = id;
}

void ids_add_value(struct ids *ids, const struct value *v)
{
	for (size_t i = 0; i < v->n; i++)
		ids_add(ids, v->ids[i]);
}

bool ids_has(const struct ids *ids, int64_t id)
{
	for (size_t i = 0; i < ids->n; i++) {
		if (ids->v[i] == id)
			return true;
	}
	return false;
}

bool ids_remove(struct ids *ids, int64_t id)
{
	for (size_t i = 0; i < ids->n; i++) {
		if (ids->v[i] != id)
			continue;
		memmove(&ids->v[i], &ids->v[i + 1], (ids->n - i - 1) * sizeof(id));
		ids->n--;
		return true;
	}
	return false;
}
