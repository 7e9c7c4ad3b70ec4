/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Things by key, in constant time, and in the order they were added: uthash as functions. A thing
 * begins with a struct table_item and holds its own key, which stays as it is while it is in the
 * table; a key that is a struct has no padding. The table owns nothing and locks nothing.
 */
#ifndef STORYFS_TABLE_H
#define STORYFS_TABLE_H

#include <stddef.h>
#include <uthash.h>

struct table_item {
	UT_hash_handle hh;
};

/* Zeroed is empty. */
struct table {
	struct table_item *first;
};

/* NULL when there is none. */
void *table_find(const struct table *t, const void *key, size_t len);
/* There is none of this key yet; the key lies within the item or what it owns. */
void table_add(struct table *t, struct table_item *item, const void *key, size_t len);
void table_remove(struct table *t, struct table_item *item);
/* The one after this; the first one after NULL; NULL after the last. */
void *table_next(const struct table *t, const void *item);
/* Take all out at once: the first one, whose others table_next still gives; NULL when there is
 * none. */
void *table_clear(struct table *t);
/* Take any one out; NULL when the table is empty (and then holds no memory). */
void *table_pop(struct table *t);

#endif
