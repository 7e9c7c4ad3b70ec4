/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fetching: what a load asks the host for, and how the answer comes into the tables. */
#include "fetch.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cache.h"
#include "sound.h"
#include "storyfs/alloc.h"

/* ---- the tables of loads; the caller holds the lock ---- */

struct load *peek_load(const struct table *loads, const struct source *source, int64_t id)
{
	struct key key = make_key(source->kind, source->parent, id);

	return table_find(loads, &key, sizeof(key));
}

struct load *make_load(struct store *s, const struct source *source, int64_t id, bool of_one)
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

struct load *get_load(struct store *s, const struct source *source, int64_t id, bool of_one)
{
	lock_scope(&s->lock);
	return make_load(s, source, id, of_one);
}

/* Does what it hangs below still exist? */
bool load_has_parent(struct store *s, const struct load *l)
{
	enum kind parent = l->of_one || !l->key.parent ? l->key.parent : KIND_project;

	return !parent || known_entry(s, parent, l->key.id);
}

/* ---- one load, whole; no lock is held ---- */

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
		.in = { .since = s->n_writes, .tell = l->done || l->former_ms || l->is_listed },
	};
}

static int64_t version_of(const struct fetch *f, const struct api_listing *listing)
{
	return listing->version ? listing->version : f->version;
}

/* Nobody here asks for them, so they need not lie about. The record is ours alone. */
static void drop_secrets(struct record *r)
{
	each_field(f, record_kind(r)) {
		if (schema_field(record_kind(r), f)->flags & FIELD_SECRET)
			record_clear(r, f);
	}
}

static int fetch_me(struct store *s, struct fetch *f, struct call *call)
{
	scoped(record_unref) struct record *me = NULL;
	int e = api_get(s->api, &f->place, call, &me);

	if (e < 0)
		return e;
	drop_secrets(me);
	lock_scope(&s->lock);
	known_put_me(s, me, &f->in);
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

static void prepare(const struct fetch *f, const struct record *holder, struct record *r)
{
	f->source->prepare(&f->place, holder, r);
	record_trim(r);
}

/* What a list holds may be in other lists, too: only a copy of it is changed. */
static struct record *prepared(
	const struct fetch *f, const struct record *holder, const struct record *one)
{
	if (!f->source->prepare)
		return record_ref(one);
	struct record *r = record_copy(one);

	prepare(f, holder, r);
	return r;
}

/* What each of these holds in a field, in their order. */
static void gather(const struct fetch *f, const struct records *all, int field, struct records *ret)
{
	each_record(r, all) {
		const struct value *v = record_get(r, field);

		for (size_t i = 0; i < v->n; i++)
			records_add(ret, prepared(f, r, v->records[i]));
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
	struct api_query query = { .fields = f->source->fields,
		.filters = filters,
		.max = f->source->max,
		.progress = &f->load->progress };
	int e = api_list(s->api, &f->place, &query, call, ret);

	each_record(r, &ret->records) {
		if (f->source->prepare)
			prepare(f, NULL, r);
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
	struct api_query query = { .fields = f->source->inner, .progress = &f->load->progress };
	int e = api_list(s->api, &place, &query, call, &listing);

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
	if (load_has_parent(s, f->load))
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
			if ((!max || ret->n < max) &&
				(!f->source->stays || f->source->stays(s, &f->place, r)))
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

bool fetch_is_not_known(int e)
{
	return e == -EINVAL || e == -EOPNOTSUPP || e == -ENOENT;
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

	if (fetch_is_not_known(e)) {
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
	if (load_has_parent(s, f->load))
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
	scoped(sound_fini) struct sound sound = { .problems = problems };
	int field = schema_find_field(f->source->parent, f->source->nested);
	bool complete = true;

	each_record(r, parents) {
		scoped(records_fini) struct records deeper = { 0 }, list = { 0 };
		struct records all = value_records(record_get(r, field));
		struct place place = f->place;

		if (f->source->inner) {
			gather(f, &all, inner_field(f->source), &deeper);
			all = deeper;
		}
		sound_add(&sound, &all, &list);
		place.parent_id = record_id(r);
		if (known_entry(s, place.parent, place.parent_id))
			known_replace(s, &place, &list, &f->in);
		else
			complete = false;
	}
	return complete;
}

static void add_nested_fields(const struct source *source, struct buf *ret)
{
	const char *within = source->inner ? source->inner : source->fields;

	if (ret->len)
		buf_add_char(ret, ',');
	buf_add_str(ret, source->nested);
	if (within)
		buf_add_fmt(ret, "(%s)", within);
}

/* What one of the kinds has in the parents' list. The lock is held. */
static void take_nested(
	struct store *s, struct fetch *f, const struct records *all, struct api_listing *listing)
{
	int field = schema_find_field(f->source->parent, f->source->nested);

	f->load->apart = !is_nested(all, field);
	if (f->load->apart || spread(s, f, all, &listing->problems))
		f->load->version = version_of(f, listing);
	else
		f->load->version = NO_VERSION;
	sound_note(f->load, &listing->problems);
}

static size_t count_known(struct store *s, const struct place *place)
{
	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, place);

	return c ? c->ids.n : 0;
}

/* Nested in the parents' list, for the whole project: one kind or several. */
static int fetch_nested(struct store *s, struct fetch *f, size_t n, struct call *call)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(buf_fini) struct buf known = BUF_INIT; /* told with the parents themselves */
	scoped(buf_fini) struct buf fields = BUF_INIT;
	scoped(sound_fini) struct sound sound = { .problems = &known };
	scoped(records_fini) struct records all = { 0 };
	int64_t project_id = f->place.project_id;
	struct place parents = { f->source->parent, 0, KIND_project, project_id, project_id };

	for (size_t i = 0; i < n; i++)
		add_nested_fields(f[i].source, &fields);
	struct api_query query = { .fields = buf_str(&fields),
		.n_expected = count_known(s, &parents),
		.progress = &f->load->progress };
	int e = api_list(s->api, &parents, &query, call, &listing);

	if (e < 0)
		return e;
	sound_add(&sound, &listing.records, &all);
	lock_scope(&s->lock);
	for (size_t i = 0; i < n; i++) {
		take_nested(s, &f[i], &all, &listing);
		buf_reset(&listing.problems);
	}
	return 0;
}

static void note_fetched(struct store *s, struct load *l, int e)
{
	lock_scope(&s->lock);
	if (e == 0)
		l->former_ms = 0;
	cache_note(s);
}

int fetch_together(struct store *s, const struct together *t, struct call *call)
{
	struct fetch f[sizeof(t->loads) / sizeof(t->loads[0])] = { 0 };

	assert(t->n > 0);
	for (size_t i = 0; i < t->n; i++)
		f[i] = fetch_begin(s, t->sources[i], t->loads[i]);
	int e = fetch_nested(s, f, t->n, call);

	for (size_t i = 0; i < t->n; i++) {
		note_fetched(s, t->loads[i], e);
		intake_tell(s, &f[i].in);
	}
	alloc_give_back();
	return e;
}

static int fetch_all_or_news(
	struct store *s, const struct source *source, struct load *l, bool whole, struct call *call)
{
	struct fetch f = fetch_begin(s, source, l);
	int e = 1;

	if (source->kind == KIND_me)
		e = fetch_me(s, &f, call);
	else if (source->nested && !l->of_one)
		e = fetch_nested(s, &f, 1, call);
	else if (!whole)
		e = fetch_news(s, &f, call);
	if (e > 0)
		e = fetch_direct(s, &f, call);
	note_fetched(s, l, e);
	intake_tell(s, &f.in);
	alloc_give_back();
	return e;
}

int fetch(struct store *s, const struct source *source, struct load *l, struct call *call)
{
	return fetch_all_or_news(s, source, l, false, call);
}

int fetch_whole(struct store *s, const struct source *source, struct load *l, struct call *call)
{
	return fetch_all_or_news(s, source, l, true, call);
}

/* ---- what changed in some stories ---- */

static const struct record *find_record(const struct records *list, int64_t id)
{
	each_record(r, list) {
		if (record_id(r) == id)
			return r;
	}
	return NULL;
}

static bool is_neighbour(const struct record *r, int f, const struct ids *order, size_t at)
{
	const struct value *told = record_get(r, f);

	return told->state != VALUE_SET || (at < order->n && order->v[at] == told->i);
}

/* Do those that tell their neighbours have these? What tells neither tells nothing. */
static bool fits(const struct ids *order, const struct records *list)
{
	scoped(idset_fini) struct idset asked = { 0 };

	each_record(r, list)
		idset_add(&asked, record_id(r));
	for (size_t i = 0; asked.n && i < order->n; i++) {
		const struct record *r =
			idset_has(&asked, order->v[i]) ? find_record(list, order->v[i]) : NULL;

		if (r && (!is_neighbour(r, F_story_before_id, order, i + 1) ||
				 !is_neighbour(r, F_story_after_id, order, i - 1)))
			return false;
	}
	return true;
}

static void copy_ids(const struct ids *from, struct ids *ret)
{
	for (size_t i = 0; i < from->n; i++)
		ids_add(ret, from->v[i]);
}

/* The order alone, anew. */
static int fetch_order(struct store *s, struct fetch *f, const struct delta *d, struct call *call)
{
	static const struct records none = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(ids_fini) struct ids order = { 0 };
	int e = api_list(s->api, &f->place, &(struct api_query){ .fields = "id" }, call, &listing);

	if (e < 0)
		return e;
	each_record(r, &listing.records)
		ids_add(&order, record_id(r));
	lock_scope(&s->lock);
	known_follow(s, &f->place, &none, &order, &f->in);
	f->load->version = listing.version == d->until ? d->until : NO_VERSION;
	return 0;
}

/* Put them in, in their places. 1 when these are not told. */
static int put_stories(
	struct store *s, struct fetch *f, const struct delta *d, struct api_listing *listing)
{
	scoped(sound_fini) struct sound sound = { .problems = &listing->problems };
	scoped(records_fini) struct records list = { 0 };
	scoped(ids_fini) struct ids order = { 0 };

	sound_add(&sound, &listing->records, &list);
	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, &f->place);

	if (c)
		copy_ids(&c->ids, &order);
	bool is_told = delta_order(d, f->load->version, &order) &&
		       (listing->version != d->until || fits(&order, &list));

	each_record(r, &list) {
		record_clear(r, F_story_before_id);
		record_clear(r, F_story_after_id);
	}
	known_follow(s, &f->place, &list, &order, &f->in);
	if (listing->problems.len)
		sound_note(f->load, &listing->problems);
	f->load->version = is_told ? d->until : NO_VERSION;
	return is_told ? 0 : 1;
}

static int fetch_stories(struct store *s, struct fetch *f, const struct delta *d, struct call *call)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(free_ptr) char *fields = xasprintf("%s,before_id,after_id", f->source->fields);
	scoped(ids_fini) struct ids ids = { 0 };

	idset_list(&d->stories, &ids);
	int e = api_list_some(
		s->api, &f->place, &(struct api_some){ &ids, fields }, call, &listing);

	if (e < 0)
		return e;
	e = put_stories(s, f, d, &listing);
	return e > 0 ? fetch_order(s, f, d, call) : e;
}

static int fetch_nested_some(
	struct store *s, struct fetch *f, const struct delta *d, struct call *call)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	struct place parents = { KIND_story, 0, KIND_project, d->project_id, d->project_id };
	scoped(buf_fini) struct buf fields = BUF_INIT;
	scoped(ids_fini) struct ids ids = { 0 };
	int field = schema_find_field(f->source->parent, f->source->nested);

	add_nested_fields(f->source, &fields);
	idset_list(&d->stories, &ids);
	int e = api_list_some(
		s->api, &parents, &(struct api_some){ &ids, buf_str(&fields) }, call, &listing);

	if (e < 0)
		return e;
	if (!is_nested(&listing.records, field))
		return 1;
	lock_scope(&s->lock);
	spread(s, f, &listing.records, &listing.problems);
	if (listing.problems.len)
		sound_note(f->load, &listing.problems);
	f->load->version = d->until;
	return 0;
}

int fetch_some(struct store *s, const struct source *source, struct load *l, const struct delta *d,
	struct call *call)
{
	struct fetch f = fetch_begin(s, source, l);

	f.in.since = d->n_writes;
	int e = source->nested ? fetch_nested_some(s, &f, d, call) : fetch_stories(s, &f, d, call);

	note_fetched(s, l, e);
	intake_tell(s, &f.in);
	if (fetch_is_not_known(e)) {
		v5_error_fini(&call->error);
		return 1;
	}
	return e;
}
