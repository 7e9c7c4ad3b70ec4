/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store's life and its answers. What it knows is in known.c. */
#include "storyfs/store.h"

#include <string.h>
#include <time.h>

#include "cache.h"
#include "downloads.h"
#include "known.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

#define NS_PER_MS INT64_C(1000000)

/* A node's number has room for both. */
#define MAX_NUMBER (INT64_C(1) << 15)
#define MAX_PROJECT (INT64_C(1) << 32)

struct store *store_new(struct api *api, const struct store_config *config)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->api = api;
	s->refresh_s = config->refresh_s;
	s->count_writes = config->count_writes;
	s->describe_host = config->describe_host;
	s->source_data = config->data;
	s->started_ns = clock_now_ms() * NS_PER_MS;
	pthread_mutex_init(&s->lock, NULL);
	thread_init_cond(&s->wake);
	s->downloads = downloads_new(api, config);
	cache_open(s, config);
	sync_start(s);
	return s;
}

void store_set_listener(
	struct store *s, void (*changed)(void *data, const struct change *change), void *data)
{
	lock_scope(&s->lock);
	s->changed = NULL;
	while (s->n_telling)
		pthread_cond_wait(&s->wake, &s->lock);
	s->changed = changed;
	s->data = data;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	sync_stop(s);
	cache_close(s);
	downloads_free(s->downloads);
	known_fini(s);
	api_free(s->api);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- answers ---- */

int store_peek_list(struct store *s, const struct place *place, struct records *ret)
{
	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, place);

	for (size_t i = 0; c && i < c->ids.n; i++) {
		struct entry *entry = known_entry(s, place->kind, c->ids.v[i]);

		if (entry)
			records_add(ret, record_ref(entry->record));
	}
	return c ? 0 : 1;
}

int store_list(struct store *s, const struct place *place, struct call *call, struct records *ret)
{
	int e = load_collection(s, place, call);

	if (e)
		return e;
	/* A parent that came after the whole was loaded has no list yet. */
	store_peek_list(s, place, ret);
	return 0;
}

int store_list_ids(struct store *s, const struct place *place, struct call *call, struct ids *ret)
{
	if (load_ids(s, place, ret) == 0)
		return 0;
	int e = load_collection(s, place, call);

	if (e == 0)
		store_peek_ids(s, place, ret);
	return e;
}

int store_find(struct store *s, const struct place *place, struct call *call, struct record **ret)
{
	int e = load_collection(s, place, call);

	if (e)
		return e;
	lock_scope(&s->lock);
	struct entry *entry = known_entry(s, place->kind, place->id);

	if (!entry || entry->parent != place->parent || entry->parent_id != place->parent_id)
		return 1;
	*ret = record_ref(entry->record);
	return 0;
}

int store_peek(struct store *s, enum kind kind, int64_t id, struct record **ret)
{
	lock_scope(&s->lock);
	struct entry *e = known_entry(s, kind, id);
	struct record *r = kind == KIND_me ? s->me : e ? e->record : NULL;

	if (!r)
		return 1;
	*ret = record_ref(r);
	return 0;
}

void store_peek_all(struct store *s, const struct place *place, struct records *ret)
{
	const struct entry *e = NULL;

	lock_scope(&s->lock);
	while ((e = table_next(&s->entries, e))) {
		if (e->key.kind == place->kind && e->parent == place->parent &&
			known_project(s, e->parent, e->parent_id) == place->project_id)
			records_add(ret, record_ref(e->record));
	}
}

int store_get_me(struct store *s, struct call *call, struct record **ret)
{
	int e = load_me(s, call);

	return e < 0 ? e : store_peek(s, KIND_me, 0, ret);
}

int64_t store_mtime(struct store *s, enum kind kind, int64_t id, int f)
{
	lock_scope(&s->lock);
	struct entry *e = known_entry(s, kind, id);

	if (!e)
		return kind == KIND_me && s->me ? s->me_mtime_ns : s->started_ns;
	if (f < 0)
		return e->mtime_ns;
	return e->field_mtimes && e->field_mtimes[f] ? e->field_mtimes[f] : e->first_ns;
}

int64_t store_list_mtime(struct store *s, const struct place *place)
{
	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, place);

	return c ? c->mtime_ns : 0;
}

int64_t store_touched(struct store *s, const struct place *place)
{
	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, place);

	return c ? c->touched_ns : 0;
}

uint64_t store_stamp(struct store *s, const struct place *place)
{
	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, place);

	return c ? c->stamp : 0;
}

int64_t store_project_of(struct store *s, const struct record *r)
{
	lock_scope(&s->lock);
	return known_project(s, record_kind(r), record_id(r));
}

/* ---- what was wrong ---- */

/* As the host's path; of what came nested, that of the list it came in. */
static void add_problems(const struct load *l, struct buf *ret)
{
	bool is_nested = !l->of_one && l->key.parent != KIND_project && l->key.parent;
	struct place place = { .kind = is_nested ? l->key.parent : l->key.kind,
		.parent = is_nested ? KIND_project : l->key.parent,
		.parent_id = l->key.id };
	const char *plural = schema_resource(l->key.kind)->plural;

	if (!l->problems)
		return;
	buf_add_str(ret, ret->len ? "\nof " : "of ");
	api_add_path(&place, ret);
	buf_add_fmt(ret, "%s%s the host sent what is no V5:\n%s", is_nested ? ", their " : "",
		is_nested ? plural : "", l->problems);
}

void store_add_problems(struct store *s, struct buf *ret)
{
	const struct load *l = NULL;

	lock_scope(&s->lock);
	while ((l = table_next(&s->loads, l)))
		add_problems(l, ret);
	while ((l = table_next(&s->loads_apart, l)))
		add_problems(l, ret);
}

int64_t store_id_of(const struct place *place, int64_t shown)
{
	if (place->kind != KIND_iteration)
		return shown;
	return shown > 0 && shown < MAX_NUMBER && place->parent_id < MAX_PROJECT
		       ? place->parent_id * MAX_NUMBER + shown
		       : 0;
}

int64_t store_shown_id(enum kind kind, int64_t id)
{
	return kind == KIND_iteration ? id % MAX_NUMBER : id;
}

int64_t store_parent_of(struct store *s, const struct record *r)
{
	lock_scope(&s->lock);
	struct entry *e = known_entry(s, record_kind(r), record_id(r));

	return e ? e->parent_id : 0;
}

int store_read_file(struct store *s, const struct record *file, const struct file_part *part,
	struct call *call, struct buf *ret)
{
	return downloads_read(s->downloads, file, part, call, ret);
}
