/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records straight from the text of JSON, of which no tree is made: the table decides what each
 * member is, and what it does not know is kept as text. jansson reads what is rare: values to be
 * kept or shown as they came, and what is no JSON, for its words.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "json_mend.h"
#include "json_take.h"
#include "storyfs/alloc.h"
#include "storyfs/json.h"
#include "storyfs/table.h"
#include "storyfs/text.h"

enum { SHOWN_BYTES = 60 };

/* ---- problems ---- */

/* Where in the document a value stands, for a problem's line: innermost first. */
struct place {
	const struct place *outer;
	const char *name; /* of a member; NULL for an item of a list */
	size_t index;
};

/* How the document is read. */
struct reading {
	struct json_scan *in; /* of one text */
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

/* Pass over the next value, which is not what it should be; ret_json, or NULL, is the tree of it.
 */
static void report(
	const struct reading *how, const struct place *at, const char *expected, json_t **ret_json)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(buf_fini) struct buf shown = BUF_INIT;
	scoped(buf_fini) struct buf where = BUF_INIT;
	json_t *got = json_take_tree(how->in);

	if (got && how->problems) {
		json_write(got, &text);
		text_add_excerpt(&shown, buf_str(&text), text.len, SHOWN_BYTES);
		add_place(at, &where);
		buf_add_fmt(how->problems, "%s: expected %s, got %s\n",
			where.len ? buf_str(&where) : "document", expected, buf_str(&shown));
	}
	if (ret_json)
		*ret_json = got;
	else
		json_decref(got);
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

static int to_record(
	enum kind kind, const struct place *at, const struct reading *how, struct record **ret);

/* ---- nested resources ---- */

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
static struct record *to_nested(enum kind kind, const struct place *at, const struct reading *how)
{
	const struct resource *res = schema_resource(kind);
	struct record *r = NULL;
	const char *name;

	if ((res->by_name || res->plain) && json_take_text(how->in, &name)) {
		r = record_new(kind);
		record_set_text(r, res->label, name);
		return r;
	}
	if (to_record(kind, at, how, &r) < 0)
		return NULL;
	share(how, &r);
	return r;
}

/* Where a list is asked for on its own, one that is no resource does not take the others away. What
 * is part of its parent is kept whole, as it came. */
static bool to_records(const struct field *field, const struct place *at, const struct reading *how,
	struct value *ret)
{
	bool may_lack = how->is_lenient && !(field->flags & FIELD_DEF);
	scoped(records_fini) struct records list = { 0 };
	struct place item = { .outer = at };

	if (json_scan_peek(how->in) != '[')
		return false;
	for (bool more = json_scan_open(how->in, '['); more; more = json_scan_more(how->in, '[')) {
		struct record *r = to_nested(field->of, &item, how);

		if (r)
			records_add(&list, r);
		else if (!may_lack)
			return false;
		item.index++;
	}
	*ret = value_of_records(list);
	list = (struct records){ 0 };
	return true;
}

static bool to_text(const struct place *at, const struct reading *how, char **ret)
{
	const char *text;

	if (!json_take_text(how->in, &text))
		return false;
	*ret = xstrdup(text);
	report_mended(how, at, *ret);
	return true;
}

static bool to_set_value(const struct field *field, const struct place *at,
	const struct reading *how, struct value *ret)
{
	switch (field->type) {
	case TYPE_INT:
		return json_take_int(how->in, &ret->i);
	case TYPE_FLOAT:
		return json_take_float(how->in, &ret->f);
	case TYPE_BOOL:
		return json_take_bool(how->in, &ret->i);
	case TYPE_STRING:
	case TYPE_XSTRING:
		return to_text(at, how, &ret->s);
	case TYPE_DATETIME:
		return json_take_datetime(how->in, &ret->i);
	case TYPE_DATE:
		return json_take_date(how->in, &ret->i);
	case TYPE_ENUM:
		return json_take_choice(field->choices, how->in, &ret->i);
	case TYPE_IDS:
		return json_take_ids(how->in, ret);
	case TYPE_OBJECT:
		return (ret->record = to_nested(field->of, at, how)) != NULL;
	case TYPE_OBJECTS:
		return to_records(field, at, how, ret);
	case TYPE_JSON:
		return json_take_compact(how->in, &ret->s);
	}
	return false;
}

/* False when it is of another type, and then it is not passed. */
static bool to_value(const struct field *field, const struct place *at, const struct reading *how,
	struct value *ret)
{
	struct json_mark from = json_scan_mark(how->in);

	*ret = (struct value){ .state = VALUE_NULL };
	if (json_scan_peek(how->in) == 'n')
		return json_scan_word(how->in);
	ret->state = VALUE_SET;
	if (to_set_value(field, at, how, ret))
		return true;
	json_scan_back(how->in, &from);
	return false;
}

bool json_to_value(const struct field *field, const struct json_t *json, struct value *ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(json_scan_fini) struct json_scan in;

	json_write(json, &text);
	json_scan_init(&in, buf_str(&text), text.len);
	return to_value(field, NULL, &(struct reading){ .in = &in }, ret);
}

/* ---- resources ---- */

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

/* A resource on its way. */
struct making {
	struct record *r;
	json_t *extra; /* NULL: nothing yet */
	int last;      /* field that was found */
};

static void add_extra(struct making *m, const char *key, json_t *json)
{
	if (!m->extra)
		m->extra = json_object();
	json_object_set_new(m->extra, key, json);
}

static bool tells_kind(const char *key, enum kind kind, struct json_scan *s)
{
	const char *word;

	return strcmp(key, "kind") == 0 && json_take_text(s, &word) &&
	       schema_find_kind(word) == kind;
}

/* One that the table does not know. */
static void take_unknown(struct making *m, const char *key_in_scan, const struct reading *how)
{
	scoped(free_ptr) char *key = xstrdup(key_in_scan);
	struct json_mark from = json_scan_mark(how->in);

	if (tells_kind(key, record_kind(m->r), how->in)) {
		json_object_del(m->extra, key);
		return;
	}
	json_scan_back(how->in, &from);
	json_t *json = json_take_tree(how->in);

	if (json)
		add_extra(m, key, json);
}

static void take_field(
	struct making *m, int f, const struct place *outer, const struct reading *how)
{
	const struct field *field = schema_field(record_kind(m->r), f);
	const struct place at = { .outer = outer, .name = field->key };
	scoped(buf_fini) struct buf expected = BUF_INIT;
	struct value v;
	json_t *json;

	/* Of two with one key the last one counts. */
	json_object_del(m->extra, field->key);
	record_clear(m->r, f);
	if (to_value(field, &at, how, &v)) {
		if (v.state == VALUE_SET)
			record_set(m->r, f, v);
		return;
	}
	describe_type(field, &expected);
	report(how, &at, buf_str(&expected), &json);
	if (json)
		add_extra(m, field->key, json);
}

/* Hosts send fields in the table's order, more or less: the next one is looked for first. */
static int find_field(const struct making *m, const char *key)
{
	enum kind kind = record_kind(m->r);
	int n = schema_resource(kind)->n_fields;

	for (int f = m->last + 1; f < n; f++) {
		if (strcmp(schema_field(kind, f)->key, key) == 0)
			return f;
	}
	return schema_find_field(kind, key);
}

/* One member of the object: into its field, or into extra, which is made for the first. */
static void take_member(struct making *m, const struct place *outer, const struct reading *how)
{
	enum kind kind = record_kind(m->r);
	const char *key = json_scan_key(how->in);
	int f = key ? find_field(m, key) : -1;

	if (f < 0 || is_servers_own(schema_field(kind, f))) {
		if (key)
			take_unknown(m, key, how);
		return;
	}
	m->last = f;
	take_field(m, f, outer, how);
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

static void take_members(
	enum kind kind, const struct place *at, const struct reading *how, struct record **ret)
{
	struct json_scan *in = how->in;
	struct making m = { .r = record_new(kind), .last = -1 };

	record_reserve(m.r, (size_t)schema_resource(kind)->n_fields);
	for (bool more = json_scan_open(in, '{'); more; more = json_scan_more(in, '{'))
		take_member(&m, at, how);
	if (json_object_size(m.extra))
		record_set_extra(m.r, json_dumps(m.extra, JSON_COMPACT));
	json_decref(m.extra);
	*ret = m.r;
}

/* The next value is passed in any case. */
static int to_record(
	enum kind kind, const struct place *at, const struct reading *how, struct record **ret)
{
	scoped(record_unref) struct record *r = NULL;

	if (json_scan_peek(how->in) != '{') {
		report(how, at, "an object", NULL);
		return -EBADMSG;
	}
	take_members(kind, at, how, &r);
	int e = how->in->is_broken ? -EBADMSG : check_identity(r, at, how);

	if (e < 0)
		return e;
	record_trim(r);
	*ret = take_ptr(r);
	return 0;
}

/* Of a tree that others made. */
static int tree_to_record(enum kind kind, const json_t *object, const struct place *at,
	const struct reading *like, struct record **ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(json_scan_fini) struct json_scan in;
	struct reading how = *like;

	json_write(object, &text);
	json_scan_init(&in, buf_str(&text), text.len);
	how.in = &in;
	return to_record(kind, at, &how, ret);
}

int json_to_record(enum kind kind, const struct json_t *object, const char *path,
	struct buf *problems, struct record **ret)
{
	struct reading how = { .problems = problems, .is_answer = true };

	return tree_to_record(kind, object, &(struct place){ .name = path }, &how, ret);
}

/* ---- documents ---- */

/* What is read: one resource, or a list of them. */
struct wanted {
	enum kind kind;
	struct record **one; /* or NULL */
	struct records *list;
};

/* How many of it are none of the kind, and left out. */
static int to_list(enum kind kind, const struct reading *how, struct records *ret)
{
	struct json_scan *in = how->in;
	struct place item = { 0 };
	int n_out = 0;

	if (json_scan_peek(in) != '[') {
		report(how, NULL, "a list", NULL);
		return -EBADMSG;
	}
	for (bool more = json_scan_open(in, '['); more; more = json_scan_more(in, '[')) {
		struct record *r;

		if (to_record(kind, &item, how, &r) < 0)
			n_out++;
		else
			records_add(ret, r);
		item.index++;
	}
	return n_out;
}

static bool is_document(struct json_scan *s)
{
	char c = json_scan_peek(s);

	return c == '{' || c == '[';
}

/* 1 when it is no JSON, and all is as before; else *ret_e is what came of it. A text or a number
 * alone is no document. */
static int try_text(const char *text, size_t len, const struct reading *like,
	const struct wanted *wanted, int *ret_e)
{
	scoped(json_scan_fini) struct json_scan in;
	scoped(records_fini) struct records list = { 0 };
	scoped(record_unref) struct record *one = NULL;
	struct reading how = *like;

	json_scan_init(&in, text, len);
	how.in = &in;
	if (!is_document(&in))
		return 1;
	int e = wanted->one ? to_record(wanted->kind, &(struct place){ .name = "" }, &how, &one)
			    : to_list(wanted->kind, &how, &list);

	json_scan_end(&in);
	if (in.is_broken)
		return 1;
	if (e >= 0 && wanted->one)
		*wanted->one = take_ptr(one);
	if (e >= 0 && wanted->list) {
		*wanted->list = list;
		list = (struct records){ 0 };
	}
	*ret_e = e;
	return 0;
}

static void tell_why(const char *text, size_t len, struct buf *problems)
{
	json_error_t error;

	json_decref(json_loadb(text, len, 0, &error));
	buf_add_fmt(problems, "line %d, column %d: ", error.line, error.column);
	text_add_excerpt(problems, error.text, strlen(error.text), sizeof(error.text));
	buf_add_char(problems, '\n');
}

static int read_document(
	const char *text, size_t len, struct buf *problems, const struct wanted *wanted)
{
	scoped(buf_fini) struct buf told = BUF_INIT;
	scoped(buf_fini) struct buf mended = BUF_INIT;
	struct table nested = { 0 };
	struct reading how = {
		.problems = &told, .is_answer = true, .is_lenient = true, .nested = &nested
	};
	int e = -EBADMSG;
	int state = try_text(text, len, &how, wanted, &e);

	if (state > 0) {
		json_mend(text, len, &mended);
		buf_reset(&told);
		how.is_mended = true;
		state = try_text(buf_str(&mended), mended.len, &how, wanted, &e);
	}
	if (state > 0) {
		buf_reset(&told);
		tell_why(text, len, &told);
	}
	if (problems)
		buf_add(problems, told.data, told.len);
	nested_fini(&nested);
	return e;
}

int json_read_record(
	enum kind kind, const char *text, size_t len, struct buf *problems, struct record **ret)
{
	return read_document(text, len, problems, &(struct wanted){ .kind = kind, .one = ret });
}

int json_read_records(
	enum kind kind, const char *text, size_t len, struct buf *problems, struct records *ret)
{
	return read_document(text, len, problems, &(struct wanted){ .kind = kind, .list = ret });
}

/* ---- what a change replaced ---- */

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
	json_t *root = json_loads(changes, 0, NULL);
	const json_t *change = find_change(root, kind, id);
	const json_t *values = json_object_get(change, "original_values");
	const json_t *later = json_object_get(change, "new_values");
	struct record *r = NULL;
	const char *key;
	json_t *value;
	int e = values ? tree_to_record(kind, values, NULL, &how, &r) : 1;

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
