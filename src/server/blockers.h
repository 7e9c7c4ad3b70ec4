/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blockers, as stories need them. A blocker whose text names other stories of the project is linked
 * to them while it is unresolved and they are not accepted: they tell whom they block, and it is
 * resolved when the last of them is accepted or deleted.
 */
#ifndef STORYFS_SERVER_BLOCKERS_H
#define STORYFS_SERVER_BLOCKERS_H

#include "activity.h"

/* Add a blocker to a story as part of a command; ret is NULL when it is not wanted. */
int blockers_add(struct call *c, struct activity *a, const struct record *story,
	const struct record *patch, struct record **ret);
/* The story is done, or goes: what waits for it does so no longer, and is resolved if the story is
 * done, all as part of the command. The story itself, which blocks nothing any more, is the
 * caller's to write. */
int blockers_settle(struct call *c, struct activity *a, struct record *story, bool done);
/* The story goes: nothing blocks it any more. Its blockers are the caller's to delete. */
int blockers_release(struct call *c, struct activity *a, const struct record *story);

#endif
