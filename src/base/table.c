/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uthash as functions: its macros are long, and the analyzer does not see through their loops. */
#include "storyfs/table.h"

#include "storyfs/alloc.h"

#undef uthash_malloc
#define uthash_malloc(size) xmalloc(size)

/* NOLINTNEXTLINE(readability-function-size) uthash's hash function is inline */
void *table_find(const struct table *t, const void *key, size_t len)
{
	struct table_item *found;

	HASH_FIND(hh, t->first, key, len, found);
	return found;
}

/* NOLINTNEXTLINE(readability-function-size) uthash's hash function is inline */
void table_add(struct table *t, struct table_item *item, const void *key, size_t len)
{
	HASH_ADD_KEYPTR(hh, t->first, key, len, item);
}

/* NOLINTNEXTLINE(readability-function-size) the same */
void table_remove(struct table *t, struct table_item *item)
{
	HASH_DEL(t->first, item);
}

void *table_next(const struct table *t, const void *item)
{
	return item ? ((const struct table_item *)item)->hh.next : t->first;
}

void *table_clear(struct table *t)
{
	struct table_item *first = t->first;

	HASH_CLEAR(hh, t->first);
	return first;
}

void *table_pop(struct table *t)
{
	struct table_item *item = t->first;

	if (item)
		table_remove(t, item);
	return item;
}
