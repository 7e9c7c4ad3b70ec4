/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is tried again, how often, and when it is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scripted.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/retry.h"

static const struct retry_config quick = { .max_attempts = 3, .base_ms = 1, .cap_ms = 2 };
/* Waiting even once would take longer than the alarm allows. */
static const struct retry_config slow = { .max_attempts = 3 };

enum { LONG_MS = 3600 * 1000 };

struct outcome {
	int result; /* -errno, or the status */
	size_t n_calls;
	int64_t took_ms;
};

static struct outcome play_within(const struct retry_config *config, enum http_method method,
	const struct step *steps, size_t n_steps, const struct call_limit *limit)
{
	scoped(scripted_fini) struct scripted inner;

	scripted_init(&inner, steps, n_steps);
	struct transport *t = retry_transport_new(config, &inner.base);
	scoped(http_request_fini) struct http_request req = { .method = method,
		.target = xstrdup("/") };
	scoped(http_response_fini) struct http_response resp = { 0 };
	int64_t start = clock_monotonic_ms();
	int r = transport_perform(t, &req, limit, &resp);
	int64_t took = clock_monotonic_ms() - start;

	if (r == 0) {
		/* Nothing of an earlier answer is left in the last one. */
		scoped(free_ptr) char *body = xasprintf("answer %zu", inner.n_calls);

		assert_string_equal(buf_str(&resp.body), body);
	} else {
		assert_int_equal(resp.status, 0);
		assert_int_equal(resp.body.len, 0);
	}
	transport_free(t);
	assert_int_equal(inner.n_freed, 1);
	return (struct outcome){ r < 0 ? r : resp.status, inner.n_calls, took };
}

static struct outcome play(enum http_method method, const struct step *steps, size_t n_steps)
{
	return play_within(&quick, method, steps, n_steps, &(struct call_limit){ 0 });
}

static void every_outcome_is_tried_as_often_as_it_should(void **state)
{
	(void)state;
	static const struct {
		struct step step;
		size_t n_asking, n_writing;
	} rows[] = {
		{ { 200, NULL, NULL }, 1, 1 },
		{ { 400, NULL, NULL }, 1, 1 },
		{ { 403, "0", NULL }, 1, 1 },
		{ { 429, NULL, NULL }, 3, 3 },
		{ { 429, "0", NULL }, 3, 3 },
		{ { 500, NULL, NULL }, 1, 1 },
		{ { 500, "0", NULL }, 1, 1 },
		{ { 502, NULL, NULL }, 3, 1 },
		{ { 502, "0", NULL }, 3, 1 },
		{ { 503, NULL, NULL }, 3, 1 },
		{ { 503, "0", NULL }, 3, 3 },
		{ { 503, "soon", NULL }, 3, 1 },
		{ { 504, NULL, NULL }, 3, 1 },
		{ { -ECONNREFUSED, NULL, NULL }, 3, 3 },
		{ { -EHOSTUNREACH, NULL, NULL }, 3, 3 },
		{ { -ECONNRESET, NULL, NULL }, 3, 1 },
		{ { -ETIMEDOUT, NULL, NULL }, 1, 1 },
		{ { -EINTR, NULL, NULL }, 1, 1 },
		{ { -EPROTO, NULL, NULL }, 1, 1 },
		{ { -EKEYREJECTED, NULL, NULL }, 1, 1 },
		{ { -EIO, NULL, NULL }, 1, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int m = 0; m < N_HTTP_METHODS; m++) {
			bool asks = m == HTTP_GET || m == HTTP_HEAD || m == HTTP_OPTIONS;
			struct outcome o = play((enum http_method)m, &rows[i].step, 1);
			size_t want = asks ? rows[i].n_asking : rows[i].n_writing;

			if (o.n_calls != want)
				fail_msg("%s with %d: %zu attempts, not %zu",
					http_method_name((enum http_method)m), o.result, o.n_calls,
					want);
			assert_int_equal(o.result, rows[i].step.outcome);
		}
	}
}

static void the_first_good_answer_ends_it(void **state)
{
	(void)state;
	static const struct step steps[] = { { -ECONNRESET, NULL, NULL }, { 503, NULL, NULL },
		{ 200, NULL, NULL } };
	struct outcome o = play(HTTP_GET, steps, 3);

	assert_int_equal(o.result, 200);
	assert_int_equal(o.n_calls, 3);
}

static void the_asked_for_seconds_are_waited(void **state)
{
	(void)state;
	static const struct step steps[] = { { 503, "1", NULL }, { 200, NULL, NULL } };
	struct outcome o = play(HTTP_PUT, steps, 2);

	assert_int_equal(o.result, 200);
	assert_int_equal(o.n_calls, 2);
	assert_true(o.took_ms >= 1000);
}

static void the_asked_for_date_is_waited_for(void **state)
{
	(void)state;
	static const struct step steps[] = { { 429, "Sun, 06 Nov 1994 08:49:37 GMT", NULL },
		{ 200, NULL, NULL } };

	clock_set_fixed(INT64_C(784111777000) - 700);
	struct outcome o = play(HTTP_POST, steps, 2);

	clock_set_fixed(-1);
	assert_int_equal(o.result, 200);
	assert_int_equal(o.n_calls, 2);
	assert_true(o.took_ms >= 700);
}

static void a_date_is_held_against_the_servers_own_clock(void **state)
{
	(void)state;
	static const struct step steps[] = { { 429, "Sun, 06 Nov 1994 08:49:37 GMT",
						     "Sun, 06 Nov 1994 08:49:36 GMT" },
		{ 200, NULL, NULL } };

	clock_set_fixed(INT64_C(784111777000) - 3 * LONG_MS);
	struct outcome o = play(HTTP_GET, steps, 2);

	clock_set_fixed(-1);
	assert_int_equal(o.result, 200);
	assert_true(o.took_ms >= 1000);
}

static void a_date_gone_by_is_no_wait(void **state)
{
	(void)state;
	static const struct step steps[] = { { 503, "Sun, 06 Nov 1994 08:49:37 GMT", NULL },
		{ 200, NULL, NULL } };
	struct outcome o = play(HTTP_PUT, steps, 2);

	assert_int_equal(o.result, 200);
	assert_int_equal(o.n_calls, 2);
}

static void a_wait_beyond_the_deadline_is_not_begun(void **state)
{
	(void)state;
	static const char *const waits[] = { "3600", "99999999999999",
		"Sun, 06 Nov 2994 08:49:37 GMT" };
	struct call_limit limit = { .deadline_ms = clock_deadline(LONG_MS) };

	for (size_t i = 0; i < 3; i++) {
		struct step step = { 503, waits[i], NULL };
		struct outcome o = play_within(&quick, HTTP_GET, &step, 1, &limit);

		assert_int_equal(o.result, 503);
		assert_int_equal(o.n_calls, 1);
	}
}

static void a_call_without_a_deadline_gets_one(void **state)
{
	(void)state;
	static const struct step steps[] = { { 503, "3600", NULL } };
	struct outcome o = play(HTTP_GET, steps, 1);

	assert_int_equal(o.result, 503);
	assert_int_equal(o.n_calls, 1);

	scoped(scripted_fini) struct scripted inner;

	scripted_init(&inner, steps, 1);
	scoped(transport_free) struct transport *t = retry_transport_new(&slow, &inner.base);
	scoped(http_response_fini) struct http_response resp = { 0 };
	struct http_request req = { .method = HTTP_GET };

	assert_int_equal(transport_perform(t, &req, &(struct call_limit){ 0 }, &resp), 0);
	assert_true(inner.last_deadline_ms > clock_monotonic_ms());
	assert_true(inner.last_deadline_ms <= clock_deadline(60 * 1000));
}

static bool is_second(void *data)
{
	return ++*(int *)data > 1;
}

static void a_wait_ends_with_a_cancel(void **state)
{
	(void)state;
	static const struct step steps[] = { { 503, "1800", NULL } };
	int n = 0;
	struct call_limit limit = { clock_deadline(LONG_MS), is_second, &n };
	struct outcome o = play_within(&slow, HTTP_GET, steps, 1, &limit);

	assert_int_equal(o.result, -EINTR);
	assert_int_equal(o.n_calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_outcome_is_tried_as_often_as_it_should),
		cmocka_unit_test(the_first_good_answer_ends_it),
		cmocka_unit_test(the_asked_for_seconds_are_waited),
		cmocka_unit_test(the_asked_for_date_is_waited_for),
		cmocka_unit_test(a_date_is_held_against_the_servers_own_clock),
		cmocka_unit_test(a_date_gone_by_is_no_wait),
		cmocka_unit_test(a_wait_beyond_the_deadline_is_not_begun),
		cmocka_unit_test(a_call_without_a_deadline_gets_one),
		cmocka_unit_test(a_wait_ends_with_a_cancel),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
