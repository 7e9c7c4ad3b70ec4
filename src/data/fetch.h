/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of loads, and one load while it is fetched. */
#ifndef STORYFS_DATA_FETCH_H
#define STORYFS_DATA_FETCH_H

#include "delta.h"
#include "sources.h"

/* The caller holds the lock. peek_load is NULL when there was none yet; id is the project's, or
 * with of_one the parent's. */
struct load *peek_load(const struct table *loads, const struct source *source, int64_t id);
struct load *make_load(struct store *s, const struct source *source, int64_t id, bool of_one);
/* The same as make_load, and takes the lock itself. */
struct load *get_load(struct store *s, const struct source *source, int64_t id, bool of_one);
/* Does what it hangs below still exist? */
bool load_has_parent(struct store *s, const struct load *l);

/* What an answer was: the host does not know what was asked for, and may know it otherwise. */
bool fetch_is_not_known(int e);
/* Ask for all that the load is of, or where that is known to suffice for what is new, and put it
 * into the tables; what changed is told. No lock is held, by this nor by the next one. */
int fetch(struct store *s, const struct source *source, struct load *l, struct call *call);
/* Loads of kinds that are nested in the same parents, so that one listing of these brings them all;
 * the one that is wanted comes first. */
struct together {
	size_t n;
	const struct source *sources[8];
	struct load *loads[8];
};

/* The same for all of them. */
int fetch_together(struct store *s, const struct together *t, struct call *call);
/* The same, and never only what is new. */
int fetch_whole(struct store *s, const struct source *source, struct load *l, struct call *call);
/* The same for what a delta says that changed in stories (DELTA_SOME): in them alone, and their
 * order. 1 when all has to be loaded again. */
int fetch_some(struct store *s, const struct source *source, struct load *l, const struct delta *d,
	struct call *call);

/* again.c: all of the load again, and what is looked at for one parent at a time. */
int load_reload(struct store *s, const struct source *source, struct load *l, struct call *call);
/* What came from the cache may be older than what the host told since: bring it up to that, if
 * that does not take long. Who calls has claimed the load. */
void load_catch_up(struct store *s, const struct source *source, struct load *l,
	const struct call_limit *limit);

#endif
