/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading, by the table of sources. Each load runs once however many wait for it; who waits does so
 * within its own limit. */
#include <errno.h>
#include <string.h>

#include "known.h"
#include "sound.h"
#include "sources.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"

enum { FAILURE_KEPT_MS = 1000 }; /* who asks again within this gets the same answer */

/* ---- the tables of loads; the caller holds the lock ---- */

static struct load *peek_load(const struct table *loads, const struct source *source, int64_t id)
{
	struct key key = make_key(source->kind, source->parent, id);

	return table_find(loads, &key, sizeof(key));
}

static struct load *make_load(struct store *s, const struct source *source, int64_t id, bool of_one)
{
	struct table *loads = of_one ? &s->loads_apart : &s->loads;
	struct load *l = peek_load(loads, source, id);

	if (!l) {
		l = xcalloc(1, sizeof(*l));
		l->key = make_key(source->kind, source->parent, id);
		l->of_one = of_one;
		table_add(loads, &l->item, &l->key, sizeof(l->key));
	}
	return l;
}

/* ---- taking turns ---- */

static int repeat_failure(const struct load *l, struct call *call)
{
	v5_error_fini(&call->error);
	call->error.code = V5_OTHER;
	call->error.code_text = xstrdup("load_failed");
	call->error.error = xstrdup(l->words ? l->words : strerrordesc_np(-l->failure));
	return l->failure;
}

/* Become the one who loads: 1. 0 when it is loaded, -errno when the one before us failed. */
static int claim(struct store *s, struct load *l, struct call *call)
{
	lock_scope(&s->lock);
	int e = known_wait(s, &l->running, call);

	if (e < 0 || l->done)
		return e;
	if (l->failed_at && clock_monotonic_ms() - l->failed_at < FAILURE_KEPT_MS)
		return repeat_failure(l, call);
	l->running = true;
	return 1;
}

/* Who gave up says nothing about the host. */
static bool was_own_limit(int e, const struct call *call)
{
	return e == -EINTR || (e == -ETIMEDOUT && call_limit_check(&call->limit) == -ETIMEDOUT);
}

/* Does what it hangs below still exist? */
static bool has_parent(struct store *s, const struct load *l)
{
	enum kind parent = l->of_one || !l->key.parent ? l->key.parent : KIND_project;

	return !parent || known_entry(s, parent, l->key.id);
}

static void release(struct store *s, struct load *l, int e, const struct call *call)
{
	bool kept = e < 0 && !was_own_limit(e, call);

	lock_scope(&s->lock);
	l->running = false;
	l->done = e == 0 && has_parent(s, l);
	l->failed_at = kept ? clock_monotonic_ms() : 0;
	l->failure = e;
	free(l->words);
	l->words = kept && call->error.error ? xstrdup(call->error.error) : NULL;
	pthread_cond_broadcast(&s->wake);
}

/* ---- fetching; no lock is held ---- */

/* One load while it is fetched. */
struct fetch {
	const struct source *source;
	struct load *load;
	struct place place; /* of the list; its parent is 0 when parents bring it along */
	int64_t version;    /* of the project, as we last heard of it before we asked */
	struct intake in;
};

static struct fetch fetch_begin(struct store *s, const struct source *source, struct load *l)
{
	lock_scope(&s->lock);
	int64_t project_id = l->of_one ? known_project(s, source->parent, l->key.id) : l->key.id;
	struct entry *project = known_entry(s, KIND_project, project_id);

	return (struct fetch){
		.source = source,
		.load = l,
		.place = { source->kind, 0, source->parent, l->key.id, project_id },
		.version = project ? record_int(project->record, F_project_version, 0) : 0,
		.in = { .since = s->n_writes, .tell = l->done },
	};
}

static int64_t version_of(const struct fetch *f, const struct api_listing *listing)
{
	return listing->version ? listing->version : f->version;
}

static int fetch_me(struct store *s, struct fetch *f, struct call *call)
{
	struct record *me;
	int e = api_get(s->api, &f->place, call, &me);

	if (e < 0)
		return e;
	lock_scope(&s->lock);
	record_unref(s->me);
	s->me = me;
	return 0;
}

/* A host that neither nests a kind nor knows its list has none of them, and is not asked again for
 * each parent. */
static int find_none(struct store *s, const struct fetch *f, int e, struct call *call)
{
	lock_scope(&s->lock);
	struct load *whole = make_load(s, f->source, f->place.project_id, false);

	whole->missing = e == -EOPNOTSUPP;
	v5_error_fini(&call->error);
	return 0;
}

/* What each of these holds in a field, in their order. Nobody else has seen them yet. */
static void gather(const struct fetch *f, const struct records *all, int field, struct records *ret)
{
	each_record(r, all) {
		const struct value *v = record_get(r, field);

		if (v->state != VALUE_SET)
			continue;
		each_record(one, &v->records) {
			if (f->source->prepare)
				f->source->prepare(&f->place, r, one);
			records_add(ret, record_ref(one));
		}
	}
}

static int inner_field(const struct source *source)
{
	return schema_find_field(source->through, source->inner);
}

/* Did the host nest? Some leave empty lists out, so one that is there is enough. */
static bool is_nested(const struct records *parents, int f)
{
	each_record(r, parents) {
		if (record_has(r, f))
			return true;
	}
	return parents->n == 0;
}

static int list_own(struct store *s, const struct fetch *f, const char *filters, struct call *call,
	struct api_listing *ret)
{
	struct api_query query = {
		.fields = f->source->fields, .filters = filters, .max = f->source->max
	};
	int e = api_list(s->api, &f->place, &query, call, ret);

	each_record(r, &ret->records) {
		if (f->source->prepare)
			f->source->prepare(&f->place, NULL, r);
	}
	return e;
}

/* The list of what holds them. 1 when that does not tell. */
static int list_through(
	struct store *s, const struct fetch *f, struct call *call, struct api_listing *ret)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	struct place place = f->place;
	struct records all = { 0 };
	int field = inner_field(f->source);

	place.kind = f->source->through;
	int e = api_list(
		s->api, &place, &(struct api_query){ .fields = f->source->inner }, call, &listing);

	if (e < 0)
		return e;
	if (!f->source->nested && !is_nested(&listing.records, field))
		return 1;
	gather(f, &listing.records, field, &all);
	*ret = listing;
	listing = (struct api_listing){ .records = listing.records };
	ret->records = all;
	return 0;
}

static int list_direct(
	struct store *s, const struct fetch *f, struct call *call, struct api_listing *ret)
{
	int e = f->source->inner ? list_through(s, f, call, ret) : 1;

	if (e > 0)
		e = list_own(s, f, NULL, call, ret);
	if (e == 0 && f->source->compare && ret->records.n)
		qsort(ret->records.items, ret->records.n, sizeof(struct record *),
			f->source->compare);
	return e;
}

static int fetch_direct(struct store *s, struct fetch *f, struct call *call)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(sound_fini) struct sound sound = { .problems = &listing.problems };
	scoped(records_fini) struct records list = { 0 };
	int e = list_direct(s, f, call, &listing);

	if ((f->load->of_one || f->source->optional) && (e == -EOPNOTSUPP || e == -ENOENT))
		e = find_none(s, f, e, call);
	if (e < 0)
		return e;
	sound_add(&sound, &listing.records, &list);
	lock_scope(&s->lock);
	sound_note(f->load, &listing.problems);
	if (has_parent(s, f->load))
		known_replace(s, &f->place, &list, &f->in);
	f->load->version = version_of(f, &listing);
	return 0;
}

/* ---- only what is new ---- */

/* What is new, and what was known of it, in their order. The lock is held. */
static void merge(struct store *s, const struct fetch *f, const struct records *news, size_t max,
	struct records *ret)
{
	scoped(records_fini) struct records known = { 0 };
	const struct collection *c = known_collection(s, &f->place);
	const struct records *parts[] = { &known, news };

	for (size_t i = 0; c && i < c->ids.n; i++) {
		const struct entry *e = known_entry(s, f->place.kind, c->ids.v[i]);

		if (e)
			records_add(&known, record_ref(e->record));
	}
	for (size_t i = 0; i < 2; i++) {
		each_record(r, parts[f->source->newest_first ? 1 - i : i]) {
			if ((!max || ret->n < max) && (!f->source->stays || f->source->stays(s, r)))
				records_add(ret, record_ref(r));
		}
	}
}

static bool add_since(struct store *s, const struct fetch *f, struct buf *ret_filters)
{
	lock_scope(&s->lock);
	return f->in.tell && f->source->since &&
	       f->source->since(s, &f->place, f->load->version, ret_filters);
}

/* 1 when all has to be loaded again. */
static int fetch_news(struct store *s, struct fetch *f, struct call *call)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(sound_fini) struct sound sound = { .problems = &listing.problems };
	scoped(records_fini) struct records news = { 0 }, all = { 0 };
	scoped(buf_fini) struct buf filters = BUF_INIT;

	if (!add_since(s, f, &filters))
		return 1;
	int e = list_own(s, f, buf_str(&filters), call, &listing);

	if (e == -EINVAL || e == -EOPNOTSUPP || e == -ENOENT) {
		v5_error_fini(&call->error);
		return 1;
	}
	if (e < 0)
		return e;
	sound_add(&sound, &listing.records, &news);
	lock_scope(&s->lock);
	if (listing.problems.len)
		sound_note(f->load, &listing.problems);
	merge(s, f, &news, f->source->max, &all);
	if (has_parent(s, f->load))
		known_replace(s, &f->place, &all, &f->in);
	f->load->version = version_of(f, &listing);
	return 0;
}

/* ---- nested ---- */

/* Put each parent's nested list where it belongs. False when there are parents we do not know yet:
 * what they hold comes once they do. */
static bool spread(
	struct store *s, struct fetch *f, const struct records *parents, struct buf *problems)
{
	static const struct records none = { 0 };
	scoped(sound_fini) struct sound sound = { .problems = problems };
	int field = schema_find_field(f->source->parent, f->source->nested);
	bool complete = true;

	each_record(r, parents) {
		scoped(records_fini) struct records deeper = { 0 }, list = { 0 };
		const struct records *all =
			record_has(r, field) ? &record_get(r, field)->records : &none;
		struct place place = f->place;

		if (f->source->inner) {
			gather(f, all, inner_field(f->source), &deeper);
			all = &deeper;
		}
		sound_add(&sound, all, &list);
		place.parent_id = record_id(r);
		if (known_entry(s, place.parent, place.parent_id))
			known_replace(s, &place, &list, &f->in);
		else
			complete = false;
	}
	return complete;
}

/* Nested in the parents' list, for the whole project. */
static int fetch_nested(struct store *s, struct fetch *f, struct call *call)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(buf_fini) struct buf known = BUF_INIT; /* told with the parents themselves */
	scoped(sound_fini) struct sound sound = { .problems = &known };
	scoped(records_fini) struct records all = { 0 };
	int64_t project_id = f->place.project_id;
	struct place parents = { f->source->parent, 0, KIND_project, project_id, project_id };
	const char *within = f->source->inner ? f->source->inner : f->source->fields;
	scoped(free_ptr) char *fields = within ? xasprintf("%s(%s)", f->source->nested, within)
					       : xstrdup(f->source->nested);
	struct api_query query = { .fields = fields };
	int field = schema_find_field(f->source->parent, f->source->nested);
	int e = api_list(s->api, &parents, &query, call, &listing);

	if (e < 0)
		return e;
	sound_add(&sound, &listing.records, &all);
	lock_scope(&s->lock);
	f->load->apart = !is_nested(&all, field);
	if (f->load->apart || spread(s, f, &all, &listing.problems))
		f->load->version = version_of(f, &listing);
	else
		f->load->version = NO_VERSION;
	sound_note(f->load, &listing.problems);
	return 0;
}

static int fetch(struct store *s, const struct source *source, struct load *l, struct call *call)
{
	struct fetch f = fetch_begin(s, source, l);
	int e;

	if (source->kind == KIND_me)
		e = fetch_me(s, &f, call);
	else if (source->nested && !l->of_one)
		e = fetch_nested(s, &f, call);
	else
		e = fetch_news(s, &f, call);
	if (e > 0)
		e = fetch_direct(s, &f, call);
	intake_tell(s, &f.in);
	return e;
}

static int load_once(
	struct store *s, const struct source *source, struct load *l, struct call *call)
{
	int e = claim(s, l, call);

	if (e <= 0)
		return e;
	e = fetch(s, source, l, call);
	release(s, l, e, call);
	return e;
}

/* ---- what the store asks for ---- */

/* The loads a collection depends on. */
struct plan {
	const struct source *source;
	struct load *whole, *needs, *one;
};

/* What there is to do: 0 nothing, 1 there is no such parent, 2 the plan. */
static int make_plan(struct store *s, const struct place *place, struct plan *ret)
{
	const struct source *source = source_find(place->kind, place->parent);
	const struct source *needs = source ? source_find(source->needs, KIND_project) : NULL;

	lock_scope(&s->lock);
	if (!source || (place->parent && !known_entry(s, place->parent, place->parent_id)))
		return 1;
	int64_t project_id = known_project(s, place->parent, place->parent_id);

	ret->source = source;
	ret->whole = make_load(s, source, project_id, false);
	ret->needs = needs ? make_load(s, needs, project_id, false) : NULL;
	ret->one = NULL;
	if (ret->whole->apart && !ret->whole->missing)
		ret->one = make_load(s, source, place->parent_id, true);
	return ret->whole->done && (!ret->one || ret->one->done) ? 0 : 2;
}

/* What a kind needs beside it may be denied to us: then it is shown without. */
static int load_needs(struct store *s, const struct plan *plan, struct call *call)
{
	if (!plan->needs)
		return 0;
	int e = load_once(s, source_find(plan->source->needs, KIND_project), plan->needs, call);

	if (e != -EACCES && e != -ENOENT && e != -EOPNOTSUPP)
		return e;
	v5_error_fini(&call->error);
	return 0;
}

int load_collection(struct store *s, const struct place *place, struct call *call)
{
	struct plan plan;
	int what = make_plan(s, place, &plan);

	if (what < 2)
		return what;
	int e = load_needs(s, &plan, call);

	if (e == 0)
		e = load_once(s, plan.source, plan.whole, call);
	/* Only now it is known whether the host nests. */
	if (e < 0 || make_plan(s, place, &plan) != 2 || !plan.one)
		return e;
	return load_once(s, plan.source, plan.one, call);
}

int load_me(struct store *s, struct call *call)
{
	const struct source *source = source_find(KIND_me, KIND_none);

	pthread_mutex_lock(&s->lock);
	struct load *l = make_load(s, source, 0, false);

	pthread_mutex_unlock(&s->lock);
	return load_once(s, source, l, call);
}

/* ---- again ---- */

/* The load if it was done at another version than this. */
static struct load *find_behind(
	struct store *s, const struct source *source, int64_t project_id, int64_t version)
{
	lock_scope(&s->lock);
	struct load *l = peek_load(&s->loads, source, project_id);

	return l && l->done && l->version != version ? l : NULL;
}

/* The parents that were looked at one by one. */
static struct ids parents_apart(struct store *s, const struct source *source, int64_t project_id)
{
	struct ids ids = { 0 };
	struct load *l = NULL;

	lock_scope(&s->lock);
	while ((l = table_next(&s->loads_apart, l))) {
		if (l->done && l->key.kind == source->kind && l->key.parent == source->parent &&
			known_project(s, l->key.parent, l->key.id) == project_id)
			ids_add(&ids, l->key.id);
	}
	return ids;
}

static int fetch_apart(
	struct store *s, const struct source *source, int64_t project_id, struct call *call)
{
	scoped(ids_fini) struct ids ids = parents_apart(s, source, project_id);
	int e = 0;

	for (size_t i = 0; e == 0 && i < ids.n; i++) {
		pthread_mutex_lock(&s->lock);
		struct load *l = make_load(s, source, ids.v[i], true);

		pthread_mutex_unlock(&s->lock);
		e = fetch(s, source, l, call);
	}
	return e;
}

static bool is_apart(struct store *s, const struct load *l)
{
	lock_scope(&s->lock);
	return l->apart;
}

static void set_version(struct store *s, struct load *l, int64_t version)
{
	lock_scope(&s->lock);
	l->version = version;
}

static int reload(struct store *s, const struct source *source, struct load *l, struct call *call)
{
	int e = fetch(s, source, l, call);

	if (e < 0 || !is_apart(s, l))
		return e;
	e = fetch_apart(s, source, l->key.id, call);
	if (e < 0)
		set_version(s, l, NO_VERSION);
	return e;
}

int load_again(struct store *s, int64_t project_id, int64_t version, struct call *call)
{
	int last = 0;

	each_source(source)
	{
		struct load *l = source->parent == KIND_none
					 ? NULL
					 : find_behind(s, source, project_id, version);
		int e = l ? reload(s, source, l, call) : 0;

		if (e < 0)
			last = e;
		/* Whoever does not answer would not answer the next one either. */
		if (e < 0 && !call->error.status)
			break;
	}
	return last;
}

int load_mine(struct store *s, struct call *call)
{
	int last = 0;

	each_source(source)
	{
		bool is_mine = source->parent == KIND_none && source->optional;
		struct load *l = is_mine ? find_behind(s, source, 0, NO_VERSION) : NULL;
		int e = l ? fetch(s, source, l, call) : 0;

		if (e < 0)
			last = e;
	}
	return last;
}

int load_collection_again(struct store *s, const struct place *place, struct call *call)
{
	struct plan plan = { 0 };

	if (make_plan(s, place, &plan) == 1)
		return 0;
	return reload(s, plan.source, plan.whole, call);
}

int load_projects(struct store *s, struct call *call)
{
	const struct source *source = source_find(KIND_project, KIND_none);

	pthread_mutex_lock(&s->lock);
	struct load *l = make_load(s, source, 0, false);

	pthread_mutex_unlock(&s->lock);
	return fetch(s, source, l, call);
}
