/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A value behind a keyword of the search language, read as what the keyword takes. */
#ifndef STORYFS_SERVER_SEARCH_VALUE_H
#define STORYFS_SERVER_SEARCH_VALUE_H

#include "search_query.h"

/* Why a query is refused, and where. Both texts are appended to. */
struct search_problem {
	const char *literal; /* V5's own words, said in place of all others */
	struct buf what;     /* "'feeture' is no type" */
	struct buf fix;	     /* what would be accepted */
	size_t at;	     /* in bytes */
};

/* Completes a value whose form, text and place are known. False: refused. */
bool search_value_read(const struct search_keyword *keyword, struct search_value *value,
	const struct search_clock *clock, struct search_problem *ret);
/* The words that it is one of, with commas between; nothing when there is no such set. */
void search_value_add_words(const struct search_keyword *keyword, struct buf *ret);
/* `word` is no keyword: say which there are. */
void search_value_offer_keywords(const char *word, struct search_problem *ret);

#endif
