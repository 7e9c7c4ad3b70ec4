/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Epics, as their comments need them. */
#ifndef STORYFS_SERVER_EPICS_H
#define STORYFS_SERVER_EPICS_H

#include "activity.h"

/* As story_touch. */
int epic_touch(struct call *c, struct activity *a, struct record *epic, int64_t follower_id);

#endif
