/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads out of the cache. What the store has already is newer: it came from the host. */
#include <errno.h>
#include <string.h>

#include "cache.h"
#include "fetch.h"
#include "storyfs/alloc.h"
#include "storyfs/log.h"

/* ---- reading; no lock is held ---- */

/* What is wanted; false when nothing can be. */
static bool begin(struct store *s, const struct load *l, struct cache_load *ret, bool *ret_saved)
{
	if (!s->cache)
		return false;
	lock_scope(&s->lock);
	int64_t project_id = l->of_one ? known_project(s, l->key.parent, l->key.id) : l->key.id;

	*ret = (struct cache_load){ .group = { l->key.kind, l->key.parent, project_id },
		.of_one = l->of_one,
		.parent_id = l->of_one ? l->key.id : 0 };
	/* Another process may have written since what we read. */
	*ret_saved = s->cache->is_writer;
	return !s->cache->is_damaged && !l->was_former;
}

/* Other failures may be over soon; whatever it is, the host is asked. */
static int check(struct store *s, int e)
{
	if (e == -EBADMSG) {
		lock_scope(&s->lock);
		s->cache->is_damaged = true;
		cache_note(s);
	}
	return e ? 1 : 0;
}

static int read_rows(struct store *s, const struct cache_load *wanted, bool only_order,
	struct cache_load *ret, struct cache_rows *ret_rows)
{
	struct cache *c = s->cache;

	pthread_mutex_lock(&c->read_lock);
	int e = c->reader ? cache_db_read(c->reader, wanted, only_order, ret, ret_rows) : 1;

	pthread_mutex_unlock(&c->read_lock);
	return check(s, e);
}

/* ---- putting; the lock is held ---- */

static struct record *find_record(const struct records *list, int64_t id)
{
	size_t from = 0, to = list->n;

	while (from < to) {
		size_t at = from + (to - from) / 2;
		int64_t there = record_id(list->items[at]);

		if (there == id)
			return list->items[at];
		if (there < id)
			from = at + 1;
		else
			to = at;
	}
	return NULL;
}

static const struct ids *find_list(const struct cache_rows *rows, int64_t parent_id)
{
	static const struct ids none = { 0 };
	size_t from = 0, to = rows->n_lists;

	while (from < to) {
		size_t at = from + (to - from) / 2;

		if (rows->lists[at].parent_id == parent_id)
			return &rows->lists[at].ids;
		if (rows->lists[at].parent_id < parent_id)
			from = at + 1;
		else
			to = at;
	}
	return &none;
}

static void put_list(struct store *s, const struct place *place, const struct cache_rows *rows)
{
	scoped(records_fini) struct records list = { 0 };
	scoped(intake_fini) struct intake in = { 0 };
	scoped(ids_fini) struct ids order = { 0 };
	const struct ids *ids = find_list(rows, place->parent_id);

	for (size_t i = 0; i < ids->n; i++) {
		struct record *r = find_record(&rows->records, ids->v[i]);

		if (r && !known_entry(s, place->kind, ids->v[i]))
			records_add(&list, record_ref(r));
		ids_add(&order, ids->v[i]);
	}
	if (ids->n)
		known_follow(s, place, &list, &order, &in);
	else
		known_replace(s, place, &list, &in);
}

/* A list for each parent there is. */
static void put_lists(struct store *s, struct place place, const struct cache_rows *rows)
{
	struct place parents = {
		.kind = place.parent, .parent = KIND_project, .parent_id = place.project_id
	};
	const struct collection *c = known_collection(s, &parents);

	for (size_t i = 0; c && i < c->ids.n; i++) {
		place.parent_id = c->ids.v[i];
		if (known_entry(s, place.parent, place.parent_id))
			put_list(s, &place, rows);
	}
}

static void put_me(struct store *s, const struct cache_rows *rows, bool is_saved)
{
	scoped(intake_fini) struct intake in = { 0 };

	if (rows->records.n)
		known_put_me(s, rows->records.items[0], &in);
	if (!is_saved || !s->me)
		return;
	record_unref(s->cache->me);
	s->cache->me = record_ref(s->me);
}

static void put_rows(struct store *s, const struct source *source, const struct load *l,
	const struct cache_rows *rows)
{
	int64_t project_id = l->of_one ? known_project(s, source->parent, l->key.id) : l->key.id;
	struct place place = { source->kind, 0, source->parent, l->key.id, project_id };

	if (source->nested && !l->of_one && !l->apart)
		put_lists(s, place, rows);
	else if (!l->apart)
		put_list(s, &place, rows);
}

/* When what a load shows was true: what is of the version that the project had when the host was
 * last heard of was true then, too. */
static int64_t true_when(struct store *s, const struct load *l, const struct cache_load *load)
{
	const struct entry *project = known_entry(s, KIND_project, load->group.project_id);
	int64_t version = project ? record_int(project->record, F_project_version, 0) : 0;
	bool is_of_then = l->key.parent == KIND_none || version == load->version;

	return is_of_then && s->cache->former_ms > load->true_ms ? s->cache->former_ms
								 : load->true_ms;
}

/* No activity tells when some kinds change, nor some hosts of any: those are asked for again. */
static int64_t version_of(const struct source *source, const struct cache_load *load)
{
	bool is_told = source->parent == KIND_none || (!source->untold && load->version > 0);

	return is_told ? load->version : NO_VERSION;
}

/* Does the list of one parent go with what is known of all? */
static bool fits(struct store *s, const struct load *l, const struct cache_load *load)
{
	const struct load *whole = l->of_one ? known_whole(s, l) : NULL;

	return !l->of_one || (whole && whole->done && load->version >= whole->version);
}

static void set_saved(struct load *l, const struct cache_load *load)
{
	free(l->saved.problems);
	l->saved = (struct load_saved){ true, load->apart, load->missing, load->version,
		load->problems ? xstrdup(load->problems) : NULL };
}

int cache_restore(struct store *s, const struct source *source, struct load *l)
{
	scoped(cache_load_fini) struct cache_load wanted = { 0 };
	scoped(cache_load_fini) struct cache_load load = { 0 };
	scoped(cache_rows_fini) struct cache_rows rows = { 0 };
	bool is_saved;

	if (!begin(s, l, &wanted, &is_saved) || read_rows(s, &wanted, false, &load, &rows))
		return 1;
	lock_scope(&s->lock);
	if (!load_has_parent(s, l) || !fits(s, l, &load))
		return 1;
	s->cache->restoring = true;
	l->apart = load.apart;
	l->missing = load.missing;
	if (source->kind == KIND_me)
		put_me(s, &rows, is_saved);
	else
		put_rows(s, source, l, &rows);
	s->cache->restoring = false;
	l->version = version_of(source, &load);
	l->former_ms = true_when(s, l, &load);
	l->was_former = true;
	free(l->problems);
	l->problems = load.problems ? xstrdup(load.problems) : NULL;
	if (is_saved)
		set_saved(l, &load);
	sync_look_soon(s);
	return 0;
}

/* Once the host was looked at, nothing older is shown. */
static bool may_be_shown(
	struct store *s, const struct source *source, const struct cache_load *load)
{
	lock_scope(&s->lock);
	const struct entry *project = known_entry(s, KIND_project, load->group.project_id);
	int64_t version = version_of(source, load);

	return !s->looked_ms ||
	       (project && version > 0 &&
		       version == record_int(project->record, F_project_version, 0));
}

int cache_read_ids(struct store *s, const struct source *source, struct load *l, struct ids *ret)
{
	scoped(cache_load_fini) struct cache_load wanted = { 0 };
	scoped(cache_load_fini) struct cache_load load = { 0 };
	scoped(cache_rows_fini) struct cache_rows rows = { 0 };
	bool is_saved;

	if ((source->parent != KIND_none && source->parent != KIND_project) ||
		!begin(s, l, &wanted, &is_saved) || read_rows(s, &wanted, true, &load, &rows) ||
		!may_be_shown(s, source, &load))
		return 1;
	if (rows.n_lists) {
		*ret = rows.lists[0].ids;
		rows.lists[0].ids = (struct ids){ 0 };
	}
	lock_scope(&s->lock);
	l->is_listed = true;
	sync_look_soon(s);
	return 0;
}
