/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an iteration's analytics say: of the stories accepted in it, and the bugs found in it. */
#ifndef STORYFS_SERVER_ANALYTICS_H
#define STORYFS_SERVER_ANALYTICS_H

#include "call.h"

/* For shape.c: the analytics of all iterations of a list. */
int analytics_fill(struct call *c, struct records *iterations, int f);

#endif
