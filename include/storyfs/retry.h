/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transport that tries again where trying again is right.
 *
 * Asking (GET, HEAD, OPTIONS) is repeated after a failed or cut connection and after 429, 502, 503
 * and 504. A write is repeated only when the server surely did nothing: it was not reached
 * (-ECONNREFUSED, -EHOSTUNREACH), or said 429, or 503 with a Retry-After, and no answer that is
 * doubtful (http.h). What else failed is for the caller, who can look whether the write arrived.
 *
 * Between attempts it waits: a random time up to base_ms, which doubles each time up to cap_ms, and
 * at least as long as the server's Retry-After (seconds or a date) asks. When that would pass the
 * call's deadline it does not wait at all and gives the last answer or error as it is.
 */
#ifndef STORYFS_RETRY_H
#define STORYFS_RETRY_H

#include <stdint.h>

#include "storyfs/transport.h"

/* What is 0 gets the value in parentheses. */
struct retry_config {
	int max_attempts;   /* all told (4) */
	int64_t base_ms;    /* (200 ms) */
	int64_t cap_ms;	    /* (5 s) */
	int64_t timeout_ms; /* attempts and waits of a call without a deadline, together (60 s) */
};

/* Owns inner. */
struct transport *retry_transport_new(const struct retry_config *config, struct transport *inner);

#endif
