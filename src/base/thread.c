/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "storyfs/thread.h"

#include <signal.h>
#include <time.h>

/* attr may be NULL. A new thread has the mask of the one that makes it. */
static int start(const pthread_attr_t *attr, void *(*run)(void *data), void *data, pthread_t *ret)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int e = pthread_create(ret, attr, run, data);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -e;
}

int thread_start(void *(*run)(void *data), void *data, pthread_t *ret)
{
	return start(NULL, run, data, ret);
}

int thread_start_detached(void *(*run)(void *data), void *data)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int e = start(&attr, run, data, &thread);

	pthread_attr_destroy(&attr);
	return e;
}

static _Thread_local struct {
	void (*call)(void *data);
	void *data;
} before_waits;

void thread_before_waits(void (*hook)(void *data), void *data)
{
	before_waits.call = hook;
	before_waits.data = data;
}

void thread_will_wait(void)
{
	if (before_waits.call)
		before_waits.call(before_waits.data);
}

void thread_init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}
