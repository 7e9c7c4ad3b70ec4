/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be written. A group that is in the file is followed note by note: a note is a key, and
 * what it is of is looked up when it is written. A group that was loaded since, or of which nobody
 * knows how it is in the file, is written whole, in the place of what is there.
 */
#include <string.h>

#include "cache.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"

enum { LOOKED_MS = 5 * 60 * 1000 }; /* how old the file may say that it is, when it is younger */

enum what {
	WHAT_RECORD,
	WHAT_LIST,
};

struct note_key {
	struct cache_group group;
	int64_t id; /* of a list, the parent's */
	int64_t what;
};

struct note {
	struct table_item item;
	struct note_key key;
};

/* ---- groups ---- */

static struct cache_group group_below(
	struct store *s, enum kind kind, enum kind parent, int64_t parent_id)
{
	struct cache_group group;

	memset(&group, 0, sizeof(group));
	group.kind = kind;
	group.parent = parent;
	group.project_id = known_project(s, parent, parent_id);
	return group;
}

static struct load *load_of(struct store *s, const struct cache_group *group)
{
	struct key key = make_key(group->kind, group->parent, group->project_id);

	return table_find(&s->loads, &key, sizeof(key));
}

/* ---- notes ---- */

void cache_note(struct store *s)
{
	struct cache *c = s->cache;

	if (!c || c->restoring || c->is_moved)
		return;
	c->is_moved = true;
	pthread_cond_signal(&c->wake);
}

static void note(struct store *s, enum what what, const struct cache_group *group, int64_t id)
{
	struct cache *c = s->cache;
	const struct load *l = load_of(s, group);
	struct note_key key;

	cache_note(s);
	/* What is written whole needs no notes. */
	if (!l || !l->saved.is_there)
		return;
	memset(&key, 0, sizeof(key));
	key.group = *group;
	key.id = id;
	key.what = what;
	if (table_find(&c->notes, &key, sizeof(key)))
		return;
	struct note *n = xcalloc(1, sizeof(*n));

	n->key = key;
	table_add(&c->notes, &n->item, &n->key, sizeof(n->key));
}

static bool is_off(const struct store *s)
{
	return !s->cache || s->cache->restoring || s->cache->failure;
}

void cache_note_record(struct store *s, const struct entry *e)
{
	if (is_off(s))
		return;
	struct cache_group group = group_below(s, e->key.kind, e->parent, e->parent_id);

	note(s, WHAT_RECORD, &group, e->key.id);
}

void cache_note_list(struct store *s, const struct collection *c)
{
	if (is_off(s))
		return;
	struct cache_group group = group_below(s, c->key.kind, c->key.parent, c->key.id);

	note(s, WHAT_LIST, &group, c->key.id);
}

void cache_note_tree(struct store *s, const struct entry *e)
{
	if (is_off(s))
		return;
	cache_note_record(s, e);
	for (enum kind kind = KIND_none + 1; kind < N_KINDS; kind++) {
		struct place place = {
			.kind = kind, .parent = e->key.kind, .parent_id = e->key.id
		};
		const struct collection *c = known_collection(s, &place);

		/* One without ids may be everybody's. */
		if (c && c->ids.n)
			cache_note_list(s, c);
		for (size_t i = 0; c && i < c->ids.n; i++) {
			const struct entry *child = known_entry(s, kind, c->ids.v[i]);

			if (child)
				cache_note_tree(s, child);
		}
	}
}

static void drop_notes(struct cache *c)
{
	struct note *n;

	while ((n = table_pop(&c->notes)))
		free(n);
}

bool cache_has_loads(const struct store *s)
{
	const struct load *l = NULL;

	while ((l = table_next(&s->loads, l))) {
		if (l->done || l->saved.is_there)
			return true;
	}
	return false;
}

static void forget_saved(struct table *loads)
{
	struct load *l = NULL;

	while ((l = table_next(loads, l))) {
		free(l->saved.problems);
		l->saved = (struct load_saved){ 0 };
	}
}

void cache_forget(struct store *s)
{
	drop_notes(s->cache);
	forget_saved(&s->loads);
	forget_saved(&s->loads_apart);
	record_unref(s->cache->me);
	s->cache->me = NULL;
	s->cache->looked_ms = 0;
}

/* ---- what is written ---- */

static void put_record(
	struct cache_batch *batch, const struct cache_group *group, int64_t id, struct record *r)
{
	struct cache_op *op = cache_batch_add(batch, r ? CACHE_PUT_RECORD : CACHE_DROP_RECORD);

	op->group = *group;
	op->id = id;
	op->record = r ? record_ref(r) : NULL;
}

static void put_list(struct cache_batch *batch, const struct cache_group *group, int64_t parent_id,
	const struct ids *ids)
{
	bool is_there = ids && ids->n;
	struct cache_op *op = cache_batch_add(batch, is_there ? CACHE_PUT_LIST : CACHE_DROP_LIST);

	op->group = *group;
	op->id = parent_id;
	for (size_t i = 0; is_there && i < ids->n; i++)
		ids_add(&op->ids, ids->v[i]);
}

static bool is_of(const struct cache_group *a, const struct cache_group *b)
{
	return a->kind == b->kind && a->parent == b->parent && a->project_id == b->project_id;
}

static void take_noted_record(
	struct store *s, const struct note_key *key, struct cache_batch *batch)
{
	const struct entry *e = known_entry(s, key->group.kind, key->id);
	struct cache_group group = { 0 };

	if (e)
		group = group_below(s, e->key.kind, e->parent, e->parent_id);
	put_record(batch, &key->group, key->id, e && is_of(&group, &key->group) ? e->record : NULL);
}

/* What is of other projects goes. */
static void keep_projects(struct store *s, struct cache_batch *batch)
{
	struct place projects = { .kind = KIND_project };
	const struct collection *c = known_collection(s, &projects);
	struct cache_op *op = cache_batch_add(batch, CACHE_KEEP_PROJECTS);

	for (size_t i = 0; c && i < c->ids.n; i++)
		ids_add(&op->ids, c->ids.v[i]);
}

static void take_noted_list(struct store *s, const struct note_key *key, struct cache_batch *batch)
{
	struct place place = {
		.kind = key->group.kind, .parent = key->group.parent, .parent_id = key->id
	};
	const struct collection *c = known_collection(s, &place);
	struct cache_group group = group_below(s, place.kind, place.parent, place.parent_id);

	put_list(batch, &key->group, key->id, c && is_of(&group, &key->group) ? &c->ids : NULL);
	if (key->group.kind == KIND_project)
		keep_projects(s, batch);
}

static void take_notes(struct store *s, struct cache_batch *batch)
{
	const struct note *n = NULL;

	while ((n = table_next(&s->cache->notes, n))) {
		const struct load *l = load_of(s, &n->key.group);

		if (!l || !l->saved.is_there || !l->done)
			continue;
		if (n->key.what == WHAT_RECORD)
			take_noted_record(s, &n->key, batch);
		else
			take_noted_list(s, &n->key, batch);
	}
	drop_notes(s->cache);
}

/* ---- whole groups ---- */

static bool is_new(const struct load *l)
{
	return l && l->done && !l->saved.is_there;
}

static bool take_group_starts(struct store *s, struct cache_batch *batch)
{
	const struct load *l = NULL;
	bool any = false;

	while ((l = table_next(&s->loads, l))) {
		if (!is_new(l))
			continue;
		struct cache_op *op = cache_batch_add(batch, CACHE_DROP_GROUP);

		op->group = (struct cache_group){ l->key.kind, l->key.parent, l->key.id };
		if (l->key.kind == KIND_project)
			keep_projects(s, batch);
		any = true;
	}
	return any;
}

/* Neighbours are mostly of one group. */
struct last_group {
	enum kind kind, parent;
	int64_t parent_id;
	struct cache_group group;
	bool is_new;
};

static const struct last_group *find_group(struct store *s, enum kind kind, enum kind parent,
	int64_t parent_id, struct last_group *last)
{
	if (last->kind == kind && last->parent == parent && last->parent_id == parent_id)
		return last;
	*last = (struct last_group){ kind, parent, parent_id,
		group_below(s, kind, parent, parent_id), false };
	last->is_new = is_new(load_of(s, &last->group));
	return last;
}

static void take_whole_groups(struct store *s, struct cache_batch *batch)
{
	const struct entry *e = NULL;
	const struct collection *c = NULL;
	struct last_group last = { 0 };

	if (!take_group_starts(s, batch))
		return;
	while ((e = table_next(&s->entries, e))) {
		const struct last_group *of =
			find_group(s, e->key.kind, e->parent, e->parent_id, &last);

		if (of->is_new)
			put_record(batch, &of->group, e->key.id, e->record);
	}
	while ((c = table_next(&s->collections, c))) {
		const struct last_group *of =
			find_group(s, c->key.kind, c->key.parent, c->key.id, &last);

		if (of->is_new && c->ids.n)
			put_list(batch, &of->group, c->key.id, &c->ids);
	}
}

/* ---- loads ---- */

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_saved(const struct load *l)
{
	const struct load_saved *saved = &l->saved;

	return saved->is_there == l->done &&
	       (!l->done || (saved->version == l->version && saved->apart == l->apart &&
				    saved->missing == l->missing &&
				    is_same_text(saved->problems, l->problems)));
}

static struct cache_load describe(struct store *s, const struct load *l)
{
	int64_t project_id = l->of_one ? known_project(s, l->key.parent, l->key.id) : l->key.id;

	return (struct cache_load){
		.group = { l->key.kind, l->key.parent, project_id },
		.of_one = l->of_one,
		.parent_id = l->of_one ? l->key.id : 0,
		.version = l->version,
		.apart = l->apart,
		.missing = l->missing,
		.true_ms = l->former_ms ? l->former_ms : clock_now_ms(),
		.problems = l->problems ? xstrdup(l->problems) : NULL,
	};
}

static void take_load(struct store *s, struct load *l, struct cache_batch *batch)
{
	struct cache_op *op = cache_batch_add(batch, l->done ? CACHE_PUT_LOAD : CACHE_DROP_LOAD);

	op->load = describe(s, l);
	op->group = op->load.group;
	free(l->saved.problems);
	l->saved = (struct load_saved){ l->done, l->apart, l->missing, l->version,
		l->problems ? xstrdup(l->problems) : NULL };
}

static void take_loads(struct store *s, struct table *loads, struct cache_batch *batch)
{
	struct load *l = NULL;

	while ((l = table_next(loads, l))) {
		if (!is_saved(l))
			take_load(s, l, batch);
	}
}

static void take_me(struct store *s, struct cache_batch *batch)
{
	struct cache_group group = { KIND_me, KIND_none, 0 };

	if (!s->me || (s->cache->me && record_same(s->cache->me, s->me)))
		return;
	record_unref(s->cache->me);
	s->cache->me = record_ref(s->me);
	put_record(batch, &group, 0, s->me);
}

static void take_looked(struct store *s, struct cache_batch *batch)
{
	struct cache *c = s->cache;
	bool is_old = s->looked_ms - c->looked_ms >= LOOKED_MS;

	if (s->looked_ms <= c->looked_ms || !(is_old || batch->n || c->stopping))
		return;
	batch->looked_ms = c->looked_ms = s->looked_ms;
}

void cache_take(struct store *s, struct cache_batch *ret)
{
	take_whole_groups(s, ret);
	take_notes(s, ret);
	take_me(s, ret);
	take_loads(s, &s->loads, ret);
	take_loads(s, &s->loads_apart, ret);
	take_looked(s, ret);
}
