/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transport that plays a script: the nth call ends as the nth step says, and calls beyond the
 * last step as that one. It remembers how often it was asked and how many calls it held at once.
 */
#ifndef STORYFS_TESTS_SCRIPTED_H
#define STORYFS_TESTS_SCRIPTED_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "storyfs/transport.h"

struct step {
	int outcome;		 /* -errno, or the status of the answer */
	const char *retry_after; /* headers of the answer, or NULL */
	const char *date;
};

struct scripted {
	struct transport base;
	const struct step *steps;
	size_t n_steps;
	int hold_until; /* a call returns when so many were inside at the same time, once */

	pthread_mutex_t lock;
	pthread_cond_t entered;
	size_t n_calls;
	int n_inside;
	int most_inside;
	int n_freed;
	int64_t last_deadline_ms;
};

/* The decorator under test frees the transport, which only counts it; the value is the test's. */
void scripted_init(struct scripted *s, const struct step *steps, size_t n_steps);
void scripted_fini(struct scripted *s);

SCOPED_VALUE(struct scripted, scripted_fini);

#endif
