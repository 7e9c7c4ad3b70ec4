/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records as JSON's text without a document in between, for the server's answers. Byte for byte
 * what json_from_record and json_write make; where a record holds more than its fields (extra),
 * they do it.
 */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "storyfs/clock.h"
#include "storyfs/json.h"
#include "storyfs/text.h"

enum { MAX_FIELDS = 128 };

/* Which fields of a kind an answer may hold; decided once for a whole list. */
struct plan {
	enum kind kind;
	const struct fields *fields;
	unsigned flags;
	bool with_kind;
	bool wanted[MAX_FIELDS];
};

static void write_records(
	const struct records *list, const struct fields *f, unsigned flags, struct buf *b);
static void write_record(const struct record *r, const struct plan *p, struct buf *b);

static struct plan make_plan(enum kind kind, const struct fields *f, unsigned flags)
{
	struct plan p = { .kind = kind, .fields = f, .flags = flags };

	assert(schema_resource(kind)->n_fields <= MAX_FIELDS);
	p.with_kind = fields_wants_kind(f) && schema_find_field(kind, "kind") < 0;
	each_field(i, kind) {
		unsigned row_flags = schema_field(kind, i)->flags;

		p.wanted[i] = fields_wants(f, kind, i) &&
			      !(row_flags & FIELD_SECRET && flags & JSON_WITHOUT_SECRETS);
	}
	return p;
}

/* ---- values ---- */

static void write_int(int64_t i, struct buf *b)
{
	char digits[24];
	char *p = digits + sizeof(digits);
	uint64_t rest = i < 0 ? -(uint64_t)i : (uint64_t)i;

	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (i < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

static void write_float(double d, unsigned flags, struct buf *b)
{
	if (!(flags & FIELD_FRACTION) && floor(d) >= d && fabs(d) < 1e15) {
		write_int((int64_t)d, b);
		return;
	}
	json_t *json = json_real(d);

	json_write(json, b);
	json_decref(json);
}

static void write_escaped(unsigned char c, struct buf *b)
{
	static const char shorts[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *at = c ? strchr(shorts, c) : NULL;

	if (at)
		buf_add(b, (const char[]){ '\\', letters[at - shorts] }, 2);
	else
		buf_add_fmt(b, "\\u%04X", c);
}

/* What is no UTF-8 is no text, as it is for jansson. */
void json_add_text(const char *s, struct buf *b)
{
	size_t len = strlen(s);

	if (!text_is_valid(s, len))
		len = 0;
	char *start = buf_reserve(b, len + 2);

	*start = '"';
	b->len++;
	for (size_t from = 0, at = 0;; at++) {
		unsigned char c = (unsigned char)s[at];

		if (at < len && c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(b, s + from, at - from);
		if (at == len)
			break;
		write_escaped(c, b);
		from = at + 1;
	}
	buf_add_char(b, '"');
}

static void write_datetime(int64_t ms, unsigned flags, struct buf *b)
{
	char text[CLOCK_ISO_SIZE];

	if (flags & JSON_AS_MILLIS) {
		write_int(ms, b);
		return;
	}
	clock_format_iso(ms, text);
	buf_add_char(b, '"');
	buf_add_str(b, text);
	buf_add_char(b, '"');
}

static void write_date(int64_t days, struct buf *b)
{
	char text[CLOCK_ISO_SIZE];

	clock_format_date(days, text);
	json_add_text(text, b);
}

static void write_ids(const struct value *v, struct buf *b)
{
	buf_add_char(b, '[');
	for (size_t i = 0; i < v->n; i++) {
		if (i)
			buf_add_char(b, ',');
		write_int(v->ids[i], b);
	}
	buf_add_char(b, ']');
}

static void write_nested(
	const struct record *r, const struct fields *f, unsigned flags, struct buf *b)
{
	struct plan p = make_plan(record_kind(r), f, flags);

	write_record(r, &p, b);
}

static void write_value(
	const struct field *field, const struct value *v, const struct plan *p, struct buf *b)
{
	const struct records records = value_records(v);

	switch (field->type) {
	case TYPE_INT:
		write_int(v->i, b);
		return;
	case TYPE_FLOAT:
		write_float(v->f, field->flags, b);
		return;
	case TYPE_BOOL:
		buf_add_str(b, v->i ? "true" : "false");
		return;
	case TYPE_STRING:
	case TYPE_XSTRING:
		json_add_text(v->s, b);
		return;
	case TYPE_DATETIME:
		write_datetime(v->i, p->flags, b);
		return;
	case TYPE_DATE:
		write_date(v->i, b);
		return;
	case TYPE_ENUM:
		json_add_text(field->choices->words[v->i], b);
		return;
	case TYPE_IDS:
		write_ids(v, b);
		return;
	case TYPE_OBJECT:
		write_nested(v->record, fields_nested(p->fields, field->key), p->flags, b);
		return;
	case TYPE_OBJECTS:
		write_records(&records, fields_nested(p->fields, field->key), p->flags, b);
		return;
	case TYPE_JSON:
		buf_add_str(b, v->s);
		return;
	}
}

/* ---- records ---- */

static void write_key(const char *key, struct buf *b)
{
	size_t len = strlen(key);
	char *to = buf_reserve(b, len + 4);
	bool first = b->data[b->len - 1] == '{';

	if (!first)
		*to++ = ',';
	*to++ = '"';
	memcpy(to, key, len);
	to[len] = '"';
	to[len + 1] = ':';
	to[len + 2] = '\0';
	b->len += len + 3 + !first;
}

static void write_document(const struct record *r, const struct plan *p, struct buf *b)
{
	json_t *json = json_from_record(r, p->fields, p->flags);

	json_write(json, b);
	json_decref(json);
}

static void write_record(const struct record *r, const struct plan *p, struct buf *b)
{
	if (record_extra(r)) {
		write_document(r, p, b);
		return;
	}
	buf_add_char(b, '{');
	if (p->with_kind) {
		write_key("kind", b);
		json_add_text(schema_resource(p->kind)->name, b);
	}
	each_field(i, p->kind) {
		if (!p->wanted[i] || !record_has(r, i))
			continue;
		write_key(schema_field(p->kind, i)->key, b);
		write_value(schema_field(p->kind, i), record_get(r, i), p, b);
	}
	buf_add_char(b, '}');
}

static void write_records(
	const struct records *list, const struct fields *f, unsigned flags, struct buf *b)
{
	struct plan p;

	buf_add_char(b, '[');
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			buf_add_char(b, ',');
		else
			p = make_plan(record_kind(list->items[0]), f, flags);
		write_record(list->items[i], &p, b);
	}
	buf_add_char(b, ']');
}

void json_add_record(const struct record *r, const struct fields *f, unsigned flags, struct buf *b)
{
	write_nested(r, f, flags, b);
}

void json_add_records(
	const struct records *list, const struct fields *f, unsigned flags, struct buf *b)
{
	write_records(list, f, flags, b);
}
