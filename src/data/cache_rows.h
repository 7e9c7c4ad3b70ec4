/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the cache's file holds, as values: loads, lists and records, what is written of them at
 * once, and the bytes that they are there, with a hash that tells when these are others. */
#ifndef STORYFS_DATA_CACHE_ROWS_H
#define STORYFS_DATA_CACHE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/buf.h"
#include "storyfs/record.h"

/* What belongs together: one kind below one kind of parent in one project (0: below none). */
struct cache_group {
	enum kind kind, parent;
	int64_t project_id;
};

/* A load that was done, by what known.h's struct load says of it. */
struct cache_load {
	struct cache_group group;
	bool of_one;	   /* parent: */
	int64_t parent_id; /* this one; else 0 */
	int64_t version;
	bool apart, missing;
	int64_t true_ms; /* when it was that, at least */
	char *problems;	 /* or NULL */
};

/* The order of one collection. */
struct cache_list {
	int64_t parent_id;
	struct ids ids;
};

/* All of a group, or of one parent in it. */
struct cache_rows {
	size_t n_lists;
	struct cache_list *lists; /* by parent, ascending */
	struct records records;	  /* by id, ascending */
};

struct cache_op {
	enum cache_op_type {
		CACHE_PUT_RECORD,
		CACHE_DROP_RECORD,
		CACHE_PUT_LIST,
		CACHE_DROP_LIST,
		CACHE_PUT_LOAD,
		CACHE_DROP_LOAD,
		CACHE_DROP_GROUP,    /* its records and lists */
		CACHE_KEEP_PROJECTS, /* all of others goes */
	} type;
	struct cache_group group;
	int64_t id; /* the record's; of a list, its parent's */
	struct record *record;
	struct ids ids;
	struct cache_load load;
};

/* What is written at once; its ops own what they hold. */
struct cache_batch {
	size_t n, cap;
	struct cache_op *ops;
	int64_t looked_ms; /* when the host last told the versions; 0: as it was */
};

/* Zeroed, at the batch's end. */
struct cache_op *cache_batch_add(struct cache_batch *batch, enum cache_op_type type);

void cache_load_fini(struct cache_load *load);
void cache_rows_fini(struct cache_rows *rows);
void cache_batch_fini(struct cache_batch *batch);

/* The record or the list that is put, as bytes; what was in the buffer goes. */
void cache_row_write(const struct cache_op *op, struct buf *ret);
/* And back, of the group and the id that it was written for; -EBADMSG for other bytes. */
int cache_row_read_record(const struct cache_group *group, int64_t id, const void *data, size_t len,
	struct record **ret);
int cache_row_read_ids(
	const struct cache_group *group, int64_t id, const void *data, size_t len, struct ids *ret);
/* The hash of all of it, which stands beside it. */
int64_t cache_load_hash(const struct cache_load *load);

SCOPED_VALUE(struct cache_load, cache_load_fini);
SCOPED_VALUE(struct cache_rows, cache_rows_fini);
SCOPED_VALUE(struct cache_batch, cache_batch_fini);

#endif
