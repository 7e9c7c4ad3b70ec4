/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stories as they were: begun with what they are, and taken back in time change by change.
 *
 * States go back by transitions, estimates by activity. What a story was before the first thing
 * that is known of it: the state that activity names as the one before; else none, and the story is
 * left out, but that it counts as accepted from its accepted_at on. A story without any transition
 * (of an old dump) counts in the state it has since it was made, an accepted one since it was
 * accepted. An estimate whose change nothing tells of counts for all time. Stories that were
 * deleted since are left out.
 */
#ifndef STORYFS_SERVER_PAST_H
#define STORYFS_SERVER_PAST_H

#include "call.h"

enum { PAST_STATES = STATE_UNSCHEDULED + 1 };

struct past;

struct past_sum {
	double points[PAST_STATES];
	int64_t counts[PAST_STATES];
};

/* The stories that match, able to go back to since_ms. */
int past_load(struct call *c, struct query *stories, int64_t since_ms, struct past **ret);
void past_free(struct past *p);
/* When the first of them was made; otherwise when there is none. */
int64_t past_begin(const struct past *p, int64_t otherwise);
/* Undo what happened at this instant and later. Instants must not rise from call to call. */
void past_go_back(struct past *p, int64_t to_ms);
/* The stories as they are now, or as they were by the last past_go_back. */
void past_sum(const struct past *p, struct past_sum *ret);

SCOPED_PTR(struct past, past_free);

#endif
