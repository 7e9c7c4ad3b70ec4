/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table from keys to pointers. */
#include "storyfs/map.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "storyfs/alloc.h"

struct map_slot {
	void *value;
	UT_hash_handle hh;
	char key[];
};

/* What follows is a line or two each; uthash's macros are what is long and deep in it, and their
 * arithmetic on pointers is beyond the analyzer. */
/* NOLINTBEGIN(readability-function-size, clang-analyzer-*) */

static struct map_slot *find(const struct map *m, const void *key)
{
	struct map_slot *slot;

	HASH_FIND(hh, m->slots, key, m->key_size, slot);
	return slot;
}

void *map_get(const struct map *m, const void *key)
{
	struct map_slot *slot = find(m, key);

	return slot ? slot->value : NULL;
}

void *map_put(struct map *m, const void *key, void *value)
{
	struct map_slot *slot = find(m, key);

	if (slot) {
		void *before = slot->value;

		slot->value = value;
		return before;
	}
	slot = xcalloc(1, sizeof(*slot) + m->key_size);
	memcpy(slot->key, key, m->key_size);
	slot->value = value;
	HASH_ADD(hh, m->slots, key[0], m->key_size, slot);
	return NULL;
}

void *map_take(struct map *m, const void *key)
{
	struct map_slot *slot = find(m, key);

	if (!slot)
		return NULL;
	void *value = slot->value;

	HASH_DEL(m->slots, slot);
	free(slot);
	return value;
}

void map_clear(struct map *m, void (*free_value)(void *value))
{
	struct map_slot *slot = m->slots, *next;

	HASH_CLEAR(hh, m->slots);
	for (; slot; slot = next) {
		next = slot->hh.next;
		if (free_value)
			free_value(slot->value);
		free(slot);
	}
}

/* NOLINTEND(readability-function-size, clang-analyzer-*) */

size_t map_count(const struct map *m)
{
	return HASH_COUNT(m->slots);
}

struct map_slot *map_next(const struct map *m, struct map_slot *slot)
{
	return slot ? slot->hh.next : m->slots;
}

void *map_value(const struct map_slot *slot)
{
	return slot->value;
}
