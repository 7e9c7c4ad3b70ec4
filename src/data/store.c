/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known: three tables (records, collections, loads) under one lock. Records are replaced,
 * never changed; what a replacement changed is collected and told after the lock is given back.
 */
#include "storyfs/store.h"

#include <string.h>
#include <time.h>

#include "known.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"

#define NS_PER_MS INT64_C(1000000)

void changes_fini(struct changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		record_unref(changes->items[i].before);
		record_unref(changes->items[i].after);
	}
	free(changes->items);
	*changes = (struct changes){ 0 };
}

void changes_tell(struct store *s, struct changes *changes)
{
	for (size_t i = 0; s->changed && i < changes->n; i++) {
		struct pending_change *item = &changes->items[i];

		item->change.before = item->before;
		item->change.after = item->after;
		s->changed(s->data, &item->change);
	}
	changes_fini(changes);
}

static void add_change(struct changes *changes, enum change_type type, const struct entry *entry,
	const struct record *before)
{
	changes->items = xrealloc(changes->items, changes->n + 1, sizeof(*changes->items));
	changes->items[changes->n++] = (struct pending_change){
		.change = { .type = type,
			.kind = entry->key.kind,
			.id = entry->key.id,
			.parent = entry->parent,
			.parent_id = entry->parent_id },
		.before = before ? record_ref(before) : NULL,
		.after = record_ref(entry->record),
	};
}

/* ---- life ---- */

struct store *store_new(struct api *api, const struct store_config *config)
{
	struct store *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;

	s->api = api;
	s->refresh_s = config->refresh_s;
	s->started_ns = clock_now_ms() * NS_PER_MS;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	sync_start(s);
	return s;
}

void store_set_listener(
	struct store *s, void (*changed)(void *data, const struct change *change), void *data)
{
	lock_scope(&s->lock);
	s->changed = changed;
	s->data = data;
}

static void entry_free(struct entry *e)
{
	record_unref(e->record);
	free(e->field_mtimes);
	free(e);
}

void store_free(struct store *s)
{
	struct entry *e, *next_e;
	struct collection *c, *next_c;
	struct load *l, *next_l;

	if (!s)
		return;
	sync_stop(s);
	HASH_ITER(hh, s->entries, e, next_e) {
		HASH_DEL(s->entries, e);
		entry_free(e);
	}
	HASH_ITER(hh, s->collections, c, next_c) {
		HASH_DEL(s->collections, c);
		ids_fini(&c->ids);
		free(c);
	}
	HASH_ITER(hh, s->loads, l, next_l) {
		HASH_DEL(s->loads, l);
		free(l->words);
		free(l);
	}
	record_unref(s->me);
	api_free(s->api);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- records ---- */

/* A hash key has no stray padding bytes. */
static struct key make_key(enum kind kind, enum kind parent, int64_t id)
{
	struct key key;

	memset(&key, 0, sizeof(key));
	key.kind = kind;
	key.parent = parent;
	key.id = id;
	return key;
}

struct entry *known_entry(struct store *s, enum kind kind, int64_t id)
{
	struct key key = make_key(kind, KIND_none, id);
	struct entry *e;

	HASH_FIND(hh, s->entries, &key, sizeof(key), e);
	return e;
}

/* ms of the record's own clock: updated_at, or created_at; 0 when it has neither. */
static int64_t written_at(const struct record *r)
{
	static const char *const keys[] = { "updated_at", "created_at" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		int f = schema_find_field(record_kind(r), keys[i]);

		if (f >= 0 && record_has(r, f))
			return record_int(r, f, 0);
	}
	return 0;
}

static int64_t field_mtime(const struct entry *e, int f)
{
	return e->field_mtimes && e->field_mtimes[f] ? e->field_mtimes[f] : e->mtime_ns;
}

/* Fields with another value than before get a later time: the record's own clock where that moved,
 * else one tick more, so that no change hides behind an old time. */
static bool move_mtimes(struct entry *e, const struct record *before)
{
	enum kind kind = e->key.kind;
	int64_t now = written_at(e->record) * NS_PER_MS;
	bool moved = false;

	each_field(f, kind) {
		if (value_same(
			    schema_field(kind, f), record_get(before, f), record_get(e->record, f)))
			continue;
		int64_t old = field_mtime(e, f);

		if (!e->field_mtimes)
			e->field_mtimes = xcalloc(
				(size_t)schema_resource(kind)->n_fields, sizeof(*e->field_mtimes));
		e->field_mtimes[f] = now > old ? now : old + 1;
		moved = true;
	}
	return moved;
}

static struct entry *add_entry(struct store *s, const struct record *r, const struct place *place)
{
	struct entry *e = xcalloc(1, sizeof(*e));
	int64_t at = written_at(r);

	e->key = make_key(record_kind(r), KIND_none, record_id(r));
	e->record = record_ref(r);
	e->parent = place->parent;
	e->parent_id = place->parent_id;
	e->mtime_ns = at ? at * NS_PER_MS : s->started_ns;
	HASH_ADD(hh, s->entries, key, sizeof(e->key), e);
	return e;
}

void known_put(
	struct store *s, const struct record *r, const struct place *place, struct changes *changes)
{
	struct entry *e = known_entry(s, record_kind(r), record_id(r));

	if (!e) {
		add_entry(s, r, place);
		return;
	}
	struct record *before = e->record;

	e->record = record_ref(r);
	e->parent = place->parent;
	e->parent_id = place->parent_id;
	if (move_mtimes(e, before))
		add_change(changes, CHANGE_RECORD, e, before);
	record_unref(before);
}

/* ---- collections ---- */

struct collection *known_collection(struct store *s, const struct place *place)
{
	struct key key = make_key(place->kind, place->parent, place->parent_id);
	struct collection *c;

	HASH_FIND(hh, s->collections, &key, sizeof(key), c);
	return c;
}

static struct collection *make_collection(struct store *s, const struct place *place)
{
	struct collection *c = known_collection(s, place);

	if (!c) {
		c = xcalloc(1, sizeof(*c));
		c->key = make_key(place->kind, place->parent, place->parent_id);
		HASH_ADD(hh, s->collections, key, sizeof(c->key), c);
	}
	return c;
}

/* The entry leaves with the collection that no longer names it. */
static void drop_entry(
	struct store *s, const struct place *place, int64_t id, struct changes *changes)
{
	struct entry *e = known_entry(s, place->kind, id);

	if (!e || e->parent != place->parent || e->parent_id != place->parent_id)
		return;
	add_change(changes, CHANGE_REMOVED, e, NULL);
	HASH_DEL(s->entries, e);
	entry_free(e);
}

/* Ids as a set that answers in constant time. */
struct id_set {
	int64_t id;
	UT_hash_handle hh;
};

static bool set_add(struct id_set **set, int64_t id)
{
	struct id_set *item;

	HASH_FIND(hh, *set, &id, sizeof(id), item);
	if (item)
		return false;
	item = xcalloc(1, sizeof(*item));
	item->id = id;
	HASH_ADD(hh, *set, id, sizeof(id), item);
	return true;
}

static void set_fini(struct id_set **set)
{
	struct id_set *item, *next;

	HASH_ITER(hh, *set, item, next) {
		HASH_DEL(*set, item);
		free(item);
	}
}

void known_replace(struct store *s, const struct place *place, const struct records *list,
	struct changes *changes, bool tell)
{
	struct collection *c = make_collection(s, place);
	struct ids old = c->ids;
	struct id_set *had = NULL, *has = NULL;

	for (size_t i = 0; i < old.n; i++)
		set_add(&had, old.v[i]);
	c->ids = (struct ids){ 0 };
	each_record(r, list) {
		if (!set_add(&has, record_id(r)))
			continue;
		ids_add(&c->ids, record_id(r));
		known_put(s, r, place, changes);
		if (set_add(&had, record_id(r)) && tell)
			add_change(changes, CHANGE_ADDED, known_entry(s, place->kind, record_id(r)),
				NULL);
	}
	for (size_t i = 0; i < old.n; i++) {
		if (set_add(&has, old.v[i]))
			drop_entry(s, place, old.v[i], changes);
	}
	ids_fini(&old);
	set_fini(&had);
	set_fini(&has);
}

void known_add(struct store *s, const struct record *r, struct changes *changes)
{
	const struct resource *res = schema_resource(record_kind(r));
	struct place place = {
		.kind = record_kind(r),
		.parent = res->parent,
		.parent_id = record_int(r, res->parent_key, 0),
	};
	struct collection *c = known_collection(s, &place);

	if (!c || ids_has(&c->ids, record_id(r)))
		return;
	ids_add(&c->ids, record_id(r));
	known_put(s, r, &place, changes);
	add_change(changes, CHANGE_ADDED, known_entry(s, place.kind, record_id(r)), NULL);
}

/* ---- answers ---- */

int store_peek_list(struct store *s, const struct place *place, struct records *ret)
{
	lock_scope(&s->lock);
	struct collection *c = known_collection(s, place);

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

	return e ? e : store_peek_list(s, place, ret);
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

int store_get_me(struct store *s, struct call *call, struct record **ret)
{
	struct place place = { .kind = KIND_me };
	struct record *me;

	if (store_peek(s, KIND_me, 0, ret) == 0)
		return 0;
	int e = api_get(s->api, &place, call, &me);

	if (e < 0)
		return e;
	lock_scope(&s->lock);
	if (s->me)
		record_unref(me);
	else
		s->me = me;
	*ret = record_ref(s->me);
	return 0;
}

int64_t store_mtime(struct store *s, enum kind kind, int64_t id, int f)
{
	lock_scope(&s->lock);
	struct entry *e = known_entry(s, kind, id);
	int64_t latest;

	if (!e) {
		int64_t at = kind == KIND_me && s->me ? written_at(s->me) : 0;

		return at ? at * NS_PER_MS : s->started_ns;
	}
	if (f >= 0)
		return field_mtime(e, f);
	latest = e->mtime_ns;
	each_field(i, kind) {
		if (field_mtime(e, i) > latest)
			latest = field_mtime(e, i);
	}
	return latest;
}

static int64_t project_of(struct store *s, enum kind kind, int64_t id)
{
	while (kind != KIND_project && kind != KIND_none) {
		struct entry *e = known_entry(s, kind, id);

		if (!e)
			return 0;
		kind = e->parent;
		id = e->parent_id;
	}
	return kind == KIND_project ? id : 0;
}

int64_t store_project_of(struct store *s, const struct record *r)
{
	lock_scope(&s->lock);
	return project_of(s, record_kind(r), record_id(r));
}

int64_t store_parent_of(struct store *s, const struct record *r)
{
	return place_of(s, r).parent_id;
}

struct place place_of(struct store *s, const struct record *r)
{
	lock_scope(&s->lock);
	struct entry *e = known_entry(s, record_kind(r), record_id(r));

	return (struct place){
		.kind = record_kind(r),
		.id = record_id(r),
		.parent = e ? e->parent : KIND_none,
		.parent_id = e ? e->parent_id : 0,
		.project_id = project_of(s, record_kind(r), record_id(r)),
	};
}
