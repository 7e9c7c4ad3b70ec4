/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records as bytes for this program's own use: every field that is there (NULLs, HIDDEN ones and
 * extra, too), and nested records; but for SECRET ones. Smaller than JSON and read some ten times
 * as fast. The bytes mean something only together with the schema they were made with.
 */
#ifndef STORYFS_PACK_H
#define STORYFS_PACK_H

#include <stdint.h>

#include "storyfs/buf.h"
#include "storyfs/record.h"

/* Another number for another schema.def, or for another form of the bytes. */
uint64_t pack_schema(void);
/* What becomes another number with any byte, going on from seed; no protection from malice. */
uint64_t pack_hash(uint64_t seed, const void *data, size_t len);

/* Append. */
void pack_record(const struct record *r, struct buf *b);
void pack_ids(const struct ids *ids, struct buf *b);

/* -EBADMSG when this is not exactly what the functions above write. */
int unpack_record(enum kind kind, const void *data, size_t len, struct record **ret);
int unpack_ids(const void *data, size_t len, struct ids *ret);

#endif
