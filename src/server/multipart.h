/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * multipart/form-data (RFC 7578), strictly: what is not well-formed is refused, nothing is guessed.
 * It is ours because the libraries that do it are for mail (gmime, lenient by nature) or bound to a
 * server of their own (libmicrohttpd's works in its callbacks alone, libapreq2's on Apache's
 * buckets), and requests come here without a socket, too.
 */
#ifndef STORYFS_SERVER_MULTIPART_H
#define STORYFS_SERVER_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "storyfs/scope.h"

/* One part. Its bytes are borrowed from the body. */
struct part {
	char *name;
	char *filename;	    /* the last component of what the client said; NULL: no file */
	char *content_type; /* NULL: not said, or blank */
	const char *data;
	size_t len;
};

struct parts {
	struct part *items;
	size_t n;
};

/* Does the Content-Type (or NULL) say that the body is one? */
bool multipart_is_one(const char *content_type);
/* -EBADMSG when the body is none; names and file names are UTF-8 without control characters.
 * Appends to ret. */
int multipart_read(const char *content_type, const char *body, size_t len, struct parts *ret);
void parts_fini(struct parts *parts);

SCOPED_VALUE(struct parts, parts_fini);

#endif
