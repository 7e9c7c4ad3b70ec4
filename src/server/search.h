/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stories of a project that a search finds, as a list answers them. */
#ifndef STORYFS_SERVER_SEARCH_H
#define STORYFS_SERVER_SEARCH_H

#include "call.h"

/* Answer /projects/{id}/stories?filter=: a page of what the text finds. */
int search_filter_stories(struct call *c, const char *text);

#endif
