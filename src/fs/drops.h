/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages of texts that moved, taken from the kernel, of files whose READ may wait for the host (of a
 * field it never does: its pages are taken with the notice). Whoever reads or stats a file has the
 * kernel ask for its attributes, and finds the pages gone when they moved; whoever looks into a
 * mapping of it asks for nothing, and would look at the old text for ever.
 *
 * Taking pages waits for a READ of that file, so it has a thread of its own: no other notice waits
 * with it. And it is done a moment late: a read that began before the change has ended by then, and
 * one that began after it looked at the attributes first.
 */
#ifndef STORYFS_FS_DROPS_H
#define STORYFS_FS_DROPS_H

#include <stdint.h>

struct drops;
struct fuse_session;

/* Starts no thread. */
struct drops *drops_new(struct fuse_session *session);
void drops_free(struct drops *d);

/* -errno */
int drops_start(struct drops *d);
/* Wait for the one that is under way and end the thread; those who ask again need not wait. */
void drops_stop(struct drops *d);

/* The pages of this inode, soon. */
void drops_add(struct drops *d, uint64_t number);

#endif
