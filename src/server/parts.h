/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hangs on a story or an epic and has no rules of its own beyond its row's: reviews, pull
 * requests, branches, CI/CD events. One that comes, changes or goes touches what it hangs on.
 */
#ifndef STORYFS_SERVER_PARTS_H
#define STORYFS_SERVER_PARTS_H

#include "activity.h"

/* Make those that the patch of a new story or epic holds; the changes are added to the command's.
 */
int parts_add_nested(struct call *c, struct activity *a, const struct record *patch,
	const struct record *parent);

#endif
