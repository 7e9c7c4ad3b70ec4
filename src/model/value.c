/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values: what copying, freeing and comparing mean for each type. */
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/record.h"

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
		ids_fini(&v->ids);
		break;
	case TYPE_OBJECT:
		record_unref(v->record);
		break;
	case TYPE_OBJECTS:
		records_fini(&v->records);
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
		copy.ids = (struct ids){ 0 };
		for (size_t i = 0; i < v->ids.n; i++)
			ids_add(&copy.ids, v->ids.v[i]);
		break;
	case TYPE_OBJECT:
		record_ref(copy.record);
		break;
	case TYPE_OBJECTS:
		copy.records = (struct records){ 0 };
		for (size_t i = 0; i < v->records.n; i++)
			records_add(&copy.records, record_ref(v->records.items[i]));
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

static bool same_records(const struct records *a, const struct records *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!same_record(a->items[i], b->items[i]))
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
		return a->ids.n == b->ids.n &&
		       (!a->ids.n ||
			       memcmp(a->ids.v, b->ids.v, a->ids.n * sizeof(a->ids.v[0])) == 0);
	case TYPE_OBJECT:
		return same_record(a->record, b->record);
	case TYPE_OBJECTS:
		return same_records(&a->records, &b->records);
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
	if (a->records.n != b->records.n)
		return false;
	for (size_t i = 0; i < a->records.n; i++) {
		if (!record_same(a->records.items[i], b->records.items[i]))
			return false;
	}
	return true;
}

static bool holds_record(const struct records *list, const struct record *r)
{
	for (size_t i = 0; i < list->n; i++) {
		if (same_record(list->items[i], r))
			return true;
	}
	return false;
}

static bool holds_all_records(const struct records *list, const struct records *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		if (!holds_record(list, wanted->items[i]))
			return false;
	}
	return list->n == wanted->n;
}

static bool holds_all_ids(const struct ids *list, const struct ids *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		if (!ids_has(list, wanted->v[i]))
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
			if (!holds_all_records(&is->records, &wanted->records))
				return false;
		} else if (both && field->type == TYPE_IDS) {
			if (!holds_all_ids(&is->ids, &wanted->ids))
				return false;
		} else if (!value_equal(field, is, wanted)) {
			return false;
		}
	}
	return true;
}
