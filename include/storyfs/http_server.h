/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The V5 server over HTTP (libmicrohttpd), with bounds on bodies, connections and time, and a
 * request log (request_log.h). A body over the limit is answered with 413 and an error object in
 * V5's shape; the archive's server never sees it.
 */
#ifndef STORYFS_HTTP_SERVER_H
#define STORYFS_HTTP_SERVER_H

#include <stdbool.h>

#include "storyfs/buf.h"
#include "storyfs/server.h"

struct http_server;

struct http_server_config {
	const char *listen;	  /* ADDR:PORT, [ADDR6]:PORT or :PORT; port 0 is any free one */
	const char *request_log;  /* file to append to, "-" for standard output, or NULL */
	unsigned n_threads;	  /* 0: one a processor, at least 4 */
	size_t max_body;	  /* bytes; 0: 16 MiB */
	unsigned max_connections; /* 0: 512 */
	unsigned timeout_s;	  /* of an idle connection; 0: 60 */
};

/* Listens when it returns. -errno with the reason appended to ret_reason. The server is borrowed.
 */
int http_server_start(struct server *s, const struct http_server_config *config,
	struct http_server **ret, struct buf *ret_reason);
/* The port it listens on. */
unsigned http_server_port(const struct http_server *h);
/* Append where it listens, as a URL writes it: `127.0.0.1:5080`, `[::1]:5080`. */
void http_server_add_address(const struct http_server *h, struct buf *b);
/* Can only this machine reach it? */
bool http_server_is_local(const struct http_server *h);
/* Takes no more connections, gives the requests that run up to 10 s to be answered, ends it. */
void http_server_stop(struct http_server *h);

SCOPED_PTR(struct http_server, http_server_stop);

#endif
