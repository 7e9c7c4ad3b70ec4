/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terms of a search that are looked for in texts: free text and `name:`. */
#ifndef STORYFS_SERVER_SEARCH_TEXT_H
#define STORYFS_SERVER_SEARCH_TEXT_H

#include "search_set.h"

/* Fill the columns of all such terms. Free text is looked for in name, description, comments,
 * tasks, the names of requester and owners, of attached files and of labels. */
int search_text_fill(struct search_set *set);

#endif
