/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loose text (query, form) is first made the JSON that it would have been in a JSON body; from
 * there on there is one way.
 */
#include "input_value.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/json.h"
#include "storyfs/parse.h"

enum {
	SHOWN_BYTES = 200,
	MAX_ITEMS = 500, /* of a list that comes as one parameter */
};

/* How V5 names a type: in `'x' must be ...`, and inside a nested object. */
static const struct {
	const char *phrase;
	const char *name;
} type_words[] = {
	[TYPE_INT] = { "an integer value", "int" },
	[TYPE_FLOAT] = { "a number value", "float" },
	[TYPE_BOOL] = { "a non-string boolean true or false value", "boolean" },
	[TYPE_STRING] = { "a string", "string" },
	[TYPE_XSTRING] = { "an extended_string", "extended_string" },
	[TYPE_DATETIME] = { "a time value represented as milliseconds/iso 8601 date", "datetime" },
	[TYPE_DATE] = { "a date value represented as iso 8601 date", "date" },
	[TYPE_ENUM] = { "one of", "enumerated_string" },
	[TYPE_IDS] = { "an array of integer values", "int[]" },
	[TYPE_OBJECT] = { "an object", "resource" },
	[TYPE_OBJECTS] = { "an array of objects", "resource[]" },
	[TYPE_JSON] = { "a JSON value", "json" },
};

/* ---- loose text ---- */

static bool is_number(const char *s)
{
	s += *s == '-';
	return *s && !s[strspn(s, "0123456789")];
}

static json_t *tighten_number(const struct field *field, const char *text)
{
	int64_t i;
	double d;

	if (field->type == TYPE_FLOAT)
		return parse_float(text, &d) ? json_real(d) : NULL;
	return parse_int(text, INT64_MIN, INT64_MAX, &i) ? json_integer(i) : NULL;
}

static json_t *tighten_bool(const char *text)
{
	bool yes;

	return parse_bool(text, &yes) ? json_boolean(yes) : NULL;
}

/* `1,2,3` */
static json_t *split_ids(const char *text)
{
	scoped(free_ptr) char *copy = xstrdup(text);
	json_t *list = json_array();
	char *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		int64_t id;

		if (!parse_int(word, INT64_MIN, INT64_MAX, &id)) {
			json_decref(list);
			return NULL;
		}
		json_array_append_new(list, json_integer(id));
	}
	return list;
}

static json_t *tighten_ids(const json_t *loose)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	size_t i;
	json_t *item;

	if (json_is_string(loose))
		return *json_string_value(loose) ? split_ids(json_string_value(loose))
						 : json_array();
	json_array_foreach((json_t *)loose, i, item)
	{
		if (!json_is_string(item))
			return NULL;
		buf_add_fmt(&text, "%s%s", i ? "," : "", json_string_value(item));
	}
	return json_is_array(loose) ? split_ids(buf_str(&text)) : NULL;
}

/* A new reference; NULL when the text is none of the field's type. */
static json_t *tighten(const struct field *field, const json_t *loose)
{
	const char *text = json_string_value(loose);

	if (field->type == TYPE_IDS)
		return tighten_ids(loose);
	if (!text)
		return json_incref((json_t *)loose);
	switch (field->type) {
	case TYPE_INT:
	case TYPE_FLOAT:
		return *text ? tighten_number(field, text) : json_null();
	case TYPE_BOOL:
		return *text ? tighten_bool(text) : json_null();
	case TYPE_DATETIME:
		if (!*text)
			return json_null();
		return is_number(text) ? tighten_number(field, text) : json_incref((json_t *)loose);
	case TYPE_DATE:
	case TYPE_ENUM:
		return *text ? json_incref((json_t *)loose) : json_null();
	case TYPE_STRING:
	case TYPE_XSTRING:
	case TYPE_OBJECT:
	case TYPE_OBJECTS:
	case TYPE_IDS:
	case TYPE_JSON:
		break;
	}
	return json_incref((json_t *)loose);
}

/* ---- refusing ---- */

static void add_words(const struct field *field, struct buf *b)
{
	const struct choices *choices = param_choices(field);

	for (int i = 0; choices->words[i]; i++) {
		buf_add_str(b, i ? ", " : "");
		for (const char *p = choices->words[i]; *p; p++)
			buf_add_char(b, (char)tolower((unsigned char)*p));
	}
}

static int refuse_type(const struct field *field, struct v5_error *e)
{
	scoped(buf_fini) struct buf words = BUF_INIT;

	if (field->type != TYPE_ENUM)
		return v5_error_problem(
			e, "'%s' must be %s", field->key, type_words[field->type].phrase);
	add_words(field, &words);
	return v5_error_problem(e, "'%s' must be one of: %s", field->key, buf_str(&words));
}

static int refuse_nested(
	const char *outer, const struct field *field, const json_t *json, struct v5_error *e)
{
	scoped(buf_fini) struct buf shown = BUF_INIT;

	if (json_is_string(json))
		buf_add_str(&shown, json_string_value(json));
	else
		json_write(json, &shown);
	int r = v5_error_requirement(e,
		"The '%s' parameter value was '%.*s' but must be of type '%s'", field->key,
		SHOWN_BYTES, buf_str(&shown), type_words[field->type].name);

	e->general_problem = xasprintf("Can't use content of '%s' parameter.", outer);
	return r;
}

/* ---- values ---- */

/* Where a value stands: at the top, or in the object that a parameter holds. */
struct place {
	const char *outer;
	bool loose;
	struct v5_error *error;
};

static int read_value(
	const struct field *field, const json_t *json, const struct place *at, struct value *ret);

static bool is_taken_nested(const struct field *field)
{
	return field->write || (field->flags & FIELD_IDENT);
}

static int read_members(struct record *r, const json_t *object, const struct place *at)
{
	const char *key;
	json_t *json;

	json_object_foreach((json_t *)object, key, json)
	{
		int f = schema_find_field(record_kind(r), key);
		struct value v;

		if (f < 0 || !is_taken_nested(schema_field(record_kind(r), f)))
			continue;
		int e = read_value(schema_field(record_kind(r), f), json, at, &v);

		if (e < 0)
			return e;
		record_set(r, f, v);
	}
	return 0;
}

/* A nested resource: an object of its fields, or its name alone where that is enough. */
static int read_nested(
	const struct field *field, const json_t *json, const struct place *at, struct record **ret)
{
	const struct resource *res = schema_resource(field->of);
	scoped(record_unref) struct record *r = record_new(field->of);
	struct place inside = { field->key, at->loose, at->error };

	if (json_is_string(json) && (res->by_name || field->of == KIND_time_zone)) {
		record_set_text(r, res->label, json_string_value(json));
		*ret = take_ptr(r);
		return 0;
	}
	if (!json_is_object(json))
		return refuse_type(field, at->error);
	int e = read_members(r, json, &inside);

	if (e < 0)
		return e;
	*ret = take_ptr(r);
	return 0;
}

static int read_objects(
	const struct field *field, const json_t *json, const struct place *at, struct value *ret)
{
	scoped(records_fini) struct records list = { 0 };
	size_t i;
	json_t *item;

	if (!json_is_array(json))
		return refuse_type(field, at->error);
	json_array_foreach((json_t *)json, i, item)
	{
		struct record *r = NULL;
		int e = read_nested(field, item, at, &r);

		if (e < 0)
			return e;
		records_add(&list, r);
	}
	*ret = value_of_records(list);
	list = (struct records){ 0 };
	return 0;
}

/* Words are taken whatever their case, and with blanks behind them, as V5 took week_start_day. */
static bool read_word(const struct field *field, const json_t *json, int64_t *ret)
{
	const char *text = json_string_value(json);

	if (!text)
		return false;
	scoped(free_ptr) char *word = xstrdup(text);
	size_t len = strlen(word);

	while (len && isspace((unsigned char)word[len - 1]))
		word[--len] = '\0';
	*ret = choices_find(param_choices(field), word, true);
	return *ret >= 0;
}

/* May the value be taken away? */
static bool is_nullable(const struct field *field)
{
	switch (field->type) {
	case TYPE_BOOL:
	case TYPE_INT:
	case TYPE_FLOAT:
		return !field->initial || (field->flags & FIELD_REQ);
	case TYPE_ENUM:
		return !field->initial && !(field->flags & FIELD_REQ);
	case TYPE_IDS:
	case TYPE_OBJECTS:
		return false;
	case TYPE_OBJECT:
		return field->of != KIND_time_zone;
	case TYPE_STRING:
	case TYPE_XSTRING:
	case TYPE_DATETIME:
	case TYPE_DATE:
	case TYPE_JSON:
		break;
	}
	return true;
}

/* Instants have whole seconds; an empty text that may be missing is missing. */
static void normalize(const struct field *field, struct value *v)
{
	bool is_text = field->type == TYPE_STRING || field->type == TYPE_XSTRING;

	if (field->type == TYPE_DATETIME)
		v->i -= ((v->i % 1000) + 1000) % 1000;
	if (is_text && !*v->s && !(field->flags & FIELD_REQ)) {
		value_fini(field, v);
		v->state = VALUE_NULL;
	}
}

static int refuse_many(const struct field *field, const struct place *at)
{
	return v5_error_requirement(
		at->error, "'%s' parameter must have %d items or less.", field->key, MAX_ITEMS);
}

static int read_set_value(
	const struct field *field, const json_t *json, const struct place *at, struct value *ret)
{
	struct value v = { .state = VALUE_SET };
	bool ok;

	if (field->of && json_array_size(json) > MAX_ITEMS)
		return refuse_many(field, at);
	if (field->type == TYPE_OBJECT || field->type == TYPE_OBJECTS) {
		int e = field->type == TYPE_OBJECT ? read_nested(field, json, at, &v.record)
						   : read_objects(field, json, at, &v);

		if (e == 0)
			*ret = v;
		return e;
	}
	ok = field->type == TYPE_ENUM ? read_word(field, json, &v.i)
				      : json_to_value(field, json, &v);
	if (!ok)
		return at->outer ? refuse_nested(at->outer, field, json, at->error)
				 : refuse_type(field, at->error);
	normalize(field, &v);
	*ret = v;
	return 0;
}

static int read_value(
	const struct field *field, const json_t *json, const struct place *at, struct value *ret)
{
	json_t *tight = at->loose ? tighten(field, json) : json_incref((json_t *)json);
	int r = 0;

	if (!tight)
		return refuse_type(field, at->error);
	if (!json_is_null(tight))
		r = read_set_value(field, tight, at, ret);
	else if (is_nullable(field))
		*ret = (struct value){ .state = VALUE_NULL };
	else
		r = refuse_type(field, at->error);
	json_decref(tight);
	return r;
}

int input_value_read(const struct field *field, const struct param_value *given,
	struct v5_error *error, struct value *ret)
{
	struct place at = { NULL, given->loose, error };

	return read_value(field, given->json, &at, ret);
}
