/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host's projects in a staging folder beside the archive, as dumps that an import reads: `me/`
 * and a folder a project. It is there until all was imported, for the next run to go on.
 */
#ifndef STORYFS_APP_CLONE_H
#define STORYFS_APP_CLONE_H

#include "source.h"
#include "storyfs/archive.h"

struct clone_config {
	struct source *source; /* connected */
	const char *archive;   /* its path */
	const char *projects;  /* ids or names with commas between, or all; NULL: all */
	int64_t page_limit;
	void (*progress)(void *data, const char *what, int64_t done, int64_t total);
	void *data;
};

/* What was staged. */
struct clone {
	char *folder;
	int lock;	/* on the folder; -1: none */
	char **folders; /* of what is to be imported: me, and the projects that moved */
	size_t n_folders;
	struct archive *archive; /* or NULL while there is none */
	struct buf notes;
};

/* Fetch what the archive does not have. -errno, and why. */
int clone_stage(const struct clone_config *config, struct clone *ret, struct buf *ret_reason);
/* Take the staging folder away: it was imported. */
void clone_remove_stage(struct clone *c);
void clone_fini(struct clone *c);

SCOPED_VALUE(struct clone, clone_fini);

#endif
