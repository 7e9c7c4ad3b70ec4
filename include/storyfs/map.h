/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table from keys of one size to pointers, in constant time; uthash does the work. A key is
 * compared byte by byte: set structs to zero before their members, for the padding between.
 *
 * Zeroed but for key_size (MAP_INIT) it is empty. No lock.
 */
#ifndef STORYFS_MAP_H
#define STORYFS_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct map_slot;

struct map {
	size_t key_size;
	struct map_slot *slots;
};

#define MAP_INIT(key_type) ((struct map){ .key_size = sizeof(key_type) })

/* The value, or NULL. */
void *map_get(const struct map *m, const void *key);
/* Put a value (not NULL) under a key, which is copied; returns the one it takes the place of. */
void *map_put(struct map *m, const void *key, void *value);
/* Take a value out; NULL when there is none. */
void *map_take(struct map *m, const void *key);
size_t map_count(const struct map *m);

/* The values in the order in which their keys came: NULL begins, NULL ends. The value that slot
 * names may be taken out while one goes on, no other. */
struct map_slot *map_next(const struct map *m, struct map_slot *slot);
void *map_value(const struct map_slot *slot);

/* Empty it; free_value, unless NULL, is called for each value. */
void map_clear(struct map *m, void (*free_value)(void *value));

/* As each_record: the inner loop runs once, and `break` leaves both. */
#define each_value(type, v, m)                                                                   \
	for (struct map_slot *v##_slot_ = map_next((m), NULL), *v##_next_, *v##_go_ = v##_slot_; \
		v##_go_ && v##_slot_ && (v##_next_ = map_next((m), v##_slot_), true);            \
		v##_slot_ = v##_next_)                                                           \
		for (type *v = (v##_go_ = NULL, map_value(v##_slot_)); !v##_go_;                 \
			v##_go_ = v##_slot_)

#endif
