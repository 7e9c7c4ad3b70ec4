/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mountpoints: is it fit, what is mounted there. */
#ifndef STORYFS_APP_MOUNTPOINT_H
#define STORYFS_APP_MOUNTPOINT_H

#include <stdbool.h>

#include "storyfs/buf.h"

/* One of ours that can be seen: nothing is mounted over it. */
struct mounted {
	char *path, *source;
};

struct mounted_list {
	struct mounted *items;
	size_t n;
};

/* All of them, in the order in which they were mounted; no mount is asked anything. */
void mountpoint_list(struct mounted_list *ret);
void mounted_list_fini(struct mounted_list *list);

/* Is the last thing mounted at this path (absolute, without links) a storyfs? Its source is then
 * appended to ret_source, unless that is NULL. */
bool mountpoint_is_ours(const char *path, struct buf *ret_source);
/* The mountpoint of the storyfs that a path is in. -errno with the way out in ret_reason. The
 * caller frees *ret. */
int mountpoint_find(const char *path, char **ret, struct buf *ret_reason);
/* The absolute path of a directory one can mount on: an empty one, with a dead mount of ours taken
 * away before. -errno with the way out in ret_reason. The caller frees *ret. */
int mountpoint_prepare(const char *path, char **ret, struct buf *ret_reason);
/* Unmount what is ours there. -errno with the way out in ret_reason. */
int mountpoint_release(const char *path, struct buf *ret_reason);

SCOPED_VALUE(struct mounted_list, mounted_list_fini);

#endif
