/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work handed to a thread that alone may touch something, as the network thread does with libcurl.
 * The job lies on its caller's stack, inside a bigger struct. From job_run() on it is the worker's,
 * until the worker ends it; only then does job_run() return, whether the work was done or given up.
 * The queue's lock guards the queue and the jobs' flags and is never held during the work.
 */
#ifndef STORYFS_JOB_H
#define STORYFS_JOB_H

#include <pthread.h>
#include <stdbool.h>

#include "storyfs/scope.h"
#include "storyfs/transport.h"

struct job {
	struct job *prev, *next; /* in the queue, then in whatever list the worker keeps */
	pthread_cond_t ended;
	bool is_given_up;
	bool is_done;
	int result;
};

struct job_queue {
	pthread_mutex_t lock;
	struct job *waiting;
	bool has_given_up;
	bool is_stopping;
	void (*wake)(void *data);
	void *data;
};

/* wake(data) makes the worker look at the queue soon. It is called with the lock held: it must not
 * block, nor call back. */
void job_queue_init(struct job_queue *q, void (*wake)(void *data), void *data);
void job_queue_fini(struct job_queue *q);

void job_init(struct job *job);
void job_fini(struct job *job);

/* The caller's side. Blocks until the worker ended the job and returns the result it gave, or asks
 * it to end at once and returns what call_limit_check() said. */
int job_run(struct job_queue *q, struct job *job, const struct call_limit *limit);
/* No job may be handed over any more. */
void job_queue_stop(struct job_queue *q);

/* The worker's side, never blocking: the oldest job nobody took yet, or NULL. */
struct job *job_queue_take(struct job_queue *q);
/* Was a job given up since this was last asked? Then the worker looks at those it holds. */
bool job_queue_has_given_up(struct job_queue *q);
bool job_is_given_up(struct job_queue *q, const struct job *job);
bool job_queue_is_stopping(struct job_queue *q);
/* The job may be gone when this returns. */
void job_end(struct job_queue *q, struct job *job, int result);

SCOPED_VALUE(struct job, job_fini);

#endif
