/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transitions: each change of a story's state leaves one, its first state too. What cycle times and
 * day histories are made of.
 */
#ifndef STORYFS_SERVER_TRANSITIONS_H
#define STORYFS_SERVER_TRANSITIONS_H

#include "call.h"

/* The end of a command that wrote a story, after its activity: note its new state, if it is one.
 * old is NULL for a new story. */
int transitions_note(struct call *c, const struct record *old, const struct record *now);

/* The transitions that an item of activity tells of, without ids. A story that came from another
 * project has made none. */
void transitions_from_activity(const struct record *item, struct records *ret);

/* All transitions of these stories, by story, the oldest first; without who performed them. */
int transitions_list_of(struct call *c, const struct ids *stories, struct records *ret);
/* Those of these stories that have one at this instant or later, with repetitions. */
int transitions_find_since(
	struct call *c, const struct ids *stories, int64_t since_ms, struct ids *ret);
/* A story's in such a list: where they begin, and how many there are. */
size_t transitions_find(const struct records *sorted, int64_t story_id, size_t *ret_n);

#endif
