/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads as all of the program's own are made: signals are not theirs but the main thread's, and
 * their waits are counted by the clock that nobody sets.
 */
#ifndef STORYFS_THREAD_H
#define STORYFS_THREAD_H

#include <pthread.h>

/* -errno when there can be no further thread. */
int thread_start(void *(*run)(void *data), void *data, pthread_t *ret);
/* One that nobody waits for. */
int thread_start_detached(void *(*run)(void *data), void *data);

/* Have the calling thread call hook(data) each time before it waits for somebody else; NULL:
 * nothing.
 */
void thread_before_waits(void (*hook)(void *data), void *data);
/* Who is about to wait for a host, a disk or another thread says so, whatever locks it holds. */
void thread_will_wait(void);

/* A condition whose timed waits are of CLOCK_MONOTONIC (clock_timespec of clock_deadline). */
void thread_init_cond(pthread_cond_t *cond);

#endif
