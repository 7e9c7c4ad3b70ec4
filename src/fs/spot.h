/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A spot is a name in a directory: what the tree has there (asked without the lock, it may reach
 * the network), and what it means now (asked with the lock, and only true while it is held).
 */
#ifndef STORYFS_FS_SPOT_H
#define STORYFS_FS_SPOT_H

#include "mount.h"
#include "storyfs/transport.h"

struct spot {
	uint64_t dir;
	const char *name; /* borrowed */
	bool is_writable; /* the directory: may a scratch file be here? */
	bool takes_files; /* the directory: is what is made here sent? (upload.h) */
	bool in_tree;	  /* the tree has such an entry: */
	bool is_field;	  /* a file that can be saved */
	struct node node;
};

enum meaning {
	MEANS_NOTHING, /* free */
	MEANS_VACATED, /* free, and what comes is the field's */
	MEANS_NODE,    /* what the tree has; no field */
	MEANS_FIELD,   /* a field, by *ret_number */
	MEANS_SCRATCH, /* a file of ours, *ret_number */
};

/* The lock is not held. -ENAMETOOLONG, -ENOTDIR, -ESTALE, and what tree_lookup answers. */
int spot_find(struct fs *fs, uint64_t dir, const char *name, const struct call_limit *limit,
	struct spot *ret);
/* The lock is held. Of NOTHING and VACATED the number is 0. */
enum meaning spot_mean(struct fs *fs, const struct spot *spot, uint64_t *ret_number);
/* A file that stands for the field, which has none: by its own number or, while that is another
 * file's, by a new one, bound to the spot. The lock is held. */
struct file *spot_make_field(
	struct fs *fs, uint64_t dir, const char *name, const struct node *node);

#endif
