/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading: a table says how each kind comes: as a list of its own, or nested in its parents' list,
 * which brings the comments of all stories in as many requests as the stories take. Each load runs
 * once however many wait for it; who waits does so within its own limit.
 */
#include <errno.h>
#include <string.h>

#include "known.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"

enum { FAILURE_KEPT_MS = 1000 }; /* who asks again within this gets the same answer */

static const struct source {
	enum kind kind;
	enum kind parent;
	const char *nested; /* the parent's field that holds them, or NULL: a list of its own */
	enum kind needs;    /* another kind of the project, without which it cannot be shown */
	bool optional;	    /* not every host has them */
	/* Two levels down: what `nested` holds are these, each with a list of them by this name. */
	enum kind through;
	const char *inner;
	const char *fields; /* to ask for, where the default response is not it */
} sources[] = {
	/* In this order they are loaded again: parents before what is nested in them. */
	{ KIND_me, KIND_none, NULL, KIND_none },
	{ KIND_project, KIND_none, NULL, KIND_none },
	{ KIND_project_membership, KIND_project, NULL, KIND_none },
	{ KIND_label, KIND_project, NULL, KIND_none },
	{ KIND_story, KIND_project, NULL, KIND_project_membership,
		.fields = ":default,follower_ids" },
	{ KIND_epic, KIND_project, NULL, KIND_none },
	{ KIND_saved_search, KIND_project, NULL, KIND_none, true },
	{ KIND_review_type, KIND_project, NULL, KIND_none, true },
	{ KIND_story_template, KIND_project, NULL, KIND_none, true },
	{ KIND_integration, KIND_project, NULL, KIND_none, true },
	{ KIND_release, KIND_project, NULL, KIND_none, true, .fields = ":default,story_ids" },
	{ KIND_iteration, KIND_project, NULL, KIND_none, true,
		.fields =
			"number,project_id,length,team_strength,start,finish,velocity,points,story_ids" },
	{ KIND_workspace, KIND_none, NULL, KIND_none, true },
	{ KIND_notification, KIND_none, NULL, KIND_none, true },
	{ KIND_comment, KIND_story, "comments", KIND_none },
	{ KIND_comment, KIND_epic, "comments", KIND_project_membership },
	{ KIND_task, KIND_story, "tasks", KIND_none },
	{ KIND_blocker, KIND_story, "blockers", KIND_project_membership },
	{ KIND_review, KIND_story, "reviews", KIND_project_membership },
	{ KIND_file_attachment, KIND_story, "comments", .through = KIND_comment,
		.inner = "file_attachments" },
	{ KIND_file_attachment, KIND_epic, "comments", .through = KIND_comment,
		.inner = "file_attachments" },
};

static const struct source *find_source(enum kind kind, enum kind parent)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (sources[i].kind == kind && sources[i].parent == parent)
			return &sources[i];
	}
	return NULL;
}

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

static void warn_of(const struct api_listing *listing, enum kind kind)
{
	if (listing->problems.len)
		log_warning("%s: %s", schema_resource(kind)->plural, buf_str(&listing->problems));
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

/* Iterations have numbers in their project instead of ids. */
static void number(const struct place *place, struct records *list)
{
	if (place->kind != KIND_iteration)
		return;
	each_record(r, list)
		record_set_int(r, F_iteration_id,
			store_id_of(place, record_int(r, F_iteration_number, 0)));
}

/* What each of these holds in a field, in their order. */
static void gather(const struct records *all, int field, struct records *ret)
{
	each_record(r, all) {
		const struct value *v = record_get(r, field);

		if (v->state != VALUE_SET)
			continue;
		each_record(one, &v->records)
			records_add(ret, record_ref(one));
	}
}

static int inner_field(const struct source *source)
{
	return schema_find_field(source->through, source->inner);
}

/* A list of its own; or that of what holds them. */
static int list_direct(
	struct store *s, const struct fetch *f, struct call *call, struct api_listing *ret)
{
	const char *inner = f->source->inner;
	struct place place = f->place;
	struct records all = { 0 };

	if (inner)
		place.kind = f->source->through;
	struct api_query query = { .fields = inner ? inner : f->source->fields };
	int e = api_list(s->api, &place, &query, call, ret);

	if (e < 0 || !inner)
		return e;
	gather(&ret->records, inner_field(f->source), &all);
	records_fini(&ret->records);
	ret->records = all;
	return e;
}

static int fetch_direct(struct store *s, struct fetch *f, struct call *call)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	int e = list_direct(s, f, call, &listing);

	if ((f->load->of_one || f->source->optional) && (e == -EOPNOTSUPP || e == -ENOENT))
		e = find_none(s, f, e, call);
	if (e < 0)
		return e;
	warn_of(&listing, f->place.kind);
	number(&f->place, &listing.records);
	lock_scope(&s->lock);
	if (has_parent(s, f->load))
		known_replace(s, &f->place, &listing.records, &f->in);
	f->load->version = version_of(f, &listing);
	return 0;
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

/* Put each parent's nested list where it belongs. False when there are parents we do not know yet:
 * what they hold comes once they do. */
static bool spread(struct store *s, struct fetch *f, const struct records *parents, int field)
{
	static const struct records none = { 0 };
	bool complete = true;

	each_record(r, parents) {
		scoped(records_fini) struct records deeper = { 0 };
		const struct records *list =
			record_has(r, field) ? &record_get(r, field)->records : &none;
		struct place place = f->place;

		if (f->source->inner) {
			gather(list, inner_field(f->source), &deeper);
			list = &deeper;
		}
		place.parent_id = record_id(r);
		if (known_entry(s, place.parent, place.parent_id))
			known_replace(s, &place, list, &f->in);
		else
			complete = false;
	}
	return complete;
}

/* Nested in the parents' list, for the whole project. */
static int fetch_nested(struct store *s, struct fetch *f, struct call *call)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	int64_t project_id = f->place.project_id;
	struct place parents = { f->source->parent, 0, KIND_project, project_id, project_id };
	const char *inner = f->source->inner;
	scoped(free_ptr) char *fields =
		inner ? xasprintf("%s(%s)", f->source->nested, inner) : xstrdup(f->source->nested);
	struct api_query query = { .fields = fields };
	int field = schema_find_field(f->source->parent, f->source->nested);
	int e = api_list(s->api, &parents, &query, call, &listing);

	if (e < 0)
		return e;
	warn_of(&listing, f->source->kind);
	lock_scope(&s->lock);
	f->load->apart = !is_nested(&listing.records, field);
	if (f->load->apart || spread(s, f, &listing.records, field))
		f->load->version = version_of(f, &listing);
	else
		f->load->version = NO_VERSION;
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
	const struct source *source = find_source(place->kind, place->parent);
	const struct source *needs = source ? find_source(source->needs, KIND_project) : NULL;

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
	int e = load_once(s, find_source(plan->source->needs, KIND_project), plan->needs, call);

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
	const struct source *source = find_source(KIND_me, KIND_none);

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

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct load *l = sources[i].parent == KIND_none
					 ? NULL
					 : find_behind(s, &sources[i], project_id, version);
		int e = l ? reload(s, &sources[i], l, call) : 0;

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

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		bool is_mine = sources[i].parent == KIND_none && sources[i].optional;
		struct load *l = is_mine ? find_behind(s, &sources[i], 0, NO_VERSION) : NULL;
		int e = l ? fetch(s, &sources[i], l, call) : 0;

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
	const struct source *source = find_source(KIND_project, KIND_none);

	pthread_mutex_lock(&s->lock);
	struct load *l = make_load(s, source, 0, false);

	pthread_mutex_unlock(&s->lock);
	return fetch(s, source, l, call);
}
