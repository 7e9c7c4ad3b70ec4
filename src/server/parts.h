/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hangs on a story, an epic or the project and has no rules of its own beyond its row's:
 * reviews, pull requests, branches, CI/CD events, story templates. One that comes, changes or goes
 * touches the story or epic that it hangs on.
 */
#ifndef STORYFS_SERVER_PARTS_H
#define STORYFS_SERVER_PARTS_H

#include "activity.h"

/* Make those that the patch of a new story or epic holds; the changes are added to the command's.
 */
int parts_add_nested(struct call *c, struct activity *a, const struct record *patch,
	const struct record *parent);

#endif
