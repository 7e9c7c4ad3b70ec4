/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scratch file's mode permits, where the kernel does not look at modes itself: in the mount
 * of one user, whom alone it lets in, who owns what is there. The lock is held.
 */
#ifndef STORYFS_FS_PERMIT_H
#define STORYFS_FS_PERMIT_H

#include "mount.h"

/* R_OK, W_OK and X_OK, as access(2) has them. -EACCES */
int permit_access(fuse_req_t req, const struct file *f, int wanted);
/* The same for what open(2) wants. */
int permit_open(fuse_req_t req, const struct file *f, int flags);
/* Another owner, or a group that one is not in; set as in setattr. -EPERM */
int permit_owner(fuse_req_t req, const struct file *f, const struct stat *attr, unsigned set);

#endif
