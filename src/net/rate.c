/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rate limit. The token bucket is kept as one instant (the generic cell rate algorithm):
 * `full_at` is when the bucket will be full again. Each request moves it on by one interval, and
 * may go as soon as it is no more than a burst away. So a turn is known when it is asked for,
 * and turns are given in the order of asking.
 */
#include "storyfs/rate.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/scope.h"
#include "storyfs/thread.h"

enum { LONGEST_WAIT_MS = 60 * 1000 };

struct rate_transport {
	struct transport base;
	struct transport *inner;
	double interval_ms; /* 0: no bound */
	double burst_ms;
	int max_in_flight; /* 0: no bound */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t left;
	int n_in_flight;
	double full_at; /* clock_monotonic_ms */
};

/* One look: in, or a wait of at most a slice of the limit. Is the caller in? */
static bool enter_or_wait(struct rate_transport *t, const struct call_limit *limit)
{
	struct timespec until =
		clock_timespec(clock_deadline(call_limit_slice(limit, LONGEST_WAIT_MS)));

	lock_scope(&t->lock);
	if (t->max_in_flight && t->n_in_flight >= t->max_in_flight)
		pthread_cond_timedwait(&t->left, &t->lock, &until);
	if (t->max_in_flight && t->n_in_flight >= t->max_in_flight)
		return false;
	t->n_in_flight++;
	return true;
}

static int enter(struct rate_transport *t, const struct call_limit *limit)
{
	int r = call_limit_check(limit);

	while (r == 0 && !enter_or_wait(t, limit))
		r = call_limit_check(limit);
	return r;
}

static void leave(struct rate_transport *t)
{
	lock_scope(&t->lock);
	t->n_in_flight--;
	pthread_cond_signal(&t->left);
}

/* Take a turn and tell how long it is until then. */
static int take_turn(struct rate_transport *t, const struct call_limit *limit, int64_t *ret_wait_ms)
{
	double now = (double)clock_monotonic_ms();

	lock_scope(&t->lock);
	double full_at = t->full_at > now ? t->full_at : now;
	double turn = full_at + t->interval_ms - t->burst_ms;

	if (limit->deadline_ms && turn > (double)limit->deadline_ms)
		return -ETIMEDOUT;
	t->full_at = full_at + t->interval_ms;
	*ret_wait_ms = turn > now ? (int64_t)(turn - now) + 1 : 0;
	return 0;
}

static int perform_in_turn(struct rate_transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	int64_t wait_ms = 0;
	int r = take_turn(t, limit, &wait_ms);

	if (r == 0)
		r = call_limit_sleep(limit, wait_ms);
	if (r == 0)
		r = transport_perform(t->inner, req, limit, ret);
	return r;
}

static int perform(struct transport *base, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct rate_transport *t = (struct rate_transport *)base;
	int r = enter(t, limit);

	if (r < 0)
		return r;
	r = perform_in_turn(t, req, limit, ret);
	leave(t);
	return r;
}

static void free_rate(struct transport *base)
{
	struct rate_transport *t = (struct rate_transport *)base;

	transport_free(t->inner);
	pthread_cond_destroy(&t->left);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

struct transport *rate_transport_new(const struct rate_config *config, struct transport *inner)
{
	struct rate_transport *t = xcalloc(1, sizeof(*t));

	t->base = (struct transport){ .perform = perform, .free = free_rate };
	t->inner = inner;
	t->interval_ms = config->per_second > 0 ? 1000 / config->per_second : 0;
	t->burst_ms = t->interval_ms * (config->burst > 1 ? config->burst : 1);
	t->max_in_flight = config->max_in_flight;
	pthread_mutex_init(&t->lock, NULL);
	thread_init_cond(&t->left);
	return &t->base;
}
