/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading: a table says how each kind comes: as a list of its own, or nested in its parents' list,
 * which brings the comments of all stories in as many requests as the stories take. Each load runs
 * once however many wait for it; who waits does so within its own limit.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "known.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"

enum {
	WAIT_MS = 50,		/* how often a waiter looks whether it was cancelled */
	FAILURE_KEPT_MS = 1000, /* who asks again within this gets the same answer */
};

static const struct source {
	enum kind kind;
	enum kind parent;
	const char *nested; /* the parent's field that holds them, or NULL: a list of its own */
	enum kind needs;    /* another kind of the project, without which it cannot be shown */
} sources[] = {
	{ KIND_project, KIND_none, NULL, KIND_none },
	{ KIND_project_membership, KIND_project, NULL, KIND_none },
	{ KIND_label, KIND_project, NULL, KIND_none },
	{ KIND_story, KIND_project, NULL, KIND_project_membership },
	{ KIND_epic, KIND_project, NULL, KIND_none },
	{ KIND_comment, KIND_story, "comments", KIND_none },
	{ KIND_comment, KIND_epic, "comments", KIND_project_membership },
	{ KIND_task, KIND_story, "tasks", KIND_none },
};

static const struct source *find_source(enum kind kind, enum kind parent)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (sources[i].kind == kind && sources[i].parent == parent)
			return &sources[i];
	}
	return NULL;
}

/* ---- the table of loads; the caller holds the lock ---- */

static struct load *find_load(struct store *s, const struct source *source, int64_t project_id)
{
	struct key key;
	struct load *l;

	memset(&key, 0, sizeof(key));
	key.kind = source->kind;
	key.parent = source->parent;
	key.id = project_id;
	HASH_FIND(hh, s->loads, &key, sizeof(key), l);
	if (!l) {
		l = xcalloc(1, sizeof(*l));
		l->key = key;
		HASH_ADD(hh, s->loads, key, sizeof(key), l);
	}
	return l;
}

static void wait_a_little(struct store *s)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WAIT_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&s->wake, &s->lock, &until);
}

static int repeat_failure(const struct load *l, struct call *call)
{
	v5_error_fini(&call->error);
	call->error.code = V5_OTHER;
	call->error.code_text = xstrdup("load_failed");
	call->error.error = xstrdup(l->words ? l->words : strerror(-l->failure));
	return l->failure;
}

/* Become the one who loads: 1. 0 when it is loaded, -errno when the one before us failed. */
static int claim(struct store *s, struct load *l, struct call *call)
{
	while (l->state == LOAD_RUNNING) {
		int e = call_limit_check(&call->limit);

		if (e < 0)
			return e;
		wait_a_little(s);
	}
	if (l->state == LOAD_DONE)
		return 0;
	if (l->failed_at && clock_monotonic_ms() - l->failed_at < FAILURE_KEPT_MS)
		return repeat_failure(l, call);
	l->state = LOAD_RUNNING;
	return 1;
}

static void release(struct store *s, struct load *l, int e, const struct call *call)
{
	lock_scope(&s->lock);
	bool was_own_limit = e == -EINTR || e == -ETIMEDOUT;

	l->state = e < 0 ? LOAD_NEVER : LOAD_DONE;
	l->failed_at = e < 0 && !was_own_limit ? clock_monotonic_ms() : 0;
	l->failure = e;
	free(l->words);
	l->words = e < 0 && call->error.error ? xstrdup(call->error.error) : NULL;
	pthread_cond_broadcast(&s->wake);
}

/* ---- fetching; no lock is held ---- */

static void warn_of(const struct api_listing *listing, enum kind kind)
{
	if (listing->problems.len)
		log_warning("%s: %s", schema_resource(kind)->plural, buf_str(&listing->problems));
}

/* Hosts that send no version with a list: the project's, as we last heard of it. */
static int64_t version_of(struct store *s, const struct api_listing *listing, int64_t project_id)
{
	struct entry *e = known_entry(s, KIND_project, project_id);

	if (listing->version || !e)
		return listing->version;
	return record_int(e->record, F_project_version, 0);
}

/* A list of its own. */
static int fetch_direct(struct store *s, struct load *l, const struct place *place,
	struct call *call, struct changes *changes)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	int e = api_list(s->api, place, NULL, call, &listing);

	if (e < 0)
		return e;
	warn_of(&listing, place->kind);
	lock_scope(&s->lock);
	known_replace(s, place, &listing.records, changes, known_collection(s, place) != NULL);
	l->version = version_of(s, &listing, l->key.id);
	return 0;
}

/* Put each parent's nested list where it belongs; 1 when the host did not nest. */
static int spread(struct store *s, const struct source *source, const struct records *parents,
	int64_t project_id, struct changes *changes)
{
	int f = schema_find_field(source->parent, source->nested);

	each_record(r, parents) {
		if (!record_has(r, f))
			return 1;
	}
	each_record(r, parents) {
		struct place place = { source->kind, 0, source->parent, record_id(r), project_id };

		known_replace(s, &place, &record_get(r, f)->records, changes,
			known_collection(s, &place) != NULL);
	}
	return 0;
}

/* Nested in the parents' list, for the whole project. */
static int fetch_nested(struct store *s, struct load *l, const struct source *source,
	struct call *call, struct changes *changes)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	struct place parents = { source->parent, 0, KIND_project, l->key.id, l->key.id };
	struct api_query query = { .fields = source->nested };
	int e = api_list(s->api, &parents, &query, call, &listing);

	if (e < 0)
		return e;
	warn_of(&listing, source->kind);
	lock_scope(&s->lock);
	l->apart = spread(s, source, &listing.records, l->key.id, changes) > 0;
	l->version = version_of(s, &listing, l->key.id);
	return 0;
}

static int fetch(struct store *s, struct load *l, const struct source *source, struct call *call)
{
	scoped(changes_fini) struct changes changes = { 0 };
	struct place place = { source->kind, 0, source->parent, l->key.id, l->key.id };
	int e;

	if (source->nested)
		e = fetch_nested(s, l, source, call, &changes);
	else
		e = fetch_direct(s, l, &place, call, &changes);
	changes_tell(s, &changes);
	return e;
}

static int load_once(
	struct store *s, const struct source *source, int64_t project_id, struct call *call)
{
	pthread_mutex_lock(&s->lock);
	struct load *l = find_load(s, source, project_id);
	int e = claim(s, l, call);

	pthread_mutex_unlock(&s->lock);
	if (e <= 0)
		return e;
	e = fetch(s, l, source, call);
	release(s, l, e, call);
	return e;
}

/* What a kind needs beside it may be denied to us: then it is shown without. */
static int load_needs(
	struct store *s, const struct source *source, int64_t project_id, struct call *call)
{
	const struct source *needs = find_source(source->needs, KIND_project);

	if (!needs)
		return 0;
	int e = load_once(s, needs, project_id, call);

	if (e != -EACCES && e != -ENOENT && e != -EOPNOTSUPP)
		return e;
	v5_error_fini(&call->error);
	return 0;
}

/* ---- what the store asks for ---- */

static bool is_known(struct store *s, enum kind kind, int64_t id)
{
	lock_scope(&s->lock);
	return kind == KIND_none || known_entry(s, kind, id) != NULL;
}

static int64_t project_around(struct store *s, const struct place *place)
{
	scoped(record_unref) struct record *parent = NULL;

	if (place->parent == KIND_none)
		return 0;
	if (place->parent == KIND_project)
		return place->parent_id;
	if (store_peek(s, place->parent, place->parent_id, &parent) > 0)
		return 0;
	return store_project_of(s, parent);
}

static bool is_apart(struct store *s, const struct source *source, const struct place *place)
{
	lock_scope(&s->lock);
	return find_load(s, source, place->project_id)->apart && !known_collection(s, place);
}

int load_collection(struct store *s, const struct place *place, struct call *call)
{
	const struct source *source = find_source(place->kind, place->parent);
	struct place whole = *place;
	int e = 0;

	whole.id = 0;
	whole.project_id = project_around(s, place);
	if (!source || !is_known(s, place->parent, place->parent_id))
		return 1;
	e = load_needs(s, source, whole.project_id, call);
	if (e < 0)
		return e;
	e = load_once(s, source, whole.project_id, call);
	if (e < 0 || !source->nested || !is_apart(s, source, &whole))
		return e;
	scoped(changes_fini) struct changes changes = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	e = api_list(s->api, &whole, NULL, call, &listing);
	if (e < 0)
		return e;
	lock_scope(&s->lock);
	known_replace(s, &whole, &listing.records, &changes, false);
	return 0;
}

static int reload(
	struct store *s, const struct source *source, int64_t project_id, struct call *call)
{
	pthread_mutex_lock(&s->lock);
	struct load *l = find_load(s, source, project_id);

	pthread_mutex_unlock(&s->lock);
	return fetch(s, l, source, call);
}

static bool is_behind(
	struct store *s, const struct source *source, int64_t project_id, int64_t version)
{
	lock_scope(&s->lock);
	struct load *l = find_load(s, source, project_id);

	return l->state == LOAD_DONE && l->version != version;
}

int load_again(struct store *s, int64_t project_id, int64_t version, struct call *call)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (sources[i].parent == KIND_none ||
			!is_behind(s, &sources[i], project_id, version))
			continue;
		int e = reload(s, &sources[i], project_id, call);

		if (e < 0)
			return e;
	}
	return 0;
}

int load_projects(struct store *s, struct call *call)
{
	return reload(s, find_source(KIND_project, KIND_none), 0, call);
}
