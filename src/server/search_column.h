/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each term of a search says of each item: the columns of a search_set. */
#ifndef STORYFS_SERVER_SEARCH_COLUMN_H
#define STORYFS_SERVER_SEARCH_COLUMN_H

#include "search_set.h"

/* One term on its way into its column. */
struct column {
	struct search_set *set;
	const struct search_term *term;
	unsigned char *verdicts; /* enum verdict */
	struct ids ids;		 /* what its values name */
	bool none;		 /* having none of them counts */
};

static inline const struct record *column_item(const struct column *col, size_t i)
{
	return col->set->items.items[i];
}

static inline size_t column_count(const struct column *col)
{
	return col->set->items.n;
}

static inline bool column_of_stories(const struct column *col)
{
	return col->set->kind == KIND_story;
}

/* Does the field (an id or several) name one of the ids; is there anything in it? */
bool column_names_one(const struct record *r, int f, const struct ids *ids);
bool column_names_any(const struct record *r, int f);

/* By what an item says itself. */
int column_fill_type(struct column *col);
int column_fill_state(struct column *col);
int column_fill_id(struct column *col);
int column_fill_estimate(struct column *col);
int column_fill_external_id(struct column *col);
int column_fill_created(struct column *col);
int column_fill_updated(struct column *col);
int column_fill_accepted(struct column *col);
int column_fill_label(struct column *col);
int column_fill_epic(struct column *col);
int column_fill_owner(struct column *col);
int column_fill_requester(struct column *col);
int column_fill_mywork(struct column *col);
int column_fill_integration(struct column *col);
/* By what hangs on it. */
int column_fill_review_status(struct column *col);
int column_fill_reviewer(struct column *col);
int column_fill_review(struct column *col);
int column_fill_traits(struct column *col);
int column_fill_no(struct column *col);
int column_fill_epic_traits(struct column *col);

/* The fields of an item that the search needs, each once, behind those that are always needed:
 * appended to ret, of which n_ret are there; returns how many then are. At most the kind's. */
int search_column_fields(const struct search *s, enum kind kind, int *ret, int n_ret);
/* Fill all columns. */
int search_column_fill(struct search_set *set);
/* Narrow the query by a term that must hold, where the archive can. */
int search_column_narrow(struct search_set *set, const struct search_term *term, struct query *q);

#endif
