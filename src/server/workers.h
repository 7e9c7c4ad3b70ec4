/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads for work that may have to wait, so that those who answer quickly do not wait with it.
 * What is added is done in that order, several at a time.
 */
#ifndef STORYFS_SERVER_WORKERS_H
#define STORYFS_SERVER_WORKERS_H

#include <stdbool.h>

#include "storyfs/scope.h"

struct workers;

/* The first member of what is to be worked on; it is the caller's, and left alone from the moment
 * that run is called. */
struct work {
	void (*run)(struct work *work);
	struct work *next;
};

/* -EAGAIN when the system gives no threads. */
int workers_new(unsigned n_threads, struct workers **ret);
/* False when they were ended: the work stays the caller's. */
bool workers_add(struct workers *w, struct work *work);
/* Does what was added before, waits for all of it, and takes no more. */
void workers_end(struct workers *w);
/* Nobody may add any more; ends them if that was not done. */
void workers_free(struct workers *w);

SCOPED_PTR(struct workers, workers_free);

#endif
