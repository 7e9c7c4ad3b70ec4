/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transport carries one request to a V5 host and brings its response. It has one method, so that
 * transports stack: curl (the network) or the in-process server at the bottom; retry, rate limit
 * and fault injection above, each owning the one it wraps.
 */
#ifndef STORYFS_TRANSPORT_H
#define STORYFS_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/http.h"
#include "storyfs/thread.h"

/*
 * What bounds a call: an instant of clock_monotonic_ms after which it fails with -ETIMEDOUT, and a
 * question asked now and then from the calling thread (at least ten times a second while it waits):
 * `cancelled(data)` true ends the call with -EINTR. Zeroed: no deadline of its own (the transport's
 * default applies) and never cancelled.
 */
struct call_limit {
	int64_t deadline_ms;
	bool (*cancelled)(void *data);
	void *data;
};

struct transport {
	/*
	 * Blocks until there is a whole response, of any status, and fills *ret (zeroed by the
	 * caller, who frees it). -errno when there is none:
	 *   -EHOSTUNREACH no such host, -ECONNREFUSED, -ECONNRESET cut or empty answer,
	 *   -ETIMEDOUT, -EINTR cancelled, -EPROTO not HTTP or a body over the limit,
	 *   -EACCES the host's address is one that the transport may not connect to,
	 *   -EKEYREJECTED the TLS certificate was not accepted, -EINVAL the request is not
	 *   http_request_is_valid() and was not sent, what its sink answered, -EIO anything else.
	 * Whether the server did what was asked is unknown after -ECONNRESET, -ETIMEDOUT, -EINTR,
	 * -EPROTO and -EIO. Any thread may call, several at once.
	 */
	int (*perform)(struct transport *t, const struct http_request *req,
		const struct call_limit *limit, struct http_response *ret);
	/* Ends it and what it wraps; no call may be running. */
	void (*free)(struct transport *t);
};

static inline int transport_perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	thread_will_wait();
	return t->perform(t, req, limit, ret);
}

static inline void transport_free(struct transport *t)
{
	if (t)
		t->free(t);
}

/* Is it time to give up? -ETIMEDOUT, -EINTR, or 0. */
int call_limit_check(const struct call_limit *limit);
/* How long a wait may last before the next look at the limit, at most max_ms. Not negative. */
int64_t call_limit_slice(const struct call_limit *limit, int64_t max_ms);
/* Sleep. 0 after ms; earlier -EINTR when cancelled, -ETIMEDOUT when the deadline came. */
int call_limit_sleep(const struct call_limit *limit, int64_t ms);

SCOPED_PTR(struct transport, transport_free);

#endif
