/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What groups.c and moves.c share: what a group's stories have in common. */
#ifndef STORYFS_VIEW_GROUPS_H
#define STORYFS_VIEW_GROUPS_H

#include "shown.h"

/* What a panel holds, and the state that a story gets that comes into it. */
struct panel {
	enum layout_row row;
	enum story_state state;
};

struct group {
	const struct panel *panel; /* or */
	const char *query;	   /* or */
	int field;		   /* whose file is written to move a story here */
	int word;		   /* of an ENUM */
	int64_t id;		   /* or the one they name */
	int64_t project_id;
	struct record *named; /* the label or person, for its name; the saved search, the shelf */
	bool is_shelf;	      /* the stories that named lists */
};

/* -ESTALE */
int group_of(struct tree *t, const struct node *dir, struct group *ret);
void group_fini(struct group *g);
struct place group_stories_of(int64_t project_id);

SCOPED_VALUE(struct group, group_fini);

#endif
