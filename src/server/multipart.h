/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bodies of several parts: multipart/form-data (RFC 7578), and multipart/related, as which some
 * clients send the same parts. Strictly: what is not well-formed is refused, nothing is guessed.
 * It is ours because the libraries that do it are for mail (gmime, lenient by nature) or bound to a
 * server of their own (libmicrohttpd's works in its callbacks alone, libapreq2's on Apache's
 * buckets), and requests come here without a socket, too.
 */
#ifndef STORYFS_SERVER_MULTIPART_H
#define STORYFS_SERVER_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storyfs/http.h"

/* One part. Its bytes are those of the body from `at` on. */
struct part {
	char *name;
	char *filename;	    /* the last component of what the client said; NULL: no file */
	char *content_type; /* NULL: not said, or blank */
	int64_t at, len;
};

struct parts {
	struct part *items;
	size_t n;
};

/* Does the Content-Type (or NULL) say that the body is one? */
bool multipart_is_one(const char *content_type);
/* Reads the body once, a window of it at a time. -EBADMSG when it is none, or what its source says;
 * names and file names are UTF-8 without control characters. Appends to ret. */
int multipart_read(const char *content_type, struct http_source *body, struct parts *ret);
void parts_fini(struct parts *parts);

SCOPED_VALUE(struct parts, parts_fini);

#endif
