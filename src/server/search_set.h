/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a search looks at: the stories (or the epics) of a project that can match, and what hangs on
 * them, each kind read once and only when a term needs it. A term's findings are a column with one
 * verdict for each of them.
 */
#ifndef STORYFS_SERVER_SEARCH_SET_H
#define STORYFS_SERVER_SEARCH_SET_H

#include "call.h"
#include "search_query.h"

enum verdict {
	VERDICT_NO,
	VERDICT_YES,
	VERDICT_UNFIT, /* no such thing can be said of it: neither the term nor its negation holds
			*/
};

struct search_set {
	struct call *c;
	const struct search *search;
	int64_t project_id;
	enum kind kind;
	struct ids only_ids;	 /* what `id:` asks for, if it must hold */
	struct records items;	 /* in V5's order, with the fields that are needed alone */
	struct ids ids;		 /* theirs, ascending */
	size_t *places;		 /* of these ids among the items */
	unsigned char *verdicts; /* enum verdict, a column for each term */

	/* Loaded by need. */
	bool has_labels, has_epics, has_people;
	struct records labels, epics, people; /* by id */
};

void search_set_fini(struct search_set *set);
/* The items are there: find them by id from now on, and make room for verdicts. */
void search_set_index(struct search_set *set);
/* One term's verdicts, as many as there are items. */
unsigned char *search_set_column(const struct search_set *set, int term);
/* The place of an item; false when it is not looked at. */
bool search_set_find(const struct search_set *set, int64_t id, size_t *ret_place);

int search_set_load_labels(struct search_set *set);
int search_set_load_epics(struct search_set *set);
int search_set_load_people(struct search_set *set);
/* What hangs on the items, with these fields; another condition may be given (a field below 0:
 * none). The first of the fields is the key to the item. */
struct search_part {
	enum kind kind;
	const int *only;
	int n_only;
	int field; /* a condition: this field is this number */
	int64_t i;
};
int search_set_load_parts(
	struct search_set *set, const struct search_part *part, struct records *ret);

SCOPED_VALUE(struct search_set, search_set_fini);

#endif
