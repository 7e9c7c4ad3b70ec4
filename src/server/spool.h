/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bodies that are too large for memory, in files without names: they go when they are closed,
 * whatever becomes of the process. How many there are, and what they hold together, is bounded.
 */
#ifndef STORYFS_SERVER_SPOOL_H
#define STORYFS_SERVER_SPOOL_H

#include "storyfs/http.h"

struct spools;
struct spool;

/* Files are made in this directory; max_bytes are what all of them may hold. */
struct spools *spools_new(const char *dir, int64_t max_bytes);
/* Every spool is gone by now. */
void spools_free(struct spools *s);

/* 0, 1 when there are too many, -errno when the file cannot be made. */
int spool_open(struct spools *s, struct spool **ret);
/* 0, 1 when all of them would hold too much, -errno when it cannot be written. */
int spool_add(struct spool *spool, const void *data, size_t len);
/* What was added, to be read; freed with it. */
struct http_source *spool_source(struct spool *spool);

SCOPED_PTR(struct spools, spools_free);

#endif
