/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys by other names, and lists of which some is wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/json_list.h"
#include "storyfs/json_rename.h"

static const struct json_rename title = { KIND_story, "name", "title", NULL };
static const struct json_rename owners = { KIND_story, "owner_ids", "owners", "user_id" };
static const struct json_rename *const rows[] = { &title, &owners };
static const struct json_renames both = { rows, 2 };

static void assert_ours(enum kind kind, const char *theirs, const char *ours)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add_str(&text, theirs);
	json_rename_to_ours(kind, &both, &text);
	assert_string_equal(buf_str(&text), ours);
}

static void assert_theirs(enum kind kind, const char *ours, const char *theirs)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add_str(&text, ours);
	json_rename_to_theirs(kind, &both, &text);
	assert_string_equal(buf_str(&text), theirs);
}

static void a_resource_gets_the_other_keys_and_back(void **state)
{
	(void)state;
	static const char ours[] = "{\"id\":5,\"name\":\"A\",\"owner_ids\":[1,2]}";
	static const char theirs[] =
		"{\"id\":5,\"title\":\"A\",\"owners\":[{\"user_id\":1},{\"user_id\":2}]}";

	assert_theirs(KIND_story, ours, theirs);
	assert_ours(KIND_story, theirs, ours);
	assert_theirs(KIND_story, "{\"owner_ids\":[]}", "{\"owners\":[]}");
	assert_ours(KIND_story, "{\"owners\":[]}", "{\"owner_ids\":[]}");
	assert_ours(KIND_story, "[{\"title\":\"A\"},{\"title\":\"B\"}]",
		"[{\"name\":\"A\"},{\"name\":\"B\"}]");
}

static void other_resources_keep_theirs(void **state)
{
	(void)state;
	static const char label[] = "{\"kind\":\"label\",\"id\":1,\"title\":\"x\"}";

	assert_ours(KIND_label, label, label);
	assert_ours(KIND_none, label, label);
	assert_ours(KIND_story, label, label);
	assert_ours(KIND_story, "{\"title\":\"A\",\"labels\":[{\"id\":1,\"title\":\"x\"}]}",
		"{\"name\":\"A\",\"labels\":[{\"id\":1,\"title\":\"x\"}]}");
}

static void what_a_resource_is_follows_from_its_kind_or_its_place(void **state)
{
	(void)state;
	assert_ours(KIND_iteration, "{\"number\":1,\"stories\":[{\"title\":\"A\"}]}",
		"{\"number\":1,\"stories\":[{\"name\":\"A\"}]}");
	assert_ours(KIND_none, "{\"here\":{\"kind\":\"story\",\"title\":\"A\"}}",
		"{\"here\":{\"kind\":\"story\",\"name\":\"A\"}}");
	assert_ours(KIND_activity,
		"[{\"changes\":[{\"kind\":\"story\",\"new_values\":{\"title\":\"B\"},"
		"\"original_values\":{\"title\":\"A\"}}]}]",
		"[{\"changes\":[{\"kind\":\"story\",\"new_values\":{\"name\":\"B\"},"
		"\"original_values\":{\"name\":\"A\"}}]}]");
}

static void what_cannot_be_said_otherwise_stays(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{\"name\":\"V5's\",\"title\":\"another\"}",
		"{\"owners\":[{\"kind\":\"person\",\"id\":1}]}",
		"{\"owners\":[1,2]}",
		"{\"owners\":\"all\"}",
		"no JSON",
		"{\"title\":",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_ours(KIND_story, texts[i], texts[i]);
}

static void a_bad_byte_costs_its_text_alone(void **state)
{
	(void)state;
	assert_ours(KIND_story, "[{\"title\":\"\xff\"},{\"title\":\"B\"}]",
		"[{\"name\":\"\xef\xbf\xbd\"},{\"name\":\"B\"}]");
}

static void the_first_resource_shows_how_a_key_is_spelt(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum json_spelling title, owners;
	} cases[] = {
		{ "[{\"name\":\"A\",\"owner_ids\":[]}]", JSON_SPELT_OURS, JSON_SPELT_OURS },
		{ "{\"title\":\"A\",\"owners\":[]}", JSON_SPELT_THEIRS, JSON_SPELT_THEIRS },
		{ "[{\"title\":\"A\",\"owners\":[{\"user_id\":1}]}]", JSON_SPELT_THEIRS,
			JSON_SPELT_THEIRS },
		{ "[{\"name\":\"A\",\"title\":\"B\",\"owners\":[{\"id\":1}]}]", JSON_SPELT_OURS,
			JSON_SPELT_NOT },
		{ "[{\"id\":1},{\"title\":\"B\"}]", JSON_SPELT_NOT, JSON_SPELT_NOT },
		{ "[]", JSON_SPELT_NOT, JSON_SPELT_NOT },
		{ "", JSON_SPELT_NOT, JSON_SPELT_NOT },
		{ "[1", JSON_SPELT_NOT, JSON_SPELT_NOT },
		{ "{\"title\":", JSON_SPELT_NOT, JSON_SPELT_NOT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scoped(buf_fini) struct buf text = BUF_INIT;

		buf_add_str(&text, cases[i].text);
		assert_int_equal(json_rename_find(KIND_story, &title, &text), cases[i].title);
		assert_int_equal(json_rename_find(KIND_story, &owners, &text), cases[i].owners);
	}
}

static void a_resource_that_lies_in_others_shows_it_too(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum json_spelling title;
	} cases[] = {
		{ "[{\"changes\":[{\"kind\":\"label\",\"name\":\"x\"},{\"kind\":\"story\","
		  "\"new_values\":{\"title\":\"B\"}}]}]",
			JSON_SPELT_THEIRS },
		{ "[{\"changes\":[{\"kind\":\"story\",\"new_values\":{\"estimate\":1}}]},"
		  "{\"changes\":[{\"kind\":\"story\",\"new_values\":{\"name\":\"B\"}}]}]",
			JSON_SPELT_OURS },
		{ "[{\"title\":\"of an activity\",\"name\":\"too\"}]", JSON_SPELT_NOT },
		{ "", JSON_SPELT_NOT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scoped(buf_fini) struct buf text = BUF_INIT;

		buf_add_str(&text, cases[i].text);
		assert_int_equal(json_rename_find(KIND_activity, &title, &text), cases[i].title);
	}
}

static int64_t add(struct json_t **list, const char *page)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add_str(&text, page);
	return json_list_add(list, &text);
}

static void lists_are_put_together_and_cut(void **state)
{
	(void)state;
	scoped(json_list_free) struct json_t *list = NULL;
	scoped(json_list_free) struct json_t *other = NULL;
	scoped(json_list_free) struct json_t *none = NULL;
	scoped(buf_fini) struct buf text = BUF_INIT;

	assert_int_equal(add(&list, "[{\"id\":3},{\"id\":1}]"), 2);
	assert_int_equal(add(&list, "[{\"id\":4},{\"id\":2}]"), 2);
	assert_int_equal(add(&list, "{}"), -1);
	assert_int_equal(add(&list, "[] and more"), -1);
	assert_int_equal(add(&other, "[{\"id\":2},{\"id\":5},{\"id\":3},{\"id\":4}]"), 4);
	json_list_keep(list, other);
	assert_int_equal(json_list_count(list), 3);
	assert_int_equal(json_list_write(list, 1, 2, &text), 2);
	assert_string_equal(buf_str(&text), "[{\"id\":4},{\"id\":2}]");
	buf_reset(&text);
	assert_int_equal(json_list_write(list, 7, 2, &text), 0);
	assert_string_equal(buf_str(&text), "[]");
	assert_int_equal(add(&none, "[]"), 0);
	json_list_keep(list, none);
	assert_int_equal(json_list_count(list), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_resource_gets_the_other_keys_and_back),
		cmocka_unit_test(other_resources_keep_theirs),
		cmocka_unit_test(what_a_resource_is_follows_from_its_kind_or_its_place),
		cmocka_unit_test(what_cannot_be_said_otherwise_stays),
		cmocka_unit_test(a_bad_byte_costs_its_text_alone),
		cmocka_unit_test(the_first_resource_shows_how_a_key_is_spelt),
		cmocka_unit_test(a_resource_that_lies_in_others_shows_it_too),
		cmocka_unit_test(lists_are_put_together_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
