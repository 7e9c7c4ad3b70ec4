/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saves that met another value than they were made from. */
#ifndef STORYFS_VIEW_CONFLICT_H
#define STORYFS_VIEW_CONFLICT_H

#include "shown.h"

struct conflict_texts {
	struct node node; /* the field */
	const struct buf *base, *theirs;
	const char *mine;
	size_t mine_len;
};

/* Keep it, and tell by what number. The same text of the same field is one conflict. */
int64_t conflict_put(struct tree *t, const struct conflict_texts *texts);
bool conflict_is_there(struct tree *t, int64_t id);
/* When it came, or, of one that is not there, when the last one came or went. */
int64_t conflict_time(struct tree *t, int64_t id);
void conflict_list(struct tree *t, struct ids *ret);
/* A file of one. -ESTALE */
int conflict_read(struct tree *t, const struct node *node, struct buf *ret);
/* What was written into `resolve`: `mine`, `theirs`, or a text that has both. It is settled when
 * that could be sent. */
int conflict_resolve(struct tree *t, const struct node *node, const struct tree_text *text,
	const struct call_limit *limit);
void conflicts_fini(struct tree *t);

#endif
