/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom a search names: by id, initials, username, full name, or a part of the name. */
#ifndef STORYFS_SERVER_SEARCH_PERSON_H
#define STORYFS_SERVER_SEARCH_PERSON_H

#include "search_set.h"

/* Everybody whom one of the term's values names; ret_none: nobody counts, too. */
int search_person_find(
	struct search_set *set, const struct search_term *term, struct ids *ret, bool *ret_none);

#endif
