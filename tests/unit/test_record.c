/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records: counting, copying, comparing, patching; and the lists they are kept in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/record.h"

static struct record *make_label(int64_t id, const char *name)
{
	struct record *r = record_new(KIND_label);

	if (id)
		record_set_int(r, F_label_id, id);
	record_set_text(r, F_label_name, name);
	return r;
}

/* A story with a value of each kind of ownership: text, ids, nested records, extra. */
static struct record *make_story(void)
{
	struct record *r = record_new(KIND_story);
	scoped(record_unref) struct record *person = record_new(KIND_person);
	scoped(ids_fini) struct ids owners = { 0 };
	scoped(records_fini) struct records labels = { 0 };

	record_set_int(person, F_person_id, 7);
	ids_add(&owners, 7);
	ids_add(&owners, 8);
	records_add(&labels, make_label(1, "a"));
	records_add(&labels, make_label(2, "b"));
	record_set_int(r, F_story_id, 555);
	record_set_text(r, F_story_name, "Bring me the passengers");
	record_set_float(r, F_story_estimate, 2);
	record_set_int(r, F_story_story_type, STORY_TYPE_BUG);
	record_set_ids(r, F_story_owner_ids, &owners);
	record_set_objects(r, F_story_labels, &labels);
	record_set_object(r, F_story_requested_by, person);
	record_set_extra(r, xstrdup("{\"new\":1}"));
	assert_int_equal(labels.n, 0);
	return r;
}

static void all_fields_of_a_new_record_are_absent(void **state)
{
	(void)state;
	for (enum kind k = KIND_none + 1; k < N_KINDS; k++) {
		scoped(record_unref) struct record *r = record_new(k);

		assert_int_equal(record_kind(r), k);
		each_field(f, k) {
			assert_int_equal(record_get(r, f)->state, VALUE_ABSENT);
			assert_false(record_has(r, f));
			assert_int_equal(record_int(r, f, -5), -5);
			assert_string_equal(record_text(r, f), "");
			assert_string_equal(record_word(r, f), "");
		}
		assert_null(record_extra(r));
	}
}

static void a_record_lives_until_its_last_owner_lets_go(void **state)
{
	(void)state;
	struct record *r = make_story();
	struct record *again = record_ref(r);

	assert_ptr_equal(r, again);
	record_unref(r);
	assert_string_equal(record_text(again, F_story_name), "Bring me the passengers");
	assert_string_equal(record_word(again, F_story_story_type), "bug");
	record_unref(again);
	record_unref(NULL);
}

static void what_was_set_is_got(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = make_story();

	assert_int_equal(record_id(r), 555);
	assert_true(record_float(r, F_story_estimate, 0) > 1.9);
	assert_int_equal(record_get(r, F_story_labels)->n, 2);
	record_set_text(r, F_story_name, "other");
	assert_string_equal(record_text(r, F_story_name), "other");
	record_set_null(r, F_story_name);
	assert_int_equal(record_get(r, F_story_name)->state, VALUE_NULL);
	assert_string_equal(record_text(r, F_story_name), "");
	record_clear(r, F_story_labels);
	assert_int_equal(record_get(r, F_story_labels)->state, VALUE_ABSENT);
}

static void a_copy_is_equal_and_its_own(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = make_story();
	scoped(record_unref) struct record *copy = record_copy(r);

	each_field(f, KIND_story)
		assert_true(value_equal(
			schema_field(KIND_story, f), record_get(r, f), record_get(copy, f)));
	assert_string_equal(record_extra(copy), "{\"new\":1}");
	record_set_text(copy, F_story_name, "changed");
	assert_string_equal(record_text(r, F_story_name), "Bring me the passengers");
	assert_ptr_equal(record_get(r, F_story_requested_by)->record,
		record_get(copy, F_story_requested_by)->record);
}

/* A field of each kind and each one in turn, and the others stay what and where they were. */
static void what_was_borrowed_stays_while_others_are_set(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = record_new(KIND_story);
	const struct value *borrowed[N_story_FIELDS];

	each_field(f, KIND_story) {
		if (schema_field(KIND_story, f)->type != TYPE_INT)
			continue;
		record_set_int(r, f, 1000 + f);
		borrowed[f] = record_get(r, f);
	}
	record_set_text(r, F_story_name, "set last");
	each_field(f, KIND_story) {
		if (schema_field(KIND_story, f)->type != TYPE_INT)
			continue;
		assert_ptr_equal(record_get(r, f), borrowed[f]);
		assert_int_equal(borrowed[f]->i, 1000 + f);
	}
	assert_string_equal(record_text(r, F_story_name), "set last");
}

static void a_trimmed_record_is_as_it_was_and_takes_more(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = make_story();
	scoped(record_unref) struct record *before = make_story();

	record_clear(r, F_story_labels);
	record_clear(before, F_story_labels);
	record_set_null(r, F_story_external_id);
	record_trim(r);
	each_field(f, KIND_story)
		assert_true(value_same(
			schema_field(KIND_story, f), record_get(r, f), record_get(before, f)));
	assert_int_equal(record_get(r, F_story_external_id)->state, VALUE_NULL);
	assert_int_equal(record_get(r, F_story_labels)->state, VALUE_ABSENT);
	each_field(f, KIND_story) {
		if (schema_field(KIND_story, f)->type == TYPE_INT)
			record_set_int(r, f, -f);
	}
	record_trim(r);
	each_field(f, KIND_story) {
		if (schema_field(KIND_story, f)->type == TYPE_INT)
			assert_int_equal(record_int(r, f, 7), -f);
	}
	assert_string_equal(record_text(r, F_story_name), "Bring me the passengers");
	scoped(record_unref) struct record *none = record_new(KIND_story);

	record_trim(none);
	assert_false(record_has(none, F_story_name));
	record_set_text(none, F_story_name, "first");
	assert_string_equal(record_text(none, F_story_name), "first");
}

static void a_diff_is_the_patch_between(void **state)
{
	(void)state;
	scoped(record_unref) struct record *a = make_story();
	scoped(record_unref) struct record *b = record_copy(a);
	scoped(records_fini) struct records labels = { 0 };

	assert_null(record_diff(a, b));
	record_set_float(b, F_story_estimate, 3);
	record_set_null(b, F_story_name);
	record_clear(b, F_story_owner_ids);
	record_set_text(b, F_story_url, "read-only");
	records_add(&labels, make_label(0, "a"));
	records_add(&labels, make_label(0, "c"));
	record_set_objects(b, F_story_labels, &labels);
	scoped(record_unref) struct record *patch = record_diff(a, b);

	assert_non_null(patch);
	assert_true(record_float(patch, F_story_estimate, 0) > 2.9);
	assert_int_equal(record_get(patch, F_story_name)->state, VALUE_NULL);
	assert_int_equal(record_get(patch, F_story_owner_ids)->state, VALUE_ABSENT);
	assert_int_equal(record_get(patch, F_story_url)->state, VALUE_ABSENT);
	assert_int_equal(record_get(patch, F_story_labels)->n, 2);
	assert_int_equal(record_get(patch, F_story_id)->state, VALUE_ABSENT);
}

static void a_patch_put_in_leaves_no_difference(void **state)
{
	(void)state;
	scoped(record_unref) struct record *a = make_story();
	scoped(record_unref) struct record *patch = record_new(KIND_story);

	record_set_null(patch, F_story_estimate);
	record_set_text(patch, F_story_description, "It may take months");
	scoped(record_unref) struct record *b = record_patched(a, patch);

	assert_int_equal(record_get(b, F_story_estimate)->state, VALUE_ABSENT);
	assert_string_equal(record_text(b, F_story_description), "It may take months");
	assert_string_equal(record_text(b, F_story_name), record_text(a, F_story_name));
	assert_string_equal(record_extra(b), record_extra(a));
	assert_true(record_has(a, F_story_estimate));
	scoped(record_unref) struct record *again = record_patched(b, patch);

	assert_null(record_diff(b, again));
}

static void patched_ids_leave_no_stale_objects(void **state)
{
	(void)state;
	scoped(record_unref) struct record *story = make_story();
	scoped(record_unref) struct record *patch = record_new(KIND_story);

	record_set_int(patch, F_story_requested_by_id, 8);
	scoped(record_unref) struct record *patched = record_patched(story, patch);

	assert_int_equal(record_int(patched, F_story_requested_by_id, 0), 8);
	assert_false(record_has(patched, F_story_requested_by));
	assert_true(record_has(patched, F_story_labels));
	record_set_object(
		patch, F_story_requested_by, record_get(story, F_story_requested_by)->record);
	scoped(record_unref) struct record *both = record_patched(story, patch);

	assert_true(record_has(both, F_story_requested_by));
}

static void absent_and_null_are_no_value(void **state)
{
	(void)state;
	const struct field *name = schema_field(KIND_story, F_story_name);
	struct value absent = { 0 }, null = { .state = VALUE_NULL };
	struct value empty = { .state = VALUE_SET, .s = (char[]){ "" } };

	assert_true(value_equal(name, &absent, &null));
	assert_true(value_equal(name, &null, &null));
	assert_false(value_equal(name, &absent, &empty));
	assert_false(value_equal(name, &empty, &null));
}

static void nested_resources_are_equal_by_id_or_else_by_name(void **state)
{
	(void)state;
	const struct field *label = schema_field(KIND_epic, F_epic_label);
	static const struct {
		int64_t id_a, id_b;
		const char *name_a, *name_b;
		bool same;
	} rows[] = {
		{ 1, 1, "a", "a", true },
		{ 1, 2, "a", "a", false },
		{ 1, 1, "a", "renamed", true },
		{ 1, 0, "a", "a", true },
		{ 0, 1, "a", "b", false },
		{ 0, 0, "a", "a", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(record_unref) struct record *a = make_label(rows[i].id_a, rows[i].name_a);
		scoped(record_unref) struct record *b = make_label(rows[i].id_b, rows[i].name_b);
		struct value va = { .state = VALUE_SET, .record = a };
		struct value vb = { .state = VALUE_SET, .record = b };

		assert_int_equal(value_equal(label, &va, &vb), rows[i].same);
	}
}

static void a_value_takes_a_list_over_and_lends_it(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = record_new(KIND_story);
	struct ids owners = { 0 };
	struct records labels = { 0 };

	for (int64_t i = 1; i <= 5; i++) {
		ids_add(&owners, i);
		records_add(&labels, make_label(i, "x"));
	}
	record_set(r, F_story_owner_ids, value_of_ids(owners));
	record_set(r, F_story_labels, value_of_records(labels));
	struct ids lent = value_ids(record_get(r, F_story_owner_ids));
	struct records lent_records = value_records(record_get(r, F_story_labels));

	assert_true(record_has(r, F_story_owner_ids) && record_has(r, F_story_labels));
	assert_int_equal(record_get(r, F_story_owner_ids)->n, 5);
	assert_int_equal(lent.n, 5);
	assert_ptr_equal(lent.v, owners.v);
	assert_int_equal(record_get(r, F_story_labels)->n, 5);
	assert_int_equal(lent_records.n, 5);
	assert_ptr_equal(lent_records.items, labels.items);
	assert_true(value_has_id(record_get(r, F_story_owner_ids), 5));
	assert_false(value_has_id(record_get(r, F_story_owner_ids), 6));
}

/* One may walk it without a look at its state. */
static void what_is_no_list_has_nothing_in_it(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = make_story();
	scoped(ids_fini) struct ids ids = { 0 };

	record_set_null(r, F_story_owner_ids);
	record_clear(r, F_story_labels);
	each_field(f, KIND_story) {
		const struct value *v = record_get(r, f);

		assert_int_equal(v->n, 0);
		if (v->state == VALUE_SET)
			continue;
		assert_int_equal(value_ids(v).n, 0);
		assert_null(value_ids(v).v);
		assert_int_equal(value_records(v).n, 0);
		assert_null(value_records(v).items);
		assert_false(value_has_id(v, 0));
		ids_add_value(&ids, v);
	}
	assert_int_equal(ids.n, 0);
	record_set(r, F_story_owner_ids, value_of_ids(ids));
	assert_true(record_has(r, F_story_owner_ids));
	assert_int_equal(record_get(r, F_story_owner_ids)->n, 0);
}

static void ids_of_a_field_come_once_and_go(void **state)
{
	(void)state;
	scoped(record_unref) struct record *r = record_new(KIND_story);
	scoped(ids_fini) struct ids ids = { 0 };

	record_remove_id(r, F_story_owner_ids, 1);
	assert_int_equal(record_get(r, F_story_owner_ids)->state, VALUE_ABSENT);
	record_set_null(r, F_story_follower_ids);
	record_remove_id(r, F_story_follower_ids, 1);
	assert_int_equal(record_get(r, F_story_follower_ids)->state, VALUE_NULL);
	record_add_id(r, F_story_follower_ids, 1);
	assert_true(value_has_id(record_get(r, F_story_follower_ids), 1));
	for (int64_t i = 0; i < 200; i++)
		record_add_id(r, F_story_owner_ids, i % 100);
	scoped(record_unref) struct record *before = record_copy(r);

	for (int64_t i = 0; i < 200; i += 2)
		record_remove_id(r, F_story_owner_ids, i);
	ids_add(&ids, 7);
	ids_add_value(&ids, record_get(r, F_story_owner_ids));
	assert_int_equal(ids.n, 51);
	assert_int_equal(ids.v[0], 7);
	for (size_t i = 1; i < ids.n; i++)
		assert_int_equal(ids.v[i], 2 * i - 1);
	assert_int_equal(record_get(before, F_story_owner_ids)->n, 100);
	for (size_t i = 1; i < ids.n; i++)
		record_remove_id(r, F_story_owner_ids, ids.v[i]);
	assert_true(record_has(r, F_story_owner_ids));
	assert_int_equal(record_get(r, F_story_owner_ids)->n, 0);
	record_add_id(r, F_story_owner_ids, 9);
	assert_true(value_has_id(record_get(r, F_story_owner_ids), 9));
}

static void ids_grow_shrink_and_keep_their_order(void **state)
{
	(void)state;
	scoped(ids_fini) struct ids ids = { 0 };

	for (int round = 0; round < 3; round++) {
		for (int64_t i = 0; i < 100; i++)
			ids_add(&ids, i);
		for (int64_t i = 0; i < 100; i += 2)
			assert_true(ids_remove(&ids, i));
		assert_false(ids_remove(&ids, 1000));
		assert_int_equal(ids.n, 50);
		for (size_t i = 0; i < ids.n; i++)
			assert_int_equal(ids.v[i], 2 * i + 1);
		assert_true(ids_has(&ids, 99));
		assert_false(ids_has(&ids, 98));
		while (ids.n)
			ids_remove(&ids, ids.v[ids.n / 2]);
	}
}

static void records_are_walked_in_order_until_break(void **state)
{
	(void)state;
	scoped(records_fini) struct records list = { 0 };
	int64_t sum = 0, n = 0;

	each_record(r, &list)
		sum += record_id(r);
	for (int64_t i = 1; i <= 1000; i++)
		records_add(&list, make_label(i, "x"));
	each_record(r, &list) {
		if (record_id(r) % 2)
			continue;
		if (record_id(r) > 500)
			break;
		assert_int_equal(record_id(r), 2 * ++n);
	}
	assert_int_equal(sum, 0);
	assert_int_equal(n, 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fields_of_a_new_record_are_absent),
		cmocka_unit_test(a_record_lives_until_its_last_owner_lets_go),
		cmocka_unit_test(what_was_set_is_got),
		cmocka_unit_test(a_copy_is_equal_and_its_own),
		cmocka_unit_test(what_was_borrowed_stays_while_others_are_set),
		cmocka_unit_test(a_trimmed_record_is_as_it_was_and_takes_more),
		cmocka_unit_test(a_diff_is_the_patch_between),
		cmocka_unit_test(a_patch_put_in_leaves_no_difference),
		cmocka_unit_test(patched_ids_leave_no_stale_objects),
		cmocka_unit_test(absent_and_null_are_no_value),
		cmocka_unit_test(nested_resources_are_equal_by_id_or_else_by_name),
		cmocka_unit_test(a_value_takes_a_list_over_and_lends_it),
		cmocka_unit_test(what_is_no_list_has_nothing_in_it),
		cmocka_unit_test(ids_of_a_field_come_once_and_go),
		cmocka_unit_test(ids_grow_shrink_and_keep_their_order),
		cmocka_unit_test(records_are_walked_in_order_until_break),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
