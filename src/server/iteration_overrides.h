/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was said of single iterations: another length, a team that is not whole. */
#ifndef STORYFS_SERVER_ITERATION_OVERRIDES_H
#define STORYFS_SERVER_ITERATION_OVERRIDES_H

#include "activity.h"

/* Take all of the call's project away, as part of a command. */
int iteration_overrides_drop(struct call *c, struct activity *a);

#endif
