/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which labels, epics and integrations a search names. */
#ifndef STORYFS_SERVER_SEARCH_NAME_H
#define STORYFS_SERVER_SEARCH_NAME_H

#include "search_set.h"

/* The labels that one of the term's values names, or those of the epics that it names;
 * ret_none: those who have none count, too. */
int search_name_labels(
	struct search_set *set, const struct search_term *term, struct ids *ret, bool *ret_none);
int search_name_epic_labels(
	struct search_set *set, const struct search_term *term, struct ids *ret, bool *ret_none);
/* The labels of all the project's epics. */
int search_name_all_epic_labels(struct search_set *set, struct ids *ret);
/* Integrations by id, by what they are (`Jira`, `Get Satisfaction`), or by their own name. */
int search_name_integrations(
	struct search_set *set, const struct search_term *term, struct ids *ret);
/* Is a text one of the term's values? -ETIMEDOUT as pattern_match. */
int search_name_matches(
	const struct search_set *set, const struct search_term *term, const char *text);

#endif
