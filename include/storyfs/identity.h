/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The people of an archive: who is meant by a word, and whose archive it is. */
#ifndef STORYFS_IDENTITY_H
#define STORYFS_IDENTITY_H

#include <stdint.h>

#include "storyfs/archive.h"
#include "storyfs/buf.h"

/* The one person with this id, username, e-mail or name (looked at in this order, without case).
 * -ENOENT or -ENOTUNIQ otherwise, with a reason that lists who there is, or who is meant. */
int identity_find(struct tx *tx, const char *who, int64_t *ret_id, struct buf *ret_reason);
/* Append a person as one is listed: `Name (username, e-mail), id 7`. */
void identity_describe(const struct record *person, struct buf *b);

/* Whose archive it is. 1 when nobody is known to be. */
int identity_get_owner(struct tx *tx, int64_t *ret_id);
int identity_set_owner(struct tx *tx, int64_t id);

#endif
