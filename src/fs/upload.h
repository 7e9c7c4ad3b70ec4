/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Uploads: scratch files in a directory that takes files (tree_attach). Their bytes are in a file
 * without a name, for they may be many. One is sent by the name that it is made by or renamed to,
 * when it is complete, once; names that begin with a dot or end in `.part` are those of files on
 * their way, which are not. Refused, it stays what it is. It is not sent when its writer was
 * killed, or could not write all of it.
 */
#ifndef STORYFS_FS_UPLOAD_H
#define STORYFS_FS_UPLOAD_H

#include "handle.h"
#include "spot.h"

/* Would a file at the spot be sent? The lock may be held. */
bool upload_is_spot(const struct spot *spot);
/* The scratch file, new and empty, is one from now on. -errno; the lock is held. */
int upload_begin(struct fs *fs, struct file *f, const struct spot *spot);

/* How many bytes one can have now. */
uint64_t upload_room(const struct fs *fs);

/* Put len bytes at off, or with off -1 at the end; append what is there. -errno; lock not held. */
int upload_write(struct fs *fs, struct handle *h, const struct buf *data, off_t off);
int upload_read(struct fs *fs, struct file *f, const struct file_part *part, struct buf *ret);

/* The descriptor's process closes it, and was killed: the file will not be sent. Lock not held. */
void upload_note_killed(struct fs *fs, struct file *f, pid_t closer);
/* Send it by its name if there is anything that was not sent. -errno; lock not held. */
int upload_save(struct fs *fs, struct file *f, const struct call_limit *limit);
/* A scratch file is renamed to the spot: sent by that name, and gone then. */
int upload_save_as(
	struct fs *fs, struct file *f, const struct spot *spot, const struct call_limit *limit);

#endif
