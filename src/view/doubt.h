/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Something that was to be made, and nobody knows whether it was: before it is sent again it is
 * looked for. Only who knows that it is the same save again can tell; two of the same words may be
 * wanted. */
#ifndef STORYFS_VIEW_DOUBT_H
#define STORYFS_VIEW_DOUBT_H

#include "shown.h"

struct doubt;

/* Before the POST. NULL when its collection is not known: then what is new in it cannot be told. */
struct doubt *doubt_new(struct tree *t, const struct place *place, const struct record *patch);
void doubt_free(struct doubt *d);
const struct record *doubt_patch(const struct doubt *d);
/* As store_find_made. */
int doubt_look(struct tree *t, const struct doubt *d, struct call *call, struct record **ret);

/* Of what a file of this name was to make, until it is saved again: taken over, and back. NULL when
 * there is none. */
void doubt_remember(struct tree *t, const struct node *dir, const char *name, struct doubt *d);
struct doubt *doubt_take(struct tree *t, const struct node *dir, const char *name);
void doubts_fini(struct tree *t);

SCOPED_PTR(struct doubt, doubt_free);

#endif
