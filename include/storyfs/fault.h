/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transport that fails on purpose, for tests: bad networks, overloaded hosts, proxies that answer
 * for them. What happens to the nth call follows from the seed alone.
 *
 * A spec is a list of `key=value` with commas between them. P is a probability, 0 to 1; the rules
 * are tried in their order, and the first that strikes decides. A key may come again.
 *
 *	latency=20             each call takes 20 ms longer
 *	error=P:ECONNRESET     fails before the request is sent, with an error of transport.h
 *	status=P:503           is answered with the status by nobody; the request is not sent
 *	html=P                 is answered 200 with an HTML page; the request is not sent
 *	cut=P                  the request is sent, and its answer lost: -ECONNRESET
 *	seed=7                 of the random numbers; 0 when not given
 */
#ifndef STORYFS_FAULT_H
#define STORYFS_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include "storyfs/buf.h"
#include "storyfs/transport.h"

enum { MAX_FAULT_RULES = 16 };

enum fault_kind {
	FAULT_ERROR,
	FAULT_STATUS,
	FAULT_HTML,
	FAULT_CUT,
};

struct fault_rule {
	enum fault_kind kind;
	double probability;
	int value; /* -errno or status */
};

struct fault_spec {
	int64_t latency_ms;
	int64_t seed;
	struct fault_rule rules[MAX_FAULT_RULES];
	size_t n_rules;
};

/* -EINVAL when the text is no spec; what is wrong with it is appended to ret_error, a sentence for
 * the user. */
int fault_parse(const char *text, struct fault_spec *ret, struct buf *ret_error);

/* Owns inner. */
struct transport *fault_transport_new(const struct fault_spec *spec, struct transport *inner);

#endif
