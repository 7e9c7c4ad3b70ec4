/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How each kind comes from a host: as a list of its own, or nested in its parents' list, which
 * brings the comments of all stories in as many requests as the stories take.
 */
#ifndef STORYFS_DATA_SOURCES_H
#define STORYFS_DATA_SOURCES_H

#include "known.h"

struct source {
	enum kind kind;
	enum kind parent;
	const char *nested; /* the parent's field that holds them, or NULL: a list of its own */
	enum kind needs;    /* another kind of the project, without which it cannot be shown */
	bool optional;	    /* not every host has them */
	/* Two levels down: what `nested` holds (or the project has) are these, each with a list of
	 * them by this name. */
	enum kind through;
	const char *inner;
	const char *fields; /* to ask for, where the default response is not it */
	size_t max;	    /* the first so many alone; 0: all */
	/* Gives what V5 knows without an id one of its own, and the like; the record is ours alone.
	 * holder is what `inner` was found in, or NULL. Each of these may be NULL. */
	void (*prepare)(const struct place *place, const struct record *holder, struct record *r);
	/* The order of the whole list, for qsort(3) of its records. */
	int (*compare)(const void *a, const void *b);
	/* What only grows is not loaded again: append the filters that ask for what came since this
	 * version of the project. False when that cannot be told. The lock is held, as below. */
	bool (*since)(struct store *s, const struct place *place, int64_t version,
		struct buf *ret_filters);
	/* Does the list still hold it, after it was loaded? */
	bool (*stays)(struct store *s, const struct place *place, const struct record *r);
	bool newest_first; /* the list, so that what is new comes before the rest */
	bool untold;	   /* no activity says when they change: theirs may with any */
};

/* NULL when the kind is not loaded below such a parent. */
const struct source *source_find(enum kind kind, enum kind parent);

/* All of them in the order in which they are loaded again: parents before what is nested in them.
 */
extern const struct source sources[];
extern const size_t n_sources;

#define each_source(source) \
	for (const struct source *source = sources; source < sources + n_sources; source++)

#endif
