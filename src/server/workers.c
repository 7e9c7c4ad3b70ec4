/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue, and threads that take from it. */
#include "workers.h"

#include <errno.h>

#include "storyfs/alloc.h"
#include "storyfs/thread.h"

struct workers {
	pthread_mutex_t mutex; /* guards the members up to n_threads */
	pthread_cond_t more;
	struct work *first, **last;
	bool ending;
	unsigned n_threads; /* that run */
	pthread_t threads[];
};

/* NULL when there is nothing left to do, ever. */
static struct work *take(struct workers *w)
{
	lock_scope(&w->mutex);
	while (!w->first && !w->ending)
		pthread_cond_wait(&w->more, &w->mutex);
	struct work *work = w->first;

	if (work) {
		w->first = work->next;
		if (!w->first)
			w->last = &w->first;
	}
	return work;
}

static void *run_worker(void *data)
{
	for (struct work *work; (work = take(data));)
		work->run(work);
	return NULL;
}

int workers_new(unsigned n_threads, struct workers **ret)
{
	scoped(workers_free) struct workers *w =
		xcalloc(1, sizeof(*w) + n_threads * sizeof(*w->threads));

	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->more, NULL);
	w->last = &w->first;
	for (; w->n_threads < n_threads; w->n_threads++) {
		if (thread_start(run_worker, w, &w->threads[w->n_threads]) < 0)
			return -EAGAIN;
	}
	*ret = take_ptr(w);
	return 0;
}

static void tell_end(struct workers *w)
{
	lock_scope(&w->mutex);
	w->ending = true;
	pthread_cond_broadcast(&w->more);
}

void workers_end(struct workers *w)
{
	tell_end(w);
	for (; w->n_threads; w->n_threads--)
		pthread_join(w->threads[w->n_threads - 1], NULL);
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	workers_end(w);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->mutex);
	free(w);
}

bool workers_add(struct workers *w, struct work *work)
{
	lock_scope(&w->mutex);
	if (w->ending)
		return false;
	work->next = NULL;
	*w->last = work;
	w->last = &work->next;
	pthread_cond_signal(&w->more);
	return true;
}
