/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The V5 server over HTTP or HTTPS (libmicrohttpd), with bounds on headers, bodies, connections and
 * time, and a request log (request_log.h). What is over a bound, or can be read in more than one
 * way, is answered with an error object in V5's shape; the archive's server never sees it. Answers
 * go packed (gzip, deflate) to who asks for that, and packed bodies are read.
 */
#ifndef STORYFS_HTTP_SERVER_H
#define STORYFS_HTTP_SERVER_H

#include <stdbool.h>

#include "storyfs/buf.h"
#include "storyfs/server.h"

struct http_server;

struct http_server_config {
	const char *listen;	 /* ADDR:PORT, [ADDR6]:PORT or :PORT; port 0 is any free one */
	const char *request_log; /* file to append to, "-" for standard output, or NULL */
	unsigned n_threads;	 /* 0: one a processor, at least 4 */
	const char *cert_file;	 /* PEM, with its chain: speak TLS alone; NULL: do not */
	const char *key_file;	 /* PEM */
	const char *spool_dir;	 /* where files lie while they come; NULL, empty: /var/tmp */
	/* What is 0 gets the value in parentheses. */
	size_t max_body;	  /* bytes, also unpacked (16 MiB) */
	size_t max_upload;	  /* bytes of a file (100 MiB); all on their way: ten times that */
	size_t max_header;	  /* bytes of request line and header (64 KiB) */
	unsigned max_connections; /* (512) */
	unsigned max_per_address; /* of them from one address (half) */
	unsigned timeout_s;	  /* of an idle connection, and for a header to come (60) */
	unsigned request_timeout_s; /* for a body to come, and for an answer to be taken (300) */
};

/* Listens when it returns. -errno with the reason appended to ret_reason. The server is borrowed.
 */
int http_server_start(struct server *s, const struct http_server_config *config,
	struct http_server **ret, struct buf *ret_reason);
/* The port it listens on. */
unsigned http_server_port(const struct http_server *h);
/* Append where it listens, as a URL writes it: `127.0.0.1:5080`, `[::1]:5080`. */
void http_server_add_address(const struct http_server *h, struct buf *b);
/* Read certificate and key again, for the connections to come. When that fails they stay as they
 * were; the reason is appended. */
int http_server_reload(const struct http_server_config *config, struct buf *ret_reason);
/* Can only this machine reach it? */
bool http_server_is_local(const struct http_server *h);
/* Takes no more connections, gives the requests that run up to 10 s to be answered, ends it. What
 * comes on an open connection after that is refused, not carried out. */
void http_server_stop(struct http_server *h);

SCOPED_PTR(struct http_server, http_server_stop);

#endif
