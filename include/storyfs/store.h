/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What we know of a V5 source, in memory: records by kind and id, and collections in V5's order.
 * A collection (the stories of a project; the comments of all its stories) is loaded whole when it
 * is first needed, once for however many ask at the same time; what is loaded is answered without
 * the network. One thread looks at the projects' versions every refresh seconds and fetches what
 * moved.
 *
 * Any thread may call. Records given out are the caller's references and never change.
 */
#ifndef STORYFS_STORE_H
#define STORYFS_STORE_H

#include "storyfs/api.h"
#include "storyfs/error.h"
#include "storyfs/record.h"

struct store;

/* Ids are below it: that is the room in a file's number. */
#define STORE_MAX_ID (INT64_C(1) << 47)

/* What changed: a record's fields, or the membership of a collection. */
struct change {
	enum change_type {
		CHANGE_RECORD,	/* record kind/id has new values */
		CHANGE_ADDED,	/* kind/id is now in its parent's collection */
		CHANGE_REMOVED, /* and is no longer */
		CHANGE_ORDER,	/* the collection (kind, parent) has another order; id is 0 */
	} type;
	enum kind kind;
	int64_t id;
	enum kind parent; /* of ADDED and REMOVED; KIND_none for projects */
	int64_t parent_id;
	const struct record *before, *after; /* of RECORD; borrowed for the call */
};

struct store_config {
	int refresh_s; /* 0: never look by itself */
	/* A number that is another one as soon as somebody wrote into the source, where that is
	 * cheap to know: it is asked a few times a second, by the sync thread, and what moved is
	 * looked at at once. -errno when it cannot be told just now. NULL: there is none. */
	int (*count_writes)(void *data, int64_t *ret);
	/* Append what there is to say of the host to the status, `key: value` a line. NULL:
	 * nothing.
	 */
	void (*describe_host)(void *data, struct buf *ret);
	void *data;
	/* Where files of the host are kept while they are read, without names: a directory, made
	 * when it is missing; NULL, or when that fails, the system's for temporary files. Texts are
	 * copied.
	 */
	const char *cache_dir;
	int64_t cache_bytes; /* all of them together, but for those in use; 0: 1 GiB */
	int64_t stall_ms;    /* a download ends when nothing comes for that long; 0: 30 s */
	/* What is loaded is kept in the cache_dir, too, for the next store of the same source and
	 * person, which this names: no secret, and a file's name. NULL: it is not. What the file
	 * has is given out before the host is asked, and corrected at once by a look at the host;
	 * while that does not answer, it is what there is. */
	const char *cache_name;
};

/* Takes the API over. Starts the sync thread when there is something to refresh; call it after the
 * process became a daemon. Does not touch the network. */
struct store *store_new(struct api *api, const struct store_config *config);
/* Who is told of changes, foreign ones and this store's own: by the sync thread or the thread that
 * saved, holding nothing, and possibly two at once. What hangs below a removed resource goes
 * without further word. Set before anything is listed; set to NULL, it waits until nobody is being
 * told any more. */
void store_set_listener(
	struct store *s, void (*changed)(void *data, const struct change *change), void *data);
/* Ends the sync thread, also when it is waiting for an answer. */
void store_free(struct store *s);

/* Who we are. */
int store_get_me(struct store *s, struct call *call, struct record **ret);

/* Of activity the newest so many are known: of a project, and of what is ours. */
enum { STORE_ACTIVITY_MAX = 5000, STORE_OWN_ACTIVITY_MAX = 500 };

/*
 * A collection (place: kind, parent, parent_id), by the table in data/sources.c: projects,
 * workspaces and notifications (no parent), stories, labels, iterations... of a project, comments
 * of a story or an epic, tasks of a story. Loads it when needed, for the whole project at once. 1
 * when there is no such parent. A failure is kept for a second.
 *
 * What happened is one list a project: story_transitions, oldest first, and activity, newest first,
 * condensed (json_activity.h); or one of activity that is ours, below no parent.
 */
int store_list(struct store *s, const struct place *place, struct call *call, struct records *ret);
/* One of a collection (place, with id), loading it like store_list; 1 when it holds no such id. */
int store_find(struct store *s, const struct place *place, struct call *call, struct record **ret);
/* The collection as far as it is known, without the network; 1 when it was never loaded. */
int store_peek_list(struct store *s, const struct place *place, struct records *ret);
/* The ids of a collection, loading it like store_list; sooner where the cache has them. */
int store_list_ids(struct store *s, const struct place *place, struct call *call, struct ids *ret);
/* What is known, without the network; 1 when it is not (yet, or any more). */
int store_peek(struct store *s, enum kind kind, int64_t id, struct record **ret);
/* All that is known of a collection's kind (place: kind, parent, project_id), below whatever
 * parents of that kind in the project, in no order. */
void store_peek_all(struct store *s, const struct place *place, struct records *ret);
/* The project a loaded resource belongs to, 0 when it is not known. */
int64_t store_project_of(struct store *s, const struct record *r);

/* The id of the resource it hangs below, 0 when there is none or it is not known. */
int64_t store_parent_of(struct store *s, const struct record *r);

/* The store's id of what a place's collection shows as a number, and back: they are the same but
 * for iterations, whose numbers are their project's. 0: it can have none. */
int64_t store_id_of(const struct place *place, int64_t shown);
int64_t store_shown_id(enum kind kind, int64_t id);

/* Nanoseconds since the epoch (KIND_none: when the store was made) at which the field (or, with -1,
 * any field) last took another value, as far as this store saw, and updated_at before that. Moves
 * whenever the value moves, and only then. */
int64_t store_mtime(struct store *s, enum kind kind, int64_t id, int f);
/* When a loaded collection last got or lost a resource while this store looked; 0: never. */
int64_t store_list_mtime(struct store *s, const struct place *place);
/* When a loaded collection or a record in it last changed while this store looked; 0: never. */
int64_t store_touched(struct store *s, const struct place *place);
/* A number that is another one whenever a collection, or a record in it, is; 0 while it is not
 * loaded. For what is derived from a whole collection. */
uint64_t store_stamp(struct store *s, const struct place *place);

/* Append what the host sent of what is loaded that is not as V5 has it (a value of another type, an
 * id that can be none), a paragraph a list; what it is about is not shown, or not as it came. */
void store_add_problems(struct store *s, struct buf *ret);
/* Append how fresh what is known is, `key: value` a line: how often the host is looked at, when it
 * last told the projects' versions, and since when it does not, with its words; of when is what
 * comes from the cache and was not looked at since. */
void store_add_status(struct store *s, struct buf *ret);

/* Where a record of the store is; false when the store does not hold it (any more). */
bool store_find_place(struct store *s, const struct record *r, struct place *ret);

/* Ask the server for a record of the store: one GET. *ret is the record as it is now, in the store,
 * too; changes are told. call->version is the project's then. -ESTALE as store_update. */
int store_look(struct store *s, const struct record *old, struct call *call, struct record **ret);

/* What the write by which a project came to this version changed of a record: the values before it,
 * as a record of those fields. One request for the project's activity. 1 when that tells nothing
 * of the record. */
int store_look_back(struct store *s, const struct record *r, int64_t version, struct call *call,
	struct record **ret);

/*
 * Send a patch for a record of the store: one PUT. *ret is the record as it is now, in the store,
 * too. -ESTALE, with nothing sent, when the store no longer holds it. When the outcome is unknown
 * (no answer in time, cut off) the resource is looked at again: 0 when the patch had been carried
 * out, else the error. Nothing is sent twice. Changes are told to the listener. A patch with
 * before_id or after_id moves it within its collection.
 */
int store_update(struct store *s, const struct record *old, const struct record *patch,
	struct call *call, struct record **ret);

/*
 * Create what the patch says in a collection (place, without an id): one POST, which is never sent
 * twice. *ret is the resource as it is now, in the store, too, and in its collection when that is
 * known. When the outcome is unknown the collection is asked for (store_find_made): 0 when it was
 * made all the same, else the error; then it may still be made, by a host that takes its time.
 */
int store_create(struct store *s, const struct place *place, const struct record *patch,
	struct call *call, struct record **ret);

/* The ids of a collection as far as it is known; 1 when it was never loaded. */
int store_peek_ids(struct store *s, const struct place *place, struct ids *ret);
/*
 * Was what the patch says made in a collection (place, without an id) since that held these ids? It
 * is asked for again. By what the patch says, and the person we are, where that is told; what this
 * store made in another request is not it, nor what it found so before. *ret is the record, in the
 * store, too. 1 when it was not made; -errno when that cannot be known now. Of a collection that
 * was not known (before is NULL) the project's activity since a version tells what was made; when
 * that is 0, or there is none, nothing is known to be new.
 */
struct creation {
	struct place place;
	const struct record *patch;
	const struct ids *before;
	int64_t since;
};

int store_find_made(
	struct store *s, const struct creation *what, struct call *call, struct record **ret);

/* Delete a record of the store: one DELETE. 0 also when the server no longer had it. When the
 * outcome is unknown the resource is looked at, and if it is gone, that is 0, too. */
int store_delete(struct store *s, const struct record *old, struct call *call);

/*
 * Up to part->max bytes of a file_attachment of the store, from part->at on, appended; less only at
 * its end, which is where its size says. It is downloaded when it is first read, once for however
 * many read it, goes on when a reader's time is over (-ETIMEDOUT: ask again), and is kept for a
 * while. -EIO when the host sends more or less than that size.
 */
struct file_part {
	int64_t at;
	size_t max;
};

int store_read_file(struct store *s, const struct record *file, const struct file_part *part,
	struct call *call, struct buf *ret);
/*
 * Send a file and post a comment that holds it, on the story or epic of the place (of
 * file_attachments, without an id): two POSTs, neither sent twice; a file that came to no comment
 * is nowhere to be seen. *ret is the attachment, in the store from then on. When the outcome is
 * unknown the host is asked whether it is there: 0 when it is, else the error.
 */
int store_attach(struct store *s, const struct place *place, const struct api_file *file,
	struct call *call, struct record **ret);

/*
 * The ids of a project's stories that the server selects, in its order: by a query in V5's search
 * language, or the stories of an iteration scope ("current"). Asked for again when the project
 * moved or something was written since. -EINVAL with V5's words for a bad query.
 */
struct selector {
	int64_t project_id;
	enum {
		SELECT_QUERY,
		SELECT_SCOPE,
	} by;
	const char *text;
};

int store_select(struct store *s, const struct selector *what, struct call *call, struct ids *ret);

/* Look at the versions now, as the sync thread would; what moved is loaded before it returns. */
int store_refresh(struct store *s, struct call *call);

SCOPED_PTR(struct store, store_free);

#endif
