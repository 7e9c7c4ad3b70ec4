/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing upstream: nothing of others is overwritten unnoticed, and all is in the journal. */
#ifndef STORYFS_VIEW_WRITE_H
#define STORYFS_VIEW_WRITE_H

#include "shown.h"

enum { WRITE_MOVED = 1 };

/* What came of an update; write_result_fini. */
struct write_result {
	struct record *seen;	    /* as it was right before; NULL: nobody knows */
	bool sent;		    /* it was more than looked at */
	struct record *now;	    /* as it is, on success */
	struct record *overwritten; /* what others had written between the two, if they had */
};

/* A field that was written, or was to be. */
struct written {
	int field;
	const struct record *before, *after;
	int error;
};

/* Send a patch of what is known of a resource, by store_update: at least a GET, and a PUT. Fields
 * that are patched are compared with what the server has. WRITE_MOVED, with nothing sent, when one
 * has another value than was known; theirs is in ret->seen, and in the store. */
int write_update(struct tree *t, const struct record *known, const struct record *patch,
	struct call *call, struct write_result *ret);
void write_result_fini(struct write_result *r);
/* As store_create and store_delete. */
int write_create(struct tree *t, const struct place *place, const struct record *patch,
	struct call *call, struct record **ret);
int write_delete(struct tree *t, const struct record *r, struct call *call);

SCOPED_VALUE(struct write_result, write_result_fini);

#endif
