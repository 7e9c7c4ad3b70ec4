/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request's body on its way in, held against its limit: in memory, or, when it brings a file, in
 * a spool as soon as it is large. What is refused is dropped, and read on for a while, so that the
 * client gets to see why.
 */
#ifndef STORYFS_SERVER_HTTP_BODY_H
#define STORYFS_SERVER_HTTP_BODY_H

#include "http_refusal.h"
#include "spool.h"

struct http_body {
	struct http_request *req; /* into which it goes */
	size_t limit;
	size_t most;	       /* is read of it, though it is refused */
	struct spools *spools; /* NULL: it stays in memory */
	struct spool *spool;   /* the request's source, or NULL */
	size_t received;
	enum http_refusal refused;
};

/* By the request's headers. False when it is refused at once. */
bool http_body_begin(struct http_body *b);
/* A piece of it. False when that is more than courtesy asks for. */
bool http_body_add(struct http_body *b, const char *data, size_t len);

#endif
