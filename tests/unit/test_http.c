/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP messages as values, and what bounds a call. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/clock.h"
#include "storyfs/http.h"
#include "storyfs/transport.h"

static void every_method_has_one_name(void **state)
{
	(void)state;
	for (int m = 0; m < HTTP_OTHER; m++)
		assert_int_equal(http_method_parse(http_method_name((enum http_method)m)), m);
	assert_int_equal(http_method_parse("get"), HTTP_OTHER);
	assert_int_equal(http_method_parse("BREW"), HTTP_OTHER);
	assert_string_equal(http_method_name(HTTP_OTHER), "?");
}

static void only_reading_methods_are_safe(void **state)
{
	(void)state;
	assert_true(http_method_is_safe(HTTP_GET));
	assert_true(http_method_is_safe(HTTP_HEAD));
	assert_true(http_method_is_safe(HTTP_OPTIONS));
	assert_false(http_method_is_safe(HTTP_PUT));
	assert_false(http_method_is_safe(HTTP_POST));
	assert_false(http_method_is_safe(HTTP_DELETE));
	assert_false(http_method_is_safe(HTTP_OTHER));
}

static void headers_are_found_without_case_and_the_first_wins(void **state)
{
	(void)state;
	scoped(http_headers_fini) struct http_headers h = { 0 };
	char name[] = "X-Tracker-Project-Version";

	assert_null(http_headers_get(&h, name));
	http_headers_add(&h, name, "7");
	http_headers_add(&h, "x-tracker-project-version", "8");
	name[0] = '?';
	assert_string_equal(http_headers_get(&h, "x-tracker-PROJECT-version"), "7");
	assert_int_equal(h.n, 2);
	assert_null(http_headers_get(&h, "X-Tracker"));
}

static void a_formatted_header_is_never_cut(void **state)
{
	(void)state;
	scoped(http_headers_fini) struct http_headers h = { 0 };
	char long_value[1000];

	memset(long_value, 'v', sizeof(long_value) - 1);
	long_value[sizeof(long_value) - 1] = '\0';
	http_headers_add_fmt(&h, "Location", "/%s/%d", long_value, 5);
	assert_int_equal(strlen(http_headers_get(&h, "location")), 1 + 999 + 2);
}

static void a_message_is_empty_after_fini(void **state)
{
	(void)state;
	struct http_request req = { .method = HTTP_PUT, .target = strdup("/x") };
	struct http_response resp = { .status = 200 };

	http_headers_add(&req.headers, "A", "b");
	buf_add_str(&req.body, "{}");
	buf_add_str(&resp.body, "{}");
	http_request_fini(&req);
	http_response_fini(&resp);
	assert_null(req.target);
	assert_int_equal(req.headers.n, 0);
	assert_int_equal(req.body.len, 0);
	assert_int_equal(resp.status, 0);
}

static void encoding_and_decoding_are_inverse(void **state)
{
	(void)state;
	scoped(buf_fini) struct buf encoded = BUF_INIT;
	scoped(buf_fini) struct buf decoded = BUF_INIT;
	char all[256];

	for (int i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	http_add_encoded(&encoded, all);
	assert_int_equal(strspn(encoded.data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					      "0123456789-._~%"),
		encoded.len);
	http_add_decoded(&decoded, encoded.data, encoded.len, true);
	assert_int_equal(decoded.len, 255);
	assert_memory_equal(decoded.data, all, 255);
}

static void decoding_keeps_broken_escapes_and_stays_inside(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
		bool form;
		const char *want;
		size_t want_len;
	} rows[] = {
		{ "a+b", 3, true, "a b", 3 },
		{ "a+b", 3, false, "a+b", 3 },
		{ "%00x", 4, false, "\0x", 2 },
		{ "%c3%A9", 6, false, "\xc3\xa9", 2 },
		{ "%4", 2, false, "%4", 2 },
		{ "%", 1, false, "%", 1 },
		{ "%41", 2, false, "%4", 2 },
		{ "%g1%1g", 6, false, "%g1%1g", 6 },
		{ "%%41", 4, false, "%A", 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(buf_fini) struct buf b = BUF_INIT;

		http_add_decoded(&b, rows[i].text, rows[i].len, rows[i].form);
		assert_int_equal(b.len, rows[i].want_len);
		assert_memory_equal(b.data, rows[i].want, rows[i].want_len);
	}
}

static void the_three_forms_of_a_date_are_one_instant(void **state)
{
	(void)state;
	static const char *const forms[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		int64_t ms = 0;

		assert_true(http_parse_date(forms[i], &ms));
		assert_int_equal(ms, INT64_C(784111777000));
	}
}

static void what_is_no_date_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", "120", "Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 GMT.", "Mon, 31 Feb 2022 10:00:00 GMT",
		"Sun, 06 Nov 1994 08:49:37 CET", "1994-11-06T08:49:37Z" };
	int64_t ms = -5;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		if (http_parse_date(wrong[i], &ms))
			fail_msg("'%s' was taken for a date", wrong[i]);
	}
	assert_int_equal(ms, -5);
}

static void only_what_http_can_carry_is_valid(void **state)
{
	(void)state;
	static const struct {
		enum http_method method;
		const char *target, *name, *value;
		bool valid;
	} rows[] = {
		{ HTTP_GET, "/", "A", "b", true },
		{ HTTP_PATCH, "/a?b=%20&c=+#", "A", "b", false },
		{ HTTP_PUT, "/x?y=~!$'()*,;:@[]", "X-Y_Z.1", "", true },
		{ HTTP_PUT, "/", "A", "sch\xc3\xb6n, \"yes\"", true },
		{ HTTP_OTHER, "/", "A", "b", false },
		{ HTTP_GET, NULL, "A", "b", false },
		{ HTTP_GET, "", "A", "b", false },
		{ HTTP_GET, "x/", "A", "b", false },
		{ HTTP_GET, "/a b", "A", "b", false },
		{ HTTP_GET, "/a\r\nX: y", "A", "b", false },
		{ HTTP_GET, "/\xc3\xb6", "A", "b", false },
		{ HTTP_GET, "/\x7f", "A", "b", false },
		{ HTTP_GET, "/", "", "b", false },
		{ HTTP_GET, "/", "A:", "b", false },
		{ HTTP_GET, "/", "A B", "b", false },
		{ HTTP_GET, "/", "A", "b\r\nC: d", false },
		{ HTTP_GET, "/", "A", "\x7f", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(http_request_fini) struct http_request req = { .method = rows[i].method };

		req.target = rows[i].target ? strdup(rows[i].target) : NULL;
		http_headers_add(&req.headers, rows[i].name, rows[i].value);
		if (http_request_is_valid(&req) != rows[i].valid)
			fail_msg("row %zu was misjudged", i);
	}
}

static bool yes(void *data)
{
	(*(int *)data)++;
	return true;
}

static bool no(void *data)
{
	(*(int *)data)++;
	return false;
}

static void a_sleep_ends_early_for_cancel_and_deadline(void **state)
{
	(void)state;
	int n = 0;
	const struct call_limit cancelled = { .cancelled = yes, .data = &n };
	const struct call_limit late = { .deadline_ms = clock_deadline(20) };

	assert_int_equal(call_limit_sleep(&cancelled, 3600 * 1000), -EINTR);
	assert_int_equal(n, 1);
	assert_int_equal(call_limit_sleep(&late, 3600 * 1000), -ETIMEDOUT);
	assert_int_equal(call_limit_slice(&late, 1000), 0);
}

static void a_sleep_lasts_and_asks_meanwhile(void **state)
{
	(void)state;
	int n = 0;
	const struct call_limit limit = { .cancelled = no, .data = &n };
	int64_t start = clock_monotonic_ms();

	assert_int_equal(call_limit_sleep(&limit, 200), 0);
	assert_true(clock_monotonic_ms() - start >= 200);
	assert_true(n >= 2);
	assert_int_equal(call_limit_slice(&(struct call_limit){ 0 }, 1000), 1000);
	assert_true(call_limit_slice(&limit, 1000) <= 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_has_one_name),
		cmocka_unit_test(only_reading_methods_are_safe),
		cmocka_unit_test(headers_are_found_without_case_and_the_first_wins),
		cmocka_unit_test(a_formatted_header_is_never_cut),
		cmocka_unit_test(a_message_is_empty_after_fini),
		cmocka_unit_test(encoding_and_decoding_are_inverse),
		cmocka_unit_test(decoding_keeps_broken_escapes_and_stays_inside),
		cmocka_unit_test(the_three_forms_of_a_date_are_one_instant),
		cmocka_unit_test(what_is_no_date_is_refused),
		cmocka_unit_test(only_what_http_can_carry_is_valid),
		cmocka_unit_test(a_sleep_ends_early_for_cancel_and_deadline),
		cmocka_unit_test(a_sleep_lasts_and_asks_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
