/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A project's iterations: which there are, when they begin, how fast the project is. Nothing of it
 * is stored but the overrides; all follows from the project's settings, its accepted stories and
 * the clock, so that midnight needs no work (reference 4.2).
 *
 * Numbers count from 1 without gaps. Iteration n begins at a midnight of the project's time zone
 * and ends where n + 1 begins. Loading costs two small queries, whatever the project's size.
 */
#ifndef STORYFS_SERVER_ITERATIONS_H
#define STORYFS_SERVER_ITERATIONS_H

#include "call.h"

struct iterations;
struct zone;

int iterations_load(struct call *c, const struct record *project, struct iterations **ret);
void iterations_free(struct iterations *it);

int64_t iterations_project_id(const struct iterations *it);
/* Does Current fill up by itself (automatic_planning)? */
bool iterations_are_automatic(const struct iterations *it);
/* The project's time zone, borrowed; NULL (which is UTC to zone.h) for one the system lacks. */
const struct zone *iterations_zone(const struct iterations *it);
/* The project's start_time: where iteration 1 begins. */
int64_t iterations_begin(const struct iterations *it);
int64_t iterations_current(const struct iterations *it);
/* The instants of an iteration; its finish is the next one's start. */
int64_t iterations_start(const struct iterations *it, int64_t number);
int64_t iterations_finish(const struct iterations *it, int64_t number);
/* The number of the iteration that an instant lies in; 1 before the first. */
int64_t iterations_number(const struct iterations *it, int64_t at_ms);
/* Where the Done iterations begin that V5 shows: number_of_done_iterations_to_show before the
 * current one. What was accepted earlier is left out of a project's `stories` and of searches. */
int64_t iterations_shown_since(const struct iterations *it);

/* In weeks; and how much of the team is there, 1 being all of it. */
int64_t iterations_length(const struct iterations *it, int64_t number);
double iterations_strength(const struct iterations *it, int64_t number);
/* The numbers of those that have an override, ascending; borrowed. */
const struct ids *iterations_overridden(const struct iterations *it);
/* Points that an iteration can hold at this velocity. */
double iterations_capacity(const struct iterations *it, int64_t number, int64_t velocity);

/* Points an iteration of the usual length, as the last done ones went. */
struct velocity {
	int64_t velocity;
	double deviation;  /* standard deviation of the iterations' points */
	double volatility; /* the same in percent of their mean */
};

/* As it is in an iteration: over those before it, future ones going on as the current one. */
int iterations_velocity(
	struct call *c, const struct iterations *it, int64_t number, struct velocity *ret);

SCOPED_PTR(struct iterations, iterations_free);

#endif
