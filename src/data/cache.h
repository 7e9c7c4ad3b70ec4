/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's copy in a file, for the next run (cache_db.h): what is known is written behind, by a
 * thread of its own, as it was at one moment; what is wanted and not known is put into the store
 * from there as if it had been loaded at the version it stands for, and the sync thread is told to
 * look at once. A cache that fails is done without.
 *
 * All members but those of the file are guarded by the store's lock; none is held while the file is
 * read or written. All functions do nothing where the store has no cache.
 */
#ifndef STORYFS_DATA_CACHE_H
#define STORYFS_DATA_CACHE_H

#include "cache_db.h"
#include "cache_file.h"
#include "sources.h"

struct cache {
	struct cache_file file;
	pthread_mutex_t read_lock; /* guards the reader; the store's is not held */
	struct cache_db *reader;   /* or NULL: there was nothing to read */
	struct cache_db *writer;   /* the thread's */

	pthread_t thread;
	pthread_cond_t wake; /* is_moved or stopping was set; monotonic clock */
	bool is_moved;	     /* something is to be written */
	bool stopping;
	bool restoring;	    /* what is put into the store comes from here */
	bool is_writer;	    /* nobody else writes, so that we know what is there */
	bool is_damaged;    /* somebody saw that it is */
	int failure;	    /* -errno: it was given up */
	struct table notes; /* what is to be written of groups that are there, by key */
	struct record *me;  /* as it was written */
	int64_t looked_ms;  /* as it was written */
	int64_t former_ms;  /* when an earlier run last heard of the host; 0: never */
};

/* Opens it for the store, by config->cache_name; without one, or when that fails, there is none. */
void cache_open(struct store *s, const struct store_config *config);
/* Writes what is left, and ends it; the store's other threads have ended. */
void cache_close(struct store *s);

/* The lock is held: this is another one now, or about to go. */
void cache_note_record(struct store *s, const struct entry *e);
void cache_note_list(struct store *s, const struct collection *c);
/* With all that hangs below it: it goes elsewhere, or came from there. */
void cache_note_tree(struct store *s, const struct entry *e);
/* A load, or who we are, or when we looked. */
void cache_note(struct store *s);

/* cache_notes.c: all that is to be written, and that it is; the lock is held. */
void cache_take(struct store *s, struct cache_batch *ret);
/* Was anything loaded? */
bool cache_has_loads(const struct store *s);
/* Nothing is to be written but all, the next time. */
void cache_forget(struct store *s);

/* cache_restore.c; the lock is not held. Put what a load is of into the store; 1 when that has to
 * be fetched. Who restores a load has claimed it. */
int cache_restore(struct store *s, const struct source *source, struct load *l);
/* The ids of a list below a project or nothing, when the load was not done yet, and nothing is put
 * into the store; 1 when it must be loaded. */
int cache_read_ids(struct store *s, const struct source *source, struct load *l, struct ids *ret);
/* What the cache says, `key: value` a line. The lock is held. */
void cache_add_status(const struct store *s, struct buf *ret);

#endif
