/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scratch files: made, expired. The lock of the fs is held, but for scratch_sweep. */
#ifndef STORYFS_FS_SCRATCH_H
#define STORYFS_FS_SCRATCH_H

#include "mount.h"
#include "spot.h"

/* An empty file of ours by a name that nothing has; whoever calls sets mode and owner. */
struct file *scratch_add(struct fs *fs, uint64_t dir, const char *name);
/* The same for a program's request at a free spot. -EACCES where no scratch files may be. */
int scratch_make(fuse_req_t req, const struct spot *spot, mode_t mode, struct file **ret);
/* Take away what was not used for a day, and let vacated fields come back. In how many ms there
 * will be something to do again. The data is the fs; its lock is not held. */
int64_t scratch_sweep(void *data);

#endif
