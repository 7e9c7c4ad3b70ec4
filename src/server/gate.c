/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A count under a lock. */
#include "gate.h"

#include <assert.h>
#include <pthread.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

struct gate {
	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t empty;
	unsigned n_inside;
	bool is_ending, is_closed;
};

struct gate *gate_new(void)
{
	struct gate *g = xcalloc(1, sizeof(*g));

	pthread_mutex_init(&g->lock, NULL);
	thread_init_cond(&g->empty);
	return g;
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	pthread_cond_destroy(&g->empty);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

bool gate_enter(struct gate *g)
{
	lock_scope(&g->lock);
	if (g->is_closed)
		return false;
	g->n_inside++;
	return true;
}

void gate_leave(struct gate *g)
{
	lock_scope(&g->lock);
	assert(g->n_inside);
	if (--g->n_inside == 0)
		pthread_cond_broadcast(&g->empty);
}

bool gate_is_ending(struct gate *g)
{
	lock_scope(&g->lock);
	return g->is_ending;
}

void gate_close(struct gate *g, int64_t grace_ms)
{
	struct timespec until = clock_timespec(clock_deadline(grace_ms));
	int e = 0;

	lock_scope(&g->lock);
	g->is_ending = true;
	while (g->n_inside && e == 0)
		e = pthread_cond_timedwait(&g->empty, &g->lock, &until);
	g->is_closed = true;
}
