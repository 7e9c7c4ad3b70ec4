/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Persons as other resources name them, by id. */
#ifndef STORYFS_SERVER_PEOPLE_H
#define STORYFS_SERVER_PEOPLE_H

#include "call.h"

/* Each id once, in the order in which they came. */
void people_add_once(const struct ids *ids, struct ids *ret);
/* Set a list of persons. One who is not known here is refused, unless named there before: a
 * partial dump names people that it does not hold. */
int people_set(struct call *c, struct record *r, int f, const struct ids *wanted);
int people_set_one(struct call *c, struct record *r, int f, int64_t id);
/* Who made a new resource: whom the patch names, else whoever asks. */
int people_set_author(struct call *c, struct record *r, int f, const struct record *patch);
/* Are these the same ids, whatever their order? A value that is not SET is an empty list. */
bool people_same_set(const struct ids *ids, const struct value *v);

#endif
