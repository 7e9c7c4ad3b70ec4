/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Day histories (V5's daily_history_container): a header, and a row for each day of the project's
 * time zone, up to today. Points are floats, counts are ints.
 */
#ifndef STORYFS_SERVER_DAY_HISTORY_H
#define STORYFS_SERVER_DAY_HISTORY_H

#include "call.h"

/* For shape.c: what was accepted or created on each day of all iterations of a list, by type. */
int day_history_fill(struct call *c, struct records *iterations, int f);

#endif
