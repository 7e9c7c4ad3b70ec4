/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages to be taken: a queue in the order in which they are due. */
#include "drops.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "mount.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

enum { LATE_MS = 100 };

struct drop {
	uint64_t number;
	int64_t due_ms;
	struct drop *next;
};

struct drops {
	struct fuse_session *session;
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t wake;
	bool stopping;
	struct drop *first, **end;
};

struct drops *drops_new(struct fuse_session *session)
{
	struct drops *d = xcalloc(1, sizeof(*d));

	d->session = session;
	d->end = &d->first;
	pthread_mutex_init(&d->lock, NULL);
	thread_init_cond(&d->wake);
	return d;
}

void drops_free(struct drops *d)
{
	assert(!d->started);
	for (struct drop *drop; (drop = d->first);) {
		d->first = drop->next;
		free(drop);
	}
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

void drops_add(struct drops *d, uint64_t number)
{
	struct drop *drop = xcalloc(1, sizeof(*drop));

	drop->number = number;
	drop->due_ms = clock_deadline(LATE_MS);
	lock_scope(&d->lock);
	*d->end = drop;
	d->end = &drop->next;
	pthread_cond_signal(&d->wake);
}

/* The next that is due; NULL when it is time to end. */
static struct drop *take(struct drops *d)
{
	lock_scope(&d->lock);
	while (!d->stopping) {
		struct drop *drop = d->first;

		if (!drop) {
			pthread_cond_wait(&d->wake, &d->lock);
		} else if (clock_monotonic_ms() < drop->due_ms) {
			struct timespec until = clock_timespec(drop->due_ms);

			pthread_cond_timedwait(&d->wake, &d->lock, &until);
		} else {
			d->first = drop->next;
			if (!d->first)
				d->end = &d->first;
			return drop;
		}
	}
	return NULL;
}

/* Most fail with ENOENT: the kernel does not know the file. */
static void *run(void *data)
{
	struct drops *d = data;

	for (struct drop *drop; (drop = take(d));) {
		fuse_lowlevel_notify_inval_inode(d->session, drop->number, 0, 0);
		free(drop);
	}
	return NULL;
}

int drops_start(struct drops *d)
{
	int r = thread_start(run, d, &d->thread);

	d->started = r == 0;
	return r;
}

void drops_stop(struct drops *d)
{
	if (!d->started)
		return;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	d->started = false;
}
