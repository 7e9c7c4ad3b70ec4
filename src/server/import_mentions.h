/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom what is imported names, and how often as who did it: all that is asked afterwards of the
 * people of a project. Noted while a resource is stored, for there are many. Private to import*.c.
 */
#ifndef STORYFS_SERVER_IMPORT_MENTIONS_H
#define STORYFS_SERVER_IMPORT_MENTIONS_H

#include "storyfs/record.h"
#include "storyfs/table.h"

struct mention_key {
	int64_t project_id; /* 0: none */
	int64_t person_id;
};

struct mention {
	struct table_item item;
	struct mention_key key;
	int64_t n_deeds; /* stories requested, comments made, activity */
	bool is_member;	 /* by a story, a comment or a review */
};

/* Zeroed is empty. */
struct mentions {
	struct table all;
};

/* In the order in which they were noted first. */
#define each_mention(m, mentions)                                       \
	for (struct mention *m = table_next(&(mentions)->all, NULL); m; \
		m = table_next(&(mentions)->all, m))

void mentions_note(struct mentions *mentions, const struct record *r, int64_t project_id);
void mentions_fini(struct mentions *mentions);

#endif
