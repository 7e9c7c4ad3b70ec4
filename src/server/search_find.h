/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A search run over a project: what the archive can tell narrows the items, which are then read
 * with the fields that matter, and each term gives its verdicts.
 */
#ifndef STORYFS_SERVER_SEARCH_FIND_H
#define STORYFS_SERVER_SEARCH_FIND_H

#include "call.h"
#include "search_query.h"

/* A text as whoever asks means it: dates are of their time zone. Refused with V5's error. */
int search_read(struct call *c, const char *text, struct search **ret);

struct search_hits {
	struct ids ids; /* in V5's order; done stories that are not shown are left out */
	int64_t n_with_done;
	double points, points_completed;
};

/* Add a project's stories that match. by_progress: as searches show them, accepted ones of the
 * current iteration first, then what is in work, planned, unscheduled, and at last what is done;
 * otherwise in the project's order. */
int search_find_stories(struct call *c, const struct search *s, const struct record *project,
	bool by_progress, struct search_hits *ret);
/* Add the ids of a project's epics that match. */
int search_find_epics(
	struct call *c, const struct search *s, const struct record *project, struct ids *ret);

void search_hits_fini(struct search_hits *hits);
SCOPED_VALUE(struct search_hits, search_hits_fini);

#endif
