/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading, by the table of sources. Each load runs once however many wait for it; who waits does so
 * within its own limit. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "cache.h"
#include "fetch.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"
#include "storyfs/thread.h"

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
	atomic_store(&l->progress.total, 0);
	l->done = e == 0 && load_has_parent(s, l);
	l->failed_at = kept ? clock_monotonic_ms() : 0;
	l->failure = e;
	free(l->words);
	l->words = kept && call->error.error ? xstrdup(call->error.error) : NULL;
	cache_note(s);
	pthread_cond_broadcast(&s->wake);
}

/* ---- reading ahead ---- */

static bool is_sibling(const struct source *a, const struct source *b)
{
	return a != b && a->nested && b->nested && a->parent == b->parent;
}

static bool has_nested(const struct together *t, const char *nested)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->sources[i]->nested, nested) == 0)
			return true;
	}
	return false;
}

static bool is_loaded(struct store *s, const struct source *source, int64_t project_id)
{
	const struct load *l = source ? peek_load(&s->loads, source, project_id) : NULL;

	return l && l->done;
}

/* Can it come along? Not when it failed before, nor while what it needs is not there: that is found
 * by asking for it alone. */
static bool may_join(struct store *s, const struct together *t, const struct source *source)
{
	int64_t project_id = t->loads[0]->key.id;
	const struct load *l = peek_load(&s->loads, source, project_id);

	return is_sibling(source, t->sources[0]) && !has_nested(t, source->nested) &&
	       t->n < sizeof(t->loads) / sizeof(t->loads[0]) &&
	       !(l && (l->running || l->done || l->failed_at)) &&
	       (!source->needs ||
		       is_loaded(s, source_find(source->needs, KIND_project), project_id));
}

/* Who looks at one kind below the stories may want that one alone. Who looks at a second one is
 * walking through all of them: the rest comes along. */
static void claim_others(struct store *s, struct together *t)
{
	int64_t project_id = t->loads[0]->key.id;
	bool is_walk = false;

	lock_scope(&s->lock);
	each_source(source)
	{
		if (is_sibling(source, t->sources[0]) && is_loaded(s, source, project_id))
			is_walk = true;
	}
	each_source(source)
	{
		if (!is_walk || !may_join(s, t, source))
			continue;
		t->sources[t->n] = source;
		t->loads[t->n] = make_load(s, source, project_id, false);
		t->loads[t->n++]->running = true;
	}
}

/* A host that does not know how to tell them together is asked for the one alone. */
static int fetch_with_others(
	struct store *s, const struct source *source, struct load *l, struct call *call)
{
	struct together t = { .n = 1, .sources = { source }, .loads = { l } };
	const struct call untried = { 0 };

	if (source->nested && !l->of_one)
		claim_others(s, &t);
	if (t.n == 1)
		return fetch(s, source, l, call);
	int e = fetch_together(s, &t, call);
	bool refused = fetch_is_not_known(e);

	for (size_t i = 1; i < t.n; i++)
		release(s, t.loads[i], refused ? -EINTR : e, refused ? &untried : call);
	if (!refused)
		return e;
	v5_error_fini(&call->error);
	return fetch(s, source, l, call);
}

static int load_once(
	struct store *s, const struct source *source, struct load *l, struct call *call)
{
	int e = claim(s, l, call);

	if (e <= 0)
		return e;
	thread_will_wait();
	e = cache_restore(s, source, l);
	if (e == 0)
		load_catch_up(s, source, l, &call->limit);
	else
		e = fetch_with_others(s, source, l, call);
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

	return load_once(s, source, get_load(s, source, 0, false), call);
}

int load_ids(struct store *s, const struct place *place, struct ids *ret)
{
	struct plan plan;

	if (!s->cache || make_plan(s, place, &plan) < 2 || plan.one)
		return 1;
	pthread_mutex_lock(&s->lock);
	bool is_wanted = !plan.whole->done && !plan.whole->running;

	pthread_mutex_unlock(&s->lock);
	return is_wanted ? cache_read_ids(s, plan.source, plan.whole, ret) : 1;
}

int load_collection_again(struct store *s, const struct place *place, struct call *call)
{
	struct plan plan = { 0 };

	if (make_plan(s, place, &plan) == 1)
		return 0;
	return load_reload(s, plan.source, plan.whole, call);
}
