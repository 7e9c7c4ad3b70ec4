/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of the host, in files without names: fetched when they are first read, once for however
 * many read them at the same time, each of whom waits for no more than what it asked for. Those
 * used last are kept, up to a size together. What was fetched does not change: V5 has no way to.
 */
#ifndef STORYFS_DATA_DOWNLOADS_H
#define STORYFS_DATA_DOWNLOADS_H

#include "storyfs/store.h"

struct downloads;

/* The API is borrowed. dir is made when it is missing; NULL: the system's for temporary files. */
struct downloads *downloads_new(struct api *api, const struct store_config *config);
/* Ends those that are under way. */
void downloads_free(struct downloads *d);

/* As store_read_file. */
int downloads_read(struct downloads *d, const struct record *file, const struct file_part *part,
	struct call *call, struct buf *ret);

#endif
