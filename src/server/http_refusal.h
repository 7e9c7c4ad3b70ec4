/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the HTTP adapter itself refuses, before the server sees it: answered in V5's shape, with
 * codes of our own, for V5 has none.
 */
#ifndef STORYFS_SERVER_HTTP_REFUSAL_H
#define STORYFS_SERVER_HTTP_REFUSAL_H

#include "storyfs/http.h"

enum http_refusal {
	REFUSED_NOT,
	REFUSED_MALFORMED,
	REFUSED_LATE,
	REFUSED_BODY,
	REFUSED_FILE,
	REFUSED_ENCODING,
	REFUSED_HEADER,
	REFUSED_ENDING,
	REFUSED_BUSY,
	REFUSED_VERSION,
	REFUSED_SPACE,
};

/* Fills *ret, which is zeroed. limit is the number of bytes that were too few, where there is one.
 */
void http_refuse(enum http_refusal why, size_t limit, struct http_response *ret);

/* What a client gets that is late, as it goes over the wire: it is written past libmicrohttpd,
 * which has no way to. For the caller to free. */
char *http_refuse_late(void);

#endif
