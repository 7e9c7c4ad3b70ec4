/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the archive's administrator works (enrol*.c): a transaction, and a call in the name of the
 * archive's owner that the functions of V5's endpoints take. */
#ifndef STORYFS_SERVER_DESK_H
#define STORYFS_SERVER_DESK_H

#include "call.h"

struct desk {
	struct call call; /* call.tx is the transaction */
	struct moment moment;
	struct buf *reason; /* the caller's */
};

int desk_open(struct desk *d, struct archive *a, enum tx_mode mode, struct buf *reason);
/* Done: 0 commits, anything else undoes. Puts V5's words into the reason where there are some. */
int desk_close(struct desk *d, int r);

/* Whom the word means; NULL is the archive's owner. */
int desk_find(struct desk *d, const char *who, int64_t *ret_id);
/* The project with this id, or the one with this name. */
int desk_find_project(struct desk *d, const char *word, struct record **ret);
/* Say why, and return -number. */
int desk_refuse(struct desk *d, int number, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
