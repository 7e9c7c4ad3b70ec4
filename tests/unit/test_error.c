/* SPDX-License-Identifier: GPL-2.0-or-later */
/* V5's errors: its own bodies, what proxies and broken hosts send instead, and the errno of each.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "storyfs/alloc.h"
#include "storyfs/error.h"
#include "storyfs/json.h"
#include "storyfs/text.h"

#define INVALID "One or more request parameters was missing or invalid."
#define NO_AUTH "Invalid authentication credentials were presented."
#define UNFOUND                                                                                    \
	"The object you tried to access could not be found.  It may have been removed by another " \
	"user, you may be using the ID of another object type, or you may be trying to access a "  \
	"sub-resource at the wrong point in a tree."
#define INTERNAL                                                                                \
	"We encountered an unexpected, unhandleable error while processing your request.  The " \
	"problem may be transient.  The failure has been logged."

static int decode(int status, const char *body, struct v5_error *ret)
{
	return v5_error_decode(status, body, strlen(body), ret);
}

/* V5's codes, as recorded: what the client sees, and what the server must send again. */
static const struct {
	int status;
	enum v5_code code;
	const char *name;
	const char *error;
	int number;
} codes[] = {
	{ 400, V5_invalid_parameter, "invalid_parameter", INVALID, EINVAL },
	{ 403, V5_invalid_authentication, "invalid_authentication", NO_AUTH, EKEYREJECTED },
	{ 403, V5_unauthorized_operation, "unauthorized_operation", "Authorization failure.",
		EACCES },
	{ 404, V5_unfound_resource, "unfound_resource", UNFOUND, ENOENT },
	{ 404, V5_route_not_found, "route_not_found",
		"The path you requested has no valid endpoint.", EOPNOTSUPP },
	{ 500, V5_api_internal_error, "api_internal_error", INTERNAL, EIO },
	{ 500, V5_unhandled_condition, "unhandled_condition", "An unexpected condition occurred.",
		EIO },
};

static void each_code_of_v5_is_read_and_made(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		scoped(v5_error_fini) struct v5_error made = { 0 };
		scoped(v5_error_fini) struct v5_error read = { 0 };
		scoped(buf_fini) struct buf body = BUF_INIT;

		assert_int_equal(v5_error_set(&made, codes[i].code), -codes[i].number);
		assert_int_equal(made.status, codes[i].status);
		assert_string_equal(made.error, codes[i].error);
		assert_string_equal(v5_error_code_name(&made), codes[i].name);
		json_t *object = v5_error_encode(&made);

		assert_string_equal(json_string_value(json_object_get(object, "kind")), "error");
		assert_int_equal(json_object_size(object), 3);
		json_write(object, &body);
		json_decref(object);
		assert_int_equal(decode(codes[i].status, buf_str(&body), &read), -codes[i].number);
		assert_int_equal(read.code, codes[i].code);
		assert_string_equal(read.error, codes[i].error);
	}
}

static void all_members_of_a_body_are_kept(void **state)
{
	(void)state;
	static const char body[] =
		"{\"code\":\"invalid_parameter\",\"kind\":\"error\",\"error\":\"" INVALID "\","
		"\"general_problem\":\"Name can't be blank\",\"requirement\":\"r\","
		"\"possible_fix\":\"p\",\"validation_errors\":["
		"{\"field\":\"name\",\"problem\":\"Name can't be blank\"},{\"problem\":\"x\"},"
		"{\"field\":\"no problem\"},7]}";
	scoped(v5_error_fini) struct v5_error e = { 0 };
	scoped(buf_fini) struct buf text = BUF_INIT;

	assert_int_equal(decode(400, body, &e), -EINVAL);
	assert_int_equal(e.code, V5_invalid_parameter);
	assert_string_equal(e.general_problem, "Name can't be blank");
	assert_string_equal(e.requirement, "r");
	assert_string_equal(e.possible_fix, "p");
	assert_int_equal(e.n_validation_errors, 2);
	assert_string_equal(e.validation_errors[0].field, "name");
	assert_string_equal(e.validation_errors[1].field, "?");
	v5_error_add_text(&e, &text);
	assert_string_equal(buf_str(&text), INVALID " (invalid_parameter, HTTP 400)\n"
						    "problem: Name can't be blank\n"
						    "requirement: r\n"
						    "name: Name can't be blank\n"
						    "?: x\n"
						    "possible fix: p\n");
}

/* A terminal takes them for commands. */
static void words_that_cannot_be_shown_are_not(void **state)
{
	(void)state;
	scoped(v5_error_fini) struct v5_error e = { 0 };
	scoped(buf_fini) struct buf text = BUF_INIT;

	decode(400,
		"{\"kind\":\"error\",\"code\":\"a\\u001bb\",\"error\":\"One.  Two\\u0007\","
		"\"general_problem\":\"'x\\u0012\\u009b\\u202e' is\\nno value\","
		"\"validation_errors\":[{\"field\":\"n\\u001b[31m\",\"problem\":\"b\\u007f\"}]}",
		&e);
	v5_error_add_text(&e, &text);
	assert_string_equal(buf_str(&text), "One.  Two? (a?b, HTTP 400)\n"
					    "problem: 'x\?\?\?' is no value\n"
					    "n?[31m: b?\n");
}

static void an_envelope_is_opened(void **state)
{
	(void)state;
	scoped(v5_error_fini) struct v5_error e = { 0 };

	assert_int_equal(decode(404,
				 "{\"http_status\":\"404\",\"data\":{\"code\":"
				 "\"unfound_resource\",\"kind\":\"error\",\"error\":\"gone\"}}",
				 &e),
		-ENOENT);
	assert_int_equal(e.code, V5_unfound_resource);
	assert_string_equal(e.error, "gone");
}

static void the_code_counts_more_than_the_status(void **state)
{
	(void)state;
	scoped(v5_error_fini) struct v5_error e = { 0 };

	assert_int_equal(decode(400, "{\"code\":\"invalid_authentication\",\"error\":\"x\"}", &e),
		-EKEYREJECTED);
	assert_int_equal(e.status, 400);
}

static void unknown_codes_are_shown_and_judged_by_status(void **state)
{
	(void)state;
	scoped(v5_error_fini) struct v5_error e = { 0 };

	assert_int_equal(decode(402, "{\"code\":\"account_limited\",\"error\":\"Pay first.\"}", &e),
		-EACCES);
	assert_int_equal(e.code, V5_OTHER);
	assert_string_equal(v5_error_code_name(&e), "account_limited");
	assert_string_equal(e.error, "Pay first.");
	assert_int_equal(
		decode(400, "{\"error\":\"Cannot parse the JSON-encoded request body.\"}", &e),
		-EINVAL);
	assert_string_equal(v5_error_code_name(&e), "http_status");
}

/* Bodies that are not V5's: what of them the person sees. */
static const struct {
	int status;
	const char *body;
	int number;
	const char *words; /* or NULL: nothing to say */
} foreign[] = {
	{ 502,
		"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
		"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
		"</body>\r\n</html>\r\n",
		EHOSTDOWN, "502 Bad Gateway 502 Bad Gateway nginx" },
	{ 503,
		"<!DOCTYPE html><html><head><style type=\"text/css\">\nbody{margin:0}\n</style>"
		"<script>if (1 < 2) { go(); }</script></head><body>Down for maintenance</body>",
		EHOSTDOWN, "Down for maintenance" },
	{ 503, "<STYLE>p{}</STYLE>upstream\n\n  connect   error", EHOSTDOWN,
		"upstream connect error" },
	{ 200, "<html>Please log in</html>", EPROTO, "Please log in" },
	{ 500, "", EIO, NULL },
	{ 504, "   \n", ETIMEDOUT, NULL },
	{ 502, "<html></html>", EHOSTDOWN, NULL },
	{ 502, "<style>never ends", EHOSTDOWN, NULL },
	{ 400, "{\"code\":\"invalid_parameter\",\"err", EINVAL,
		"{\"code\":\"invalid_parameter\",\"err" },
	{ 404, "{\"message\":\"Not Found\"}", ENOENT, "{\"message\":\"Not Found\"}" },
	{ 400, "[]", EINVAL, "[]" },
	{ 401, "{\"error\":{\"code\":3}}", EKEYREJECTED, "{\"error\":{\"code\":3}}" },
	{ 502, "\xff\xfe\x01 g\xc3\xbcn \xe2\x82", EHOSTDOWN, "??? g\xc3\xbcn ?" },
};

static void other_bodies_are_survived_in_their_own_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		scoped(v5_error_fini) struct v5_error e = { 0 };
		scoped(free_ptr) char *error =
			foreign[i].words
				? xasprintf("The server answered HTTP %d and not in V5's terms: %s",
					  foreign[i].status, foreign[i].words)
				: xasprintf("The server answered HTTP %d with nothing of V5's to "
					    "say.",
					  foreign[i].status);

		assert_int_equal(
			decode(foreign[i].status, foreign[i].body, &e), -foreign[i].number);
		assert_int_equal(e.code, V5_OTHER);
		assert_string_equal(e.error, error);
	}
}

static void huge_and_binary_bodies_are_cut(void **state)
{
	(void)state;
	enum { LEN = 3 * 1024 * 1024 };
	scoped(free_ptr) char *body = xmalloc(LEN);
	scoped(v5_error_fini) struct v5_error e = { 0 };

	for (size_t i = 0; i < LEN; i++)
		body[i] = "\xe2\x82\xac"[i % 3];
	assert_int_equal(v5_error_decode(502, body, LEN, &e), -EHOSTDOWN);
	assert_in_range(strlen(e.error), 300, 400);
	assert_true(text_is_valid(e.error, strlen(e.error)));
	for (size_t i = 0; i < LEN; i++)
		body[i] = (char)(i * 7);
	assert_int_equal(v5_error_decode(502, body, LEN, &e), -EHOSTDOWN);
	assert_true(text_is_valid(e.error, strlen(e.error)));
	assert_int_equal(v5_error_decode(500, NULL, 0, &e), -EIO);
}

static void each_status_has_its_errno(void **state)
{
	(void)state;
	static const struct {
		int status, number;
	} rows[] = { { -1, EPROTO }, { 0, EPROTO }, { 200, EPROTO }, { 302, EPROTO },
		{ 400, EINVAL }, { 401, EKEYREJECTED }, { 402, EACCES }, { 403, EACCES },
		{ 404, ENOENT }, { 405, EOPNOTSUPP }, { 408, ETIMEDOUT }, { 409, EBUSY },
		{ 410, ENOENT }, { 407, EINVAL }, { 412, EINVAL }, { 413, EMSGSIZE },
		{ 414, EINVAL }, { 422, EINVAL }, { 429, EBUSY }, { 451, EINVAL }, { 500, EIO },
		{ 501, EIO }, { 502, EHOSTDOWN }, { 503, EHOSTDOWN }, { 504, ETIMEDOUT },
		{ 599, EIO } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(v5_error_fini) struct v5_error e = { 0 };
		int r = decode(rows[i].status, "", &e);

		if (r != -rows[i].number)
			fail_msg("%d: %s", rows[i].status, strerror(-r));
		assert_int_equal(v5_error_errno(&e), r);
	}
}

static void made_errors_carry_their_texts(void **state)
{
	(void)state;
	scoped(v5_error_fini) struct v5_error e = { 0 };
	scoped(buf_fini) struct buf body = BUF_INIT;

	assert_int_equal(v5_error_requirement(&e, "at most %d", 5), -EINVAL);
	assert_string_equal(e.requirement, "at most 5");
	assert_int_equal(v5_error_problem(&e, "%s", "100% wrong"), -EINVAL);
	assert_null(e.requirement);
	v5_error_add_validation(&e, "name", "too \"long\"");
	json_t *object = v5_error_encode(&e);

	json_write(object, &body);
	json_decref(object);
	assert_string_equal(buf_str(&body),
		"{\"code\":\"invalid_parameter\",\"kind\":\"error\",\"error\":\"" INVALID "\","
		"\"general_problem\":\"100% wrong\",\"validation_errors\":[{\"field\":\"name\","
		"\"problem\":\"too \\\"long\\\"\"}]}");
	v5_error_fini(&e);
	assert_int_equal(e.code, V5_OK);
	assert_int_equal(v5_error_errno(&e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_code_of_v5_is_read_and_made),
		cmocka_unit_test(all_members_of_a_body_are_kept),
		cmocka_unit_test(words_that_cannot_be_shown_are_not),
		cmocka_unit_test(an_envelope_is_opened),
		cmocka_unit_test(the_code_counts_more_than_the_status),
		cmocka_unit_test(unknown_codes_are_shown_and_judged_by_status),
		cmocka_unit_test(other_bodies_are_survived_in_their_own_words),
		cmocka_unit_test(huge_and_binary_bodies_are_cut),
		cmocka_unit_test(each_status_has_its_errno),
		cmocka_unit_test(made_errors_carry_their_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
