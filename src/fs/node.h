/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an inode number stands for, and the files in memory made of fields. */
#ifndef STORYFS_FS_NODE_H
#define STORYFS_FS_NODE_H

#include "mount.h"

/* The kernel gave n of its references back. The lock is not held, in all others it is. */
void node_forget(struct fs *fs, uint64_t number, uint64_t n);
/* The node behind a number; false for scratch files and numbers that mean nothing. */
bool node_of_number(struct fs *fs, uint64_t number, struct node *ret);
/* The file behind a number that somebody wants to change, made when it is a field without one.
 * -EACCES, -EROFS, -EISDIR or -ESTALE when it is nothing that can be changed. */
int node_get_file(struct fs *fs, uint64_t number, struct file **ret);
/* Bring a field's content into memory, from where it is read and changed from then on. */
void node_load(struct fs *fs, struct file *f);
/* Set the size: a new generation. */
int node_truncate(struct fs *fs, struct file *f, uint64_t size);
/* f no longer stands for its field: a file of its own with what it shows now. */
void node_displace(struct fs *fs, struct file *f);

#endif
