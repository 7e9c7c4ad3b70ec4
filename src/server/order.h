/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of a project's stories, and of its epics. Each has a hidden rank, a number that grows
 * along the order with gaps between; what is put between two gets a number between theirs, and when
 * there is none left, those around are moved apart.
 */
#ifndef STORYFS_SERVER_ORDER_H
#define STORYFS_SERVER_ORDER_H

#include "call.h"

/* Whose neighbours they are: V5's before_id (the next one) and after_id (the one above). 0: none.
 */
struct neighbours {
	int64_t before_id;
	int64_t after_id;
};

int order_neighbours(struct call *c, const struct record *r, struct neighbours *ret);
/* The last of the other stories of its project that are in one of these states (a bit each); 0 when
 * there is none. */
int order_last(struct call *c, const struct record *story, unsigned states, int64_t *ret_id);
/* The rank that puts a resource (id 0: a new one) directly after another of its project; after_id 0
 * is the top. */
int order_rank_after(struct call *c, const struct record *moving, int64_t after_id, int64_t *ret);
/* The one above another, the moving one left out; 0 at the top. */
int order_above(struct call *c, const struct record *moving, int64_t id, int64_t *ret_id);
/* The one below another, the moving one left out; the first one for 0, and 0 at the bottom. */
int order_below(struct call *c, const struct record *moving, int64_t id, int64_t *ret_id);
/* The last of a project's all, the moving one left out. */
int order_bottom(struct call *c, const struct record *moving, int64_t *ret_id);
/* For shape.c: before_id or after_id of all of a list. */
int order_fill(struct call *c, struct records *list, int f);

#endif
