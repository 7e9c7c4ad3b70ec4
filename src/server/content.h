/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An answer that is no JSON: a file's bytes, a table. */
#ifndef STORYFS_SERVER_CONTENT_H
#define STORYFS_SERVER_CONTENT_H

#include "call.h"

struct content {
	char *etag; /* quoted; NULL: made from the bytes */
	struct http_headers headers;
	struct buf bytes;
	struct http_source *source; /* in place of bytes, or NULL */
};

/* The call is answered with this status and Content-Type; what is returned is for the caller to
 * fill, and the call's to free. */
struct content *answer_content(struct call *c, int status, const char *type);
void content_free(struct content *content);

enum range {
	RANGE_WHOLE, /* none is asked for, or none that is understood: then all is sent (RFC 9110)
		      */
	RANGE_PART,
	RANGE_OUTSIDE,
};

/* Which of size bytes does a Range header (or NULL) ask for? One range of bytes is understood.
 * ret_from and ret_len are set in every case. */
enum range content_range(const char *header, int64_t size, int64_t *ret_from, int64_t *ret_len);
/* Append `type; filename="..."; filename*=UTF-8''...` (RFC 6266). */
void content_add_disposition(struct buf *b, const char *type, const char *filename);

#endif
