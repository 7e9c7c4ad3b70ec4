/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of what is known: records, collections and loads. Records are replaced, never changed;
 * what a replacement changed is collected and told after the lock is given back.
 */
#include "known.h"

#include <assert.h>
#include <string.h>

#include "cache.h"
#include "idset.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"

#define NS_PER_MS INT64_C(1000000)

/* ---- records ---- */

struct key make_key(enum kind kind, enum kind parent, int64_t id)
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

	return table_find(&s->entries, &key, sizeof(key));
}

int64_t known_project(struct store *s, enum kind kind, int64_t id)
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

struct load *known_whole(struct store *s, const struct load *one)
{
	struct key key = make_key(
		one->key.kind, one->key.parent, known_project(s, one->key.parent, one->key.id));

	return table_find(&s->loads, &key, sizeof(key));
}

int64_t written_at(const struct record *r)
{
	static const char *const keys[] = { "updated_at", "created_at" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		int f = schema_find_field(record_kind(r), keys[i]);

		if (f >= 0 && record_has(r, f))
			return record_int(r, f, 0);
	}
	return 0;
}

static bool is_same_extra(const struct record *a, const struct record *b)
{
	const char *one = record_extra(a), *other = record_extra(b);

	return one && other ? strcmp(one, other) == 0 : one == other;
}

/* Fields with another value than before get a later time than anything of the record had: its own
 * clock where that moved on, else one tick more, so that no change hides behind an old time. */
static bool move_mtimes(struct entry *e, const struct record *before)
{
	enum kind kind = e->key.kind;
	int64_t now = written_at(e->record) * NS_PER_MS;
	bool moved = !is_same_extra(before, e->record);

	if (now <= e->mtime_ns)
		now = e->mtime_ns + 1;
	each_field(f, kind) {
		if (value_same(
			    schema_field(kind, f), record_get(before, f), record_get(e->record, f)))
			continue;
		if (!e->field_mtimes)
			e->field_mtimes = xcalloc(
				(size_t)schema_resource(kind)->n_fields, sizeof(*e->field_mtimes));
		e->field_mtimes[f] = now;
		moved = true;
	}
	if (moved)
		e->mtime_ns = now;
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
	e->mtime_ns = e->first_ns = at ? at * NS_PER_MS : s->started_ns;
	table_add(&s->entries, &e->item, &e->key, sizeof(e->key));
	return e;
}

static void entry_free(struct entry *e)
{
	record_unref(e->record);
	free(e->field_mtimes);
	free(e);
}

static uint64_t kind_bit(enum kind kind)
{
	static_assert(N_KINDS <= 64, "a bit a kind");
	return UINT64_C(1) << kind;
}

/* One that has, or had, something. */
static struct collection *find_collection(struct store *s, const struct place *place)
{
	struct key key = make_key(place->kind, place->parent, place->parent_id);

	return table_find(&s->collections, &key, sizeof(key));
}

/* Another content than before; moved when that is a change, not a first load. */
static void touch(struct store *s, struct collection *c, bool moved)
{
	int64_t now = clock_now_ms() * NS_PER_MS;

	if (!c)
		return;
	c->stamp = ++s->n_stamps;
	if (moved)
		c->touched_ns = now > c->touched_ns ? now : c->touched_ns + 1;
}

static void set_place(struct store *s, struct entry *e, const struct place *place)
{
	if (e->parent == place->parent && e->parent_id == place->parent_id)
		return;
	cache_note_tree(s, e);
	e->parent = place->parent;
	e->parent_id = place->parent_id;
	cache_note_tree(s, e);
}

void known_put(
	struct store *s, const struct record *r, const struct place *place, struct intake *in)
{
	struct entry *e = known_entry(s, record_kind(r), record_id(r));

	if (!e) {
		cache_note_record(s, add_entry(s, r, place));
		return;
	}
	set_place(s, e, place);
	if (e->written > in->since)
		return;
	struct record *before = e->record;

	e->record = record_ref(r);
	if (move_mtimes(e, before)) {
		cache_note_record(s, e);
		intake_add(in, CHANGE_RECORD, e, place, before);
		touch(s, find_collection(s, place), true);
	}
	record_unref(before);
}

void known_put_me(struct store *s, const struct record *me, struct intake *in)
{
	struct record *before = s->me;
	int64_t now = written_at(me) * NS_PER_MS;

	s->me = record_ref(me);
	if (!before) {
		s->me_mtime_ns = now ? now : s->started_ns;
		return;
	}
	if (!record_same(before, me)) {
		struct entry e = { .key = make_key(KIND_me, KIND_none, 0), .record = s->me };

		s->me_mtime_ns = now > s->me_mtime_ns ? now : s->me_mtime_ns + 1;
		intake_add(in, CHANGE_RECORD, &e, &(struct place){ .kind = KIND_me }, before);
	}
	record_unref(before);
}

/* ---- collections ---- */

static struct collection *make_collection(struct store *s, const struct place *place)
{
	struct collection *c = find_collection(s, place);

	if (!c) {
		c = xcalloc(1, sizeof(*c));
		c->key = make_key(place->kind, place->parent, place->parent_id);
		table_add(&s->collections, &c->item, &c->key, sizeof(c->key));
	}
	return c;
}

/* Most stories have no comment, no task, no blocker: that is a bit of theirs. */
static bool is_empty(struct store *s, const struct place *place)
{
	const struct entry *parent = known_entry(s, place->parent, place->parent_id);

	return parent && parent->empty & kind_bit(place->kind);
}

const struct collection *known_collection(struct store *s, const struct place *place)
{
	static const struct collection empty;
	const struct collection *c = find_collection(s, place);

	return !c && is_empty(s, place) ? &empty : c;
}

/* To change it; NULL when it is not known. */
static struct collection *own_collection(struct store *s, const struct place *place)
{
	return known_collection(s, place) ? make_collection(s, place) : NULL;
}

static void collection_free(struct collection *c)
{
	ids_fini(&c->ids);
	free(c);
}

/* The ids of a collection changed. */
static void move_list(struct store *s, struct collection *c)
{
	int64_t now = clock_now_ms() * NS_PER_MS;

	touch(s, c, true);
	cache_note_list(s, c);
	c->mtime_ns = now > c->mtime_ns ? now : c->mtime_ns + 1;
}

/* Below a project that went, nothing is loaded any more. Those that run see to it themselves. */
static void forget_loads(struct store *s, enum kind kind, int64_t id)
{
	struct load *l = NULL;

	while (kind == KIND_project && (l = table_next(&s->loads, l))) {
		if (l->key.id == id && l->key.parent != KIND_none)
			l->done = false;
	}
	for (enum kind child = KIND_none + 1; child < N_KINDS; child++) {
		struct key key = make_key(child, kind, id);

		l = table_find(&s->loads_apart, &key, sizeof(key));
		if (l)
			l->done = false;
	}
}

static bool is_below(const struct entry *e, const struct place *place)
{
	return e && e->parent == place->parent && e->parent_id == place->parent_id;
}

static void remove_entry(struct store *s, struct entry *e);

static void remove_collections(struct store *s, enum kind parent, int64_t parent_id)
{
	for (enum kind kind = KIND_none + 1; kind < N_KINDS; kind++) {
		struct place place = { .kind = kind, .parent = parent, .parent_id = parent_id };
		struct collection *c = find_collection(s, &place);

		for (size_t i = 0; c && i < c->ids.n; i++) {
			struct entry *e = known_entry(s, kind, c->ids.v[i]);

			if (is_below(e, &place))
				remove_entry(s, e);
		}
		if (!c)
			continue;
		cache_note_list(s, c);
		table_remove(&s->collections, &c->item);
		collection_free(c);
	}
}

/* With all that hangs below it. */
static void remove_entry(struct store *s, struct entry *e)
{
	cache_note_record(s, e);
	forget_loads(s, e->key.kind, e->key.id);
	remove_collections(s, e->key.kind, e->key.id);
	table_remove(&s->entries, &e->item);
	entry_free(e);
}

/* The collection no longer names it: it is gone, or only elsewhere. */
static void drop(struct store *s, const struct place *place, int64_t id, struct intake *in)
{
	struct entry *e = known_entry(s, place->kind, id);

	if (!e)
		return;
	intake_add(in, CHANGE_REMOVED, e, place, NULL);
	if (is_below(e, place))
		remove_entry(s, e);
}

/* Did we delete it after this was asked for? */
static bool is_buried(struct store *s, enum kind kind, int64_t id, const struct intake *in)
{
	struct key key = make_key(kind, KIND_none, id);
	const struct tombstone *t = table_find(&s->tombstones, &key, sizeof(key));

	return t && t->written > in->since;
}

static void put_list(struct store *s, const struct place *place, const struct records *list,
	struct ids *ids, struct intake *in)
{
	scoped(idset_fini) struct idset has = { 0 };

	each_record(r, list) {
		int64_t id = record_id(r);

		if (is_buried(s, place->kind, id, in) || !idset_add(&has, id))
			continue;
		bool was_here = is_below(known_entry(s, place->kind, id), place);

		ids_add(ids, id);
		known_put(s, r, place, in);
		if (!was_here && in->tell)
			intake_add(in, CHANGE_ADDED, known_entry(s, place->kind, id), place, NULL);
	}
}

/* What is in old and not in now. */
static void drop_rest(struct store *s, const struct place *place, const struct ids *old,
	struct ids *now, struct intake *in)
{
	scoped(idset_fini) struct idset has = { 0 };

	if (!old->n)
		return;
	idset_add_all(&has, now);
	for (size_t i = 0; i < old->n; i++) {
		struct entry *e = known_entry(s, place->kind, old->v[i]);

		if (!idset_add(&has, old->v[i]))
			continue;
		if (is_below(e, place) && e->written > in->since)
			ids_add(now, old->v[i]);
		else
			drop(s, place, old->v[i], in);
	}
}

/* Members of a collection are in another order; e is any of them. */
static void tell_order(const struct entry *e, const struct place *place, struct intake *in)
{
	intake_add(in, CHANGE_ORDER, e, place, NULL);
	in->changes[in->n - 1].change.id = 0;
}

/* Those that are in both lists, are they in another order? */
static bool is_reordered(const struct ids *a, const struct ids *b)
{
	scoped(idset_fini) struct idset in_a = { 0 };
	scoped(idset_fini) struct idset in_b = { 0 };
	size_t i = 0, j = 0;

	idset_add_all(&in_a, a);
	idset_add_all(&in_b, b);
	for (;; i++, j++) {
		while (i < a->n && !idset_has(&in_b, a->v[i]))
			i++;
		while (j < b->n && !idset_has(&in_a, b->v[j]))
			j++;
		if (i >= a->n || j >= b->n || a->v[i] != b->v[j])
			break;
	}
	return i < a->n && j < b->n;
}

static bool is_same_list(const struct ids *a, const struct ids *b)
{
	return a->n == b->n && (!a->n || memcmp(a->v, b->v, a->n * sizeof(a->v[0])) == 0);
}

/* What they are is known; taken over. */
static void set_list(struct store *s, const struct place *place, struct ids *now, struct intake *in)
{
	struct collection *c = make_collection(s, place);

	if (is_same_list(&c->ids, now))
		return;
	drop_rest(s, place, &c->ids, now, in);
	if (in->tell && now->n && c->ids.n && is_reordered(&c->ids, now))
		tell_order(known_entry(s, place->kind, now->v[0]), place, in);
	if (in->tell)
		move_list(s, c);
	else
		touch(s, c, false);
	cache_note_list(s, c);
	ids_fini(&c->ids);
	c->ids = *now;
	*now = (struct ids){ 0 };
}

void known_replace(
	struct store *s, const struct place *place, const struct records *list, struct intake *in)
{
	scoped(ids_fini) struct ids now = { 0 };
	struct entry *parent = known_entry(s, place->parent, place->parent_id);

	if (!list->n && parent && !find_collection(s, place)) {
		parent->empty |= kind_bit(place->kind);
		return;
	}
	make_collection(s, place);
	put_list(s, place, list, &now, in);
	set_list(s, place, &now, in);
}

void known_follow(struct store *s, const struct place *place, const struct records *list,
	struct ids *order, struct intake *in)
{
	scoped(idset_fini) struct idset has = { 0 };
	scoped(records_fini) struct records mine = { 0 };
	scoped(ids_fini) struct ids put = { 0 };
	scoped(ids_fini) struct ids now = { 0 };

	idset_add_all(&has, order);
	each_record(r, list) {
		if (idset_has(&has, record_id(r)))
			records_add(&mine, record_ref(r));
	}
	put_list(s, place, &mine, &put, in);
	for (size_t i = 0; i < order->n; i++) {
		if (is_below(known_entry(s, place->kind, order->v[i]), place) &&
			!is_buried(s, place->kind, order->v[i], in))
			ids_add(&now, order->v[i]);
	}
	ids_fini(order);
	set_list(s, place, &now, in);
}

void known_put_written(struct store *s, const struct record *r, struct intake *in)
{
	struct entry *e = known_entry(s, record_kind(r), record_id(r));

	if (!e)
		return;
	struct place place = {
		.kind = e->key.kind, .parent = e->parent, .parent_id = e->parent_id
	};

	in->since = e->written = ++s->n_writes;
	known_put(s, r, &place, in);
}

void known_add_written(
	struct store *s, const struct record *r, const struct place *place, struct intake *in)
{
	struct collection *c = own_collection(s, place);

	if (!record_id(r) || (c && ids_has(&c->ids, record_id(r))))
		return;
	known_put(s, r, place, in);
	struct entry *e = known_entry(s, place->kind, record_id(r));

	e->written = ++s->n_writes;
	if (!c)
		return;
	ids_add(&c->ids, record_id(r));
	move_list(s, c);
	intake_add(in, CHANGE_ADDED, e, place, NULL);
}

static void bury(struct store *s, enum kind kind, int64_t id)
{
	struct key key = make_key(kind, KIND_none, id);
	struct tombstone *t = table_find(&s->tombstones, &key, sizeof(key));

	if (!t) {
		t = xcalloc(1, sizeof(*t));
		t->key = key;
		table_add(&s->tombstones, &t->item, &t->key, sizeof(t->key));
	}
	t->written = ++s->n_writes;
}

void known_remove_written(struct store *s, enum kind kind, int64_t id, struct intake *in)
{
	struct entry *e = known_entry(s, kind, id);

	if (!e)
		return;
	struct place place = { .kind = kind, .parent = e->parent, .parent_id = e->parent_id };
	struct collection *c = own_collection(s, &place);

	bury(s, kind, id);
	if (c && ids_remove(&c->ids, id))
		move_list(s, c);
	drop(s, &place, id, in);
}

void known_move_written(
	struct store *s, const struct place *place, int64_t other, bool after, struct intake *in)
{
	struct collection *c = own_collection(s, place);
	struct entry *e = known_entry(s, place->kind, place->id);
	scoped(ids_fini) struct ids now = { 0 };

	if (!c || !e || !ids_has(&c->ids, other) || other == place->id)
		return;
	for (size_t i = 0; i < c->ids.n; i++) {
		int64_t id = c->ids.v[i];

		if (id == other && !after)
			ids_add(&now, place->id);
		if (id != place->id)
			ids_add(&now, id);
		if (id == other && after)
			ids_add(&now, place->id);
	}
	ids_fini(&c->ids);
	c->ids = now;
	now = (struct ids){ 0 };
	move_list(s, c);
	tell_order(e, place, in);
}

/* ---- the end ---- */

static void free_loads(struct table *loads)
{
	struct load *l;

	while ((l = table_pop(loads))) {
		free(l->words);
		free(l->problems);
		free(l->saved.problems);
		free(l);
	}
}

void known_fini(struct store *s)
{
	struct entry *e;
	struct collection *c;
	struct tombstone *t;

	while ((e = table_pop(&s->entries)))
		entry_free(e);
	while ((c = table_pop(&s->collections)))
		collection_free(c);
	while ((t = table_pop(&s->tombstones)))
		free(t);
	selections_fini(s);
	free_loads(&s->loads);
	free_loads(&s->loads_apart);
	record_unref(s->me);
	free(s->failure);
}
