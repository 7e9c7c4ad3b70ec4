/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hangs on a resource, by schema.def's parents: nothing lists the kinds. */
#ifndef STORYFS_SERVER_CHILDREN_H
#define STORYFS_SERVER_CHILDREN_H

#include "call.h"

/* Can the one kind hang on the other? */
bool children_are(enum kind child, enum kind parent);
/* The field by which it does. */
int children_key(enum kind child, enum kind parent);

/* Delete all that hangs on the resource, and on what hangs on it; the resource itself stays. */
int children_delete(struct call *c, enum kind kind, int64_t id);

#endif
