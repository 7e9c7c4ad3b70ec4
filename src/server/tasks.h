/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks, as stories need them. */
#ifndef STORYFS_SERVER_TASKS_H
#define STORYFS_SERVER_TASKS_H

#include "activity.h"

/* Add a task to a story as part of a command; ret is NULL when it is not wanted. */
int tasks_add(struct call *c, struct activity *a, int64_t story_id, const struct record *patch,
	struct record **ret);

#endif
