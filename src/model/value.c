/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values: what copying, freeing and comparing mean for each type. */
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/record.h"

struct ids value_ids(const struct value *v)
{
	return v->state == VALUE_SET ? (struct ids){ v->n, v->ids } : (struct ids){ 0 };
}

struct records value_records(const struct value *v)
{
	return v->state == VALUE_SET ? (struct records){ v->n, v->records } : (struct records){ 0 };
}

struct value value_of_ids(struct ids ids)
{
	assert(ids.n <= UINT32_MAX);
	return (struct value){ .state = VALUE_SET, .n = (uint32_t)ids.n, .ids = ids.v };
}

struct value value_of_records(struct records list)
{
	assert(list.n <= UINT32_MAX);
	return (struct value){ .state = VALUE_SET, .n = (uint32_t)list.n, .records = list.items };
}

bool value_has_id(const struct value *v, int64_t id)
{
	struct ids ids = value_ids(v);

	return ids_has(&ids, id);
}

void value_fini(const struct field *field, struct value *v)
{
	if (v->state != VALUE_SET)
		return;
	switch (field->type) {
	case TYPE_STRING:
	case TYPE_XSTRING:
	case TYPE_JSON:
		free(v->s);
		break;
	case TYPE_IDS:
		free(v->ids);
		break;
	case TYPE_OBJECT:
		record_unref(v->record);
		break;
	case TYPE_OBJECTS:
		records_fini(&(struct records){ v->n, v->records });
		break;
	case TYPE_INT:
	case TYPE_FLOAT:
	case TYPE_BOOL:
	case TYPE_DATETIME:
	case TYPE_DATE:
	case TYPE_ENUM:
		break;
	}
	*v = (struct value){ 0 };
}

static struct value copy_ids(const struct value *v)
{
	struct ids copy = { 0 };

	ids_add_value(&copy, v);
	return value_of_ids(copy);
}

static struct value copy_records(const struct value *v)
{
	struct records copy = { 0 };

	for (size_t i = 0; i < v->n; i++)
		records_add(&copy, record_ref(v->records[i]));
	return value_of_records(copy);
}

struct value value_copy(const struct field *field, const struct value *v)
{
	struct value copy = *v;

	if (v->state != VALUE_SET)
		return copy;
	switch (field->type) {
	case TYPE_STRING:
	case TYPE_XSTRING:
	case TYPE_JSON:
		copy.s = xstrdup(v->s);
		break;
	case TYPE_IDS:
		copy = copy_ids(v);
		break;
	case TYPE_OBJECT:
		record_ref(copy.record);
		break;
	case TYPE_OBJECTS:
		copy = copy_records(v);
		break;
	case TYPE_INT:
	case TYPE_FLOAT:
	case TYPE_BOOL:
	case TYPE_DATETIME:
	case TYPE_DATE:
	case TYPE_ENUM:
		break;
	}
	return copy;
}

/* Nested resources are equal when what stands for them is: their ids, or their labels where one
 * side has no id yet. */
static bool same_record(const struct record *a, const struct record *b)
{
	const struct resource *res = schema_resource(record_kind(a));

	if (a == b)
		return true;
	if (record_kind(a) != record_kind(b))
		return false;
	if (record_id(a) && record_id(b))
		return record_id(a) == record_id(b);
	return value_equal(
		&res->fields[res->label], record_get(a, res->label), record_get(b, res->label));
}

static bool same_records(const struct value *a, const struct value *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!same_record(a->records[i], b->records[i]))
			return false;
	}
	return true;
}

bool value_equal(const struct field *field, const struct value *a, const struct value *b)
{
	if (a->state != VALUE_SET || b->state != VALUE_SET)
		return (a->state == VALUE_SET) == (b->state == VALUE_SET);
	switch (field->type) {
	case TYPE_INT:
	case TYPE_BOOL:
	case TYPE_DATETIME:
	case TYPE_DATE:
	case TYPE_ENUM:
		return a->i == b->i;
	case TYPE_FLOAT:
		return !(a->f < b->f) && !(a->f > b->f);
	case TYPE_STRING:
	case TYPE_XSTRING:
	case TYPE_JSON:
		return strcmp(a->s, b->s) == 0;
	case TYPE_IDS:
		return a->n == b->n &&
		       (!a->n || memcmp(a->ids, b->ids, a->n * sizeof(a->ids[0])) == 0);
	case TYPE_OBJECT:
		return same_record(a->record, b->record);
	case TYPE_OBJECTS:
		return same_records(a, b);
	}
	return false;
}

bool record_same(const struct record *a, const struct record *b)
{
	const char *extra_a = record_extra(a), *extra_b = record_extra(b);

	if (a == b)
		return true;
	if (record_kind(a) != record_kind(b) || !extra_a != !extra_b)
		return false;
	if (extra_a && strcmp(extra_a, extra_b) != 0)
		return false;
	each_field(f, record_kind(a)) {
		if (!value_same(
			    schema_field(record_kind(a), f), record_get(a, f), record_get(b, f)))
			return false;
	}
	return true;
}

bool value_same(const struct field *field, const struct value *a, const struct value *b)
{
	if (a->state != VALUE_SET || b->state != VALUE_SET)
		return (a->state == VALUE_SET) == (b->state == VALUE_SET);
	if (field->type == TYPE_OBJECT)
		return record_same(a->record, b->record);
	if (field->type != TYPE_OBJECTS)
		return value_equal(field, a, b);
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!record_same(a->records[i], b->records[i]))
			return false;
	}
	return true;
}

static bool holds_record(const struct value *list, const struct record *r)
{
	for (size_t i = 0; i < list->n; i++) {
		if (same_record(list->records[i], r))
			return true;
	}
	return false;
}

static bool holds_all_records(const struct value *list, const struct value *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		if (!holds_record(list, wanted->records[i]))
			return false;
	}
	return list->n == wanted->n;
}

static bool holds_all_ids(const struct value *list, const struct value *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		if (!value_has_id(list, wanted->ids[i]))
			return false;
	}
	return list->n == wanted->n;
}

bool record_fulfils(const struct record *r, const struct record *patch)
{
	each_field(f, record_kind(patch)) {
		const struct field *field = schema_field(record_kind(patch), f);
		const struct value *is = record_get(r, f), *wanted = record_get(patch, f);
		bool both = is->state == VALUE_SET && wanted->state == VALUE_SET;

		if (wanted->state == VALUE_ABSENT)
			continue;
		if (both && field->type == TYPE_OBJECTS) {
			if (!holds_all_records(is, wanted))
				return false;
		} else if (both && field->type == TYPE_IDS) {
			if (!holds_all_ids(is, wanted))
				return false;
		} else if (!value_equal(field, is, wanted)) {
			return false;
		}
	}
	return true;
}
