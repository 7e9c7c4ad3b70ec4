/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host that gives no answer is not waited for again and again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "scripted.h"
#include "storyfs/breaker.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

enum { LONG_MS = 100 * 1000, N_THREADS = 8, DEADLINE_MS = 20 * 1000 };

static int call_by(struct transport *t, enum http_method method)
{
	scoped(http_response_fini) struct http_response resp = { 0 };
	struct http_request req = { .method = method };

	return transport_perform(t, &req, &(struct call_limit){ 0 }, &resp);
}

static int call(struct transport *t)
{
	return call_by(t, HTTP_GET);
}

static void after_some_in_a_row_nobody_waits(void **state)
{
	static const int errors[] = { -EHOSTUNREACH, -ECONNREFUSED, -ECONNRESET };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		struct step dead = { errors[i], NULL, NULL };
		scoped(scripted_fini) struct scripted inner;

		scripted_init(&inner, &dead, 1);
		scoped(transport_free) struct transport *t = breaker_transport_new(
			&(struct breaker_config){
				.n_failures = 3, .first_ms = LONG_MS, .cap_ms = LONG_MS },
			&inner.base);

		for (int k = 0; k < 3; k++)
			assert_int_equal(call(t), errors[i]);
		/* Not sent, and said so. */
		for (int k = 0; k < 10; k++)
			assert_int_equal(call(t), -EHOSTUNREACH);
		assert_int_equal(inner.n_calls, 3);
	}
}

static void answers_of_any_kind_and_impatience_are_no_failures(void **state)
{
	static const struct step steps[] = { { -ECONNREFUSED, NULL, NULL },
		{ -ECONNREFUSED, NULL, NULL }, { 503, NULL, NULL }, { -ECONNREFUSED, NULL, NULL },
		{ -ECONNREFUSED, NULL, NULL }, { -ETIMEDOUT, NULL, NULL }, { -EINTR, NULL, NULL },
		{ -EPROTO, NULL, NULL }, { -EKEYREJECTED, NULL, NULL }, { 200, NULL, NULL } };
	scoped(scripted_fini) struct scripted inner;

	(void)state;
	scripted_init(&inner, steps, sizeof(steps) / sizeof(*steps));
	scoped(transport_free) struct transport *t = breaker_transport_new(
		&(struct breaker_config){ .first_ms = LONG_MS, .cap_ms = LONG_MS }, &inner.base);

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		assert_int_equal(call(t), steps[i].outcome < 0 ? steps[i].outcome : 0);
	assert_int_equal(inner.n_calls, sizeof(steps) / sizeof(*steps));
}

static void one_that_comes_back_is_found(void **state)
{
	static const struct step steps[] = { { -ECONNREFUSED, NULL, NULL },
		{ -ECONNREFUSED, NULL, NULL }, { -ECONNREFUSED, NULL, NULL },
		{ -ECONNREFUSED, NULL, NULL }, { 200, NULL, NULL } };
	scoped(scripted_fini) struct scripted inner;
	int64_t until = clock_deadline(DEADLINE_MS);

	(void)state;
	scripted_init(&inner, steps, sizeof(steps) / sizeof(*steps));
	scoped(transport_free) struct transport *t = breaker_transport_new(
		&(struct breaker_config){ .n_failures = 3, .first_ms = 10, .cap_ms = 20 },
		&inner.base);

	while (call(t) != 0 && clock_monotonic_ms() < until)
		usleep(1000);
	assert_int_equal(inner.n_calls, 5);
	for (int i = 0; i < 10; i++)
		assert_int_equal(call(t), 0);
	assert_int_equal(inner.n_calls, 15);
}

static size_t n_calls(struct scripted *s)
{
	lock_scope(&s->lock);
	return s->n_calls;
}

static void a_write_is_always_tried(void **state)
{
	static const struct step steps[] = { { -ECONNREFUSED, NULL, NULL },
		{ -ECONNREFUSED, NULL, NULL }, { 200, NULL, NULL } };
	scoped(scripted_fini) struct scripted inner;

	(void)state;
	scripted_init(&inner, steps, sizeof(steps) / sizeof(*steps));
	scoped(transport_free) struct transport *t = breaker_transport_new(
		&(struct breaker_config){ .n_failures = 1, .first_ms = LONG_MS, .cap_ms = LONG_MS },
		&inner.base);

	assert_int_equal(call(t), -ECONNREFUSED);
	assert_int_equal(call(t), -EHOSTUNREACH);
	assert_int_equal(call_by(t, HTTP_PUT), -ECONNREFUSED);
	assert_int_equal(call(t), -EHOSTUNREACH);
	/* And what it finds out is everybody's. */
	assert_int_equal(call_by(t, HTTP_PUT), 0);
	assert_int_equal(call(t), 0);
	assert_int_equal(inner.n_calls, 4);
}

static void *call_once(void *data)
{
	call(data);
	return NULL;
}

static void one_alone_tries(void **state)
{
	static const struct step dead = { -ECONNREFUSED, NULL, NULL };
	scoped(scripted_fini) struct scripted inner;
	pthread_t threads[N_THREADS];

	(void)state;
	scripted_init(&inner, &dead, 1);
	scoped(transport_free) struct transport *t = breaker_transport_new(
		&(struct breaker_config){ .n_failures = 1, .first_ms = 1, .cap_ms = LONG_MS },
		&inner.base);

	call(t);
	usleep(5000);
	/* The one that tries stays inside until another joins it, which none may. */
	inner.hold_until = 2;
	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(thread_start(call_once, t, &threads[i]), 0);
	for (int64_t until = clock_deadline(DEADLINE_MS);
		n_calls(&inner) < 2 && clock_monotonic_ms() < until;)
		usleep(1000);
	for (int i = 0; i < 100; i++)
		assert_int_equal(call(t), -EHOSTUNREACH);
	pthread_mutex_lock(&inner.lock);
	assert_int_equal(inner.n_calls, 2);
	assert_int_equal(inner.most_inside, 1);
	inner.hold_until = 1;
	pthread_cond_broadcast(&inner.entered);
	pthread_mutex_unlock(&inner.lock);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_some_in_a_row_nobody_waits),
		cmocka_unit_test(answers_of_any_kind_and_impatience_are_no_failures),
		cmocka_unit_test(one_that_comes_back_is_found),
		cmocka_unit_test(a_write_is_always_tried),
		cmocka_unit_test(one_alone_tries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
