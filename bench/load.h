/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A load client: so many keep-alive connections, a thread each, that send one request after the
 * other for a while. It reads what it must to find the answer's end, and nothing more.
 */
#ifndef STORYFS_BENCH_LOAD_H
#define STORYFS_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storyfs/buf.h"

struct load {
	unsigned port;
	int n_clients;
	int64_t duration_ms;
	/* Appends request number n of a client, whole; any thread. */
	void (*make)(const void *data, int client, int64_t n, struct buf *ret);
	const void *data;
};

struct load_result {
	double per_s;
	double p50_us, p99_us;
	size_t body;	     /* bytes of an answer's body */
	int64_t n, n_failed; /* answers, and those that were no 2xx */
};

/* Ends the program when the server does not answer. */
struct load_result load_run(const struct load *load);
/* One request; the answer, header and body, is appended to ret_answer. */
void load_ask(unsigned port, const char *request, struct buf *ret_answer);

#endif
