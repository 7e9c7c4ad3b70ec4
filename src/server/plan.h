/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which stories an iteration holds. A Done iteration has those that were accepted in it. Current
 * has what was accepted since it began, what is in work, and of the unstarted stories those at the
 * top that fit (with manual planning: the planned ones); the rest follows in the iterations of the
 * Backlog. Unscheduled stories are in none.
 */
#ifndef STORYFS_SERVER_PLAN_H
#define STORYFS_SERVER_PLAN_H

#include "iterations.h"

struct plan_iteration {
	struct ids story_ids; /* in the project's order */
	double points;
	double accepted_points;
};

struct plan_place;

/* Iterations in a row. Zeroed is none. */
struct plan {
	int64_t first; /* the number of the first */
	size_t n;
	struct plan_iteration *iterations;
	struct plan_place *places; /* for plan_find */
	size_t n_places;
};

/* Current and the Backlog: reads an estimate and a state of each story that is yet to be done. */
int plan_load(struct call *c, const struct iterations *it, struct plan *ret);
/* n Done iterations from a number on; reads their stories alone. */
int plan_load_done(
	struct call *c, const struct iterations *it, int64_t first, int64_t n, struct plan *ret);
void plan_fini(struct plan *plan);

/* The number of the iteration that holds a story; 0 when none of a loaded plan's does. */
int64_t plan_find(const struct plan *plan, int64_t story_id);

SCOPED_VALUE(struct plan, plan_fini);

#endif
