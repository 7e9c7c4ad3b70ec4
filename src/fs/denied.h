/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the mount denied by its own rules, told in the tree. */
#ifndef STORYFS_FS_DENIED_H
#define STORYFS_FS_DENIED_H

#include "mount.h"
#include "spot.h"

/* When r is a denial it is told (tree_note_denied), and the kernel that it is. Returns r. The lock
 * is not held, in any of these. */
int denied_note(struct fs *fs, const struct tree_denied *denied, int r);
/* Of what is at the spot. */
int denied_note_at(struct fs *fs, enum tree_act act, const struct spot *spot, int r);
/* Of making something at the spot, or when it is taken, of writing what is there. Nothing is told
 * where the mode of a file of ours may have denied it. */
int denied_note_making(struct fs *fs, enum tree_act act, const struct spot *spot, int r);
/* Of a write by inode. Where a file of ours stands for it, its mode denies, and nothing is told. */
void denied_note_write(struct fs *fs, uint64_t number, int r);

#endif
