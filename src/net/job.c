/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work handed to another thread. */
#include "storyfs/job.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "storyfs/clock.h"
#include "storyfs/scope.h"
#include "storyfs/thread.h"

enum { LONGEST_WAIT_MS = 60 * 1000 };

void job_queue_init(struct job_queue *q, void (*wake)(void *data), void *data)
{
	*q = (struct job_queue){ .wake = wake, .data = data };
	pthread_mutex_init(&q->lock, NULL);
}

void job_queue_fini(struct job_queue *q)
{
	assert(!q->waiting);
	pthread_mutex_destroy(&q->lock);
}

void job_init(struct job *job)
{
	*job = (struct job){ 0 };
	thread_init_cond(&job->ended);
}

void job_fini(struct job *job)
{
	pthread_cond_destroy(&job->ended);
}

static void hand_over(struct job_queue *q, struct job *job)
{
	lock_scope(&q->lock);
	assert(!q->is_stopping);
	DL_APPEND(q->waiting, job);
	q->wake(q->data);
}

/* Wait for the end of the job, at most ms. Is it done? */
static bool wait_done(struct job_queue *q, struct job *job, int64_t ms)
{
	struct timespec until = clock_timespec(clock_deadline(ms));

	lock_scope(&q->lock);
	while (!job->is_done) {
		if (pthread_cond_timedwait(&job->ended, &q->lock, &until) == ETIMEDOUT)
			break;
	}
	return job->is_done;
}

/* The reason, or success when the end came meanwhile: an answer is not thrown away. */
static int give_up(struct job_queue *q, struct job *job, int reason)
{
	lock_scope(&q->lock);
	job->is_given_up = true;
	q->has_given_up = true;
	q->wake(q->data);
	while (!job->is_done)
		pthread_cond_wait(&job->ended, &q->lock);
	return job->result == 0 ? 0 : reason;
}

int job_run(struct job_queue *q, struct job *job, const struct call_limit *limit)
{
	int r = call_limit_check(limit);

	if (r < 0)
		return r;
	hand_over(q, job);
	while (!wait_done(q, job, call_limit_slice(limit, LONGEST_WAIT_MS))) {
		r = call_limit_check(limit);
		if (r < 0)
			return give_up(q, job, r);
	}
	return job->result;
}

void job_queue_stop(struct job_queue *q)
{
	lock_scope(&q->lock);
	q->is_stopping = true;
	q->wake(q->data);
}

struct job *job_queue_take(struct job_queue *q)
{
	lock_scope(&q->lock);
	struct job *job = q->waiting;

	if (job)
		DL_DELETE(q->waiting, job);
	return job;
}

bool job_queue_has_given_up(struct job_queue *q)
{
	lock_scope(&q->lock);
	bool has = q->has_given_up;

	q->has_given_up = false;
	return has;
}

bool job_is_given_up(struct job_queue *q, const struct job *job)
{
	lock_scope(&q->lock);
	return job->is_given_up;
}

bool job_queue_is_stopping(struct job_queue *q)
{
	lock_scope(&q->lock);
	return q->is_stopping;
}

void job_end(struct job_queue *q, struct job *job, int result)
{
	lock_scope(&q->lock);
	job->result = result;
	job->is_done = true;
	pthread_cond_signal(&job->ended);
}
