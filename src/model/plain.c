/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as plain text. */
#include "storyfs/plain.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/json.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

/* A list of more lines is none that anyone wrote; repeats are looked for one by one. */
enum { SHOWN_BYTES = 60, MAX_LINES = 5000 };

/* Is the resource written by its name alone, with no id to find? */
static bool is_named(const struct field *field)
{
	const struct resource *res = schema_resource(field->of);

	return field->type != TYPE_IDS && (res->by_name || res->plain);
}

/* ---- out ---- */

static void write_float(double d, struct buf *b)
{
	char text[FLOAT_TEXT_SIZE];

	format_float(d, text);
	buf_add_str(b, text);
}

static void write_id(enum kind kind, int64_t id, const struct resolver *resolver, struct buf *b)
{
	if (!resolver || !resolver->add_name(resolver->data, kind, id, b))
		buf_add_fmt(b, "%" PRId64, id);
}

/* Appends the name by which the resolver finds it again, when there is one. */
static bool is_found_again(const struct record *r, const struct resolver *resolver, struct buf *b)
{
	const struct resource *res = schema_resource(record_kind(r));

	return resolver && !res->by_name && !res->plain && record_id(r) &&
	       resolver->add_name(resolver->data, record_kind(r), record_id(r), b);
}

/* A nested resource by name, on one line whatever it holds. Where names are read back, only one
 * that the resolver finds again will do. */
static void write_nested(const struct record *r, const struct field *field,
	const struct resolver *resolver, struct buf *b)
{
	const struct resource *res = schema_resource(record_kind(r));
	bool is_read_back = field->write & WRITE_UPDATE && !res->by_name && !res->plain;
	size_t start = b->len;

	if (is_found_again(r, resolver, b))
		;
	else if (record_id(r) && (is_read_back || !record_has(r, res->label)))
		buf_add_fmt(b, "%" PRId64, record_id(r));
	else
		plain_write(r, res->label, resolver, b);
	for (size_t i = start; i < b->len; i++) {
		if (b->data[i] == '\n' || b->data[i] == '\r')
			b->data[i] = ' ';
	}
}

static void write_times(const struct field *field, int64_t i, struct buf *b)
{
	char text[CLOCK_ISO_SIZE];

	(field->type == TYPE_DATE ? clock_format_date : clock_format_iso)(i, text);
	buf_add_str(b, text);
}

static void write_value(const struct field *field, const struct value *v,
	const struct resolver *resolver, struct buf *b)
{
	switch (field->type) {
	case TYPE_INT:
		buf_add_fmt(b, "%" PRId64, v->i);
		break;
	case TYPE_FLOAT:
		write_float(v->f, b);
		break;
	case TYPE_BOOL:
		buf_add_str(b, v->i ? "true" : "false");
		break;
	case TYPE_STRING:
	case TYPE_XSTRING:
	case TYPE_JSON:
		buf_add_str(b, v->s);
		break;
	case TYPE_DATETIME:
	case TYPE_DATE:
		write_times(field, v->i, b);
		break;
	case TYPE_ENUM:
		buf_add_str(b, field->choices->words[v->i]);
		break;
	case TYPE_IDS:
		for (size_t i = 0; i < v->n; i++)
			buf_add_fmt(b, "%s%" PRId64, i ? "\n" : "", v->ids[i]);
		break;
	case TYPE_OBJECT:
		write_nested(v->record, field, resolver, b);
		break;
	case TYPE_OBJECTS:
		for (size_t i = 0; i < v->n; i++) {
			buf_add_str(b, i ? "\n" : "");
			write_nested(v->records[i], field, resolver, b);
		}
		break;
	}
}

static void write_pair(const struct record *r, const struct field *field,
	const struct resolver *resolver, struct buf *b)
{
	int f = schema_find_field(record_kind(r), field->via);
	const struct value *v = record_get(r, f);

	if (v->state != VALUE_SET)
		return;
	if (field->type == TYPE_OBJECT) {
		write_id(field->of, v->i, resolver, b);
		return;
	}
	for (size_t i = 0; i < v->n; i++) {
		buf_add_str(b, i ? "\n" : "");
		write_id(field->of, v->ids[i], resolver, b);
	}
}

void plain_write(const struct record *r, int f, const struct resolver *resolver, struct buf *b)
{
	const struct field *field = schema_field(record_kind(r), f);
	const struct value *v = record_get(r, f);

	if (v->state == VALUE_SET)
		write_value(field, v, resolver, b);
	else if (field->via)
		write_pair(r, field, resolver, b);
}

/* ---- in ---- */

void plain_describe(const struct field *field, struct buf *b)
{
	switch (field->type) {
	case TYPE_INT:
		buf_add_str(b, field->of ? "an id in digits" : "a whole number");
		break;
	case TYPE_FLOAT:
		buf_add_str(b, "a number");
		break;
	case TYPE_BOOL:
		buf_add_str(b, "true or false");
		break;
	case TYPE_DATETIME:
		buf_add_str(b, "a time such as 2024-05-31T16:00:00Z or a day such as 2024-05-31");
		break;
	case TYPE_DATE:
		buf_add_str(b, "a day such as 2024-05-31");
		break;
	case TYPE_ENUM:
		buf_add_str(b, "one of");
		for (int i = 0; field->choices->words[i]; i++)
			buf_add_fmt(b, "%s%s", i ? ", " : " ", field->choices->words[i]);
		break;
	case TYPE_IDS:
		buf_add_str(b, "ids in digits, one a line");
		break;
	case TYPE_OBJECT:
	case TYPE_OBJECTS:
		buf_add_fmt(b, "%s by name%s", schema_resource(field->of)->name,
			field->type == TYPE_OBJECTS ? ", one a line" : "");
		break;
	case TYPE_STRING:
	case TYPE_XSTRING:
		buf_add_str(b, "UTF-8 text");
		break;
	case TYPE_JSON:
		buf_add_str(b, "JSON");
		break;
	}
}

static int refuse(const struct field *field, const char *text, struct buf *ret_reason)
{
	scoped(buf_fini) struct buf shown = BUF_INIT;

	text_add_excerpt(&shown, text, strlen(text), SHOWN_BYTES);
	buf_add_fmt(ret_reason, "%s: '%s' is not accepted: expected ", field->key, buf_str(&shown));
	plain_describe(field, ret_reason);
	buf_add_char(ret_reason, '\n');
	return -EINVAL;
}

static bool read_time(const struct field *field, const char *text, int64_t *ret)
{
	return (field->type == TYPE_DATE ? clock_parse_date : clock_parse_iso)(text, ret);
}

/* Values of one line: false when the text is none of the type's. */
static bool read_scalar(const struct field *field, const char *text, struct value *ret)
{
	bool yes = false;

	switch (field->type) {
	case TYPE_INT:
		return parse_int(text, INT64_MIN, INT64_MAX, &ret->i);
	case TYPE_FLOAT:
		return parse_float(text, &ret->f);
	case TYPE_BOOL:
		if (!parse_bool(text, &yes))
			return false;
		ret->i = yes;
		return true;
	case TYPE_DATETIME:
	case TYPE_DATE:
		return read_time(field, text, &ret->i);
	case TYPE_ENUM:
		ret->i = choices_find(field->choices, text, true);
		return ret->i >= 0;
	case TYPE_STRING:
	case TYPE_XSTRING:
		ret->s = xstrdup(text);
		return true;
	case TYPE_IDS:
	case TYPE_OBJECT:
	case TYPE_OBJECTS:
	case TYPE_JSON:
		break;
	}
	return false;
}

static char *trimmed(const char *text, size_t len)
{
	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	while (len && strchr(" \t\r\n", *text)) {
		text++;
		len--;
	}
	return xstrndup(text, len);
}

/* What the lines of a text name. */
struct names {
	struct ids ids;
	struct records records;
};

static void names_fini(struct names *names)
{
	ids_fini(&names->ids);
	records_fini(&names->records);
}

SCOPED_VALUE(struct names, names_fini);

/* One resource by name (or id, where names only point). */
static int read_name(const struct field *field, const char *name, const struct resolver *resolver,
	struct names *names, struct buf *ret_reason)
{
	int64_t id;

	if (is_named(field)) {
		struct record *r = record_new(field->of);

		record_set_text(r, schema_resource(field->of)->label, name);
		records_add(&names->records, r);
		return 0;
	}
	if (!resolver || field->type == TYPE_IDS) {
		if (!parse_int(name, 1, INT64_MAX, &id))
			return refuse(field, name, ret_reason);
	} else {
		int e = resolver->find_id(resolver->data, field->of, name, &id, ret_reason);

		if (e < 0)
			return e;
	}
	if (!ids_has(&names->ids, id))
		ids_add(&names->ids, id);
	return 0;
}

static bool names_already(const struct records *list, const char *name)
{
	each_record(r, list) {
		if (strcmp(record_text(r, schema_resource(record_kind(r))->label), name) == 0)
			return true;
	}
	return false;
}

/* Lines of names or ids. Blank lines do not count, repeated ones count once. */
static int read_lines(const struct field *field, const char *text, const struct resolver *resolver,
	struct names *names, struct buf *ret_reason)
{
	while (*text) {
		size_t len = strcspn(text, "\r\n");
		scoped(free_ptr) char *line = trimmed(text, len);

		text += len + (text[len] != '\0');
		if (!*line || names_already(&names->records, line))
			continue;
		int e = read_name(field, line, resolver, names, ret_reason);

		if (e < 0)
			return e;
		if (names->ids.n + names->records.n > MAX_LINES) {
			buf_add_fmt(ret_reason, "%s: more than %d lines\n", field->key, MAX_LINES);
			return -EINVAL;
		}
	}
	return 0;
}

/* The field that a patch sets: the id form behind an object form whose names only point. */
static int target_field(enum kind kind, int f)
{
	const struct field *field = schema_field(kind, f);

	return field->via && !is_named(field) ? schema_find_field(kind, field->via) : f;
}

static int read_list(struct record *patch, int f, const char *text, const struct resolver *resolver,
	struct buf *ret_reason)
{
	const struct field *field = schema_field(record_kind(patch), f);
	scoped(names_fini) struct names names = { 0 };
	int target = target_field(record_kind(patch), f);

	if (field->type != TYPE_IDS && !is_named(field) && !field->via)
		return refuse(field, text, ret_reason);
	int e = read_lines(field, text, resolver, &names, ret_reason);

	if (e < 0)
		return e;
	if (field->type == TYPE_OBJECT && names.records.n + names.ids.n != 1)
		return refuse(field, text, ret_reason);
	if (field->type == TYPE_OBJECT && names.records.n)
		record_set_object(patch, target, names.records.items[0]);
	else if (field->type == TYPE_OBJECT)
		record_set_int(patch, target, names.ids.v[0]);
	else if (is_named(field))
		record_set_objects(patch, target, &names.records);
	else
		record_set_ids(patch, target, &names.ids);
	return 0;
}

int plain_read(struct record *ret_patch, int f, const struct buf *text,
	const struct resolver *resolver, struct buf *ret_reason)
{
	const struct field *field = schema_field(record_kind(ret_patch), f);
	bool is_text = field->type == TYPE_STRING || field->type == TYPE_XSTRING;
	const char *data = buf_str(text);

	if (!text_is_valid(data, text->len)) {
		buf_add_fmt(
			ret_reason, "%s: the text is not UTF-8 or holds NUL bytes\n", field->key);
		return -EINVAL;
	}
	scoped(free_ptr) char *copy =
		is_text ? xstrndup(data, text->len) : trimmed(data, text->len);

	if (field->type == TYPE_IDS || field->type == TYPE_OBJECTS ||
		(field->type == TYPE_OBJECT && *copy))
		return read_list(ret_patch, f, copy, resolver, ret_reason);
	if (!*copy) {
		record_set_null(ret_patch, target_field(record_kind(ret_patch), f));
	} else {
		struct value v = { .state = VALUE_SET };

		if (!read_scalar(field, copy, &v))
			return refuse(field, copy, ret_reason);
		record_set(ret_patch, f, v);
	}
	return 0;
}
