/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work handed to another thread: done, given up, and done just then. */
#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "storyfs/clock.h"
#include "storyfs/job.h"

enum { N_CALLERS = 8, N_JOBS = 200 };

/* A worker that ends jobs as they come, or holds them until they are given up. */
struct worker {
	struct job_queue queue;
	sem_t woken;
	pthread_t thread;
	bool holds;
	int result;
	struct job *held;
	int n_taken;
};

static void wake(void *data)
{
	struct worker *w = data;

	sem_post(&w->woken);
}

static void look_at_queue(struct worker *w)
{
	struct job *job;

	while (!(w->holds && w->held) && (job = job_queue_take(&w->queue))) {
		w->n_taken++;
		if (w->holds)
			w->held = job;
		else
			job_end(&w->queue, job, w->result);
	}
	if (job_queue_has_given_up(&w->queue) && job_is_given_up(&w->queue, w->held)) {
		job = w->held;
		w->held = NULL;
		job_end(&w->queue, job, w->result);
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!job_queue_is_stopping(&w->queue)) {
		sem_wait(&w->woken);
		look_at_queue(w);
	}
	return NULL;
}

static void worker_init(struct worker *w, bool holds, int result)
{
	*w = (struct worker){ .holds = holds, .result = result };
	sem_init(&w->woken, 0, 0);
	job_queue_init(&w->queue, wake, w);
	assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
}

static void worker_fini(struct worker *w)
{
	job_queue_stop(&w->queue);
	pthread_join(w->thread, NULL);
	job_queue_fini(&w->queue);
	sem_destroy(&w->woken);
}

SCOPED_VALUE(struct worker, worker_fini);

static int run_one(struct worker *w, const struct call_limit *limit)
{
	scoped(job_fini) struct job job;

	job_init(&job);
	return job_run(&w->queue, &job, limit);
}

static void a_job_brings_its_result(void **state)
{
	(void)state;
	scoped(worker_fini) struct worker w;

	worker_init(&w, false, -EPROTO);
	assert_int_equal(run_one(&w, &(struct call_limit){ 0 }), -EPROTO);
}

static bool yes(void *data)
{
	(void)data;
	return true;
}

static void a_call_that_is_over_is_not_handed_over(void **state)
{
	(void)state;
	struct worker w;

	worker_init(&w, false, 0);
	assert_int_equal(run_one(&w, &(struct call_limit){ .cancelled = yes }), -EINTR);
	assert_int_equal(run_one(&w, &(struct call_limit){ .deadline_ms = 1 }), -ETIMEDOUT);
	worker_fini(&w);
	assert_int_equal(w.n_taken, 0);
}

static void a_given_up_job_says_why(void **state)
{
	(void)state;
	scoped(worker_fini) struct worker w;

	worker_init(&w, true, -EIO);
	assert_int_equal(
		run_one(&w, &(struct call_limit){ .deadline_ms = clock_deadline(20) }), -ETIMEDOUT);
}

static void an_answer_that_comes_while_giving_up_counts(void **state)
{
	(void)state;
	scoped(worker_fini) struct worker w;

	worker_init(&w, true, 0);
	assert_int_equal(run_one(&w, &(struct call_limit){ .deadline_ms = clock_deadline(20) }), 0);
}

static void *run_many(void *arg)
{
	int n_right = 0;

	for (int i = 0; i < N_JOBS; i++)
		n_right += run_one(arg, &(struct call_limit){ 0 }) == 0;
	return (void *)(intptr_t)n_right;
}

static void many_callers_are_all_served(void **state)
{
	(void)state;
	struct worker w;
	pthread_t callers[N_CALLERS];

	worker_init(&w, false, 0);
	for (int i = 0; i < N_CALLERS; i++)
		assert_int_equal(pthread_create(&callers[i], NULL, run_many, &w), 0);
	for (int i = 0; i < N_CALLERS; i++) {
		void *n_right;

		pthread_join(callers[i], &n_right);
		assert_int_equal((intptr_t)n_right, N_JOBS);
	}
	worker_fini(&w);
	assert_int_equal(w.n_taken, N_CALLERS * N_JOBS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_brings_its_result),
		cmocka_unit_test(a_call_that_is_over_is_not_handed_over),
		cmocka_unit_test(a_given_up_job_says_why),
		cmocka_unit_test(an_answer_that_comes_while_giving_up_counts),
		cmocka_unit_test(many_callers_are_all_served),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
