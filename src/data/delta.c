/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Activity is read newest first and told oldest first. What it says of a kind follows from the
 * table of sources: how the kind is loaded is how it is loaded again. */
#include "delta.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "storyfs/activity_changes.h"
#include "storyfs/alloc.h"

enum { MAX_VERSIONS = 1000 }; /* more than that is not read but loaded again */

struct delta_move {
	int64_t version;
	struct activity_change change;
};

void delta_fini(struct delta *d)
{
	idset_fini(&d->stories);
	free(d->moves);
	d->moves = NULL;
	d->n_moves = d->cap_moves = 0;
}

/* ---- one change ---- */

/* An item while its changes are told. */
struct item {
	const struct record *record;
	int64_t version;
	bool is_from_elsewhere;	   /* it brings a story with all that hangs below it */
	struct ids stories, epics; /* that it names as what it is about */
};

static void add_move(struct delta *d, const struct item *item, const struct activity_change *c)
{
	if (d->n_moves == d->cap_moves) {
		d->cap_moves = d->cap_moves ? d->cap_moves * 2 : 16;
		d->moves = xrealloc(d->moves, d->cap_moves, sizeof(*d->moves));
	}
	d->moves[d->n_moves++] = (struct delta_move){ item->version, *c };
}

static void tell_story(struct delta *d, const struct item *item, const struct activity_change *c)
{
	if (c->type == ACTIVITY_DELETE)
		idset_remove(&d->stories, c->id);
	else
		idset_add(&d->stories, c->id);
	if (c->type != ACTIVITY_UPDATE || c->has_before || c->has_after)
		add_move(d, item, c);
	if (c->type == ACTIVITY_CREATE && item->is_from_elsewhere)
		d->has_arrivals = true;
}

/* Its name stands in the stories and the epic that have it. */
static void tell_label(struct store *s, struct delta *d, const struct activity_change *c)
{
	struct place stories = {
		.kind = KIND_story, .parent = KIND_project, .parent_id = d->project_id
	};

	if (c->only_counts)
		return;
	d->lists[KIND_label] = true;
	if (c->type == ACTIVITY_CREATE)
		return;
	d->lists[KIND_epic] = true;
	lock_scope(&s->lock);
	const struct collection *list = known_collection(s, &stories);

	for (size_t i = 0; list && i < list->ids.n; i++) {
		const struct entry *e = known_entry(s, KIND_story, list->ids.v[i]);
		const struct value *v = e ? record_get(e->record, F_story_labels) : NULL;

		for (size_t k = 0; v && k < v->n; k++) {
			if (record_id(v->records[k]) == c->id)
				idset_add(&d->stories, e->key.id);
		}
	}
}

/* What a story or an epic holds: below which one? 1 when that is not told. */
static int tell_nested(
	struct store *s, struct delta *d, const struct item *item, const struct activity_change *c)
{
	int64_t story_id = c->story_id, epic_id = c->epic_id;
	lock_scope(&s->lock);
	const struct entry *e = known_entry(s, c->kind, c->id);

	if (!story_id && !epic_id && e && e->parent == KIND_story)
		story_id = e->parent_id;
	else if (!story_id && !epic_id && e)
		epic_id = e->parent_id;
	if (story_id)
		idset_add(&d->stories, story_id);
	d->of_stories[c->kind] = d->of_stories[c->kind] || story_id || item->stories.n;
	d->of_epics[c->kind] = d->of_epics[c->kind] || epic_id || item->epics.n;
	return story_id || epic_id || item->stories.n || item->epics.n ? 0 : 1;
}

static int tell_change(
	struct store *s, struct delta *d, const struct item *item, const struct activity_change *c)
{
	if (c->kind == KIND_none)
		return 1;
	if (c->kind == KIND_story)
		tell_story(d, item, c);
	else if (c->kind == KIND_label)
		tell_label(s, d, c);
	else if (source_find(c->kind, KIND_story))
		return tell_nested(s, d, item, c);
	else
		d->lists[c->kind] = true;
	return 0;
}

/* ---- items ---- */

/* Words that V5 has in the kind of an item by which stories come from another project. */
static const char from_elsewhere[] = "move_into";

/* What an item is about may have changed in ways that its changes do not tell (who follows it). */
static void add_subjects(struct delta *d, struct item *item)
{
	const char *text = record_text(item->record, F_activity_primary_resources);

	activity_resources_read(text, KIND_story, &item->stories);
	activity_resources_read(text, KIND_epic, &item->epics);
	idset_add_all(&d->stories, &item->stories);
	d->lists[KIND_epic] = d->lists[KIND_epic] || item->epics.n;
}

static int tell_item(struct store *s, struct delta *d, const struct record *r)
{
	scoped(activity_changes_fini) struct activity_changes changes = { 0 };
	struct item item = { .record = r,
		.version = record_int(r, F_activity_project_version, 0),
		.is_from_elsewhere = strstr(record_text(r, F_activity_kind), from_elsewhere) };
	int e = activity_changes_read(record_text(r, F_activity_changes), &changes) < 0;

	add_subjects(d, &item);
	for (size_t i = 0; e == 0 && i < changes.n; i++)
		e = tell_change(s, d, &item, &changes.items[i]);
	ids_fini(&item.stories);
	ids_fini(&item.epics);
	return e;
}

static int compare_versions(const void *a, const void *b)
{
	int64_t x = record_int(*(struct record *const *)a, F_activity_project_version, 0);
	int64_t y = record_int(*(struct record *const *)b, F_activity_project_version, 0);

	return x < y ? -1 : x > y;
}

/* One for each version, oldest first. */
static int tell_items(struct store *s, struct delta *d, struct records *items)
{
	int64_t version = d->since;

	if (items->n)
		qsort(items->items, items->n, sizeof(struct record *), compare_versions);
	each_record(r, items) {
		int64_t v = record_int(r, F_activity_project_version, 0);

		if (v <= version)
			continue; /* it came twice, or is older */
		if (v != version + 1 || tell_item(s, d, r))
			return 1;
		version = v;
	}
	if (version < d->until)
		return 1;
	d->until = version;
	return 0;
}

/* A host that has no such list, or none for us. Another failure may be over soon, and whoever does
 * not answer now is not asked for more. */
static bool is_refusal(int e)
{
	return e == -EINVAL || e == -ENOENT || e == -EACCES || e == -EOPNOTSUPP || e == -EPROTO;
}

int delta_read(struct store *s, const struct delta *span, struct call *call, struct delta *ret)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(delta_fini) struct delta d = {
		.project_id = span->project_id, .since = span->since, .until = span->until
	};
	scoped(free_ptr) char *since = xasprintf("since_version=%" PRId64, span->since);
	struct place place = {
		.kind = KIND_activity, .parent = KIND_project, .parent_id = span->project_id
	};
	struct api_query query = { .fields = "guid,project_version,kind,changes,primary_resources",
		.filters = since };

	pthread_mutex_lock(&s->lock);
	d.n_writes = s->n_writes;
	pthread_mutex_unlock(&s->lock);
	if (span->since <= 0 || span->until <= span->since ||
		span->until - span->since > MAX_VERSIONS)
		return 1;
	int e = api_list(s->api, &place, &query, call, &listing);

	if (e < 0 && !is_refusal(e))
		return e;
	if (e < 0 || tell_items(s, &d, &listing.records)) {
		v5_error_fini(&call->error);
		return 1;
	}
	*ret = d;
	d = (struct delta){ 0 };
	return 0;
}

/* ---- what it says ---- */

enum delta_says delta_of(const struct delta *d, const struct source *source)
{
	if (source->untold || source->since)
		return DELTA_UNKNOWN;
	if (source->kind == KIND_story)
		return d->stories.n || d->n_moves ? DELTA_SOME : DELTA_NOTHING;
	if (source->parent == KIND_project)
		return d->lists[source->kind] ? DELTA_UNKNOWN : DELTA_NOTHING;
	enum kind told = source->through ? source->through : source->kind;

	if (source->parent == KIND_story)
		return d->has_arrivals || d->of_stories[told] || d->of_stories[source->kind]
			       ? DELTA_SOME
			       : DELTA_NOTHING;
	return d->of_epics[told] || d->of_epics[source->kind] || d->lists[KIND_epic]
		       ? DELTA_UNKNOWN
		       : DELTA_NOTHING;
}

/* ---- order ---- */

static size_t find_id(const struct ids *ids, int64_t id)
{
	size_t i = 0;

	while (i < ids->n && ids->v[i] != id)
		i++;
	return i;
}

static void take_out(struct ids *ids, int64_t id)
{
	size_t at = find_id(ids, id);

	if (at == ids->n)
		return;
	memmove(ids->v + at, ids->v + at + 1, (ids->n - at - 1) * sizeof(*ids->v));
	ids->n--;
}

static void put_in(struct ids *ids, size_t at, int64_t id)
{
	ids_add(ids, id);
	memmove(ids->v + at + 1, ids->v + at, (ids->n - 1 - at) * sizeof(*ids->v));
	ids->v[at] = id;
}

/* Where it stands among the others: behind the one it is after, before the one it is before. What
 * is new and has neither is told no place, unless it is the only one. */
static bool place(struct ids *ids, const struct activity_change *c)
{
	bool is_new = c->type == ACTIVITY_CREATE;
	size_t at;

	if (c->after_id) {
		at = find_id(ids, c->after_id);
		if (at == ids->n)
			return false;
		put_in(ids, at + 1, c->id);
	} else if (c->before_id) {
		at = find_id(ids, c->before_id);
		if (at == ids->n)
			return false;
		put_in(ids, at, c->id);
	} else if (c->has_after) {
		put_in(ids, 0, c->id);
	} else if (c->has_before || (is_new && !ids->n)) {
		put_in(ids, ids->n, c->id);
	} else {
		return false;
	}
	return true;
}

bool delta_order(const struct delta *d, int64_t version, struct ids *ids)
{
	for (size_t i = 0; i < d->n_moves; i++) {
		const struct activity_change *c = &d->moves[i].change;

		if (d->moves[i].version <= version)
			continue;
		take_out(ids, c->id);
		if (c->type != ACTIVITY_DELETE && !place(ids, c))
			return false;
	}
	return true;
}
