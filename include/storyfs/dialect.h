/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts that speak nearly V5. A transport between the conversation and the network says requests
 * in the host's words and puts its answers into V5's, by the table src/api/dialects.def; nothing
 * else knows. What the host does otherwise is given, or found out on the way: from what is asked
 * for anyway, with a second try where the answer is a refusal that V5 does not give. What was found
 * holds as long as the transport does.
 */
#ifndef STORYFS_DIALECT_H
#define STORYFS_DIALECT_H

#include <stddef.h>

#include "storyfs/transport.h"

/* Sets of differences, a bit each. */
struct dialect {
	unsigned spoken; /* what the host does otherwise */
	unsigned open;	 /* what is to be found out */
};

/* `auto`, the name of a dialect, or differences with + between them. -EINVAL, and what it takes
 * instead. */
int dialect_parse(const char *text, struct dialect *ret, struct buf *ret_reason);
/* The nth of the words that it takes, and what that means; NULL: there are no more. */
const char *dialect_word(size_t n, const char **ret_meaning);

/* Takes the inner one over. An answer to a write that may have been carried out, whatever its
 * status says, is_doubtful (http.h). */
struct transport *dialect_transport_new(const struct dialect *dialect, struct transport *inner);
/* Append how the host speaks as far as that is known, as dialect_parse takes it. Any thread. */
void dialect_describe(const struct transport *t, struct buf *ret);

#endif
