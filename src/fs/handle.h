/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An open description: one open(2), however many descriptors and processes share it. Those that
 * read a field nobody has written to have none.
 */
#ifndef STORYFS_FS_HANDLE_H
#define STORYFS_FS_HANDLE_H

#include "mount.h"
#include "process.h"

struct handle {
	struct file *file;
	bool writes;
	struct process opener;
	struct buf base;	    /* the text that its writes are made from */
	uint64_t wrote;		    /* the newest generation made through it */
	struct handle *prev, *next; /* in fs.handles */
};

/* NULL when it has none. */
struct handle *handle_of(const struct fuse_file_info *fi);
/* Open a file with the flags in fi (O_TRUNC is done), and fill fi. The lock is held. */
int handle_open(fuse_req_t req, struct file *f, struct fuse_file_info *fi);
/* The last descriptor is closed. The lock is not held; it may take its time. */
void handle_close(struct fs *fs, struct handle *h);
/* Free those nobody closed. */
void handles_fini(struct fs *fs);

#endif
