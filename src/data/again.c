/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was loaded, once more: what moved since, by what is known to have happened, else all of it.
 */
#include <errno.h>

#include "cache.h"
#include "fetch.h"
#include "storyfs/clock.h"

enum { CATCH_UP_MS = 3000 }; /* who reads waits no longer for what is newer than the cache */

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

	for (size_t i = 0; e == 0 && i < ids.n; i++)
		e = fetch(s, source, get_load(s, source, ids.v[i], true), call);
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
	cache_note(s);
}

int load_reload(struct store *s, const struct source *source, struct load *l, struct call *call)
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
							       : load_reload(s, source, l, call);
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

int load_projects(struct store *s, struct call *call)
{
	const struct source *source = source_find(KIND_project, KIND_none);

	return fetch(s, source, get_load(s, source, 0, false), call);
}

/* ---- what came from the cache ---- */

/* Did the host tell the versions since the mount, and still answers? *ret_span is from the load's
 * version to the project's. */
static bool is_told(struct store *s, const struct load *l, struct delta *ret_span)
{
	lock_scope(&s->lock);
	const struct entry *project =
		l->key.parent ? known_entry(s, KIND_project, l->key.id) : NULL;

	ret_span->project_id = l->key.id;
	ret_span->since = l->version;
	ret_span->until = project ? record_int(project->record, F_project_version, 0) : 0;
	return s->looked_ms && !s->failing_since_ms && !l->of_one;
}

/* Whatever comes of it, what there is is shown, and the next look sees to it. */
void load_catch_up(struct store *s, const struct source *source, struct load *l,
	const struct call_limit *limit)
{
	scoped(call_fini) struct call call = { .limit = *limit };
	scoped(delta_fini) struct delta d = { 0 };
	struct delta span = { 0 };
	int64_t deadline_ms = clock_deadline(CATCH_UP_MS);

	if (!is_told(s, l, &span))
		return;
	if (!limit->deadline_ms || limit->deadline_ms > deadline_ms)
		call.limit.deadline_ms = deadline_ms;
	if (source->parent == KIND_none)
		fetch(s, source, l, &call);
	else if (span.until && span.until != span.since && delta_read(s, &span, &call, &d) >= 0)
		update(s, source, l, &d, &call);
}

static struct load *find_former(struct store *s, const struct source *source)
{
	lock_scope(&s->lock);
	struct load *l = source->parent == KIND_none ? peek_load(&s->loads, source, 0) : NULL;

	return l && l->done && l->former_ms ? l : NULL;
}

/* The host does not give it any more: whoever asks hears so. */
static void forget_former(struct store *s, struct load *l, struct call *call)
{
	v5_error_fini(&call->error);
	lock_scope(&s->lock);
	l->done = false;
	l->former_ms = 0;
	cache_note(s);
}

int load_former(struct store *s, struct call *call)
{
	each_source(source)
	{
		struct load *l = find_former(s, source);
		int e = l ? fetch(s, source, l, call) : 0;

		/* Who is not let in, or gets no answer, need not ask for more. */
		if (e < 0 && !(source->optional && call->error.status))
			return e;
		if (e < 0)
			forget_former(s, l, call);
	}
	return 0;
}

/* One that is to be loaded behind this one; false when there is none. */
static bool find_listed(struct store *s, struct load **l, struct place *ret)
{
	lock_scope(&s->lock);
	do
		*l = table_next(&s->loads, *l);
	while (*l && (!(*l)->is_listed || (*l)->done));
	if (!*l)
		return false;
	*ret = (struct place){
		.kind = (*l)->key.kind, .parent = (*l)->key.parent, .parent_id = (*l)->key.id
	};
	return true;
}

void load_listed(struct store *s, struct call *call)
{
	struct load *l = NULL;
	struct place place;

	while (find_listed(s, &l, &place)) {
		load_collection(s, &place, call);
		v5_error_fini(&call->error);
	}
}
