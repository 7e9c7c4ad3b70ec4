/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A web server on a free port of 127.0.0.1 that does what a test tells it, byte for byte, well or
 * badly, and remembers what it was sent. One thread a connection.
 */
#ifndef STORYFS_TESTS_LOOPBACK_H
#define STORYFS_TESTS_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>

#include "storyfs/http.h"
#include "storyfs/scope.h"

struct loopback;

/*
 * Answers the request on fd, in the connection's thread. `connection` counts from 0. True when the
 * connection goes on, false to close it.
 */
typedef bool loopback_answer(int fd, int connection, const struct http_request *req);

struct loopback *loopback_new(loopback_answer *answer);
/* Cuts what is open and waits for its threads. */
void loopback_free(struct loopback *s);

int loopback_port(const struct loopback *s);
/* `http://127.0.0.1:port` and path; the caller frees it. */
char *loopback_url(const struct loopback *s, const char *path);

size_t loopback_n_connections(struct loopback *s);
size_t loopback_n_requests(struct loopback *s);
/* Borrowed until the server is freed. */
const struct http_request *loopback_request(struct loopback *s, size_t i);

/* Write the text, or as much of it as the other side takes. */
void loopback_send(int fd, const char *text);
/* A whole answer with Content-Length; type may be NULL. */
void loopback_send_body(int fd, const char *status, const char *type, const char *body);
/* Until the client is gone. */
void loopback_wait_gone(int fd);

SCOPED_PTR(struct loopback, loopback_free);

#endif
