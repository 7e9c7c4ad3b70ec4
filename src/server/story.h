/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the server know of stories: rules, places, and how one is touched. */
#ifndef STORYFS_SERVER_STORY_H
#define STORYFS_SERVER_STORY_H

#include "activity.h"

/* What was asked for, read from the request. */
struct story_request {
	const struct record *patch;  /* of KIND_story */
	int group;		     /* of params.def's story_group, or -1 */
	bool has_before, has_after;  /* given, be it null */
	int64_t before_id, after_id; /* 0: null */
};

enum story_group {
	GROUP_SCHEDULED,
	GROUP_UNSCHEDULED,
	GROUP_CURRENT,
};

/* Put the patch's values into the story; labels by name are made. */
int story_apply(struct call *c, const struct story_request *req, struct record *now);
/* What V5 demands of type, state, estimate and dates of a story that is about to be written; also
 * sets what follows from a state: accepted_at. */
int story_check(
	struct call *c, const struct record *patch, const struct record *old, struct record *now);
/* The story's place: where the request says, else where its new state belongs; a place in the other
 * list changes the state. Sets rank, and current_state if the patch does not. */
int story_place(struct call *c, const struct story_request *req, const struct record *old,
	struct record *now);

/* A new story in the call's project, as one command (and one for labels that are new). */
int story_make(struct call *c, const struct story_request *req, struct record **ret);

/* Tell people what became of it, as part of the command. */
int story_notify_new(struct call *c, struct activity *a, const struct record *story);
int story_notify_update(
	struct call *c, struct activity *a, const struct record *old, const struct record *now);
int story_notify_deleted(struct call *c, struct activity *a, const struct record *story);

/* All of these, and the next, for a story that exists; the caller owns *ret. */
int story_update(struct call *c, const struct story_request *req, const struct record *old,
	struct record **ret);

/* Write a story that differs from old, as one command. */
int story_write_update(struct call *c, const struct story_request *req, const struct record *old,
	struct record *now);

#endif
