/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Point scales: `0,1,2,3`. */
#ifndef STORYFS_SCALE_H
#define STORYFS_SCALE_H

#include <stdbool.h>

/* Is it one of the scale's points? */
bool scale_has(const char *scale, double points);
/* The one of them that is nearest; the greater of two. */
double scale_nearest(const char *scale, double points);
/* Is it none of those that V5 offers? */
bool scale_is_custom(const char *scale);
/* NULL, or V5's words on what is wrong with it. */
const char *scale_problem(const char *scale);

#endif
