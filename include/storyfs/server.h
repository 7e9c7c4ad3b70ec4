/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The V5 server: a request in, a response out, over an archive. It knows no sockets; adapters bring
 * requests: HTTP (http_server.h) and, in-process, a transport.
 */
#ifndef STORYFS_SERVER_H
#define STORYFS_SERVER_H

#include <stdbool.h>

#include "storyfs/archive.h"
#include "storyfs/http.h"
#include "storyfs/transport.h"

struct server;

/* Where V5 begins in a path if nobody says. */
#define SERVER_PREFIX "/services/v5"

struct server_config {
	const char *prefix; /* where V5 begins in a path; NULL is SERVER_PREFIX */
	/* A command was written, and is on disk; holding nothing, in the thread that asked. NULL:
	 * nobody wants to know. */
	void (*written)(void *data);
	void *data;
	int64_t cache_bytes; /* of answers that are kept; 0: 32 MiB, -1: none */
};

/* The archive is borrowed and must outlive the server; one of an earlier version is brought up to
 * this one first, which may fail as tx_begin and tx_commit do. */
int server_new(struct archive *a, const struct server_config *config, struct server **ret);
void server_free(struct server *s);
/* How many answers were given from memory, because the archive stood as it did. */
uint64_t server_n_kept(struct server *s);

/* Will the request, of which method, target and headers are there, bring a file? Then its body is
 * larger than others, and may be a source. */
bool server_takes_file(const struct server *s, const struct http_request *req);

/*
 * Answer one request, whatever it holds; fills *ret (zeroed by the caller, who frees it). One
 * request is one transaction, on disk before this returns. Any thread may call. The caller is who
 * the token says.
 */
void server_handle(struct server *s, const struct http_request *req, struct http_response *ret);
/* The same, but for what may take seconds to read (a search): 1, and nothing was done, so that
 * server_handle can be called where nobody waits for it. */
int server_handle_soon(struct server *s, const struct http_request *req, struct http_response *ret);
/* The same for somebody the adapter vouches for: the person who can open the archive's file. Sees
 * and may do everything; what is written is written in this person's name. */
void server_handle_as(struct server *s, int64_t person_id, const struct http_request *req,
	struct http_response *ret);

/* The server as a transport, for the embedded mount: no socket, no token. person_id as above. The
 * server is borrowed. */
struct transport *server_transport_new(struct server *s, int64_t person_id);

SCOPED_PTR(struct server, server_free);

#endif
