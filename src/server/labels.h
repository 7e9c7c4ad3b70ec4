/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Labels, as stories and epics need them. All are of the call's project. */
#ifndef STORYFS_SERVER_LABELS_H
#define STORYFS_SERVER_LABELS_H

#include "activity.h"

/* Refuse labels within a patch that have neither an id nor a proper name. */
int labels_check_nested(struct call *c, const struct record *patch);
/* The label of that name, whatever its case; 0 when there is none. */
int labels_find(struct call *c, const char *name, int64_t *ret_id);
/* The ids of labels given by name or id, sorted by name, each once. Names that are new become
 * labels, all in one command. */
int labels_resolve(struct call *c, const struct records *wanted, struct ids *ret);
/* Refuse ids that are no labels of the project; sort the others by name. */
int labels_resolve_ids(struct call *c, const struct ids *wanted, struct ids *ret);
/* Tell how a story's change changed the counts of its labels; old or now is NULL when it is made or
 * deleted. The archive holds the story as it is now. */
int labels_tell_counts(
	struct call *c, struct activity *a, const struct record *old, const struct record *now);

#endif
