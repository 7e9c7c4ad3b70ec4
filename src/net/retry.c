/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trying again. What may be repeated is the table of rules. */
#include "storyfs/retry.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"
#include "storyfs/parse.h"
#include "storyfs/scope.h"

enum {
	DEFAULT_MAX_ATTEMPTS = 4,
	DEFAULT_BASE_MS = 200,
	DEFAULT_CAP_MS = 5 * 1000,
	DEFAULT_TIMEOUT_MS = 60 * 1000,
	MAX_RETRY_AFTER_S = 7 * 24 * 3600, /* more than any deadline; keeps the sums small */
};

struct retry_transport {
	struct transport base;
	struct retry_config config;
	struct transport *inner;
	pthread_mutex_t lock; /* guards random */
	struct drand48_data random;
};

enum who {
	WHO_ASKS,    /* GET, HEAD, OPTIONS */
	WHO_IS_TOLD, /* these, and a write that got a Retry-After */
	WHO_EVER,    /* a write, too: the server did nothing */
};

/* Outcomes (-errno, or a status) that may be tried again, and for whom. */
static const struct {
	int outcome;
	enum who who;
} rules[] = {
	{ -ECONNREFUSED, WHO_EVER },
	{ -EHOSTUNREACH, WHO_EVER },
	{ -ECONNRESET, WHO_ASKS },
	{ 429, WHO_EVER },
	{ 502, WHO_ASKS },
	{ 503, WHO_IS_TOLD },
	{ 504, WHO_ASKS },
};

static bool may_repeat(enum http_method method, int outcome, bool is_told)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		if (rules[i].outcome != outcome)
			continue;
		return http_method_is_safe(method) || rules[i].who == WHO_EVER ||
		       (rules[i].who == WHO_IS_TOLD && is_told);
	}
	return false;
}

/* What the server asks for, in ms from now; -1 when it does not. A date is held against the
 * server's own clock when it tells it. */
static int64_t retry_after_ms(const struct http_response *resp)
{
	const char *after = http_headers_get(&resp->headers, "Retry-After");
	const char *date = http_headers_get(&resp->headers, "Date");
	int64_t seconds, then, now;

	if (!after)
		return -1;
	if (parse_int(after, 0, INT64_MAX, &seconds))
		return (seconds < MAX_RETRY_AFTER_S ? seconds : MAX_RETRY_AFTER_S) * 1000;
	if (!http_parse_date(after, &then))
		return -1;
	if (!date || !http_parse_date(date, &now))
		now = clock_now_ms();
	return then > now ? then - now : 0;
}

/* Full jitter: anything up to the doubled and capped base, so that many clients spread out. */
static int64_t backoff_ms(struct retry_transport *t, int n_attempts)
{
	int64_t most = t->config.base_ms;
	double x;

	for (int i = 1; i < n_attempts && most < t->config.cap_ms; i++)
		most *= 2;
	if (most > t->config.cap_ms)
		most = t->config.cap_ms;
	lock_scope(&t->lock);
	drand48_r(&t->random, &x);
	return (int64_t)(x * (double)(most + 1));
}

/* How long to wait before the next attempt; -1 when there is none. */
static int64_t next_wait_ms(struct retry_transport *t, const struct http_request *req, int outcome,
	const struct http_response *resp, int n_attempts)
{
	int64_t after = retry_after_ms(resp);

	if (n_attempts >= t->config.max_attempts || resp->is_doubtful ||
		!may_repeat(req->method, outcome, after >= 0))
		return -1;
	int64_t wait = backoff_ms(t, n_attempts);

	return wait > after ? wait : after;
}

static int perform(struct transport *base, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct retry_transport *t = (struct retry_transport *)base;
	struct call_limit bounded = *limit;

	if (!bounded.deadline_ms)
		bounded.deadline_ms = clock_deadline(t->config.timeout_ms);
	for (int n_attempts = 1;; n_attempts++) {
		int r = transport_perform(t->inner, req, &bounded, ret);
		int outcome = r < 0 ? r : ret->status;
		int64_t wait = next_wait_ms(t, req, outcome, ret, n_attempts);

		if (wait < 0 || clock_deadline(wait) >= bounded.deadline_ms)
			return r;
		log_debug("%s again in %lld ms, after %d", http_method_name(req->method),
			(long long)wait, outcome);
		r = call_limit_sleep(&bounded, wait);
		http_response_fini(ret);
		if (r < 0)
			return r;
	}
}

static void free_retry(struct transport *base)
{
	struct retry_transport *t = (struct retry_transport *)base;

	transport_free(t->inner);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

struct transport *retry_transport_new(const struct retry_config *config, struct transport *inner)
{
	struct retry_transport *t = xcalloc(1, sizeof(*t));
	long seed = (long)clock_now_ms();

	t->base = (struct transport){ .perform = perform, .free = free_retry };
	t->inner = inner;
	t->config = (struct retry_config){
		.max_attempts = config->max_attempts ? config->max_attempts : DEFAULT_MAX_ATTEMPTS,
		.base_ms = config->base_ms ? config->base_ms : DEFAULT_BASE_MS,
		.cap_ms = config->cap_ms ? config->cap_ms : DEFAULT_CAP_MS,
		.timeout_ms = config->timeout_ms ? config->timeout_ms : DEFAULT_TIMEOUT_MS,
	};
	pthread_mutex_init(&t->lock, NULL);
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
		log_debug("no random seed; the clock has to do");
	srand48_r(seed, &t->random);
	return &t->base;
}
