/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A project in time: its zone, and, for shape.c, what of it follows from its iterations. */
#ifndef STORYFS_SERVER_PROJECT_TIME_H
#define STORYFS_SERVER_PROJECT_TIME_H

#include "call.h"

/* Borrowed; "" when it has none. */
const char *project_zone_name(const struct record *project);

/* start_time, current_iteration_number, shown_iterations_start_time, iteration_override_numbers. */
int project_time_fill(struct call *c, struct records *list, int f);
/* current_velocity, current_volatility, current_standard_deviation. */
int project_time_fill_velocity(struct call *c, struct records *list, int f);
/* story_ids, which go back no further than the shown Done iterations. */
int project_time_fill_stories(struct call *c, struct records *list, int f);

#endif
