/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Import: reading dumps, what is refused and what is reported. */
#include "import_fixture.h"

static void what_is_odd_is_reported_once(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	put_file(x, "star/README", "hello");
	import_well(x, "star");
	static const char *const expected[] = {
		"/star/story.json: 2 with the unknown key 'odd'; kept as it is\n",
		"/star/story.json: [2].estimate: expected number, got \"x\"\n",
		"/star/project.json: 1 with the unknown key 'surprise'; kept as it is\n",
		"/star/star_map.json: 2 of the kind star_map, which is not served yet; kept as they are\n",
		"/star/README: not a <kind>.json file; left out\n",
		"project 99: 1 of the people its stories name are known by their ids alone\n",
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		const char *at = strstr(x->report.notes.data, expected[i]);

		if (!at || strstr(at + 1, expected[i]))
			fail_msg("not once: %sin:\n%s", expected[i], x->report.notes.data);
	}
	assert_int_equal(x->report.n_unknown, 2);
	scoped(record_unref) struct record *story = get(x, KIND_story, 11);

	assert_string_equal(record_extra(story), "{\"odd\":2,\"estimate\":\"x\"}");
}

static void what_is_no_dump_is_refused_whole(void **state)
{
	(void)state;
	static const struct {
		const char *text, *reason;
	} rows[] = {
		{ "[{\"id\":1,\"name\":\"a\"},\n  {\"id\":2,]", "line 2, column 11: " },
		{ "[{\"id\":1,\"name\":\"a\"}", "the file ends within the list" },
		{ "[{\"id\":1,\"name\":\"a\"},", "line 1, column " },
		{ "[{\"id\":1,\"name\":\"a\"} {\"id\":2}]",
			"line 1, column 22: expected ',' or ']'" },
		{ "[] x", "something follows the list" },
		{ " <!DOCTYPE html><html>", "this is HTML, not JSON" },
		{ "", "the file is empty; expected a list of label resources" },
		{ "  \n", "the file is empty" },
		{ "{\"id\":1}", "expected a list of label resources, found one object" },
		{ "{\"code\":\"unfound_resource\",\"kind\":\"error\",\"error\":\"gone away\"}",
			"this is an error the server answered: gone away" },
		{ "7", "line 1, column 1: expected '['" },
		{ "[7]", "[0]: expected an object, got 7" },
		{ "[{\"id\":1,\"name\":\"a\"},{\"project_id\":3}]", "[1].id: missing" },
		{ "[{\"name\":\"no id\"}]", "[0].id: missing or no positive number" },
		{ "[{\"id\":\"7\",\"name\":\"a\"}]", "[0].id: missing" },
		{ "[{\"id\":0,\"name\":\"a\"}]", "[0].id: missing or no positive number" },
		{ "[{\"id\":7,\"name\":\"a\"},{\"id\":7,\"name\":\"b\"}]",
			"[1]: the label 7 stands twice in this file" },
		{ "[{\"id\":1,\"name\":\"\xff\"}]", "line 1, column " },
		{ "[{\"id\":1,\"name\":\"a\\u0000b\"}]", "line 1, column " },
		{ "\xef\xbb\xbf nonsense", "expected '['" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		FIXTURE(x);
		scoped(free_ptr) char *before = write_all(x);

		put_file(x, "d/person.json", people);
		put_file(x, "d/label.json", rows[i].text);
		assert_true(import_folder(x, "d") < 0);
		if (!strstr(x->reason.data, rows[i].reason) ||
			!strstr(x->reason.data, "/d/label.json: "))
			fail_msg("%s gave: %s", rows[i].text, x->reason.data);
		assert_ptr_equal(strchr(x->reason.data, '\n'), x->reason.data + x->reason.len - 1);
		scoped(free_ptr) char *after = write_all(x);

		assert_string_equal(before, after);
	}
}

static void folders_that_are_no_dump_are_refused(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "empty/.hidden", "");
	put_file(x, "other/readme.txt", "");
	assert_true(import_folder(x, "none") < 0);
	assert_non_null(strstr(x->reason.data, "/none: No such file or directory"));
	assert_true(import_folder(x, "other/readme.txt") < 0);
	assert_non_null(strstr(x->reason.data, "readme.txt: the file is empty"));
	assert_true(import_folder(x, "empty") < 0);
	assert_non_null(strstr(x->reason.data, "is no V5 dump"));
	assert_true(import_folder(x, "other") < 0);
	assert_non_null(strstr(x->reason.data, "is no V5 dump"));
}

static void a_byte_order_mark_and_blanks_do_no_harm(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "d/person.json",
		"\xef\xbb\xbf \r\n[ {\"id\":1,\"name\":\"a\"} , {\"id\":2,"
		"\"name\":\"b\"} ]\r\n");
	put_file(x, "d/label.json", " [ ] ");
	import_well(x, "d");
	assert_int_equal(x->report.read[KIND_person], 2);
}

struct seen {
	int64_t last;
	int64_t total;
	int calls;
};

static void see_progress(void *data, const char *what, int64_t done, int64_t total)
{
	struct seen *seen = data;

	assert_non_null(what);
	assert_true(done >= seen->last && done <= total);
	*seen = (struct seen){ .last = done, .total = total, .calls = seen->calls + 1 };
}

static void many_resources_come_with_progress(void **state)
{
	(void)state;
	FIXTURE(x);
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct seen seen = { 0 };
	/* The million takes half a minute. */
	const int n = getenv("STORYFS_TEST_BIG") ? 1000000 : 50000;

	for (int i = 1; i <= n; i++)
		buf_add_fmt(&text, "%s{\"id\":%d,\"project_id\":1,\"name\":\"label %d\"}",
			i == 1 ? "[" : ",\n", i, i);
	buf_add_char(&text, ']');
	put_file(x, "d/label.json", text.data);
	put_file(x, "d/project.json", "[{\"id\":1,\"name\":\"p\"}]");
	x->config.progress = see_progress;
	x->config.data = &seen;
	import_well(x, "d");
	assert_int_equal(x->report.changed[KIND_label], n);
	assert_true(seen.calls > 10 && seen.last == seen.total && seen.total > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_odd_is_reported_once),
		cmocka_unit_test(what_is_no_dump_is_refused_whole),
		cmocka_unit_test(folders_that_are_no_dump_are_refused),
		cmocka_unit_test(a_byte_order_mark_and_blanks_do_no_harm),
		cmocka_unit_test(many_resources_come_with_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
