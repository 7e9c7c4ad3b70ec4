/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that must not last. libmicrohttpd ends one that is idle; a client that sends a byte
 * now and then is never idle, and one that closed its side keeps its place. Here each connection
 * has until an instant to bring its request's head, then its whole request, and to take the answer.
 * One that is late is told 408, if it began to ask, and cut; one that closed its side before it
 * asked for anything whole is cut within a second or so.
 */
#ifndef STORYFS_SERVER_WATCH_H
#define STORYFS_SERVER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/scope.h"

struct watch;
struct watched;

struct watch_config {
	int64_t head_ms;	 /* from the connection, or its last answer, to the next head */
	int64_t request_ms;	 /* from there to the request's end; from the answer to its own */
	const char *late_answer; /* the HTTP response for who is late, borrowed; NULL: none */
};

enum watch_phase {
	WATCH_HEAD,   /* between requests, or within a head */
	WATCH_BODY,   /* the head is there */
	WATCH_WORK,   /* the request is whole; this takes as long as it takes */
	WATCH_ANSWER, /* there is an answer, to be taken by the client */
};

int watch_start(const struct watch_config *config, struct watch **ret);
/* Every connection is removed by now. */
void watch_stop(struct watch *w);

/* A connection began; it is in WATCH_HEAD. The socket stays its owner's. */
struct watched *watch_add(struct watch *w, int fd);
/* From now on the connection is in this phase. */
void watch_enter(struct watch *w, struct watched *c, enum watch_phase phase);
/* Before the socket is closed; frees c. */
void watch_remove(struct watch *w, struct watched *c);

SCOPED_PTR(struct watch, watch_stop);

#endif
