/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Freshness: one thread asks for the projects' versions, one request for all of them, and brings up
 * to date what was loaded at another version. */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "cache.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"
#include "storyfs/text.h"
#include "storyfs/thread.h"

enum {
	WRITES_MS = 200, /* between questions whether somebody wrote */
	FAILURE_SHOWN = 1000,
	MOST_REFUSED = 4, /* a host that does not want us is asked half as often each time, up to
			     that many times */
};

#define NEVER_MS (INT64_C(100) * 365 * 24 * 60 * 60 * 1000)

static bool is_stopping(void *data)
{
	struct store *s = data;

	lock_scope(&s->lock);
	return s->stopping;
}

static bool has_projects(struct store *s)
{
	struct place place = { .kind = KIND_project };

	lock_scope(&s->lock);
	return known_collection(s, &place) != NULL;
}

/* Is the list of projects, or a version in it, not the one we hold? */
static bool has_moved(struct store *s, const struct records *now)
{
	struct place place = { .kind = KIND_project };

	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, &place);
	size_t same = 0;

	each_record(r, now) {
		struct entry *e = known_entry(s, KIND_project, record_id(r));

		same += e && record_int(e->record, F_project_version, 0) ==
				     record_int(r, F_project_version, -1);
	}
	return same != now->n || now->n != c->ids.n;
}

static int look_at_versions(struct store *s, struct call *call)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	struct place projects = { .kind = KIND_project };
	struct api_query query = { .fields = "id,version" };
	int last = 0;
	int e = api_list(s->api, &projects, &query, call, &listing);

	if (e == 0 && has_moved(s, &listing.records)) {
		e = load_projects(s, call);
		/* Notifications come of what happens in projects. */
		if (e == 0)
			last = load_mine(s, call);
	}
	if (e < 0)
		return e;
	each_record(r, &listing.records) {
		e = load_again(s, record_id(r), record_int(r, F_project_version, 0), call);
		if (e < 0)
			last = e;
		if (e < 0 && !call->error.status)
			break;
	}
	return last;
}

/* *ret_asked: for the versions, too. */
static int look_again(struct store *s, struct call *call, bool *ret_asked)
{
	int former = s->cache ? load_former(s, call) : 0;

	*ret_asked = former == 0 && has_projects(s);
	return *ret_asked ? look_at_versions(s, call) : former;
}

/* What came from the cache is true now, as far as it is of the version that its project has. */
static void confirm(struct store *s)
{
	struct load *l = NULL;

	while ((l = table_next(&s->loads, l))) {
		const struct entry *project = known_entry(s, KIND_project, l->key.id);

		if (l->former_ms && l->key.parent && project &&
			record_int(project->record, F_project_version, 0) == l->version)
			l->former_ms = 0;
	}
	while ((l = table_next(&s->loads_apart, l))) {
		const struct load *whole = known_whole(s, l);

		if (whole && !whole->former_ms)
			l->former_ms = 0;
	}
}

/* Of the host's: a certificate that is not accepted is no answer. */
static bool is_refusal(int e, int status)
{
	return status && (e == -EACCES || e == -EKEYREJECTED || e == -EBUSY);
}

static const char *describe_failure(int e, int status)
{
	if (e == -EKEYREJECTED)
		return status ? "refuses the token" : "has no certificate to be trusted";
	if (!status)
		return "does not answer";
	return is_refusal(e, status) ? "refuses" : "fails";
}

/* How it went, for whoever wants to know how old what is known may be. */
static void note_look(struct store *s, int e, bool asked, const struct call *call)
{
	int64_t now = clock_now_ms();

	lock_scope(&s->lock);
	free(s->failure);
	s->failure = NULL;
	if (e == 0) {
		s->looked_ms = asked ? now : s->looked_ms;
		s->failing_since_ms = 0;
		confirm(s);
		cache_note(s);
		return;
	}
	if (!s->failing_since_ms)
		s->failing_since_ms = now;
	s->failing_how = describe_failure(e, call->error.status);
	s->failure = xstrdup(call->error.error ? call->error.error : strerrordesc_np(-e));
}

static void add_time(const char *key, int64_t ms, struct buf *ret)
{
	char time[CLOCK_ISO_SIZE];

	clock_format_iso(ms, time);
	buf_add_fmt(ret, "%s: %s\n", key, ms ? time : "never");
}

/* When the oldest of what the host did not say anything of since was true; 0: there is none. */
static int64_t find_oldest(const struct table *loads, int64_t oldest)
{
	const struct load *l = NULL;

	while ((l = table_next(loads, l))) {
		if (l->former_ms && (!oldest || l->former_ms < oldest))
			oldest = l->former_ms;
	}
	return oldest;
}

static void add_cache(const struct store *s, struct buf *ret)
{
	int64_t oldest = find_oldest(&s->loads_apart, find_oldest(&s->loads, 0));

	if (oldest)
		add_time("shown_is_of", oldest, ret);
	cache_add_status(s, ret);
}

/* Lists that somebody waits for. Those that others bring along have no numbers of their own. */
static void add_loading(struct store *s, struct buf *ret)
{
	const struct load *l = NULL;

	while ((l = table_next(&s->loads, l))) {
		size_t got = atomic_load(&l->progress.got);
		int64_t total = atomic_load(&l->progress.total);

		if (!l->running || !total)
			continue;
		buf_add_fmt(ret, "loading: %s", schema_resource(l->key.kind)->plural);
		if (l->key.parent)
			buf_add_fmt(ret, " of project %" PRId64, l->key.id);
		if (total > 0)
			buf_add_fmt(ret, ", %zu of %" PRId64, got, total);
		buf_add_char(ret, '\n');
	}
}

static void add_freshness(struct store *s, struct buf *ret)
{
	lock_scope(&s->lock);
	if (s->refresh_s > 0)
		buf_add_fmt(ret, "refresh: %d\n", s->refresh_s);
	else
		buf_add_str(ret, "refresh: never\n");
	if (s->count_writes) /* an archive, which is looked at all the time */
		buf_add_str(ret, "looked_at: now\n");
	else
		add_time("looked_at", s->looked_ms, ret);
	if (s->failing_since_ms) {
		buf_add_fmt(ret, "host: %s\n", s->failing_how);
		add_time("failing_since", s->failing_since_ms, ret);
		buf_add_str(ret, "failure: ");
		text_add_excerpt(ret, s->failure, strlen(s->failure), FAILURE_SHOWN);
		buf_add_char(ret, '\n');
	}
	add_loading(s, ret);
	add_cache(s, ret);
}

void store_add_status(struct store *s, struct buf *ret)
{
	add_freshness(s, ret);
	if (s->describe_host)
		s->describe_host(s->source_data, ret);
}

/* One at a time. */
static int begin(struct store *s, struct call *call)
{
	lock_scope(&s->lock);
	int e = known_wait(s, &s->refreshing, call);

	if (e == 0)
		s->refreshing = true;
	s->look_wanted = false;
	return e;
}

static void end(struct store *s)
{
	lock_scope(&s->lock);
	s->refreshing = false;
	pthread_cond_broadcast(&s->wake);
}

int store_refresh(struct store *s, struct call *call)
{
	bool asked = false;

	if (!s->cache && !has_projects(s))
		return 0;
	if (s->cache)
		load_listed(s, call);
	int e = begin(s, call);

	if (e < 0)
		return e;
	e = look_again(s, call, &asked);
	if (e != -EINTR)
		note_look(s, e, asked, call);
	end(s);
	return e;
}

/* The sync thread's own. */
struct sync {
	struct store *store;
	int64_t next_ms;  /* clock_monotonic_ms of the next look */
	int n_refused;	  /* looks in a row that the host did not want */
	int64_t n_writes; /* count_writes, when it was looked at last */
};

/* False when it is time to stop. */
static bool sleep_until(struct store *s, int64_t ms)
{
	struct timespec until = clock_timespec(ms);

	lock_scope(&s->lock);
	while (!s->stopping && !s->look_wanted &&
		pthread_cond_timedwait(&s->wake, &s->lock, &until) != ETIMEDOUT)
		;
	return !s->stopping;
}

static bool was_written(struct sync *y)
{
	int64_t n;

	if (y->store->count_writes(y->store->source_data, &n) < 0 || n == y->n_writes)
		return false;
	y->n_writes = n;
	return true;
}

/* For the next look, or for somebody who writes. False when it is time to stop. */
static bool sleep_until_next(struct sync *y)
{
	struct store *s = y->store;

	if (!s->count_writes)
		return sleep_until(s, y->next_ms);
	for (int64_t now; !was_written(y) && (now = clock_monotonic_ms()) < y->next_ms;) {
		int64_t then = now + WRITES_MS;

		if (!sleep_until(s, then < y->next_ms ? then : y->next_ms))
			return false;
	}
	return !is_stopping(s);
}

static int64_t next_look(const struct sync *y)
{
	int64_t refresh_ms = y->store->refresh_s * INT64_C(1000);

	return clock_deadline(refresh_ms ? refresh_ms << y->n_refused : NEVER_MS);
}

static void look(struct sync *y)
{
	scoped(call_fini) struct call call = {
		.limit = { .cancelled = is_stopping, .data = y->store },
	};
	int e = store_refresh(y->store, &call);

	if (e < 0 && e != -EINTR)
		log_info("refresh: %s", call.error.error ? call.error.error : strerrordesc_np(-e));
	if (!is_refusal(e, call.error.status))
		y->n_refused = 0;
	else if (y->n_refused < MOST_REFUSED)
		y->n_refused++;
	y->next_ms = next_look(y);
}

static void *run(void *data)
{
	struct sync y = { .store = data };

	y.next_ms = next_look(&y);
	if (y.store->count_writes)
		was_written(&y);
	while (sleep_until_next(&y))
		look(&y);
	return NULL;
}

void sync_start(struct store *s)
{
	bool is_needed = s->refresh_s > 0 || s->cache;

	s->has_thread = is_needed && thread_start(run, s, &s->thread) == 0;
}

void sync_look_soon(struct store *s)
{
	s->look_wanted = true;
	pthread_cond_broadcast(&s->wake);
}

void sync_stop(struct store *s)
{
	if (!s->has_thread)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
}
