/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened in a project between two versions, from its activity: which stories were touched,
 * which moved where, which other kinds have other resources now. So that only that is fetched.
 */
#ifndef STORYFS_DATA_DELTA_H
#define STORYFS_DATA_DELTA_H

#include "idset.h"
#include "sources.h"

struct activity_change;

/* A story that came, went, or got another place, in a version. */
struct delta_move;

struct delta {
	int64_t project_id, since, until; /* what happened after since, up to until */
	uint64_t n_writes;    /* the store's when it was asked for: what we wrote later is newer */
	struct idset stories; /* to be looked at */
	size_t n_moves, cap_moves;
	struct delta_move *moves; /* oldest first */
	bool has_arrivals;	  /* some came from elsewhere, with all that hangs below them */
	bool lists[N_KINDS];	  /* kinds below the project of which something changed */
	bool of_stories[N_KINDS], of_epics[N_KINDS]; /* kinds that hang below these */
};

void delta_fini(struct delta *d);

/*
 * Ask for what happened; until is the version the project has. 1 when that does not tell all of it:
 * the host has no such activity (any more), versions are missing, a kind is unknown, it is too
 * much; then all is to be loaded again. No lock is held.
 */
int delta_read(struct store *s, const struct delta *span, struct call *call, struct delta *ret);

enum delta_says {
	DELTA_NOTHING, /* of this source changed */
	DELTA_SOME,    /* of it did, in the stories of the delta */
	DELTA_UNKNOWN, /* load it again */
};

enum delta_says delta_of(const struct delta *d, const struct source *source);

/* Make the order of the stories that was true at a version the one that is true now. False when a
 * place is not told. */
bool delta_order(const struct delta *d, int64_t version, struct ids *ids);

SCOPED_VALUE(struct delta, delta_fini);

#endif
