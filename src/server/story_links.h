/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stories that a text names: `#123`, or the URL of one. */
#ifndef STORYFS_SERVER_STORY_LINKS_H
#define STORYFS_SERVER_STORY_LINKS_H

#include "storyfs/record.h"

/* Each id once, in the order in which they stand, the first 50; whether there are such stories is
 * not looked at.
 */
void story_links_find(const char *text, struct ids *ret);

#endif
