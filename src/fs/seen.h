/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What processes were shown of fields, for a save is made against that: an editor has read a field
 * long before it opens it to write. Whoever opened a field to read it was shown its text, and its
 * parent with it: a script reads by programs that it runs. Of what is no field (a document, which
 * tells what it was made from by itself) it is what the process itself saved last. All need the
 * fs's lock.
 */
#ifndef STORYFS_FS_SEEN_H
#define STORYFS_FS_SEEN_H

#include "process.h"
#include "storyfs/buf.h"
#include "storyfs/table.h"
#include "storyfs/tree.h"

/* Zeroed is empty. Beyond 32 MiB, 1,024 processes, or 256 fields of one, the oldest go. */
struct seen {
	struct table readers;
	size_t bytes;
};

void seen_note(
	struct seen *seen, struct process who, const struct node *node, const struct buf *text);
/* What it was shown last, or else its parent; NULL: nothing. Lives until the next call. */
const struct buf *seen_find(struct seen *seen, struct process who, const struct node *node);
/* A thread reads the text: when it was changed since its process opened the field, that is what the
 * process was shown. Nothing when it did not open the field. */
void seen_reread(struct seen *seen, pid_t tid, const struct node *node, const struct buf *text);
/* Around a change of a resource by other means than its fields (a document, a link): what was shown
 * of them and true is replaced by what is then, for the process and those that it works for, its
 * ancestors. They know what they did; what somebody else changed before stays a conflict. */
void seen_begin_act(struct seen *seen, struct tree *t, struct process who, int64_t id);
void seen_end_act(struct seen *seen, struct tree *t, struct process who, int64_t id);
/* Forget those that are no more. */
void seen_sweep(struct seen *seen);
void seen_fini(struct seen *seen);

#endif
