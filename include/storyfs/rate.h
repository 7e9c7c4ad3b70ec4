/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transport that is polite: no more than so many requests a second, after a burst, and no more
 * than so many at once. Who comes too early waits its turn, in order; the wait counts against the
 * call's deadline. A call whose turn would come after its deadline fails with -ETIMEDOUT at once
 * and uses up nothing.
 */
#ifndef STORYFS_RATE_H
#define STORYFS_RATE_H

#include "storyfs/transport.h"

/* What is 0 is not bounded. */
struct rate_config {
	double per_second;
	int burst; /* requests that may go at once after a rest; 0 is 1 */
	int max_in_flight;
};

/* Owns inner. */
struct transport *rate_transport_new(const struct rate_config *config, struct transport *inner);

#endif
