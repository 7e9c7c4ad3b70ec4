/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records as bytes. A record is its extra, then the fields that are there, in order: the field's
 * number and state, then the value by its type; 0 ends it. Numbers are written 7 bits a byte, those
 * with a sign folded so that small ones are short.
 */
#include "storyfs/pack.h"

#include <errno.h>
#include <string.h>

#include "storyfs/alloc.h"

enum {
	FORM = 1, /* another one when the bytes are formed otherwise */
	MAX_DEPTH = 16,
	BITS = 7,
	MORE = 1 << BITS,
};

/* ---- hashes ---- */

#define HASH_FACTOR UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * HASH_FACTOR;
	return hash ^ hash >> 32;
}

uint64_t pack_hash(uint64_t seed, const void *data, size_t len)
{
	const char *p = data;
	uint64_t hash = mix(seed, len), word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hash = mix(hash, word);
	}
	word = 0;
	if (len)
		memcpy(&word, p, len);
	return mix(mix(hash, word), HASH_FACTOR);
}

static uint64_t add_text(uint64_t hash, const char *text)
{
	return pack_hash(hash, text, strlen(text));
}

static uint64_t add_field(uint64_t hash, const struct field *field)
{
	hash = add_text(hash, field->key);
	hash = mix(hash, field->type);
	hash = mix(hash, (uint64_t)field->of << 1 | !!(field->flags & FIELD_SECRET));
	for (size_t i = 0; field->choices && field->choices->words[i]; i++)
		hash = add_text(hash, field->choices->words[i]);
	return hash;
}

uint64_t pack_schema(void)
{
	uint64_t hash = mix(FORM, N_KINDS);

	for (enum kind kind = KIND_none + 1; kind < N_KINDS; kind++) {
		hash = add_text(hash, schema_resource(kind)->name);
		each_field(f, kind)
			hash = add_field(hash, schema_field(kind, f));
	}
	return hash;
}

/* ---- out ---- */

static void add_number(uint64_t n, struct buf *b)
{
	char bytes[(sizeof(n) * 8 + BITS - 1) / BITS];
	size_t len = 0;

	for (; n >= MORE; n >>= BITS)
		bytes[len++] = (char)(n | MORE);
	bytes[len++] = (char)n;
	buf_add(b, bytes, len);
}

static void add_signed(int64_t n, struct buf *b)
{
	add_number((uint64_t)n << 1 ^ (uint64_t)(n >> 63), b);
}

static void add_bytes(const char *s, struct buf *b)
{
	size_t len = strlen(s);

	add_number(len, b);
	buf_add(b, s, len);
}

void pack_ids(const struct ids *ids, struct buf *b)
{
	add_number(ids->n, b);
	for (size_t i = 0; i < ids->n; i++)
		add_signed(ids->v[i], b);
}

/* Nested records do not go round, so this ends. */
static void add_nested(const struct record *r, struct buf *b)
{
	add_number((uint64_t)record_kind(r), b);
	pack_record(r, b);
}

static void add_value(const struct field *field, const struct value *v, struct buf *b)
{
	const struct ids ids = value_ids(v);

	switch (field->type) {
	case TYPE_INT:
	case TYPE_BOOL:
	case TYPE_DATETIME:
	case TYPE_DATE:
	case TYPE_ENUM:
		add_signed(v->i, b);
		break;
	case TYPE_FLOAT:
		buf_add(b, &v->f, sizeof(v->f));
		break;
	case TYPE_STRING:
	case TYPE_XSTRING:
	case TYPE_JSON:
		add_bytes(v->s, b);
		break;
	case TYPE_IDS:
		pack_ids(&ids, b);
		break;
	case TYPE_OBJECT:
		add_nested(v->record, b);
		break;
	case TYPE_OBJECTS:
		add_number(v->n, b);
		for (size_t i = 0; i < v->n; i++)
			add_nested(v->records[i], b);
		break;
	}
}

void pack_record(const struct record *r, struct buf *b)
{
	enum kind kind = record_kind(r);

	add_bytes(record_extra(r) ? record_extra(r) : "", b);
	each_field(f, kind) {
		const struct field *field = schema_field(kind, f);
		const struct value *v = record_get(r, f);
		bool is_set = v->state == VALUE_SET;

		if (v->state == VALUE_ABSENT || field->flags & FIELD_SECRET)
			continue;
		add_number((uint64_t)(f + 1) << 1 | is_set, b);
		if (is_set)
			add_value(field, v, b);
	}
	add_number(0, b);
}

/* ---- in ---- */

/* What is left to read; bad from the first thing on that cannot be. */
struct input {
	const unsigned char *at, *end;
	int depth;
	bool is_bad;
};

static size_t left(const struct input *in)
{
	return (size_t)(in->end - in->at);
}

/* In as few bytes as it needs. */
static uint64_t take_number(struct input *in)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < sizeof(n) * 8 && in->at < in->end; shift += BITS) {
		unsigned char byte = *in->at++;
		uint64_t part = (uint64_t)(byte & (MORE - 1)) << shift;

		if (part >> shift != (byte & (MORE - 1)) || (shift && !byte))
			break;
		n |= part;
		if (!(byte & MORE))
			return n;
	}
	in->is_bad = true;
	return 0;
}

static int64_t take_signed(struct input *in)
{
	uint64_t n = take_number(in);

	return (int64_t)(n >> 1 ^ -(n & 1));
}

/* How many of something there are, each of which takes a byte at least. */
static size_t take_count(struct input *in)
{
	uint64_t n = take_number(in);

	if (n > left(in))
		in->is_bad = true;
	return in->is_bad ? 0 : n;
}

/* NULL when it is bad. */
static char *take_bytes(struct input *in)
{
	size_t len = take_count(in);

	if (in->is_bad || (len && memchr(in->at, '\0', len))) {
		in->is_bad = true;
		return NULL;
	}
	in->at += len;
	return xstrndup((const char *)in->at - len, len);
}

static void take_ids(struct input *in, struct ids *ret)
{
	size_t n = take_count(in);

	for (size_t i = 0; i < n && !in->is_bad; i++)
		ids_add(ret, take_signed(in));
}

static void take_float(struct input *in, double *ret)
{
	if (left(in) < sizeof(*ret)) {
		in->is_bad = true;
		return;
	}
	memcpy(ret, in->at, sizeof(*ret));
	in->at += sizeof(*ret);
}

static void take_bool(struct input *in, int64_t *ret)
{
	*ret = take_signed(in);
	if (*ret != 0 && *ret != 1)
		in->is_bad = true;
}

static void take_word(struct input *in, const struct field *field, int64_t *ret)
{
	*ret = take_signed(in);
	if (*ret < 0 || (uint64_t)*ret >= choices_count(field->choices))
		in->is_bad = true;
}

static struct record *take_record(struct input *in, enum kind kind);

static struct record *take_nested(struct input *in, enum kind of)
{
	uint64_t kind = take_number(in);

	if (in->is_bad || kind != (uint64_t)of || in->depth == MAX_DEPTH) {
		in->is_bad = true;
		return NULL;
	}
	in->depth++;
	struct record *r = take_record(in, of);

	in->depth--;
	return r;
}

static struct value take_records(struct input *in, enum kind of)
{
	struct records list = { 0 };
	struct record *r;
	size_t n = take_count(in);

	for (size_t i = 0; i < n && (r = take_nested(in, of)); i++)
		records_add(&list, r);
	return value_of_records(list);
}

/* False when there is nothing of it that would have to be freed. */
static bool take_value(struct input *in, const struct field *field, struct value *ret)
{
	struct ids ids = { 0 };

	switch (field->type) {
	case TYPE_INT:
	case TYPE_DATETIME:
	case TYPE_DATE:
		ret->i = take_signed(in);
		break;
	case TYPE_BOOL:
		take_bool(in, &ret->i);
		break;
	case TYPE_ENUM:
		take_word(in, field, &ret->i);
		break;
	case TYPE_FLOAT:
		take_float(in, &ret->f);
		break;
	case TYPE_STRING:
	case TYPE_XSTRING:
	case TYPE_JSON:
		ret->s = take_bytes(in);
		break;
	case TYPE_IDS:
		take_ids(in, &ids);
		*ret = value_of_ids(ids);
		return true;
	case TYPE_OBJECT:
		ret->record = take_nested(in, field->of);
		return ret->record != NULL;
	case TYPE_OBJECTS:
		*ret = take_records(in, field->of);
		return true;
	}
	return !in->is_bad;
}

static bool is_packed(enum kind kind, uint64_t f)
{
	return f < (uint64_t)schema_resource(kind)->n_fields &&
	       !(schema_field(kind, (int)f)->flags & FIELD_SECRET);
}

/* NULL when it is bad. */
static struct record *take_record(struct input *in, enum kind kind)
{
	scoped(record_unref) struct record *r = record_new(kind);
	char *extra = take_bytes(in);
	uint64_t head, last = 0;

	if (extra && *extra)
		record_set_extra(r, extra);
	else
		free(extra);
	while (!in->is_bad && (head = take_number(in))) {
		struct value v = { .state = head & 1 ? VALUE_SET : VALUE_NULL };
		uint64_t f = (head >> 1) - 1;

		in->is_bad |= head >> 1 <= last || !is_packed(kind, f);
		if (in->is_bad)
			break;
		last = head >> 1;
		if (v.state == VALUE_NULL || take_value(in, schema_field(kind, (int)f), &v))
			record_set(r, (int)f, v);
	}
	record_trim(r);
	return in->is_bad ? NULL : take_ptr(r);
}

int unpack_record(enum kind kind, const void *data, size_t len, struct record **ret)
{
	struct input in = { data, (const unsigned char *)data + len, 0, false };
	scoped(record_unref) struct record *r = take_record(&in, kind);

	if (!r || in.at != in.end)
		return -EBADMSG;
	*ret = take_ptr(r);
	return 0;
}

int unpack_ids(const void *data, size_t len, struct ids *ret)
{
	struct input in = { data, (const unsigned char *)data + len, 0, false };
	scoped(ids_fini) struct ids ids = { 0 };

	take_ids(&in, &ids);
	if (in.is_bad || in.at != in.end)
		return -EBADMSG;
	*ret = ids;
	ids = (struct ids){ 0 };
	return 0;
}
