/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "storyfs/breaker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"
#include "storyfs/scope.h"

enum {
	DEFAULT_FAILURES = 3,
	DEFAULT_FIRST_MS = 500,
	DEFAULT_CAP_MS = 10 * 1000,
	PATIENT_MS = 2000, /* who waited for less did not find out whether there is an answer */
};

struct breaker_transport {
	struct transport base;
	struct breaker_config config;
	struct transport *inner;
	pthread_mutex_t lock; /* guards the members below */
	int n_failures;	      /* in a row */
	int64_t while_ms;     /* that lasts now, 0: all go through */
	int64_t until_ms;     /* its end */
	bool is_trying;	      /* one is through to try */
};

/* May this one go through? A write always may. */
static bool enter(struct breaker_transport *t, enum http_method method, bool *ret_is_trying)
{
	lock_scope(&t->lock);
	*ret_is_trying = false;
	if (!t->while_ms || !http_method_is_safe(method))
		return true;
	if (t->is_trying || clock_monotonic_ms() < t->until_ms)
		return false;
	*ret_is_trying = t->is_trying = true;
	return true;
}

enum finding {
	FOUND_ANSWER,
	FOUND_NONE,
	FOUND_NOTHING_OUT, /* the caller gave up first, or the fault is not the host's */
};

static enum finding judge(int r, int64_t waited_ms)
{
	switch (r) {
	case -EHOSTUNREACH:
	case -ECONNREFUSED:
	case -ECONNRESET:
		return FOUND_NONE;
	case -ETIMEDOUT:
		return waited_ms >= PATIENT_MS ? FOUND_NONE : FOUND_NOTHING_OUT;
	default:
		return r < 0 ? FOUND_NOTHING_OUT : FOUND_ANSWER;
	}
}

static void begin_while(struct breaker_transport *t)
{
	int64_t ms = t->while_ms ? t->while_ms * 2 : t->config.first_ms;

	t->while_ms = ms < t->config.cap_ms ? ms : t->config.cap_ms;
	t->until_ms = clock_deadline(t->while_ms);
	log_info("the host gives no answer; it is asked again in %lld ms", (long long)t->while_ms);
}

static void leave(struct breaker_transport *t, bool is_trying, enum finding finding)
{
	lock_scope(&t->lock);
	if (is_trying)
		t->is_trying = false;
	if (finding == FOUND_ANSWER) {
		t->n_failures = 0;
		t->while_ms = 0;
	} else if (finding == FOUND_NONE &&
		   (is_trying || (!t->while_ms && ++t->n_failures >= t->config.n_failures))) {
		begin_while(t);
	}
}

static int perform(struct transport *base, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct breaker_transport *t = (struct breaker_transport *)base;
	int64_t began = clock_monotonic_ms();
	bool is_trying;

	if (!enter(t, req->method, &is_trying))
		return -EHOSTUNREACH;
	int r = transport_perform(t->inner, req, limit, ret);

	leave(t, is_trying, judge(r, clock_monotonic_ms() - began));
	return r;
}

static void free_breaker(struct transport *base)
{
	struct breaker_transport *t = (struct breaker_transport *)base;

	transport_free(t->inner);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

struct transport *breaker_transport_new(
	const struct breaker_config *config, struct transport *inner)
{
	struct breaker_transport *t = xcalloc(1, sizeof(*t));

	t->base = (struct transport){ .perform = perform, .free = free_breaker };
	t->inner = inner;
	t->config = (struct breaker_config){
		.n_failures = config->n_failures ? config->n_failures : DEFAULT_FAILURES,
		.first_ms = config->first_ms ? config->first_ms : DEFAULT_FIRST_MS,
		.cap_ms = config->cap_ms ? config->cap_ms : DEFAULT_CAP_MS,
	};
	pthread_mutex_init(&t->lock, NULL);
	return &t->base;
}
