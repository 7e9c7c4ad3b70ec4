/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stories from one project to another. */
#ifndef STORYFS_SERVER_STORY_MOVE_H
#define STORYFS_SERVER_STORY_MOVE_H

#include "call.h"

/* Move the call's story to the project that the patch names, if it is another one: a command in
 * each of the two. The call goes on in the new project. */
int story_move_project(struct call *c, const struct record *patch);

#endif
