/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers that are kept as long as the archive stands as it did when they were made. An answer is
 * known by all that it was made from beside the archive (who asks, and the target); who made it
 * vouches that there was nothing else, no clock and no other header. Any thread may call.
 */
#ifndef STORYFS_SERVER_CACHE_H
#define STORYFS_SERVER_CACHE_H

#include <stdint.h>

#include "storyfs/http.h"

struct cache;

/* Keeps up to max_bytes; what came first goes first. */
struct cache *cache_new(size_t max_bytes);
void cache_free(struct cache *c);

/* version is the archive's, read before the answer is looked for; the first with a new one forgets
 * all. False when there is none; else fills *ret, which is zeroed. */
bool cache_find(struct cache *c, int64_t version, const struct buf *key, struct http_response *ret);
/* version was read before the answer was made. Copies it. */
void cache_put(
	struct cache *c, int64_t version, const struct buf *key, const struct http_response *resp);
/* How often one was found. */
uint64_t cache_n_found(struct cache *c);

SCOPED_PTR(struct cache, cache_free);

#endif
