/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was loaded of a source, in a file, for the next run: one connection to it, of one thread at
 * a time. Each write is one transaction, so that whoever reads, now or after a crash, finds what
 * was true at one moment. What the rows hold has hashes: a file that is not as it was written is
 * told to be damaged.
 *
 * -EBADMSG is a file that is damaged, somebody else's or of another schema; -ENOSPC a full disk.
 */
#ifndef STORYFS_DATA_CACHE_DB_H
#define STORYFS_DATA_CACHE_DB_H

#include "cache_rows.h"

struct cache_db;

/* The file is there, ours, and no link. An empty one is made a cache by who is to write it; else it
 * is as one that is damaged. -EBUSY when another process holds it up. */
int cache_db_open(const char *path, bool may_write, struct cache_db **ret);
void cache_db_close(struct cache_db *db);
/* The file was renamed or removed: its log is no longer by that name, and not to be touched. */
void cache_db_abandon(struct cache_db *db);

/* The load by its group, of_one and parent_id, and its rows; of a list below a project or nothing
 * it may be its order alone. 1 when there is none. */
int cache_db_read(struct cache_db *db, const struct cache_load *wanted, bool only_order,
	struct cache_load *ret, struct cache_rows *ret_rows);
/* 0 when it never was. */
int cache_db_read_looked(struct cache_db *db, int64_t *ret_ms);

/* All of it or nothing. */
int cache_db_write(struct cache_db *db, const struct cache_batch *batch);

SCOPED_PTR(struct cache_db, cache_db_close);

#endif
