/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transport that does not wait for a host which gives no answer: after so many requests in a row
 * without one, requests fail at once with -EHOSTUNREACH (nothing was sent) for a while. Then one
 * goes through to try, while the others still fail; an answer, of whatever status, lets all through
 * again, none makes the while twice as long. So a dead host costs no more than a wait now and then,
 * and one that comes back is not met by all at once. Writes always go through: somebody waits for
 * each of them, and would have to try again by hand.
 */
#ifndef STORYFS_BREAKER_H
#define STORYFS_BREAKER_H

#include "storyfs/transport.h"

/* What is 0 gets the value in parentheses. */
struct breaker_config {
	int n_failures;	  /* in a row (3) */
	int64_t first_ms; /* the first while (500) */
	int64_t cap_ms;	  /* the longest (10,000) */
};

/* Owns inner. */
struct transport *breaker_transport_new(
	const struct breaker_config *config, struct transport *inner);

#endif
