/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading, by the table of sources. Each load runs once however many wait for it; who waits does so
 * within its own limit. */
#include <errno.h>
#include <string.h>

#include "fetch.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"

enum { FAILURE_KEPT_MS = 1000 }; /* who asks again within this gets the same answer */

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

static void release(struct store *s, struct load *l, int e, const struct call *call)
{
	bool kept = e < 0 && !was_own_limit(e, call);

	lock_scope(&s->lock);
	l->running = false;
	l->done = e == 0 && load_has_parent(s, l);
	l->failed_at = kept ? clock_monotonic_ms() : 0;
	l->failure = e;
	free(l->words);
	l->words = kept && call->error.error ? xstrdup(call->error.error) : NULL;
	pthread_cond_broadcast(&s->wake);
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

/* The loads of a project that are behind it; the oldest version of them, 0 for none. */
static int64_t find_oldest(struct store *s, int64_t project_id, int64_t version)
{
	int64_t oldest = 0;

	each_source(source)
	{
		struct load *l = source->parent == KIND_none
					 ? NULL
					 : find_behind(s, source, project_id, version);
		int64_t since = l ? l->version : NO_VERSION;

		if (since > 0 && since < version && (!oldest || since < oldest))
			oldest = since;
	}
	return oldest;
}

/* By what is known to have happened, where that tells; 1 when it does not. */
static int follow(struct store *s, const struct source *source, struct load *l,
	const struct delta *d, struct call *call)
{
	if (is_apart(s, l) || l->version < d->since || l->version > d->until)
		return 1;
	switch (delta_of(d, source)) {
	case DELTA_NOTHING:
		set_version(s, l, d->until);
		return 0;
	case DELTA_SOME:
		return fetch_some(s, source, l, d, call);
	case DELTA_UNKNOWN:
		break;
	}
	return 1;
}

static int update(struct store *s, const struct source *source, struct load *l,
	const struct delta *d, struct call *call)
{
	int e = d->until ? follow(s, source, l, d, call) : 1;

	if (e <= 0)
		return e;
	/* What came from elsewhere has a past that is no news. */
	return source->stays && (!d->until || d->has_arrivals) ? fetch_whole(s, source, l, call)
							       : reload(s, source, l, call);
}

int load_again(struct store *s, int64_t project_id, int64_t version, struct call *call)
{
	scoped(delta_fini) struct delta d = { 0 };
	struct delta span = { .project_id = project_id,
		.since = find_oldest(s, project_id, version),
		.until = version };
	int last = span.since ? delta_read(s, &span, call, &d) : 0;

	if (last < 0)
		return last;
	last = 0;
	each_source(source)
	{
		struct load *l = source->parent == KIND_none
					 ? NULL
					 : find_behind(s, source, project_id, version);
		int e = l ? update(s, source, l, &d, call) : 0;

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
