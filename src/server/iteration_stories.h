/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The iteration that a path names, with its stories. */
#ifndef STORYFS_SERVER_ITERATION_STORIES_H
#define STORYFS_SERVER_ITERATION_STORIES_H

#include "iterations.h"

/* Its stories in the project's order are appended to ret_ids; refuses a number that is beyond the
 * Backlog. */
int iteration_stories_load(struct call *c, struct iterations **ret, struct ids *ret_ids);

#endif
