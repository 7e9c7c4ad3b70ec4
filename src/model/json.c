/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records as JSON: jansson parses and prints, the table decides what each member is. Encoding walks
 * the table's fields in order; decoding walks the members that came, so that nothing is left out.
 */
#include "storyfs/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"

enum { SHOWN_BYTES = 60 };

/* ---- out ---- */

static json_t *from_float(double d)
{
	if (floor(d) >= d && fabs(d) < 1e15)
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

static json_t *from_ids(const struct ids *ids)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ids->n; i++)
		json_array_append_new(list, json_integer(ids->v[i]));
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
	if (v->state != VALUE_SET)
		return json_null();
	switch (field->type) {
	case TYPE_INT:
		return json_integer(v->i);
	case TYPE_FLOAT:
		return from_float(v->f);
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
		return from_ids(&v->ids);
	case TYPE_OBJECT:
		return json_from_record(v->record, nested, flags);
	case TYPE_OBJECTS:
		return json_from_records(&v->records, nested, flags);
	case TYPE_JSON:
		return json_loads(v->s, JSON_DECODE_ANY, NULL);
	}
	return json_null();
}

static bool is_wanted(const struct record *r, const struct fields *f, int i, unsigned flags)
{
	const struct value *v = record_get(r, i);

	if (flags & JSON_AS_PATCH)
		return v->state != VALUE_ABSENT;
	if (schema_field(record_kind(r), i)->flags & FIELD_SECRET && flags & JSON_WITHOUT_SECRETS)
		return false;
	return v->state == VALUE_SET && fields_wants(f, record_kind(r), i);
}

static void add_extra(json_t *object, const char *extra, const struct fields *f)
{
	json_t *more = json_loads(extra, 0, NULL);
	const char *key;
	json_t *value;

	json_object_foreach(more, key, value)
	{
		if (fields_has_default(f) || fields_has(f, key))
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
		add_extra(object, record_extra(r), f);
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

/* ---- in ---- */

static bool to_int(const json_t *json, int64_t *ret)
{
	if (json_is_integer(json)) {
		*ret = json_integer_value(json);
		return true;
	}
	double d = json_real_value(json);

	if (!json_is_real(json) || floor(d) < d || fabs(d) > 9e15)
		return false;
	*ret = (int64_t)d;
	return true;
}

static bool to_datetime(const json_t *json, int64_t *ret)
{
	return json_is_string(json) ? clock_parse_iso(json_string_value(json), ret)
				    : to_int(json, ret);
}

static bool to_choice(const struct choices *choices, const json_t *json, int64_t *ret)
{
	if (!json_is_string(json))
		return false;
	*ret = choices_find(choices, json_string_value(json), false);
	return *ret >= 0;
}

static bool to_ids(const json_t *json, struct ids *ret)
{
	struct ids ids = { 0 };
	size_t i;
	json_t *item;

	if (!json_is_array(json))
		return false;
	json_array_foreach((json_t *)json, i, item)
	{
		int64_t id;

		if (!to_int(item, &id)) {
			ids_fini(&ids);
			return false;
		}
		ids_add(&ids, id);
	}
	*ret = ids;
	return true;
}

/* A nested resource: an object, or just its name where naming is enough. */
static struct record *to_nested(enum kind kind, const json_t *json)
{
	const struct resource *res = schema_resource(kind);
	struct record *r = NULL;

	if (json_is_string(json) && (res->by_name || kind == KIND_time_zone)) {
		r = record_new(kind);
		record_set_text(r, res->label, json_string_value(json));
		return r;
	}
	if (!json_is_object(json) || json_to_record(kind, json, "", NULL, &r) < 0)
		return NULL;
	return r;
}

static bool to_records(enum kind kind, const json_t *json, struct records *ret)
{
	scoped(records_fini) struct records list = { 0 };
	size_t i;
	json_t *item;

	if (!json_is_array(json))
		return false;
	json_array_foreach((json_t *)json, i, item)
	{
		struct record *r = to_nested(kind, item);

		if (!r)
			return false;
		records_add(&list, r);
	}
	*ret = list;
	list = (struct records){ 0 };
	return true;
}

static bool to_text(const json_t *json, char **ret)
{
	if (!json_is_string(json))
		return false;
	*ret = xstrdup(json_string_value(json));
	return true;
}

static bool to_set_value(const struct field *field, const json_t *json, struct value *ret)
{
	switch (field->type) {
	case TYPE_INT:
		return to_int(json, &ret->i);
	case TYPE_FLOAT:
		ret->f = json_number_value(json);
		return json_is_number(json);
	case TYPE_BOOL:
		ret->i = json_is_true(json);
		return json_is_boolean(json);
	case TYPE_STRING:
	case TYPE_XSTRING:
		return to_text(json, &ret->s);
	case TYPE_DATETIME:
		return to_datetime(json, &ret->i);
	case TYPE_DATE:
		return json_is_string(json) && clock_parse_date(json_string_value(json), &ret->i);
	case TYPE_ENUM:
		return to_choice(field->choices, json, &ret->i);
	case TYPE_IDS:
		return to_ids(json, &ret->ids);
	case TYPE_OBJECT:
		return (ret->record = to_nested(field->of, json)) != NULL;
	case TYPE_OBJECTS:
		return to_records(field->of, json, &ret->records);
	case TYPE_JSON:
		ret->s = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
		return ret->s != NULL;
	}
	return false;
}

bool json_to_value(const struct field *field, const struct json_t *json, struct value *ret)
{
	*ret = (struct value){ .state = VALUE_NULL };
	if (json_is_null(json))
		return true;
	ret->state = VALUE_SET;
	return to_set_value(field, json, ret);
}

static void report(struct buf *problems, const char *path, const char *key, const char *expected,
	const json_t *got)
{
	if (!problems)
		return;
	scoped(buf_fini) struct buf text = BUF_INIT;

	json_write(got, &text);
	if (text.len > SHOWN_BYTES) {
		text.len = SHOWN_BYTES;
		text.data[text.len] = '\0';
	}
	buf_add_fmt(problems, "%s%s%s: expected %s, got %s\n", path, *path && *key ? "." : "", key,
		expected, buf_str(&text));
}

static void describe_type(const struct field *field, struct buf *b)
{
	buf_add_str(b, value_type_name(field->type));
	for (int i = 0; field->type == TYPE_ENUM && field->choices->words[i]; i++)
		buf_add_fmt(b, "%s%s", i ? ", " : ": ", field->choices->words[i]);
}

/* One member of the object: into its field, or into extra. */
static void take_member(struct record *r, const char *key, json_t *json, const char *path,
	struct buf *problems, json_t *extra)
{
	enum kind kind = record_kind(r);
	int f = schema_find_field(kind, key);
	struct value v;

	if (f < 0 || schema_field(kind, f)->flags & FIELD_HIDDEN) {
		const char *word = json_string_value(json);

		if (strcmp(key, "kind") != 0 || !word || schema_find_kind(word) != kind)
			json_object_set(extra, key, json);
		return;
	}
	if (json_to_value(schema_field(kind, f), json, &v)) {
		if (v.state == VALUE_SET)
			record_set(r, f, v);
		return;
	}
	scoped(buf_fini) struct buf expected = BUF_INIT;

	describe_type(schema_field(kind, f), &expected);
	report(problems, path, key, buf_str(&expected), json);
	json_object_set(extra, key, json);
}

/* What every answer holds must be there: the fields that identify. */
static int check_identity(const struct record *r, const char *path, struct buf *problems)
{
	enum kind kind = record_kind(r);

	if (schema_resource(kind)->by_name && record_has(r, schema_resource(kind)->label))
		return 0;
	each_field(f, kind) {
		if (!(schema_field(kind, f)->flags & FIELD_IDENT) || record_has(r, f))
			continue;
		if (problems)
			buf_add_fmt(problems, "%s%s%s: missing\n", path, *path ? "." : "",
				schema_field(kind, f)->key);
		return -EBADMSG;
	}
	return 0;
}

int json_to_record(enum kind kind, const struct json_t *object, const char *path,
	struct buf *problems, struct record **ret)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object)) {
		report(problems, path, "", "an object", object);
		return -EBADMSG;
	}
	scoped(record_unref) struct record *r = record_new(kind);
	json_t *extra = json_object();

	json_object_foreach((json_t *)object, key, value)
		take_member(r, key, value, path, problems, extra);
	if (json_object_size(extra))
		record_set_extra(r, json_dumps(extra, JSON_COMPACT));
	json_decref(extra);
	int e = check_identity(r, path, problems);

	if (e < 0)
		return e;
	*ret = take_ptr(r);
	return 0;
}

/* The document, or NULL and a line in problems. */
static json_t *load(const char *text, size_t len, struct buf *problems)
{
	json_error_t error;
	json_t *root = json_loadb(text, len, 0, &error);

	if (!root && problems)
		buf_add_fmt(
			problems, "line %d, column %d: %s\n", error.line, error.column, error.text);
	return root;
}

int json_read_record(
	enum kind kind, const char *text, size_t len, struct buf *problems, struct record **ret)
{
	json_t *root = load(text, len, problems);

	if (!root)
		return -EBADMSG;
	int e = json_to_record(kind, root, "", problems, ret);

	json_decref(root);
	return e;
}

static int to_list(enum kind kind, json_t *root, struct buf *problems, struct records *ret)
{
	scoped(records_fini) struct records list = { 0 };
	size_t i;
	json_t *item;

	if (!json_is_array(root)) {
		report(problems, "", "", "a list", root);
		return -EBADMSG;
	}
	json_array_foreach(root, i, item)
	{
		char path[32];
		struct record *r;

		snprintf(path, sizeof(path), "[%zu]", i);
		int e = json_to_record(kind, item, path, problems, &r);

		if (e < 0)
			return e;
		records_add(&list, r);
	}
	*ret = list;
	list = (struct records){ 0 };
	return 0;
}

int json_read_records(
	enum kind kind, const char *text, size_t len, struct buf *problems, struct records *ret)
{
	json_t *root = load(text, len, problems);

	if (!root)
		return -EBADMSG;
	int e = to_list(kind, root, problems, ret);

	json_decref(root);
	return e;
}
