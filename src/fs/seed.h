/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seeds: scratch files whose text makes something new (`markdown/<any>.md` a story). One is made by
 * its name, becomes a field when it was sent, and stays a scratch file while it is refused.
 */
#ifndef STORYFS_FS_SEED_H
#define STORYFS_FS_SEED_H

#include "mount.h"
#include "spot.h"

/* Would a text at the free spot make something? The lock may be held. */
bool seed_is_spot(const struct spot *spot);
/* From now on the scratch file is one; as yet it has nothing to send. The lock is held. */
void seed_begin(struct file *f);
/* Send its text if there is any that was not sent. -errno; the lock is not held. */
int seed_save(struct fs *fs, struct file *f, const struct call_limit *limit);
/* A scratch file is renamed to the spot: it moves there when its text was taken. */
int seed_save_as(
	struct fs *fs, struct file *f, const struct spot *spot, const struct call_limit *limit);

#endif
