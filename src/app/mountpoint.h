/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mountpoints: is it fit, what is mounted there. */
#ifndef STORYFS_APP_MOUNTPOINT_H
#define STORYFS_APP_MOUNTPOINT_H

#include <stdbool.h>

#include "storyfs/buf.h"

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

#endif
