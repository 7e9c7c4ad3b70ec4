/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New resources: an id, the initial values of schema.def, the instants of their making. */
#ifndef STORYFS_SERVER_INITIAL_H
#define STORYFS_SERVER_INITIAL_H

#include "call.h"

/* A copy of the patch with an id of its own, created_at and updated_at now where the patch has
 * none, and initial values for what is ABSENT. Object forms are left out. */
int initial_make(struct call *c, const struct record *patch, struct record **ret);
/* Give what is ABSENT in a record its initial value. */
void initial_fill(struct record *r);
/* Set a field that is an instant, if the kind has it: `updated_at` of any. */
void initial_touch(struct record *r, int64_t now_ms);

#endif
