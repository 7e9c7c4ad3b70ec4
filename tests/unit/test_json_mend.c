/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists that a host gets wrong: each story that can be read is, and what is wrong is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/json.h"

#define SHOWN "\xef\xbf\xbd"
#define NO_TEXT(path) path ": not all of it is text; what is not is shown as '" SHOWN "'\n"

/* A list of three stories, of which the one in the middle is this one. */
static const struct {
	const char *text;
	const char *name; /* NULL: it is left out */
	const char *problems;
} rows[] = {
	/* Texts that are none. */
	{ "{'id':2,'name':'a\xff z'}", "a" SHOWN " z", NO_TEXT("[1].name") },
	{ "{'id':2,'name':'\xc3'}", SHOWN, NO_TEXT("[1].name") },
	{ "{'id':2,'name':'\xed\xa0\x80'}", SHOWN SHOWN SHOWN, NO_TEXT("[1].name") },
	{ "{'id':2,'name':'\xf4\x90\x80\x80!'}", SHOWN SHOWN SHOWN SHOWN "!", NO_TEXT("[1].name") },
	{ "{'id':2,'name':'a\\u0000b'}", "a" SHOWN "b", NO_TEXT("[1].name") },
	{ "{'id':2,'name':'\\ud800'}", SHOWN, NO_TEXT("[1].name") },
	{ "{'id':2,'name':'\\udc00\\ud83d'}", SHOWN SHOWN, NO_TEXT("[1].name") },
	{ "{'id':2,'name':'\\ud83d\\ud83d\\ude00'}", SHOWN "\xf0\x9f\x98\x80",
		NO_TEXT("[1].name") },
	{ "{'id':2,'name':'x','description':'\xfe'}", "x", NO_TEXT("[1].description") },
	{ "{'id':2,'name':'x','labels':[{'id':5,'name':'\xfe'}]}", "x",
		NO_TEXT("[1].labels[0].name") },
	/* What stands there is text, but not written as JSON has it. */
	{ "{'id':2,'name':'a\tb\x1b[2J\nc'}", "a\tb\x1b[2J\nc", "" },
	{ "{'id':2,'name':'C:\\dir\\'}',", NULL, NULL },
	{ "{'id':2,'name':'C:\\dir\\x'}", "C:\\dir\\x", "" },
	{ "{'id':2,'name':'\\u12g4\\u'}", "\\u12g4\\u", "" },
	/* Numbers that nothing holds. */
	{ "{'id':99999999999999999999,'name':'x'}", NULL,
		"[1].id: expected integer, got \"99999999999999999999\"\n[1].id: missing\n" },
	{ "{'id':2,'name':'x','estimate':1e999}", "x",
		"[1].estimate: expected number, got \"1e999\"\n" },
	{ "{'id':2,'name':'x','estimate':NaN}", "x",
		"[1].estimate: expected number, got \"NaN\"\n" },
	{ "{'id':2,'name':'x','estimate':-Infinity,'x':-0,'y':2.5e3}", "x",
		"[1].estimate: expected number, got \"-Infinity\"\n" },
	/* What is JSON, and no story. */
	{ "{'name':'x'}", NULL, "[1].id: missing\n" },
	{ "null", NULL, "[1]: expected an object, got null\n" },
	{ "[]", NULL, "[1]: expected an object, got []\n" },
	{ "'\\u001b[2J'", NULL, "[1]: expected an object, got \"\\u001B[2J\"\n" },
	/* And what is within one. */
	{ "{'id':2,'name':'x','comments':[{'text':'a'},{'id':7},8]}", "x",
		"[1].comments[0].id: missing\n[1].comments[2]: expected an object, got 8\n" },
	{ "{'id':2,'name':['x'],'estimate':'3'}", "",
		"[1].name: expected text, got [\"x\"]\n[1].estimate: expected number, got \"3\"\n" },
};

static void add_quoted(const char *text, struct buf *b)
{
	for (; *text; text++)
		buf_add_char(b, *text == '\'' ? '"' : *text);
}

static void read_rows(const char *text, struct buf *problems, struct records *ret, int *ret_out)
{
	scoped(buf_fini) struct buf json = BUF_INIT;

	add_quoted("[{'id':1,'name':'first'},", &json);
	add_quoted(text, &json);
	add_quoted(",{'id':3,'name':'last'}]", &json);
	*ret_out = json_read_records(KIND_story, json.data, json.len, problems, ret);
}

static void one_that_is_wrong_leaves_the_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(records_fini) struct records list = { 0 };
		scoped(buf_fini) struct buf problems = BUF_INIT;
		int out;

		read_rows(rows[i].text, &problems, &list, &out);
		/* A string that does not end takes all behind it. */
		if (!rows[i].problems) {
			assert_int_equal(out, -EBADMSG);
			continue;
		}
		if (out != !rows[i].name || list.n + (size_t)out != 3)
			fail_msg("%s: %d, %s", rows[i].text, out, buf_str(&problems));
		assert_string_equal(record_text(list.items[0], F_story_name), "first");
		assert_string_equal(record_text(list.items[list.n - 1], F_story_name), "last");
		if (rows[i].name)
			assert_string_equal(record_text(list.items[1], F_story_name), rows[i].name);
		assert_string_equal(buf_str(&problems), rows[i].problems);
	}
}

static void a_byte_order_mark_is_no_problem(void **state)
{
	(void)state;
	static const char text[] = "\xef\xbb\xbf{\"id\":1,\"name\":\"\xef\xbb\xbf\"}";
	scoped(record_unref) struct record *r = NULL;
	scoped(buf_fini) struct buf problems = BUF_INIT;

	assert_int_equal(json_read_record(KIND_story, text, sizeof(text) - 1, &problems, &r), 0);
	assert_string_equal(record_text(r, F_story_name), "\xef\xbb\xbf");
	assert_int_equal(problems.len, 0);
}

/* U+FFFD is a character like others where nothing was mended. */
static void what_was_so_before_is_not_told(void **state)
{
	(void)state;
	scoped(records_fini) struct records list = { 0 };
	scoped(buf_fini) struct buf problems = BUF_INIT;
	int out;

	read_rows("{'id':2,'name':'" SHOWN "'}", &problems, &list, &out);
	assert_int_equal(out, 0);
	assert_int_equal(problems.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_is_wrong_leaves_the_others),
		cmocka_unit_test(a_byte_order_mark_is_no_problem),
		cmocka_unit_test(what_was_so_before_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
