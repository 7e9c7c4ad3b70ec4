/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as bytes: nothing of them is lost, but for secrets, and no other bytes are taken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/pack.h"

static struct record *make_full(enum kind kind, int depth);

static struct value make_value(const struct field *field, int f, int depth)
{
	struct value v = { .state = VALUE_SET };
	struct records records = { 0 };
	struct ids ids = { 0 };

	switch (field->type) {
	case TYPE_INT:
	case TYPE_DATETIME:
	case TYPE_DATE:
		v.i = f % 2 ? INT64_MIN + f : INT64_MAX - f;
		break;
	case TYPE_BOOL:
		v.i = f % 2;
		break;
	case TYPE_ENUM:
		v.i = (int64_t)choices_count(field->choices) - 1;
		break;
	case TYPE_FLOAT:
		v.f = -0.1 * f;
		break;
	case TYPE_STRING:
	case TYPE_XSTRING:
	case TYPE_JSON:
		v.s = f % 3 ? xasprintf("%d: caf\xc3\xa9\n", f) : xstrdup("");
		break;
	case TYPE_IDS:
		for (int64_t i = -1; i < f; i++)
			ids_add(&ids, i * 1000003);
		v = value_of_ids(ids);
		break;
	case TYPE_OBJECT:
		v.record = make_full(field->of, depth + 1);
		break;
	case TYPE_OBJECTS:
		for (int i = 0; i < f % 3; i++)
			records_add(&records, make_full(field->of, depth + 1));
		v = value_of_records(records);
		break;
	}
	return v;
}

/* A value in each field that is no secret, but where records would be nested without end. */
static struct record *make_full(enum kind kind, int depth)
{
	struct record *r = record_new(kind);

	each_field(f, kind) {
		const struct field *field = schema_field(kind, f);
		bool nests = field->type == TYPE_OBJECT || field->type == TYPE_OBJECTS;

		if (!(field->flags & FIELD_SECRET) && !(nests && depth == 2))
			record_set(r, f, make_value(field, f, depth));
	}
	record_set_extra(r, xstrdup("{\"new\":1}"));
	return r;
}

static void any_record_comes_back_as_it_was(void **state)
{
	(void)state;
	for (enum kind kind = KIND_none + 1; kind < N_KINDS; kind++) {
		scoped(record_unref) struct record *r = make_full(kind, 0);
		scoped(record_unref) struct record *again = NULL;
		scoped(buf_fini) struct buf b = BUF_INIT;

		pack_record(r, &b);
		assert_int_equal(unpack_record(kind, b.data, b.len, &again), 0);
		assert_true(record_same(r, again));
		assert_string_equal(record_extra(again), "{\"new\":1}");
	}
}

static void nothing_and_null_are_two_things(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = record_new(KIND_story);
	scoped(record_unref) struct record *again = NULL;
	scoped(buf_fini) struct buf b = BUF_INIT;

	record_set_null(r, F_story_estimate);
	pack_record(r, &b);
	assert_int_equal(unpack_record(KIND_story, b.data, b.len, &again), 0);
	assert_int_equal(record_get(again, F_story_estimate)->state, VALUE_NULL);
	assert_int_equal(record_get(again, F_story_name)->state, VALUE_ABSENT);
	assert_null(record_extra(again));
}

static void secrets_are_left_out(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = record_new(KIND_me);
	scoped(record_unref) struct record *again = NULL;
	scoped(buf_fini) struct buf b = BUF_INIT;

	record_set_int(r, F_me_id, 101);
	record_set_text(r, F_me_api_token, "VadersToken");
	pack_record(r, &b);
	assert_null(memmem(b.data, b.len, "Vader", 5));
	assert_int_equal(unpack_record(KIND_me, b.data, b.len, &again), 0);
	assert_int_equal(record_id(again), 101);
	assert_false(record_has(again, F_me_api_token));
}

static void a_part_is_refused(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = make_full(KIND_story, 0);
	scoped(buf_fini) struct buf b = BUF_INIT;
	struct record *none = NULL;

	pack_record(r, &b);
	for (size_t len = 0; len < b.len; len++) {
		scoped(free_ptr) char *part = len ? memcpy(xmalloc(len), b.data, len) : NULL;

		assert_int_equal(unpack_record(KIND_story, part, len, &none), -EBADMSG);
	}
	buf_add_char(&b, '\0');
	assert_int_equal(unpack_record(KIND_story, b.data, b.len, &none), -EBADMSG);
	assert_null(none);
}

/* Whatever bytes there are, they are a record or refused; that it is safe is seen by sanitizers.
 * Each byte gets a fifth of its values, other ones than the byte beside it. */
static void any_change_of_a_byte_is_survived(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = make_full(KIND_comment, 0);
	scoped(buf_fini) struct buf b = BUF_INIT;
	size_t n_refused = 0;

	pack_record(r, &b);
	for (size_t i = 0; i < b.len * 256; i += 5) {
		scoped(record_unref) struct record *other = NULL;
		char was = b.data[i / 256];

		b.data[i / 256] = (char)i;
		n_refused += unpack_record(KIND_comment, b.data, b.len, &other) < 0;
		b.data[i / 256] = was;
	}
	assert_true(n_refused > b.len);
}

static void ids_come_back(void **state)
{
	(void)state;
	const int64_t values[] = { 1, 0, -5, INT64_MAX, INT64_MIN, 555 };
	scoped(ids_fini) struct ids ids = { 0 }, again = { 0 }, none = { 0 };
	scoped(buf_fini) struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		ids_add(&ids, values[i]);
	pack_ids(&ids, &b);
	assert_int_equal(unpack_ids(b.data, b.len, &again), 0);
	assert_int_equal(again.n, ids.n);
	assert_memory_equal(again.v, values, sizeof(values));
	assert_int_equal(unpack_ids(b.data, b.len - 1, &none), -EBADMSG);
	assert_int_equal(unpack_ids(b.data, 0, &none), -EBADMSG);
}

static void a_hash_is_another_one_with_any_byte(void **state)
{
	(void)state;
	char text[24] = "seven and twenty bytes";
	uint64_t whole = pack_hash(1, text, sizeof(text));

	assert_true(whole != pack_hash(2, text, sizeof(text)));
	assert_true(whole != pack_hash(1, text, sizeof(text) - 1));
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] ^= 1;
		assert_true(whole != pack_hash(1, text, sizeof(text)));
		text[i] ^= 1;
	}
	assert_true(whole == pack_hash(1, text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_record_comes_back_as_it_was),
		cmocka_unit_test(nothing_and_null_are_two_things),
		cmocka_unit_test(secrets_are_left_out),
		cmocka_unit_test(a_part_is_refused),
		cmocka_unit_test(any_change_of_a_byte_is_survived),
		cmocka_unit_test(ids_come_back),
		cmocka_unit_test(a_hash_is_another_one_with_any_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
