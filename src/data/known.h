/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the store share: the tables of what is known (store.c), how it is loaded
 * (load.c), sent (push.c) and kept fresh (sync.c).
 *
 * `lock` guards all members below it; nothing that may block is done while it is held.
 */
#ifndef STORYFS_DATA_KNOWN_H
#define STORYFS_DATA_KNOWN_H

#include <pthread.h>
#include <uthash.h>

#include "storyfs/store.h"

struct key {
	enum kind kind;
	enum kind parent;
	int64_t id;
};

/* A record we know. */
struct entry {
	struct key key; /* kind, KIND_none, id */
	struct record *record;
	enum kind parent;
	int64_t parent_id;
	int64_t mtime_ns;      /* of fields that never changed while we looked */
	int64_t *field_mtimes; /* of the others, 0 for the former; NULL while there are none */
	UT_hash_handle hh;
};

/* A collection we know: ids in V5's order. */
struct collection {
	struct key key; /* kind, parent's kind and id */
	struct ids ids;
	UT_hash_handle hh;
};

/* A load: one kind for one project (or, for projects, for all), below one kind of parent. */
struct load {
	struct key key; /* kind, parent's kind, project id */
	enum { LOAD_NEVER, LOAD_RUNNING, LOAD_DONE } state;
	bool apart;	   /* the host does not nest: a request a parent */
	int64_t version;   /* of the project, when it was true */
	int64_t failed_at; /* clock_monotonic_ms of the last failure, 0 for none */
	int failure;	   /* its -errno, and the words */
	char *words;
	UT_hash_handle hh;
};

struct store {
	struct api *api;
	int refresh_s;
	int64_t started_ns;
	void (*changed)(void *data, const struct change *change);
	void *data;
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t lock;
	pthread_cond_t wake; /* a load ended, or stopping was set; monotonic clock */
	bool stopping;
	struct entry *entries;
	struct collection *collections;
	struct load *loads;
	struct record *me;
};

/* Changes that were made under the lock, to be told after it. */
struct pending_change {
	struct change change;
	struct record *before, *after;
};

struct changes {
	size_t n;
	struct pending_change *items;
};

/* Tells the listener, holding nothing, and forgets them. */
void changes_tell(struct store *s, struct changes *changes);
void changes_fini(struct changes *changes);

/* store.c; the caller holds the lock. */
struct entry *known_entry(struct store *s, enum kind kind, int64_t id);
struct collection *known_collection(struct store *s, const struct place *place);
/* Put a record in, below its parent; borrowed. */
void known_put(struct store *s, const struct record *r, const struct place *place,
	struct changes *changes);
/* Put a record in whose parent is its kind's one by schema, at the end of its collection when that
 * is known and does not hold it yet. */
void known_add(struct store *s, const struct record *r, struct changes *changes);
/* Make a collection this list. tell: it was known before, so what came and went is a change. */
void known_replace(struct store *s, const struct place *place, const struct records *list,
	struct changes *changes, bool tell);

/* load.c */
/* The collection is known when this returns 0; 1 when there is no such parent. */
int load_collection(struct store *s, const struct place *place, struct call *call);
/* Ask again for everything of this project that was loaded before `version`. */
int load_again(struct store *s, int64_t project_id, int64_t version, struct call *call);
/* The list of projects, again. */
int load_projects(struct store *s, struct call *call);
/* Where a record is. */
struct place place_of(struct store *s, const struct record *r);

/* sync.c */
void sync_start(struct store *s);
void sync_stop(struct store *s);

SCOPED_VALUE(struct changes, changes_fini);

#endif
