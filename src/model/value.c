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
