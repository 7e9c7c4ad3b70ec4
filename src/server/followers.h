/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Following. Who follows a story or an epic is in its follower_ids: who said so, who commented, who
 * was mentioned. A story's requester and owners follow it without being there (recorded: V5 made
 * and assigned stories with follower_ids empty).
 */
#ifndef STORYFS_SERVER_FOLLOWERS_H
#define STORYFS_SERVER_FOLLOWERS_H

#include "notify.h"

/* Everybody who follows it, each once, added to ret. */
void followers_list(const struct record *r, struct ids *ret);
/* Put a follower into follower_ids. */
void followers_add(struct record *r, int64_t person_id);
void followers_remove(struct record *r, int64_t person_id);
/* Who is to follow for a text that was written: its author (0: nobody), and whom it mentions. */
int followers_find(struct call *c, int64_t author_id, const char *text, struct ids *ret);
/* Whom a text mentions that was not mentioned before it was changed. */
int followers_find_new(struct call *c, const char *old, const char *now, struct ids *ret);
/* The nested comments and blockers of a new story or epic make people follow it. */
int followers_expect(struct call *c, const struct record *patch, struct record *r);

/* Tell whom the notice's context mentions so; what happened is of this type. */
int followers_tell_mentioned(
	struct call *c, struct activity *a, const struct notice *notice, const char *type);
/* Tell everybody who follows the notice's subject. */
int followers_tell(struct call *c, struct activity *a, const struct notice *notice);

#endif
