/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A project's kinds of review. */
#ifndef STORYFS_SERVER_REVIEW_TYPES_H
#define STORYFS_SERVER_REVIEW_TYPES_H

#include "activity.h"

/* Give the new project those that V5's begin with; the changes are added to the command's. */
int review_types_begin(struct call *c, struct activity *a);

#endif
