/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comments, as stories and epics need them. The parent is one or the other. */
#ifndef STORYFS_SERVER_COMMENTS_H
#define STORYFS_SERVER_COMMENTS_H

#include "activity.h"

/* Add a comment as part of a command; ret is NULL when it is not wanted. */
int comments_add(struct call *c, struct activity *a, const struct record *parent,
	const struct record *patch, struct record **ret);
/* Add a comment as a command of its own, which also touches the parent. */
int comments_write(
	struct call *c, struct record *parent, const struct record *patch, struct record **ret);

#endif
