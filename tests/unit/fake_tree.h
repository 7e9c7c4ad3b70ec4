/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree of its own, in the place of the one over the store: one project (99) with stories 555 and
 * up, and their fields in memory. What is saved is written to a log; refusals and delays are read
 * from a control file before each save, so that another process can script them:
 *
 *	refuse ERRNO WORDS...     every save fails
 *	delay MS                  every save takes that long, or until it is cancelled or times out
 *	set ID FIELD TEXT...      a foreign change, made by fake_tree_apply
 *
 * A log line is `ID FIELD OUTCOME BYTES`: outcome is 0 or the errno, bytes are in hexadecimal.
 */
#ifndef STORYFS_TESTS_FAKE_TREE_H
#define STORYFS_TESTS_FAKE_TREE_H

#include "storyfs/tree.h"

struct fake_config {
	const char *control; /* paths; may be NULL */
	const char *log;
	int n_stories;
};

struct tree *fake_tree_new(const struct fake_config *config);
/* Whom changes are told, also those by saves. */
void fake_tree_set_listener(
	struct tree *t, void (*changed)(void *data, const struct change *change), void *data);
/* A foreign change of a field of a story. */
void fake_tree_set(struct tree *t, int64_t id, const char *field, const char *text);
/* Carry out the `set` lines of the control file. */
void fake_tree_apply(struct tree *t);
/* How many saves came, and how many at the same time for one field at most. */
int fake_tree_saves(struct tree *t);
int fake_tree_most_at_once(struct tree *t);

#endif
