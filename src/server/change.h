/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of a resource: what a patch gives, what differs, what is touched from within. */
#ifndef STORYFS_SERVER_CHANGE_H
#define STORYFS_SERVER_CHANGE_H

#include "activity.h"

/* Is the field in the patch, be it to be taken away? */
bool change_is_given(const struct record *patch, int f);
/* Does a stored field differ, the fields but and also_but (or -1) aside? */
bool change_differs(const struct record *a, const struct record *b, int but, int also_but);
/* A story or an epic changed within: updated_at is now, and who is given follows it (NULL: nobody).
 * It is written, and the change is added to the command's. */
int change_touch(struct call *c, struct activity *a, struct record *r, const struct ids *followers);

#endif
