/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending what was written: once a generation, one thread a field. When to send is decided by the
 * operations (handle.c, node.c, rename.c); here it is done, and what was refused is put aside.
 */
#ifndef STORYFS_FS_SAVE_H
#define STORYFS_FS_SAVE_H

#include "mount.h"
#include "spot.h"
#include "storyfs/transport.h"

/* Send the field's bytes unless they are settled: its generation is settled then, whether they were
 * taken or refused; only -EINTR, and -ETIMEDOUT when another save of the field took that long,
 * leave it open. The caller has a handle or a reference; the lock is not held. */
int save_file(struct fs *fs, struct file *f, const struct call_limit *limit);
/* Save a scratch file's bytes as the field at the spot; when they are taken the file stands for it
 * from then on, by the name and in the place of what stood for it before. Else nothing changes.
 * The caller has a reference, and the kernel keeps both names as they are; the lock is not held. */
int save_over(struct fs *fs, struct file *f, const struct spot *spot, struct process who,
	const struct call_limit *limit);
/* Wait until nobody else saves what has the number, and let nobody: -EINTR, -ETIMEDOUT. The lock is
 * held, but for the waiting. */
int save_begin(struct fs *fs, uint64_t number, const struct call_limit *limit);
void save_end(struct fs *fs, uint64_t number);
/* Give a reference back; what nobody writes and the tree has is forgotten. Lock not held. */
void save_finish(struct fs *fs, struct file *f);
/* Settle what its writers left open, for good: refused when it could not be sent. */
void save_at_last(struct fs *fs, struct file *f, const struct call_limit *limit);
/* The same for every field; nobody will ask for anything any more. */
void save_all(struct fs *fs);
/* A scratch file is about to be something else: it goes by none of its names. It has a reference;
 * the lock is held. */
void save_drop_names(struct fs *fs, struct file *f);
/* Is this a directory's `.error`? It comes, goes and changes with every save, and whoever saved
 * looks at once: the kernel keeps nothing of it. */
bool save_is_error(uint64_t number);
/* And is this the name of one in the directory? */
bool save_is_error_name(struct fs *fs, uint64_t dir, const char *name);
/* The directory's `.error`, or the nearest one above, came, went or has other words. Lock not
 * held. */
void save_notify_error(struct fs *fs, const struct node *dir);

#endif
