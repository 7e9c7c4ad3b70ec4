/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many requests go in a second, and how many at once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "scripted.h"
#include "storyfs/clock.h"
#include "storyfs/rate.h"

enum { N_THREADS = 12, N_CALLS = 10 };

static const struct step good = { 200, NULL, NULL };

static int call(struct transport *t, const struct call_limit *limit)
{
	scoped(http_response_fini) struct http_response resp = { 0 };

	return transport_perform(t, &(struct http_request){ 0 }, limit, &resp);
}

static void requests_keep_their_distance(void **state)
{
	(void)state;
	scoped(scripted_fini) struct scripted inner;

	scripted_init(&inner, &good, 1);
	scoped(transport_free) struct transport *t =
		rate_transport_new(&(struct rate_config){ .per_second = 20 }, &inner.base);
	int64_t start = clock_monotonic_ms();

	for (int i = 0; i < 5; i++)
		assert_int_equal(call(t, &(struct call_limit){ 0 }), 0);
	/* Four intervals of 50 ms lie between five requests. */
	assert_true(clock_monotonic_ms() - start >= 199);
	assert_int_equal(inner.n_calls, 5);
}

static void a_burst_goes_at_once_and_the_next_has_no_turn_in_time(void **state)
{
	(void)state;
	scoped(scripted_fini) struct scripted inner;

	scripted_init(&inner, &good, 1);
	/* One request in a hundred seconds: this test would not end if it waited for one. */
	scoped(transport_free) struct transport *t = rate_transport_new(
		&(struct rate_config){ .per_second = 0.01, .burst = 5 }, &inner.base);
	struct call_limit limit = { .deadline_ms = clock_deadline(50 * 1000) };

	for (int i = 0; i < 5; i++)
		assert_int_equal(call(t, &limit), 0);
	assert_int_equal(call(t, &limit), -ETIMEDOUT);
	assert_int_equal(inner.n_calls, 5);
}

static bool is_third(void *data)
{
	return ++*(int *)data > 2;
}

static void waiting_for_a_turn_can_be_cancelled(void **state)
{
	(void)state;
	scoped(scripted_fini) struct scripted inner;

	scripted_init(&inner, &good, 1);
	scoped(transport_free) struct transport *t = rate_transport_new(
		&(struct rate_config){ .per_second = 0.01, .max_in_flight = 1 }, &inner.base);
	int n = 0;
	struct call_limit limit = { .cancelled = is_third, .data = &n };

	assert_int_equal(call(t, &(struct call_limit){ 0 }), 0);
	assert_int_equal(call(t, &limit), -EINTR);
	assert_int_equal(call(t, &limit), -EINTR);
	assert_int_equal(inner.n_calls, 1);
}

static void *call_often(void *arg)
{
	int n_right = 0;

	for (int i = 0; i < N_CALLS; i++)
		n_right += call(arg, &(struct call_limit){ 0 }) == 0;
	return (void *)(intptr_t)n_right;
}

static void no_more_than_the_bound_are_inside(void **state)
{
	(void)state;
	scoped(scripted_fini) struct scripted inner;
	pthread_t threads[N_THREADS];

	scripted_init(&inner, &good, 1);
	inner.hold_until = 3;
	scoped(transport_free) struct transport *t =
		rate_transport_new(&(struct rate_config){ .max_in_flight = 3 }, &inner.base);

	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, t), 0);
	for (int i = 0; i < N_THREADS; i++) {
		void *n_right;

		pthread_join(threads[i], &n_right);
		assert_int_equal((intptr_t)n_right, N_CALLS);
	}
	assert_int_equal(inner.most_inside, 3);
	assert_int_equal(inner.n_calls, N_THREADS * N_CALLS);
}

static void *call_once(void *arg)
{
	return (void *)(intptr_t)call(arg, &(struct call_limit){ 0 });
}

static bool is_inside(void *data)
{
	struct scripted *inner = data;

	lock_scope(&inner->lock);
	return inner->n_inside > 0;
}

static void waiting_for_room_ends_with_deadline_and_cancel(void **state)
{
	(void)state;
	scoped(scripted_fini) struct scripted inner;
	pthread_t thread;
	void *result;

	scripted_init(&inner, &good, 1);
	inner.hold_until = 2; /* nobody else will come in: held until the end of the test */
	scoped(transport_free) struct transport *t =
		rate_transport_new(&(struct rate_config){ .max_in_flight = 1 }, &inner.base);

	assert_int_equal(pthread_create(&thread, NULL, call_once, t), 0);
	while (!is_inside(&inner))
		usleep(1000);
	assert_int_equal(
		call(t, &(struct call_limit){ clock_deadline(120), NULL, NULL }), -ETIMEDOUT);
	assert_int_equal(call(t, &(struct call_limit){ 0, is_inside, &inner }), -EINTR);
	pthread_mutex_lock(&inner.lock);
	inner.hold_until = 0;
	pthread_cond_broadcast(&inner.entered);
	pthread_mutex_unlock(&inner.lock);
	pthread_join(thread, &result);
	assert_int_equal((intptr_t)result, 0);
	assert_int_equal(call(t, &(struct call_limit){ 0 }), 0);
	assert_int_equal(inner.n_calls, 2);
}

static void what_is_not_bounded_passes(void **state)
{
	(void)state;
	scoped(scripted_fini) struct scripted inner;

	scripted_init(&inner, &good, 1);
	struct transport *t = rate_transport_new(&(struct rate_config){ 0 }, &inner.base);

	for (int i = 0; i < 1000; i++)
		assert_int_equal(call(t, &(struct call_limit){ 0 }), 0);
	transport_free(t);
	assert_int_equal(inner.n_freed, 1);
	assert_int_equal(inner.n_calls, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_keep_their_distance),
		cmocka_unit_test(a_burst_goes_at_once_and_the_next_has_no_turn_in_time),
		cmocka_unit_test(waiting_for_a_turn_can_be_cancelled),
		cmocka_unit_test(no_more_than_the_bound_are_inside),
		cmocka_unit_test(waiting_for_room_ends_with_deadline_and_cancel),
		cmocka_unit_test(what_is_not_bounded_passes),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
