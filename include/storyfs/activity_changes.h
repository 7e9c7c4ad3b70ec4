/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an activity item tells of the resources that a command changed: its `changes`, as far as
 * they say which resource it was, below which one, and in which place of the order. Pure; V5's
 * words for it are in reference 4.5.
 */
#ifndef STORYFS_ACTIVITY_CHANGES_H
#define STORYFS_ACTIVITY_CHANGES_H

#include "storyfs/record.h"

enum activity_change_type {
	ACTIVITY_CREATE,
	ACTIVITY_UPDATE,
	ACTIVITY_DELETE,
};

/* One resource. */
struct activity_change {
	enum kind kind; /* KIND_none: one that the schema does not know */
	enum activity_change_type type;
	int64_t id;		     /* 0: it has none */
	int64_t story_id, epic_id;   /* what it hangs below, as far as new_values tell; else 0 */
	bool has_before, has_after;  /* is its place among the others told? */
	int64_t before_id, after_id; /* 0: it is the last, the first */
	bool only_counts;	     /* a label's, which follow from its stories */
};

struct activity_changes {
	size_t n;
	struct activity_change *items;
};

void activity_changes_fini(struct activity_changes *c);

/* Read the text of `changes`, in its order. -EBADMSG when it is no list of changes. */
int activity_changes_read(const char *text, struct activity_changes *ret);
/* Add the ids of this kind that the text of `primary_resources` names. */
void activity_resources_read(const char *text, enum kind kind, struct ids *ret);

SCOPED_VALUE(struct activity_changes, activity_changes_fini);

#endif
