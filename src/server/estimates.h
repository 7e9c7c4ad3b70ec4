/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Estimates when their project's point scale changes. */
#ifndef STORYFS_SERVER_ESTIMATES_H
#define STORYFS_SERVER_ESTIMATES_H

#include "activity.h"

/* The call's project has been written with another scale than old's, or with the same one. When it
 * is one of those that V5 offers, estimates that are none of its points become the nearest ones,
 * those of accepted stories, too; a custom scale leaves them as they are (V5). */
int estimates_rescale(struct call *c, struct activity *a, const struct record *old);

#endif
