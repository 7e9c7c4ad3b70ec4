/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ids as a set that answers in constant time. Zeroed is empty. */
#ifndef STORYFS_DATA_IDSET_H
#define STORYFS_DATA_IDSET_H

#include "storyfs/record.h"
#include "storyfs/table.h"

struct idset {
	struct table table;
	size_t n;
};

/* False when it was there. */
bool idset_add(struct idset *set, int64_t id);
void idset_add_all(struct idset *set, const struct ids *ids);
void idset_remove(struct idset *set, int64_t id);
bool idset_has(const struct idset *set, int64_t id);
/* In no order; the caller frees them. */
void idset_list(const struct idset *set, struct ids *ret);
void idset_fini(struct idset *set);

SCOPED_VALUE(struct idset, idset_fini);

#endif
