/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request is taken apart into: parameters and routes; and the small tables behind rules. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "params.h"
#include "route.h"
#include "storyfs/alloc.h"
#include "storyfs/json.h"
#include "storyfs/scale.h"
#include "storyfs/token.h"
#include "zone.h"

/* ---- parameters ---- */

static struct params *read_all(const char *query, const char *type, const char *body)
{
	struct http_request req = { 0 };
	scoped(v5_error_fini) struct v5_error error = { 0 };
	struct params *p = NULL;

	if (type)
		http_headers_add(&req.headers, "content-type", type);
	if (body)
		buf_add_str(&req.body, body);
	int r = params_read(&req, query, &p, &error);

	assert_true((r < 0) == (p == NULL));
	assert_true((r < 0) == (error.code != V5_OK));
	http_request_fini(&req);
	return p;
}

static void expect_param(const char *query, const char *key, const char *json)
{
	scoped(params_free) struct params *p = read_all(query, NULL, NULL);
	scoped(buf_fini) struct buf text = BUF_INIT;

	assert_non_null(p);
	struct param_value v = params_get(p, key);

	assert_non_null(v.json);
	assert_true(v.loose);
	json_write(v.json, &text);
	assert_string_equal(buf_str(&text), json);
}

static void brackets_nest(void **state)
{
	(void)state;
	expect_param("a=1", "a", "\"1\"");
	expect_param("a", "a", "\"\"");
	expect_param("a=1&a=2", "a", "\"2\"");
	expect_param("a=%2B+x&b=", "a", "\"+ x\"");
	expect_param("&&a=1&&", "a", "\"1\"");
	expect_param("a[]=1&a[]=2", "a", "[\"1\",\"2\"]");
	expect_param("a[b]=1&a[c][d]=2", "a", "{\"b\":\"1\",\"c\":{\"d\":\"2\"}}");
	expect_param("labels%5B%5D%5Bname%5D=x&labels[][name]=y", "labels",
		"[{\"name\":\"x\"},{\"name\":\"y\"}]");
	expect_param("t[][d]=x&t[][c]=true&t[][d]=y", "t",
		"[{\"d\":\"x\",\"c\":\"true\"},{\"d\":\"y\"}]");
	expect_param("a=1&a[b]=2", "a", "{\"b\":\"2\"}");
	expect_param("a[b]=2&a[]=1", "a", "[\"1\"]");
}

static void broken_parameters_are_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = { "=1", "a[=1", "a[b]c=1", "[a]=1", "a=%ff", "a=%00",
		"a[b][c][d][e][f][g][h][i]=1" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		scoped(params_free) struct params *p = read_all(wrong[i], NULL, NULL);

		if (p)
			fail_msg("'%s' was taken", wrong[i]);
	}
	scoped(buf_fini) struct buf many = BUF_INIT;

	for (int i = 0; i < 2001; i++)
		buf_add_str(&many, "a=1&");
	scoped(params_free) struct params *p = read_all(many.data, NULL, NULL);

	assert_null(p);
}

static void bodies_are_json_or_forms(void **state)
{
	(void)state;
	static const char form[] = "application/x-www-form-urlencoded; charset=utf-8";
	static const struct {
		const char *type, *body;
		bool ok, loose;
	} rows[] = {
		{ "application/json; charset=utf-8", "{\"a\":1}", true, false },
		{ NULL, "{\"a\":1}", true, false },
		{ form, " {\"a\":1}", true, false },
		{ form, "a=1", true, true },
		{ "application/json", "a=1", false, false },
		{ "application/json", "[1]", true, true }, /* the endpoint refuses it */
		{ "application/json", " \n", true, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(params_free) struct params *p = read_all("a=0", rows[i].type, rows[i].body);

		assert_true((p != NULL) == rows[i].ok);
		if (p)
			assert_true(params_get(p, "a").loose == rows[i].loose);
	}
}

/* ---- routes ---- */

static void routes_are_found_with_their_ids(void **state)
{
	(void)state;
	static const char path[] = "/projects/7//stories/8/tasks/9/";
	static const char wrong[] = "/projects/x/stories";
	static const char bulk[] = "/projects/7/stories/bulk";
	static const char encoded[] = "/projects/%37/st%6Fries";
	struct route_match m;

	assert_true(route_find(HTTP_PUT, path, strlen(path), &m));
	assert_int_equal(m.n, 3);
	assert_int_equal(m.ids[0].kind, KIND_project);
	assert_int_equal(m.ids[2].kind, KIND_task);
	assert_int_equal(m.ids[2].id, 9);
	assert_int_equal(m.route->kind, KIND_task);
	assert_false(route_find(HTTP_POST, path, strlen(path), &m));
	assert_false(route_find(HTTP_OTHER, path, strlen(path), &m));
	assert_true(route_find(HTTP_GET, wrong, strlen(wrong), &m));
	assert_int_equal(m.ids[0].id, 0);
	assert_true(route_find(HTTP_GET, bulk, strlen(bulk), &m));
	assert_int_equal(m.n, 1);
	assert_true(route_find(HTTP_GET, encoded, strlen(encoded), &m));
	assert_int_equal(m.ids[0].id, 7);
	assert_false(route_find(HTTP_GET, "", 0, &m));
}

/* ---- tables ---- */

static void scales_are_judged(void **state)
{
	(void)state;
	assert_null(scale_problem("0,1,2,3"));
	assert_null(scale_problem("0, 0.5, 1"));
	assert_non_null(scale_problem(""));
	assert_non_null(scale_problem("1,,2"));
	assert_true(scale_has("0,0.5,1", 0.5));
	assert_false(scale_has("0,1", 0.5));
	assert_false(scale_has("", 0));
	assert_false(scale_is_custom("0,1,2,3,5,8"));
	assert_true(scale_is_custom("1,2"));
}

static void zones_know_their_summers(void **state)
{
	(void)state;
	char text[ZONE_OFFSET_SIZE];
	int32_t offset;

	zone_format_offset("America/Los_Angeles", INT64_C(1704067200000), text);
	assert_string_equal(text, "-08:00");
	zone_format_offset("America/Los_Angeles", INT64_C(1719792000000), text);
	assert_string_equal(text, "-07:00");
	zone_format_offset("Asia/Kathmandu", INT64_C(1704067200000), text);
	assert_string_equal(text, "+05:45");
	assert_false(zone_offset("../../etc/passwd", 0, &offset));
	assert_false(zone_offset("/etc/passwd", 0, &offset));
	assert_false(zone_offset("Moon/Base", 0, &offset));
	assert_false(zone_offset("zone.tab", 0, &offset));
	zone_format_offset("", 0, text);
	assert_string_equal(text, "+00:00");
}

static void tokens_are_random_and_digested(void **state)
{
	(void)state;
	char a[TOKEN_SIZE], b[TOKEN_SIZE], digest[TOKEN_DIGEST_SIZE];

	assert_int_equal(token_make(a), 0);
	assert_int_equal(token_make(b), 0);
	assert_int_equal(strlen(a), 32);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_string_not_equal(a, b);
	token_digest("abc", digest);
	assert_string_equal(
		digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brackets_nest),
		cmocka_unit_test(broken_parameters_are_refused),
		cmocka_unit_test(bodies_are_json_or_forms),
		cmocka_unit_test(routes_are_found_with_their_ids),
		cmocka_unit_test(scales_are_judged),
		cmocka_unit_test(zones_know_their_summers),
		cmocka_unit_test(tokens_are_random_and_digested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
