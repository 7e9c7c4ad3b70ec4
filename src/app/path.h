/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths within a tree, for commands that look at one without mounting it. */
#ifndef STORYFS_APP_PATH_H
#define STORYFS_APP_PATH_H

#include "storyfs/tree.h"

/* The node at a path from the root; slashes around and doubled ones do not count, `.` and `..` do,
 * links are followed, the last one too. -ENOENT, -ENOTDIR, -ELOOP, or the tree's error. */
int path_find(struct tree *t, const char *path, struct node *ret);

#endif
