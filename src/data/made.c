/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of a POST that nobody answered? V5 has no key by which it would tell, so its list is
 * asked for, and what is new in it held against what was to be made: what it says, and who made it.
 * Where the list was not known before, the project's activity tells what is new.
 */
#include <errno.h>

#include <inttypes.h>

#include "known.h"
#include "storyfs/activity_changes.h"
#include "storyfs/alloc.h"

/* Where a resource stands among the others is no part of what it is. */
static bool is_place(enum kind kind, int f)
{
	static const char *const keys[] = { "position", "before_id", "after_id" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (schema_find_field(kind, keys[i]) == f)
			return true;
	}
	return false;
}

/* The patch without what lists do not tell. False when they tell nothing of it. */
static bool find_told(const struct record *patch, struct record **ret)
{
	enum kind kind = record_kind(patch);
	bool any = false;

	*ret = record_copy(patch);
	each_field(f, kind) {
		if (!(schema_field(kind, f)->flags & FIELD_DEF) || is_place(kind, f))
			record_clear(*ret, f);
		any |= record_has(*ret, f);
	}
	return any;
}

/* The field that tells who made it; -1 when nobody is told. */
static int maker_field(enum kind kind)
{
	static const char *const keys[] = { "person_id", "requested_by_id" };
	int found = -1;

	for (size_t i = 0; found < 0 && i < sizeof(keys) / sizeof(keys[0]); i++)
		found = schema_find_field(kind, keys[i]);
	return found;
}

/* One list for one parent, where the host has such; else as it was loaded. */
static int load_anew(struct store *s, const struct place *place, struct call *call)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(intake_fini) struct intake in = { .tell = true };

	if (place->parent == KIND_project || !place->parent)
		return load_collection_again(s, place, call);
	pthread_mutex_lock(&s->lock);
	in.since = s->n_writes;
	pthread_mutex_unlock(&s->lock);
	int e = api_list(s->api, place, NULL, call, &listing);

	if (e == -ENOENT || e == -EOPNOTSUPP) {
		v5_error_fini(&call->error);
		return load_collection_again(s, place, call);
	}
	if (e < 0)
		return e;
	pthread_mutex_lock(&s->lock);
	if (known_entry(s, place->parent, place->parent_id))
		known_replace(s, place, &listing.records, &in);
	pthread_mutex_unlock(&s->lock);
	intake_tell(s, &in);
	return 0;
}

static int add_created(const struct record *item, enum kind kind, struct ids *ret)
{
	scoped(activity_changes_fini) struct activity_changes changes = { 0 };
	int e = activity_changes_read(record_text(item, F_activity_changes), &changes);

	for (size_t i = 0; e == 0 && i < changes.n; i++) {
		const struct activity_change *c = &changes.items[i];

		if (c->kind == kind && c->type == ACTIVITY_CREATE)
			ids_add(ret, c->id);
	}
	return e;
}

/* What the project's activity since a version says was made. */
static int find_created(
	struct store *s, const struct creation *what, struct call *call, struct ids *ret)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(free_ptr) char *since = xasprintf("since_version=%" PRId64, what->since);
	struct place activity = {
		.kind = KIND_activity, .parent = KIND_project, .parent_id = what->place.project_id
	};
	struct api_query query = { .fields = "guid,project_version,changes", .filters = since };
	int e = what->since ? api_list(s->api, &activity, &query, call, &listing) : 0;

	for (size_t i = 0; e == 0 && i < listing.records.n; i++)
		e = add_created(listing.records.items[i], what->place.kind, ret);
	return e;
}

/* The list, and what may be new in it: all but what was there before, or what was made since. */
static int load_candidates(
	struct store *s, const struct creation *what, struct call *call, struct ids *ret)
{
	const struct place *place = &what->place;
	int e = what->before ? load_anew(s, place, call) : load_collection_again(s, place, call);

	if (e < 0 || !what->before)
		return e < 0 ? e : find_created(s, what, call, ret);
	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, place);

	for (size_t i = 0; c && i < c->ids.n; i++) {
		if (!ids_has(what->before, c->ids.v[i]))
			ids_add(ret, c->ids.v[i]);
	}
	return 0;
}

/* The first of these that is in the list, not known to be made by us in another request, and as it
 * should be. It counts as ours from then on. */
static struct record *find_new(struct store *s, const struct place *place, const struct ids *among,
	const struct record *told, int64_t me)
{
	int maker = maker_field(place->kind);

	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, place);

	for (size_t i = 0; c && i < c->ids.n; i++) {
		struct entry *e = known_entry(s, place->kind, c->ids.v[i]);

		if (!e || e->written || !ids_has(among, e->key.id) ||
			!record_fulfils(e->record, told) ||
			(maker >= 0 && record_has(e->record, maker) &&
				record_int(e->record, maker, 0) != me))
			continue;
		e->written = ++s->n_writes;
		return record_ref(e->record);
	}
	return NULL;
}

int store_find_made(
	struct store *s, const struct creation *what, struct call *call, struct record **ret)
{
	scoped(record_unref) struct record *told = NULL;
	scoped(record_unref) struct record *me = NULL;
	scoped(ids_fini) struct ids candidates = { 0 };
	struct creation it = *what;

	pthread_mutex_lock(&s->lock);
	it.place.project_id = known_project(s, it.place.parent, it.place.parent_id);
	pthread_mutex_unlock(&s->lock);
	int e = store_get_me(s, call, &me);

	if (e == 0)
		e = load_candidates(s, &it, call, &candidates);
	if (e < 0)
		return e;
	if (find_told(what->patch, &told))
		*ret = find_new(s, &it.place, &candidates, told, record_id(me));
	return *ret ? 0 : 1;
}

int store_peek_ids(struct store *s, const struct place *place, struct ids *ret)
{
	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, place);

	for (size_t i = 0; c && i < c->ids.n; i++)
		ids_add(ret, c->ids.v[i]);
	return c ? 0 : 1;
}
