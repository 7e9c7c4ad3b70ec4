/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sender's threads: one looks who is owed something, and gives each of those webhooks a thread
 * for as long as there is something to tell it. Those that failed last time may have half of the
 * threads, so that dead receivers leave the rest to the living, and those of one project three
 * quarters, so that none is held up by another's.
 */
#include "storyfs/webhook_sender.h"

#include <errno.h>
#include <utlist.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"
#include "storyfs/text.h"
#include "storyfs/thread.h"
#include "webhook_send.h"

enum {
	MOST_COURIERS = 64,
	MOST_FAILING = MOST_COURIERS / 2,
	MOST_OF_A_PROJECT = MOST_COURIERS / 4 * 3,
	ITEMS_A_TURN = 100, /* then another webhook may have the thread */
	LOOK_EVERY_MS = 1000,
	STOP_GRACE_MS = 3000, /* for an answer: what is given up comes again */
	LONGEST_REST_MS = 60 * 1000,
};

/* A thread that tells one webhook. */
struct courier {
	struct courier *prev, *next;
	struct webhook_sender *sender;
	int64_t webhook_id, project_id;
	bool is_failing;
};

struct webhook_sender {
	struct webhook_sender_config config;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t changed;
	struct courier *couriers;
	int n_couriers, n_failing;
	bool is_woken, is_stopping;
	int64_t give_up_ms;		 /* when it is stopping: of clock_monotonic_ms */
	int64_t rest_ms, rests_until_ms; /* after the archive failed: what was sent is not noted */
};

/* ---- couriers ---- */

static bool is_stopping(struct webhook_sender *s)
{
	lock_scope(&s->lock);
	return s->is_stopping;
}

static bool is_given_up(void *data)
{
	struct webhook_sender *s = data;

	lock_scope(&s->lock);
	return s->is_stopping && clock_monotonic_ms() >= s->give_up_ms;
}

/* Whose outcome cannot be noted would be told the same again at once, and again. Under the lock. */
static void rest(struct webhook_sender *s, bool has_failed)
{
	int64_t now = clock_monotonic_ms();

	if (!has_failed)
		s->rest_ms = 0;
	else if (now >= s->rests_until_ms)
		s->rest_ms = s->rest_ms ? 2 * s->rest_ms : LOOK_EVERY_MS;
	if (s->rest_ms > LONGEST_REST_MS)
		s->rest_ms = LONGEST_REST_MS;
	if (has_failed)
		s->rests_until_ms = now + s->rest_ms;
}

static void end_courier(struct courier *courier, bool has_failed)
{
	struct webhook_sender *s = courier->sender;

	lock_scope(&s->lock);
	rest(s, has_failed);
	DL_DELETE(s->couriers, courier);
	s->n_couriers--;
	s->n_failing -= courier->is_failing;
	s->is_woken = true;
	pthread_cond_broadcast(&s->changed);
	free(courier);
}

static void *run_courier(void *data)
{
	struct courier *courier = data;
	struct webhook_sender *s = courier->sender;
	struct call_limit limit = { .cancelled = is_given_up, .data = s };
	scoped(webhook_line_fini) struct webhook_line line = { 0 };
	enum webhook_outcome outcome = WEBHOOK_TOLD;
	int r = 0;

	for (int i = 0; r == 0 && i < ITEMS_A_TURN && outcome == WEBHOOK_TOLD && !is_stopping(s);
		i++)
		r = webhook_send_next(&s->config, courier->webhook_id, &line, &limit, &outcome);
	bool has_failed = r < 0 && r != -EINTR;

	if (has_failed)
		log_error("webhook %lld: the archive: %s", (long long)courier->webhook_id,
			archive_explain(r));
	webhook_line_fini(&line);
	end_courier(courier, has_failed);
	return NULL;
}

/* Has the webhook a thread, or its project its share of them? */
static bool has_enough(const struct webhook_sender *s, int64_t webhook_id, int64_t project_id)
{
	const struct courier *courier;
	int n = 0;

	DL_FOREACH(s->couriers, courier) {
		if (courier->webhook_id == webhook_id)
			return true;
		n += courier->project_id == project_id;
	}
	return n >= MOST_OF_A_PROJECT;
}

/* Under the lock. */
static void start_courier(const struct courier *like)
{
	struct courier *courier = xcalloc(1, sizeof(*courier));
	struct webhook_sender *s = like->sender;

	*courier = *like;
	int r = thread_start_detached(run_courier, courier);

	if (r < 0) {
		log_warning("webhook %lld has to wait: no thread: %s", (long long)like->webhook_id,
			text_errno(r));
		free(courier);
		return;
	}
	DL_APPEND(s->couriers, courier);
	s->n_couriers++;
	s->n_failing += courier->is_failing;
}

static void start_couriers(struct webhook_sender *s, const struct webhook_due *due, bool is_failing)
{
	lock_scope(&s->lock);
	if (clock_monotonic_ms() < s->rests_until_ms)
		return;
	for (size_t i = 0; i < due->ids.n && !s->is_stopping; i++) {
		const struct courier like = { .sender = s,
			.webhook_id = due->ids.v[i],
			.project_id = due->project_ids.v[i],
			.is_failing = is_failing };

		if (s->n_couriers >= MOST_COURIERS || (is_failing && s->n_failing >= MOST_FAILING))
			break;
		if (!has_enough(s, like.webhook_id, like.project_id))
			start_courier(&like);
	}
}

/* ---- looking ---- */

/* How long nothing is due, at most LOOK_EVERY_MS. */
static int64_t look(struct webhook_sender *s)
{
	scoped(webhook_due_fini) struct webhook_due due = { 0 };
	scoped(webhook_due_fini) struct webhook_due failing = { 0 };
	int64_t now = clock_now_ms(), next = 0;
	struct tx *tx;

	if (tx_begin(s->config.archive, TX_READ, &tx) < 0)
		return LOOK_EVERY_MS;
	int r = webhook_list_due(tx, now, &due, &failing, &next);

	tx_abort(tx);
	if (r < 0)
		return LOOK_EVERY_MS;
	start_couriers(s, &due, false);
	start_couriers(s, &failing, true);
	return next && next - now < LOOK_EVERY_MS ? next - now : LOOK_EVERY_MS;
}

static void sleep_until_woken(struct webhook_sender *s, int64_t ms)
{
	struct timespec until = clock_timespec(clock_deadline(ms));
	int e = 0;

	lock_scope(&s->lock);
	while (!s->is_woken && !s->is_stopping && e == 0)
		e = pthread_cond_timedwait(&s->changed, &s->lock, &until);
	s->is_woken = false;
}

static void *run_sender(void *data)
{
	struct webhook_sender *s = data;

	while (!is_stopping(s))
		sleep_until_woken(s, look(s));
	return NULL;
}

/* ---- life ---- */

static void free_parts(struct webhook_sender *s)
{
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int webhook_sender_start(const struct webhook_sender_config *config, struct webhook_sender **ret)
{
	struct webhook_sender *s = xcalloc(1, sizeof(*s));

	s->config = *config;
	pthread_mutex_init(&s->lock, NULL);
	thread_init_cond(&s->changed);
	int r = thread_start(run_sender, s, &s->thread);

	if (r < 0) {
		free_parts(s);
		return r;
	}
	*ret = s;
	return 0;
}

void webhook_sender_wake(void *sender)
{
	struct webhook_sender *s = sender;

	lock_scope(&s->lock);
	s->is_woken = true;
	pthread_cond_broadcast(&s->changed);
}

static void wait_for_couriers(struct webhook_sender *s)
{
	lock_scope(&s->lock);
	while (s->n_couriers)
		pthread_cond_wait(&s->changed, &s->lock);
}

void webhook_sender_stop(struct webhook_sender *s)
{
	if (!s)
		return;
	lock_mutex(&s->lock);
	s->is_stopping = true;
	s->give_up_ms = clock_deadline(STOP_GRACE_MS);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	wait_for_couriers(s);
	free_parts(s);
}
