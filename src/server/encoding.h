/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Content-Encoding: gzip and deflate, by zlib. */
#ifndef STORYFS_SERVER_ENCODING_H
#define STORYFS_SERVER_ENCODING_H

#include <stddef.h>

#include "storyfs/http.h"

enum encoding {
	ENCODING_IDENTITY,
	ENCODING_GZIP,
	ENCODING_DEFLATE, /* zlib's format, as RFC 9110 says; raw deflate is read, too */
	ENCODING_OTHER,	  /* one that nobody here knows, or several */
};

/* What an Accept-Encoding (or NULL) likes best, by its q-values; identity when it likes nothing
 * that there is. */
enum encoding encoding_choose(const char *accept);
/* What a Content-Encoding (or NULL) says. */
enum encoding encoding_parse(const char *content_encoding);

/* Compress an answer's body when the request asks for it and it pays: a text of some size that is
 * no stream of its own. Adds Vary to all, Content-Encoding to what was. */
void encoding_apply(const struct http_headers *request, struct http_response *resp);

/* Unpack data, appending to ret at most max bytes. 0, -EBADMSG when it is not of the encoding or
 * ends early, -EMSGSIZE when there would be more. */
int encoding_unpack(
	enum encoding encoding, const char *data, size_t len, size_t max, struct buf *ret);

/* Replace a request's body by what it holds unpacked, at most max bytes. -ENOTSUP (an encoding that
 * is not known here), -EMSGSIZE, -EBADMSG; the body is empty then. */
int encoding_unpack_request(struct http_request *req, size_t max);

#endif
