/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host lists, held against what a list can be: resources that can be told apart and shown,
 * with ids from 1 to below STORE_MAX_ID (but for ids that V5 does not know), each of which comes
 * once. */
#ifndef STORYFS_DATA_SOUND_H
#define STORYFS_DATA_SOUND_H

#include "known.h"

/* Of one kind, in one list or several. */
struct sound {
	struct table seen;
	struct buf *problems; /* borrowed: a line for each that is left out */
};

/* Append those of a list that are sound. Of two with the same id it is the first, and nothing to
 * tell when the other one is just the same. */
void sound_add(struct sound *s, const struct records *list, struct records *ret);
void sound_fini(struct sound *s);

/* Keep with the load what its list has wrong, and log it when that is new. The store's lock is
 * held. */
void sound_note(struct load *l, const struct buf *problems);

SCOPED_VALUE(struct sound, sound_fini);

#endif
