/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an activity item says was changed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "storyfs/activity_changes.h"

static void each_change_says_what_it_is_of(void **state)
{
	static const char text[] =
		"[{\"kind\":\"comment\",\"change_type\":\"create\",\"id\":7,"
		"\"new_values\":{\"id\":7,\"story_id\":555,\"text\":\"x\"}},"
		"{\"kind\":\"story\",\"change_type\":\"update\",\"id\":555,"
		"\"original_values\":{\"after_id\":1},"
		"\"new_values\":{\"after_id\":null,\"before_id\":9,\"labels\":[\"a\"]}},"
		"{\"kind\":\"label\",\"change_type\":\"update\",\"id\":3,"
		"\"new_values\":{\"counts\":{\"kind\":\"story_counts\"}}},"
		"{\"kind\":\"label\",\"change_type\":\"update\",\"id\":3,"
		"\"new_values\":{\"counts\":{},\"name\":\"b\"}},"
		"{\"kind\":\"iteration_override\",\"change_type\":\"update\",\"number\":4,"
		"\"new_values\":{\"length\":2}},"
		"{\"kind\":\"epic\",\"change_type\":\"delete\",\"id\":8},"
		"{\"kind\":\"something_new\",\"change_type\":\"create\",\"id\":1}]";
	scoped(activity_changes_fini) struct activity_changes list = { 0 };
	const struct activity_change *c;

	(void)state;
	assert_int_equal(activity_changes_read(text, &list), 0);
	assert_int_equal(list.n, 7);
	c = list.items;
	assert_int_equal(c[0].kind, KIND_comment);
	assert_int_equal(c[0].type, ACTIVITY_CREATE);
	assert_int_equal(c[0].id, 7);
	assert_int_equal(c[0].story_id, 555);
	assert_int_equal(c[0].epic_id, 0);
	assert_false(c[0].has_before || c[0].has_after);
	assert_int_equal(c[1].kind, KIND_story);
	assert_true(c[1].has_before && c[1].has_after);
	assert_int_equal(c[1].after_id, 0);
	assert_int_equal(c[1].before_id, 9);
	assert_false(c[1].only_counts);
	assert_true(c[2].only_counts);
	assert_false(c[3].only_counts);
	assert_int_equal(c[4].kind, KIND_iteration);
	assert_int_equal(c[5].type, ACTIVITY_DELETE);
	assert_int_equal(c[6].kind, KIND_none);
}

static void what_is_no_list_of_changes_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[1]",
		"[{}]",
		"[{\"kind\":\"story\"}]",
		"[{\"kind\":\"story\",\"change_type\":\"explode\"}]",
		"[{\"kind\":4,\"change_type\":\"create\"}]",
		"[{\"kind\":\"story\",\"change_type\":\"create\"",
	};
	struct activity_changes list = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(activity_changes_read(texts[i], &list), -EBADMSG);
	assert_null(list.items);
	assert_int_equal(activity_changes_read("[]", &list), 0);
	assert_int_equal(list.n, 0);
	activity_changes_fini(&list);
}

static void resources_are_found_by_kind(void **state)
{
	static const char text[] = "[{\"kind\":\"story\",\"id\":5},{\"kind\":\"epic\",\"id\":6},"
				   "{\"kind\":\"story\",\"id\":7},4,{\"id\":8}]";
	scoped(ids_fini) struct ids ids = { 0 };

	(void)state;
	activity_resources_read(text, KIND_story, &ids);
	activity_resources_read("what", KIND_story, &ids);
	assert_int_equal(ids.n, 2);
	assert_int_equal(ids.v[0], 5);
	assert_int_equal(ids.v[1], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_change_says_what_it_is_of),
		cmocka_unit_test(what_is_no_list_of_changes_is_refused),
		cmocka_unit_test(resources_are_found_by_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
