/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the inputs of fuzz_handle find: a server over an archive with one of each resource in it,
 * four persons of each sort of access, and a clock that stands still. Each input finds it as it was
 * made, so that one that fails does so alone, too.
 */
#ifndef STORYFS_FUZZ_WORLD_H
#define STORYFS_FUZZ_WORLD_H

#include "storyfs/server.h"

struct world {
	struct archive *archive;
	struct server *server;	/* keeps answers */
	struct server *forgets; /* over the same archive, and keeps none */
	bool written;		/* since it was made, or restored */
};

/* The one world; made by the first call. */
struct world *world_get(void);
/* As it was made. */
void world_restore(struct world *w);
/* What holds whatever was asked: in each project the versions of its activity are 1 to its own, or
 * the assertion fails. */
void world_check(struct world *w);

#endif
