/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cycle time: how long a story was in work, by its transitions. As V5 counted in its recorded
 * answers: the time it was started, finished, delivered or rejected, up to now while it is; nights
 * and weekends too; none of the time between, when it was back in the Backlog or accepted.
 */
#ifndef STORYFS_SERVER_CYCLE_TIME_H
#define STORYFS_SERVER_CYCLE_TIME_H

#include "call.h"

/* The states that are work, in the order of V5's words for them. */
enum work_state {
	WORK_STARTED,
	WORK_FINISHED,
	WORK_DELIVERED,
	WORK_REJECTED,
	N_WORK_STATES,
};

struct cycle_time {
	int64_t time_ms[N_WORK_STATES];
	int64_t count[N_WORK_STATES]; /* how often it came into that state */
	int64_t total_ms;	      /* -1 when it never did into any */
};

/* Of a story whose transitions these n are, the oldest first. */
struct cycle_time cycle_time_of(const struct call *c, struct record *const *transitions, size_t n);
/* For shape.c: cycle_time_details of all stories of a list. */
int cycle_time_fill(struct call *c, struct records *stories, int f);
/* The call's answer is the cycle_time_details of these stories, in their order. */
int cycle_time_answer(struct call *c, const struct ids *stories);

#endif
