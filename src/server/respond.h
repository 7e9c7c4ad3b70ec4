/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The response of a call that has been answered or refused: status, headers, body. */
#ifndef STORYFS_SERVER_RESPOND_H
#define STORYFS_SERVER_RESPOND_H

#include "call.h"

/* The headers that are on every response, whoever makes it. */
void respond_add_common(struct http_headers *ret);
/* Append the body of a call's answer or refusal, in its envelope if one is wanted. */
void respond_add_json(const struct call *c, struct buf *ret);
/* Those that are of this one response: its id, and how long it took. */
void respond_add_own(int64_t took_ms, struct http_headers *ret);
/* Fills *ret, which is zeroed, but for what respond_add_own adds. */
void respond(struct call *c, struct http_response *ret);

#endif
