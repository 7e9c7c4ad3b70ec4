/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes of nodes and files as stat(2) has them. The lock of the fs is held. */
#ifndef STORYFS_FS_ATTR_H
#define STORYFS_FS_ATTR_H

#include "mount.h"

/* *ret_valid_s is how long the kernel may go without asking again. -ESTALE for a number that means
 * nothing any more. */
int attr_get(struct fs *fs, uint64_t number, struct stat *ret, double *ret_valid_s);
/* Fill an entry for a reply, and count it as looked up. */
int attr_get_entry(struct fs *fs, uint64_t number, struct fuse_entry_param *ret);

#endif
