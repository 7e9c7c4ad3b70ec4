/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records from JSON: jansson parses, the table decides what each member is. The members that came
 * are walked, so that nothing is left out.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "json_mend.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/json.h"
#include "storyfs/table.h"
#include "storyfs/text.h"

enum { SHOWN_BYTES = 60 };

#define EXACT_INTEGER (INT64_C(1) << 53)

static bool to_int(const json_t *json, int64_t *ret)
{
	if (json_is_integer(json)) {
		*ret = json_integer_value(json);
		return true;
	}
	double d = json_real_value(json);

	if (!json_is_real(json) || floor(d) < d || fabs(d) > (double)EXACT_INTEGER)
		return false;
	*ret = (int64_t)d;
	return true;
}

/* Whole numbers that a double does not hold exactly are no value: they would be lost. */
static bool to_float(const json_t *json, double *ret)
{
	json_int_t i = json_integer_value(json);

	*ret = json_number_value(json);
	return json_is_real(json) ||
	       (json_is_integer(json) && i <= EXACT_INTEGER && i >= -EXACT_INTEGER);
}

static bool to_datetime(const json_t *json, int64_t *ret)
{
	int64_t ms;

	if (json_is_string(json))
		return clock_parse_iso(json_string_value(json), ret);
	if (!to_int(json, &ms) || ms < CLOCK_MIN_MS || ms > CLOCK_MAX_MS)
		return false;
	*ret = ms;
	return true;
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

/* Where in the document a value stands, for a problem's line: innermost first. */
struct place {
	const struct place *outer;
	const char *name; /* of a member; NULL for an item of a list */
	size_t index;
};

/* How the document is read. */
struct reading {
	struct buf *problems; /* or NULL */
	bool is_answer;	      /* so that every resource has its id */
	bool is_lenient;      /* what is wrong is mended or left out, and told */
	bool is_mended;	      /* it was no JSON as it came */
	struct table *nested; /* resources that may be there again, or NULL */
};

/* A resource that lies in another one. */
struct nested {
	struct table_item item;
	struct {
		int64_t id, kind;
	} key;
	struct record *record;
};

static void add_place(const struct place *p, struct buf *b)
{
	if (!p)
		return;
	add_place(p->outer, b);
	if (!p->name)
		buf_add_fmt(b, "[%zu]", p->index);
	else if (*p->name)
		buf_add_fmt(b, "%s%s", b->len ? "." : "", p->name);
}

static void report(
	const struct reading *how, const struct place *at, const char *expected, const json_t *got)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(buf_fini) struct buf shown = BUF_INIT;
	scoped(buf_fini) struct buf where = BUF_INIT;

	if (!how->problems)
		return;
	json_write(got, &text);
	text_add_excerpt(&shown, buf_str(&text), text.len, SHOWN_BYTES);
	add_place(at, &where);
	buf_add_fmt(how->problems, "%s: expected %s, got %s\n",
		where.len ? buf_str(&where) : "document", expected, buf_str(&shown));
}

/* A text that is not all there. */
static void report_mended(const struct reading *how, const struct place *at, const char *text)
{
	scoped(buf_fini) struct buf where = BUF_INIT;

	if (!how->problems || !how->is_mended || !strstr(text, JSON_MENDED))
		return;
	add_place(at, &where);
	buf_add_fmt(how->problems,
		"%s: not all of it is text; what is not is shown as '" JSON_MENDED "'\n",
		buf_str(&where));
}

static int to_record(enum kind kind, const json_t *object, const struct place *at,
	const struct reading *how, struct record **ret);

/* Hundreds of stories bring the same label or person along: where it is the same in all, one record
 * is enough. */
static void share(const struct reading *how, struct record **r)
{
	struct nested *known;

	if (!how->nested || !record_id(*r))
		return;
	struct nested one = { .key = { record_id(*r), (int64_t)record_kind(*r) } };

	known = table_find(how->nested, &one.key, sizeof(one.key));
	if (!known) {
		known = xmalloc(sizeof(*known));
		*known = one;
		known->record = record_ref(*r);
		table_add(how->nested, &known->item, &known->key, sizeof(known->key));
	} else if (record_same(known->record, *r)) {
		record_unref(*r);
		*r = record_ref(known->record);
	}
}

static void nested_fini(struct table *nested)
{
	struct nested *one;

	while ((one = table_pop(nested))) {
		record_unref(one->record);
		free(one);
	}
}

/* A nested resource: an object, or just its name where naming is enough. */
static struct record *to_nested(
	enum kind kind, const json_t *json, const struct place *at, const struct reading *how)
{
	const struct resource *res = schema_resource(kind);
	struct record *r = NULL;

	if (json_is_string(json) && (res->by_name || res->plain)) {
		r = record_new(kind);
		record_set_text(r, res->label, json_string_value(json));
		return r;
	}
	if (to_record(kind, json, at, how, &r) < 0)
		return NULL;
	share(how, &r);
	return r;
}

/* Where a list is asked for on its own, one that is no resource does not take the others away. What
 * is part of its parent is kept whole, as it came. */
static bool to_records(const struct field *field, const json_t *json, const struct place *at,
	const struct reading *how, struct records *ret)
{
	bool may_lack = how->is_lenient && !(field->flags & FIELD_DEF);
	scoped(records_fini) struct records list = { 0 };
	size_t i;
	json_t *item;

	if (!json_is_array(json))
		return false;
	json_array_foreach((json_t *)json, i, item)
	{
		struct record *r =
			to_nested(field->of, item, &(struct place){ .outer = at, .index = i }, how);

		if (r)
			records_add(&list, r);
		else if (!may_lack)
			return false;
	}
	*ret = list;
	list = (struct records){ 0 };
	return true;
}

static bool to_text(
	const json_t *json, const struct place *at, const struct reading *how, char **ret)
{
	if (!json_is_string(json))
		return false;
	*ret = xstrdup(json_string_value(json));
	report_mended(how, at, *ret);
	return true;
}

static bool to_set_value(const struct field *field, const json_t *json, const struct place *at,
	const struct reading *how, struct value *ret)
{
	switch (field->type) {
	case TYPE_INT:
		return to_int(json, &ret->i);
	case TYPE_FLOAT:
		return to_float(json, &ret->f);
	case TYPE_BOOL:
		ret->i = json_is_true(json);
		return json_is_boolean(json);
	case TYPE_STRING:
	case TYPE_XSTRING:
		return to_text(json, at, how, &ret->s);
	case TYPE_DATETIME:
		return to_datetime(json, &ret->i);
	case TYPE_DATE:
		return json_is_string(json) && clock_parse_date(json_string_value(json), &ret->i);
	case TYPE_ENUM:
		return to_choice(field->choices, json, &ret->i);
	case TYPE_IDS:
		return to_ids(json, &ret->ids);
	case TYPE_OBJECT:
		return (ret->record = to_nested(field->of, json, at, how)) != NULL;
	case TYPE_OBJECTS:
		return to_records(field, json, at, how, &ret->records);
	case TYPE_JSON:
		ret->s = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
		return ret->s != NULL;
	}
	return false;
}

static bool to_value(const struct field *field, const json_t *json, const struct place *at,
	const struct reading *how, struct value *ret)
{
	*ret = (struct value){ .state = VALUE_NULL };
	if (json_is_null(json))
		return true;
	ret->state = VALUE_SET;
	return to_set_value(field, json, at, how, ret);
}

bool json_to_value(const struct field *field, const struct json_t *json, struct value *ret)
{
	return to_value(field, json, NULL, &(struct reading){ 0 }, ret);
}

static void describe_type(const struct field *field, struct buf *b)
{
	buf_add_str(b, value_type_name(field->type));
	for (int i = 0; field->type == TYPE_ENUM && field->choices->words[i]; i++)
		buf_add_fmt(b, "%s%s", i ? ", " : ": ", field->choices->words[i]);
}

/* Hidden, and nobody's to say. What is hidden for being secret is taken, and never told. */
static bool is_servers_own(const struct field *field)
{
	return field->flags & FIELD_HIDDEN && !(field->flags & FIELD_SECRET);
}

static void add_extra(json_t **extra, const struct place *at, json_t *json)
{
	if (!*extra)
		*extra = json_object();
	json_object_set(*extra, at->name, json);
}

/* One member of the object: into its field, or into extra, which is made for the first. */
static void take_member(struct record *r, json_t **extra, json_t *json, const struct place *at,
	const struct reading *how)
{
	enum kind kind = record_kind(r);
	int f = schema_find_field(kind, at->name);
	struct value v;

	if (f < 0 || is_servers_own(schema_field(kind, f))) {
		const char *word = json_string_value(json);

		if (strcmp(at->name, "kind") != 0 || !word || schema_find_kind(word) != kind)
			add_extra(extra, at, json);
		return;
	}
	if (to_value(schema_field(kind, f), json, at, how, &v)) {
		if (v.state == VALUE_SET)
			record_set(r, f, v);
		return;
	}
	scoped(buf_fini) struct buf expected = BUF_INIT;

	describe_type(schema_field(kind, f), &expected);
	report(how, at, buf_str(&expected), json);
	add_extra(extra, at, json);
}

/* What every answer holds must be there: the fields that identify, or the name where naming is
 * enough. In a request, a nested resource is yet to be made and may lack its id. */
static int check_identity(const struct record *r, const struct place *at, const struct reading *how)
{
	enum kind kind = record_kind(r);
	const struct resource *res = schema_resource(kind);

	if (res->by_name && record_has(r, res->label))
		return 0;
	if (!how->is_answer && !res->by_name && !res->plain)
		return 0;
	each_field(f, kind) {
		scoped(buf_fini) struct buf where = BUF_INIT;

		if (!(schema_field(kind, f)->flags & FIELD_IDENT) || record_has(r, f))
			continue;
		add_place(
			&(struct place){ .outer = at, .name = schema_field(kind, f)->key }, &where);
		if (how->problems)
			buf_add_fmt(how->problems, "%s: missing\n", buf_str(&where));
		return -EBADMSG;
	}
	return 0;
}

static int to_record(enum kind kind, const json_t *object, const struct place *at,
	const struct reading *how, struct record **ret)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object)) {
		report(how, at, "an object", object);
		return -EBADMSG;
	}
	scoped(record_unref) struct record *r = record_new(kind);
	json_t *extra = NULL;

	record_reserve(r, json_object_size(object) - (json_object_get(object, "kind") != NULL));
	json_object_foreach((json_t *)object, key, value)
		take_member(r, &extra, value, &(struct place){ .outer = at, .name = key }, how);
	if (extra)
		record_set_extra(r, json_dumps(extra, JSON_COMPACT));
	json_decref(extra);
	int e = check_identity(r, at, how);

	if (e < 0)
		return e;
	record_trim(r);
	*ret = take_ptr(r);
	return 0;
}

int json_to_record(enum kind kind, const struct json_t *object, const char *path,
	struct buf *problems, struct record **ret)
{
	return to_record(kind, object, &(struct place){ .name = path },
		&(struct reading){ .problems = problems, .is_answer = true }, ret);
}

/* The document, or NULL and a line in problems. */
static json_t *load(const char *text, size_t len, struct reading *how)
{
	json_error_t error;
	json_t *root = json_loadb(text, len, 0, &error);

	if (!root && how->is_lenient) {
		scoped(buf_fini) struct buf mended = BUF_INIT;

		json_mend(text, len, &mended);
		how->is_mended = true;
		root = json_loadb(buf_str(&mended), mended.len, 0, NULL);
	}
	if (root || !how->problems)
		return root;
	buf_add_fmt(how->problems, "line %d, column %d: ", error.line, error.column);
	text_add_excerpt(how->problems, error.text, strlen(error.text), sizeof(error.text));
	buf_add_char(how->problems, '\n');
	return NULL;
}

int json_read_record(
	enum kind kind, const char *text, size_t len, struct buf *problems, struct record **ret)
{
	struct reading how = { .problems = problems, .is_answer = true, .is_lenient = true };
	json_t *root = load(text, len, &how);

	if (!root)
		return -EBADMSG;
	int e = to_record(kind, root, &(struct place){ .name = "" }, &how, ret);

	json_decref(root);
	return e;
}

/* The change of this resource, or NULL. */
static const json_t *find_change(const json_t *changes, enum kind kind, int64_t id)
{
	const char *name = schema_resource(kind)->name;
	size_t i;
	json_t *change;

	json_array_foreach(changes, i, change)
	{
		const char *of = json_string_value(json_object_get(change, "kind"));

		if (of && strcmp(of, name) == 0 &&
			json_integer_value(json_object_get(change, "id")) == id)
			return change;
	}
	return NULL;
}

int json_read_original(enum kind kind, int64_t id, const char *changes, struct record **ret)
{
	struct reading how = { 0 };
	json_t *root = load(changes, strlen(changes), &how);
	const json_t *change = find_change(root, kind, id);
	const json_t *values = json_object_get(change, "original_values");
	const json_t *later = json_object_get(change, "new_values");
	struct record *r = NULL;
	const char *key;
	json_t *value;
	int e = values ? to_record(kind, values, &(struct place){ .name = "" }, &how, &r) : 1;

	json_object_foreach((json_t *)later, key, value)
	{
		int f = schema_find_field(kind, key);

		if (r && f >= 0 && !json_object_get(values, key))
			record_set_null(r, f);
	}
	json_decref(root);
	if (e)
		return 1;
	*ret = r;
	return 0;
}

/* How many of it are none of the kind, and left out. */
static int to_list(enum kind kind, json_t *root, const struct reading *how, struct records *ret)
{
	scoped(records_fini) struct records list = { 0 };
	int n_out = 0;
	size_t i;
	json_t *item;

	if (!json_is_array(root)) {
		report(how, NULL, "a list", root);
		return -EBADMSG;
	}
	json_array_foreach(root, i, item)
	{
		struct record *r;

		if (to_record(kind, item, &(struct place){ .index = i }, how, &r) < 0)
			n_out++;
		else
			records_add(&list, r);
	}
	*ret = list;
	list = (struct records){ 0 };
	return n_out;
}

int json_read_records(
	enum kind kind, const char *text, size_t len, struct buf *problems, struct records *ret)
{
	struct table nested = { 0 };
	struct reading how = {
		.problems = problems, .is_answer = true, .is_lenient = true, .nested = &nested
	};
	json_t *root = load(text, len, &how);

	if (!root)
		return -EBADMSG;
	int e = to_list(kind, root, &how, ret);

	nested_fini(&nested);
	json_decref(root);
	return e;
}
