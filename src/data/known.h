/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the store share: the tables of what is known (known.c), how it is loaded
 * (load.c), sent (push.c) and kept fresh (sync.c).
 *
 * `lock` guards all members below it and what they lead to; nothing that may block is done while it
 * is held, and no callback is called.
 */
#ifndef STORYFS_DATA_KNOWN_H
#define STORYFS_DATA_KNOWN_H

#include <pthread.h>

#include "storyfs/store.h"
#include "storyfs/table.h"

/* A hash key: no bytes of it are padding. */
struct key {
	enum kind kind;
	enum kind parent;
	int64_t id;
};

/* A record we know. */
struct entry {
	struct table_item item;
	struct key key; /* kind, KIND_none, id */
	struct record *record;
	enum kind parent;
	int64_t parent_id;
	uint64_t empty;	       /* by kind: collections below it that are known to have nothing */
	uint64_t written;      /* the store's n_writes when we saved it last; 0: never */
	int64_t mtime_ns;      /* when anything of it last changed */
	int64_t first_ns;      /* the time of fields that never changed while we looked */
	int64_t *field_mtimes; /* of the others, 0 for the former; NULL while there are none */
};

/* A collection we know: ids in V5's order. */
struct collection {
	struct table_item item;
	struct key key; /* kind, parent's kind and id */
	struct ids ids;
	uint64_t stamp;	    /* another one whenever ids or one of the records changed */
	int64_t mtime_ns;   /* when ids last changed while we looked; 0: never */
	int64_t touched_ns; /* when ids or one of the records did */
};

/* What we deleted: an answer that was asked for before does not bring it back. */
struct tombstone {
	struct table_item item;
	struct key key;	  /* kind, KIND_none, id */
	uint64_t written; /* the store's n_writes then */
};

/* A load as it is in the cache's file. */
struct load_saved {
	bool is_there, apart, missing;
	int64_t version;
	char *problems;
};

/* A load: one kind below one kind of parent, for a whole project (or, for projects and me, for
 * all), or for one parent where the host does not nest. Lives as long as the store. */
struct load {
	struct table_item item;
	struct key key; /* kind, parent's kind, the project's id or the parent's */
	bool of_one;	/* parent */
	bool running, done;
	bool apart;		      /* the host does not nest: a load a parent */
	bool missing;		      /* nor does it list them: there are none */
	struct api_progress progress; /* while it runs */
	int64_t version;   /* of the project, when it was true; NO_VERSION: too old in any case */
	int64_t failed_at; /* clock_monotonic_ms of the last failure, 0 for none */
	int failure;	   /* its -errno, and the words */
	char *words;
	char *problems; /* of the last one: what was not as V5 has it, a line each, or NULL */
	/* It came from the cache: when it was true. 0 when the host said since that it is. */
	int64_t former_ms;
	bool was_former; /* it came from there once, which is enough */
	bool is_listed;	 /* it was not loaded, but its ids were given out from the cache */
	struct load_saved saved;
};

enum { NO_VERSION = -1 };

struct store {
	struct api *api;
	struct downloads *downloads; /* with a lock of its own */
	struct cache *cache;	     /* or NULL (cache.h) */
	int refresh_s;
	int (*count_writes)(void *data, int64_t *ret);	    /* of the source, or NULL */
	void (*describe_host)(void *data, struct buf *ret); /* or NULL */
	void *source_data;
	int64_t started_ns;
	void (*changed)(void *data, const struct change *change);
	void *data;
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t lock;
	pthread_cond_t wake; /* a load or a refresh ended, or stopping was set; monotonic clock */
	int n_telling;	     /* threads that are in the listener; wake is about its being 0, too */
	bool stopping;
	bool refreshing;	  /* one at a time: an older list must not follow a newer one */
	bool look_wanted;	  /* soon: something came from the cache */
	int64_t looked_ms;	  /* when the host last told the projects' versions; 0: never */
	int64_t failing_since_ms; /* when the first look of those that failed since was; 0: none did
				   */
	const char *failing_how;  /* "does not answer" */
	char *failure;		  /* what the last one of them failed with */
	uint64_t n_writes, n_stamps;
	struct table entries, collections, tombstones, selections;
	size_t selected_bytes;		 /* what the selections take */
	struct table loads, loads_apart; /* by project, by parent */
	struct record *me;
	int64_t me_mtime_ns;
};

/* Changes that were made under the lock, to be told after it. */
struct pending_change {
	struct change change;
	struct record *before, *after;
};

/* An answer on its way into the tables. */
struct intake {
	uint64_t since; /* n_writes when it was asked for: what we wrote later is newer than it */
	bool tell;	/* it was known before, so what is new in it is a change */
	size_t n, cap;
	struct pending_change *changes;
};

/* intake.c */
/* A change of what the entry is of; before is the record it had, for CHANGE_RECORD. */
void intake_add(struct intake *in, enum change_type type, const struct entry *e,
	const struct place *place, const struct record *before);
/* Tells the listener of the changes, holding nothing, and forgets them. */
void intake_tell(struct store *s, struct intake *in);
void intake_fini(struct intake *in);

/* known.c; the caller holds the lock. */
struct key make_key(enum kind kind, enum kind parent, int64_t id);
struct entry *known_entry(struct store *s, enum kind kind, int64_t id);
/* To look at; NULL when it is not known. One that never had anything has no memory of its own. */
const struct collection *known_collection(struct store *s, const struct place *place);
/* The project around a resource, 0 when that is not known. */
int64_t known_project(struct store *s, enum kind kind, int64_t id);
/* Put a record in, below its parent; borrowed. */
void known_put(
	struct store *s, const struct record *r, const struct place *place, struct intake *in);
/* Who we are; borrowed. */
void known_put_me(struct store *s, const struct record *me, struct intake *in);
/* Put what we wrote in: a record of the store (another one is left alone), or a new one at the end
 * of its collection when that is known (else it is in it as soon as it is loaded). */
void known_put_written(struct store *s, const struct record *r, struct intake *in);
void known_add_written(
	struct store *s, const struct record *r, const struct place *place, struct intake *in);
/* We moved it before or after (after true) another one of its collection. */
void known_move_written(
	struct store *s, const struct place *place, int64_t other, bool after, struct intake *in);
/* What we deleted is no longer known, with all that hangs below. */
void known_remove_written(struct store *s, enum kind kind, int64_t id, struct intake *in);
/* Make a collection this list; what left it goes, with all that hangs below. */
void known_replace(
	struct store *s, const struct place *place, const struct records *list, struct intake *in);
/* Of a collection these are new or have new values, and this is its order (taken over); ids of
 * which nothing is known are left out of it. */
void known_follow(struct store *s, const struct place *place, const struct records *list,
	struct ids *order, struct intake *in);
void known_fini(struct store *s);
/* ms of the record's own clock: updated_at, or created_at; 0 when it has neither. */
int64_t written_at(const struct record *r);

/* The load of all parents' lists that this one parent's is of; NULL. */
struct load *known_whole(struct store *s, const struct load *one);

/* wait.c */
/* Wait while *busy, a flag that s->wake is about; the lock is held, but not while waiting or asking
 * the limit. -EINTR or -ETIMEDOUT, with words in the call. */
int known_wait(struct store *s, const bool *busy, struct call *call);

/* load.c; again.c */
/* The collection is known when this returns 0; 1 when there is no such parent. */
int load_collection(struct store *s, const struct place *place, struct call *call);
int load_me(struct store *s, struct call *call);
/* The collection's ids, where the cache tells them before the host was looked at, and nothing is
 * loaded for that; 1 when it must be. */
int load_ids(struct store *s, const struct place *place, struct ids *ret);
/* Load what was given out as ids alone. */
void load_listed(struct store *s, struct call *call);
/* Ask again for what is of no project, or who we are, and came from the cache: no version tells
 * whether it is another one. */
int load_former(struct store *s, struct call *call);
/* Ask again for everything of this project that was loaded at another version. What is refused is
 * left as it was, and the rest still asked for; the last error is returned. */
int load_again(struct store *s, int64_t project_id, int64_t version, struct call *call);
/* What is ours and of no project, as far as it was loaded, again. */
int load_mine(struct store *s, struct call *call);
/* A collection that was loaded, again, at once. */
int load_collection_again(struct store *s, const struct place *place, struct call *call);
/* The list of projects, again. */
int load_projects(struct store *s, struct call *call);

/* select.c */
void selections_fini(struct store *s);

/* sync.c */
void sync_start(struct store *s);
void sync_stop(struct store *s);
/* Look at the versions at once; the lock is held. */
void sync_look_soon(struct store *s);

SCOPED_VALUE(struct intake, intake_fini);

#endif
