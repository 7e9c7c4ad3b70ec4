/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as JSON: the table's fields in order, and what else came; jansson prints. */
#include "storyfs/json.h"

#include <jansson.h>
#include <math.h>

#include "storyfs/clock.h"

/* ---- out ---- */

static json_t *from_float(double d, unsigned flags)
{
	if (!(flags & FIELD_FRACTION) && floor(d) >= d && fabs(d) < 1e15)
		return json_integer((json_int_t)d);
	return json_real(d);
}

static json_t *from_datetime(int64_t ms, unsigned flags)
{
	char text[CLOCK_ISO_SIZE];

	if (flags & JSON_AS_MILLIS)
		return json_integer(ms);
	clock_format_iso(ms, text);
	return json_string(text);
}

static json_t *from_date(int64_t days)
{
	char text[CLOCK_ISO_SIZE];

	clock_format_date(days, text);
	return json_string(text);
}

static json_t *from_ids(const struct value *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(list, json_integer(v->ids[i]));
	return list;
}

static json_t *from_text(const char *s)
{
	json_t *text = json_string(s);

	return text ? text : json_string("");
}

struct json_t *json_from_records(const struct records *list, const struct fields *f, unsigned flags)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_from_record(list->items[i], f, flags));
	return array;
}

struct json_t *json_from_value(const struct field *field, const struct value *v,
	const struct fields *nested, unsigned flags)
{
	const struct records records = value_records(v);

	if (v->state != VALUE_SET)
		return json_null();
	switch (field->type) {
	case TYPE_INT:
		return json_integer(v->i);
	case TYPE_FLOAT:
		return from_float(v->f, field->flags);
	case TYPE_BOOL:
		return json_boolean(v->i);
	case TYPE_STRING:
	case TYPE_XSTRING:
		return from_text(v->s);
	case TYPE_DATETIME:
		return from_datetime(v->i, flags);
	case TYPE_DATE:
		return from_date(v->i);
	case TYPE_ENUM:
		return json_string(field->choices->words[v->i]);
	case TYPE_IDS:
		return from_ids(v);
	case TYPE_OBJECT:
		return json_from_record(v->record, nested, flags);
	case TYPE_OBJECTS:
		return json_from_records(&records, nested, flags);
	case TYPE_JSON:
		return json_loads(v->s, JSON_DECODE_ANY, NULL);
	}
	return json_null();
}

static bool is_wanted(const struct record *r, const struct fields *f, int i, unsigned flags)
{
	const struct value *v = record_get(r, i);
	unsigned row_flags = schema_field(record_kind(r), i)->flags;

	if (row_flags & FIELD_HIDDEN)
		return false;
	if (flags & JSON_AS_PATCH)
		return v->state != VALUE_ABSENT;
	if (row_flags & FIELD_SECRET && flags & JSON_WITHOUT_SECRETS)
		return false;
	return v->state == VALUE_SET && fields_wants(f, record_kind(r), i);
}

/* A known key is among extra when its value was of another type; a value set since then counts. */
static bool is_superseded(const struct record *r, const char *key)
{
	int i = schema_find_field(record_kind(r), key);

	return i >= 0 && record_has(r, i) &&
	       !(schema_field(record_kind(r), i)->flags & FIELD_HIDDEN);
}

static void add_extra(json_t *object, const struct record *r, const struct fields *f)
{
	json_t *more = json_loads(record_extra(r), 0, NULL);
	const char *key;
	json_t *value;

	json_object_foreach(more, key, value)
	{
		if ((fields_has_default(f) || fields_has(f, key)) && !is_superseded(r, key))
			json_object_set(object, key, value);
	}
	json_decref(more);
}

struct json_t *json_from_record(const struct record *r, const struct fields *f, unsigned flags)
{
	enum kind kind = record_kind(r);
	json_t *object = json_object();

	if (!(flags & JSON_AS_PATCH) && fields_wants_kind(f) && schema_find_field(kind, "kind") < 0)
		json_object_set_new(object, "kind", json_string(schema_resource(kind)->name));
	each_field(i, kind) {
		const struct field *field = schema_field(kind, i);

		if (is_wanted(r, f, i, flags))
			json_object_set_new(object, field->key,
				json_from_value(field, record_get(r, i),
					fields_nested(f, field->key), flags));
	}
	if (record_extra(r) && !(flags & JSON_AS_PATCH))
		add_extra(object, r, f);
	return object;
}

static void dump(const json_t *json, size_t how, struct buf *b)
{
	size_t size = json_dumpb(json, NULL, 0, how);
	char *end = buf_reserve(b, size);

	json_dumpb(json, end, size, how);
	end[size] = '\0';
	b->len += size;
}

void json_write(const struct json_t *json, struct buf *b)
{
	dump(json, JSON_COMPACT | JSON_ENCODE_ANY, b);
}

void json_write_record(
	const struct record *r, const struct fields *f, unsigned flags, struct buf *b)
{
	json_t *object = json_from_record(r, f, flags);

	dump(object, flags & JSON_AS_LINES ? JSON_INDENT(2) : JSON_COMPACT, b);
	json_decref(object);
}
