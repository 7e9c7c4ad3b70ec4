/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON piece by piece: what jansson takes is taken, and means the same; what it refuses is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../src/model/json_scan.h"
#include "storyfs/alloc.h"
#include "storyfs/json.h"

/* Some are JSON and some are not: jansson says which. */
static const char *const texts[] = { "", " ", "null", "true", "false", "nul", "nullx", "truefalse",
	"True", "\xef\xbb\xbf[]", "[]", "{}", " [ ] ", "[1,2]", "[1,2", "[1,]", "[,1]", "[1 2]",
	"[1}", "{\"a\":1}", "{\"a\":1,}", "{\"a\" :\t1 ,\r\n\"b\":[{}]}", "{\"a\"}", "{a:1}",
	"{\"a\":}", "{1:2}", "{\"a\":1]", "[] x", "[][]", "]", "}", ",", ":", "[\f1]", "[1]\v", "0",
	"-0", "00", "01", "-", "-a", "+1", "1.", ".5", "1.5", "-1.5e3", "1e", "1e+", "1E-2",
	"1e5.5", "0.0", "0e0", "999999999999999999", "-99999999999999999", "1000000000000000000",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808",
	"-9223372036854775809", "1e308", "1e309", "-1e309", "1e-400", "0.1", "33.333333333333336",
	"1.7976931348623157e308", "NaN", "Infinity", "\"\"", "\"a", "\"", "\"a\\", "\"a\\\"",
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\x\"", "\"\\'\"", "\"\\u0041\\u00fc\\u20ac\"",
	"\"\\u004\"", "\"\\u00g0\"", "\"\\u\"", "\"\\u0000\"", "{\"a\\u0000\":1}",
	"\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83dx\"", "\"\\ud83d\\u0041\"",
	"\"\\ud83d\\ud83d\"", "\"\\ufffe\\uffff\"", "\"\\uD7FF\\uE000\"", "\"a\tb\"", "\"a\nb\"",
	"\"\x7f\"", "\"g\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80\"", "\"\xc3\"", "\"\xc3\x28\"",
	"\"\xff\"", "\"\x80\"", "\"\xc0\xaf\"", "\"\xe0\x80\xaf\"", "\"\xed\xa0\x80\"",
	"\"\xed\x9f\xbf\"", "\"\xf4\x8f\xbf\xbf\"", "\"\xf4\x90\x80\x80\"", "\"\xf0\x80\x80\xaf\"",
	"\"\xf8\x88\x80\x80\x80\"", "\"\xe2\x82", "\xff" };

static json_t *take_tree(struct json_scan *s);

static json_t *take_list(struct json_scan *s)
{
	json_t *list = json_array();

	for (bool more = json_scan_open(s, '['); more; more = json_scan_more(s, '['))
		json_array_append_new(list, take_tree(s));
	return list;
}

static json_t *take_object(struct json_scan *s)
{
	json_t *object = json_object();

	for (bool more = json_scan_open(s, '{'); more; more = json_scan_more(s, '{')) {
		const char *key = json_scan_key(s);
		scoped(free_ptr) char *mine = xstrdup(key ? key : "");

		json_object_set_new(object, mine, take_tree(s));
	}
	return object;
}

static json_t *take_number(struct json_scan *s)
{
	struct json_number n = { 0 };

	if (!json_scan_number(s, &n))
		return json_null();
	return n.is_real ? json_real(n.d) : json_integer(n.i);
}

static json_t *take_tree(struct json_scan *s)
{
	char c = json_scan_peek(s);

	switch (c) {
	case '[':
		return take_list(s);
	case '{':
		return take_object(s);
	case '"':
		return json_string(json_scan_string(s));
	case '\0':
		return take_number(s);
	default:
		c = json_scan_word(s);
		return c == 'n' ? json_null() : json_boolean(c == 't');
	}
}

static void assert_as_jansson(const char *text, size_t len)
{
	scoped(json_scan_fini) struct json_scan s, skipped;
	json_t *expected = json_loadb(text, len, JSON_DECODE_ANY, NULL);

	json_scan_init(&s, text, len);
	json_scan_init(&skipped, text, len);
	json_t *got = take_tree(&s);

	json_scan_end(&s);
	json_scan_skip(&skipped);
	json_scan_end(&skipped);
	if (s.is_broken != !expected || skipped.is_broken != !expected)
		fail_msg("%.60s: %s", text, expected ? "is JSON" : "is no JSON");
	if (expected && !json_equal(got, expected))
		fail_msg("%.60s: means something else", text);
	json_decref(got);
	json_decref(expected);
}

static void what_jansson_takes_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		scoped(buf_fini) struct buf within = BUF_INIT;

		assert_as_jansson(texts[i], strlen(texts[i]));
		buf_add_fmt(&within, "{\"k\":[%s,2],\"k\":{\"l\":%s}}", texts[i], texts[i]);
		assert_as_jansson(within.data, within.len);
	}
	assert_as_jansson("[\0]", 3);
	assert_as_jansson("\"\0\"", 3);
	assert_as_jansson("[]\0", 3);
	assert_as_jansson("[1]x", 3);
}

/* Every cut of a text; the memory ends there. */
static void what_is_cut_is_none(void **state)
{
	(void)state;
	static const char text[] =
		"{\"a\\u20ac\":[-1.5e+3,true,null,{\"\xe2\x82\xac\":\"\\ud83d\\ude00\\n\"}]} ";

	for (size_t len = 0; len < sizeof(text); len++) {
		char *cut = xmalloc(len);

		memcpy(cut, text, len);
		assert_as_jansson(cut, len);
		free(cut);
	}
}

static void add_times(struct buf *b, const char *s, int n)
{
	while (n--)
		buf_add_str(b, s);
}

static void depth_has_the_same_end(void **state)
{
	(void)state;
	for (int n = 2046; n < 2051; n++) {
		static const char *const cores[] = { "", "1", "\"a\"", "{\"a\":1}", "[]" };

		for (size_t i = 0; i < sizeof(cores) / sizeof(*cores); i++) {
			scoped(buf_fini) struct buf text = BUF_INIT;

			add_times(&text, "[", n);
			buf_add_str(&text, cores[i]);
			add_times(&text, "]", n);
			assert_as_jansson(text.data, text.len);
		}
	}
	scoped(buf_fini) struct buf open = BUF_INIT;

	add_times(&open, "[", 1000000);
	assert_as_jansson(open.data, open.len);
}

static void what_is_broken_stays_so(void **state)
{
	(void)state;
	scoped(json_scan_fini) struct json_scan s;
	struct json_number n;

	json_scan_init(&s, "[x,1]", 5);
	struct json_mark mark = json_scan_mark(&s);

	assert_true(json_scan_open(&s, '['));
	json_scan_skip(&s);
	assert_true(s.is_broken);
	json_scan_back(&s, &mark);
	assert_int_equal(json_scan_peek(&s), 0);
	assert_false(json_scan_open(&s, '['));
	assert_false(json_scan_more(&s, '['));
	assert_null(json_scan_key(&s));
	assert_false(json_scan_number(&s, &n));
	assert_true(s.is_broken);
}

static void one_can_go_back(void **state)
{
	(void)state;
	static const char text[] = "{\"a\": [1, [2, 3]]}";
	scoped(json_scan_fini) struct json_scan s;

	json_scan_init(&s, text, sizeof(text) - 1);
	assert_true(json_scan_open(&s, '{'));
	assert_string_equal(json_scan_key(&s), "a");
	struct json_mark mark = json_scan_mark(&s);

	assert_true(json_scan_open(&s, '['));
	json_scan_skip(&s);
	assert_true(json_scan_more(&s, '['));
	assert_true(json_scan_open(&s, '['));
	json_scan_back(&s, &mark);
	json_scan_skip(&s);
	assert_false(json_scan_more(&s, '{'));
	json_scan_end(&s);
	assert_false(s.is_broken);
	assert_int_equal(s.depth, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_jansson_takes_is_taken),
		cmocka_unit_test(what_is_cut_is_none),
		cmocka_unit_test(depth_has_the_same_end),
		cmocka_unit_test(what_is_broken_stays_so),
		cmocka_unit_test(one_can_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
