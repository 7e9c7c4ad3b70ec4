/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network transport: HTTP/1.1 and HTTP/2 to one origin (scheme, host, port) by libcurl. One
 * thread does all the network's work; callers sleep until their answer is whole. Connections are
 * kept and shared, TLS is verified, the environment's proxy is used.
 *
 * Create it after fork(): the thread does not follow into a child.
 *
 * - A redirect is an answer like any other and never followed: the token goes to the origin alone.
 * - A request is sent once. libcurl would repeat one whose reused connection broke before the
 *   first byte of an answer; here that is done for GET, HEAD and OPTIONS, and is -ECONNRESET for
 *   the rest, for the server may have acted on it.
 * - A body comes decoded; Content-Encoding and Content-Length still say how it travelled.
 * - A connection that does not come about in time is -EHOSTUNREACH, for nothing was sent.
 *   -ETIMEDOUT always is the call's deadline.
 * - An error of get_token is forwarded as it is; nothing was sent then.
 * - A failing host is logged at its first failure, with libcurl's words, and when it is back.
 */
#ifndef STORYFS_CURL_H
#define STORYFS_CURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storyfs/buf.h"
#include "storyfs/transport.h"

/* Strings are copied. What is 0 or NULL gets the value in parentheses. */
struct curl_config {
	/* http or https; only the origin counts, the path is the business of who makes targets. */
	const char *base_url;
	int64_t connect_timeout_ms; /* name, TCP and TLS together (10 s) */
	int64_t timeout_ms;	    /* of a call without a deadline of its own (60 s) */
	size_t max_body;	    /* bytes of a decoded answer; more is -EPROTO (64 MiB) */
	const char *user_agent;	    /* (storyfs/VERSION) */
	/* PEM bundle of the accepted authorities (CURL_CA_BUNDLE, SSL_CERT_FILE and SSL_CERT_DIR
	 * of the environment, the system's). */
	const char *ca_file;
	/*
	 * Appends the token, for X-TrackerToken or what the request says; asked before each
	 * request, in the calling thread, from several at once. -errno fails the request, an empty
	 * token sends no header. NULL for a server without tokens. The token is in no http_request,
	 * no log line and no message.
	 */
	int (*get_token)(void *data, struct buf *ret_token);
	void *token_data;
	/*
	 * For URLs that somebody else chose: connect to public addresses alone (address.h), looked
	 * at after the name was resolved, once for each connection, so that no name can point
	 * inwards; the environment's proxy, which would resolve by itself, is not used. -EACCES.
	 */
	bool public_only;
};

/* -EINVAL when base_url is not an http or https URL or holds a user or password (logged). */
int curl_transport_new(const struct curl_config *config, struct transport **ret);

#endif
