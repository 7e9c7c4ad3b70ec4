/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store that many threads use at once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "world.h"

enum { N_THREADS = 16 };

static void run_threads(void *(*run)(void *), void *data)
{
	pthread_t threads[N_THREADS];

	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run, data), 0);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void *list_comments(void *data)
{
	struct world *w = data;
	scoped(call_fini) struct call call = { 0 };
	scoped(records_fini) struct records found = { 0 };
	scoped(record_unref) struct record *me = NULL;

	if (store_list(w->store, &projects, &call, &found) ||
		store_list(w->store, &stories, &call, &found) ||
		store_list(w->store, &comments_501, &call, &found) ||
		store_get_me(w->store, &call, &me) || found.n != 9)
		abort();
	return NULL;
}

static void each_collection_loads_once_however_many_ask(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	host_fail(&w.host, &(struct host_fault){ .delay_ms = 20 });
	run_threads(list_comments, &w);
	assert_int_equal(host_count(&w.host, "GET /projects"), 1 + 1 + 3 + 3);
	assert_int_equal(host_count(&w.host, "/me"), 1 + 1); /* and memberships */
}

static void *list_apart(void *data)
{
	struct world *w = data;
	scoped(call_fini) struct call call = { 0 };
	scoped(records_fini) struct records found = { 0 };

	if (store_list(w->store, &comments_501, &call, &found) || found.n != 1)
		abort();
	return NULL;
}

static void so_it_does_where_a_host_does_not_nest(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	w.host.without_nesting = true;
	host_set(&w.host, "/projects/99/stories/501/comments", "[{'id':601,'text':'Yes'}]");
	list(&w, &projects);
	list(&w, &stories);
	host_fail(&w.host, &(struct host_fault){ .delay_ms = 20 });
	run_threads(list_apart, &w);
	assert_int_equal(host_count(&w.host, "/stories/501/comments"), 1);
}

static void *fail_to_list(void *data)
{
	struct world *w = data;
	scoped(call_fini) struct call call = { 0 };
	scoped(records_fini) struct records found = { 0 };

	if (store_list(w->store, &stories, &call, &found) != -ETIMEDOUT || !call.error.error)
		abort();
	return NULL;
}

static void all_who_wait_share_a_host_that_does_not_answer(void **state)
{
	(void)state;
	scoped(world_end) struct world w;

	world_begin(&w);
	list(&w, &projects);
	host_fail(&w.host, &(struct host_fault){ .error = -ETIMEDOUT, .delay_ms = 100 });
	host_forget(&w.host);
	run_threads(fail_to_list, &w);
	assert_int_equal(w.host.n_asked, 1);
}

struct cancel {
	struct world *world;
	bool seen;
};

/* Whoever asks holds nothing: the store may be used. */
static bool is_cancelled(void *data)
{
	struct cancel *cancel = data;
	struct record *r;

	if (store_peek(cancel->world->store, KIND_project, 99, &r) == 0) {
		record_unref(r);
		cancel->seen = true;
	}
	return true;
}

static void *list_slowly(void *data)
{
	struct world *w = data;
	scoped(call_fini) struct call call = { 0 };
	scoped(records_fini) struct records found = { 0 };

	if (store_list(w->store, &stories, &call, &found) || found.n != 5)
		abort();
	return NULL;
}

static void who_waits_may_give_up(void **state)
{
	(void)state;
	scoped(world_end) struct world w;
	pthread_t thread;

	world_begin(&w);
	list(&w, &projects);
	host_fail(&w.host, &(struct host_fault){ .path = "/memberships", .delay_ms = 500 });
	pthread_create(&thread, NULL, list_slowly, &w);
	while (host_count(&w.host, "/memberships") == 0)
		usleep(1000);
	struct cancel cancel = { .world = &w };
	scoped(call_fini) struct call call = { .limit = { .cancelled = is_cancelled,
						       .data = &cancel } };
	scoped(records_fini) struct records found = { 0 };
	int64_t start = clock_monotonic_ms();

	assert_int_equal(store_list(w.store, &stories, &call, &found), -EINTR);
	assert_true(clock_monotonic_ms() - start < 400);
	assert_true(cancel.seen);
	assert_non_null(call.error.error);
	pthread_join(thread, NULL);
}

/* A list that was asked for before a save must not bring the old value back. */
static void *refresh_slowly(void *data)
{
	struct world *w = data;
	scoped(call_fini) struct call call = { 0 };

	if (store_refresh(w->store, &call))
		abort();
	return NULL;
}

static void save_meanwhile(struct host *h, const struct host_asked *asked)
{
	if (!strstr(asked->target, "/stories?fields=%3Adefault%2Cfollower_ids&limit=2&offset=0"))
		return;
	h->answered = NULL;
	/* The answer with the old name is on its way. */
	host_fail(h, &(struct host_fault){ .path = "offset=2", .delay_ms = 200, .times = 1 });
}

static void an_older_list_undoes_no_save(void **state)
{
	(void)state;
	scoped(world_end) struct world w;
	pthread_t thread;

	world_begin(&w);
	list_all(&w);
	w.host.without_version = true;
	host_move(&w.host, 99, 11);
	w.host.answered = save_meanwhile;
	pthread_create(&thread, NULL, refresh_slowly, &w);
	while (host_count(&w.host, "offset=2") == 0)
		usleep(1000);
	assert_int_equal(save_name(&w, "Saved"), 0);
	int64_t saved_at = mtime(&w, F_story_name);

	pthread_join(thread, NULL);
	assert_name(&w, "Saved");
	assert_int_equal(mtime(&w, F_story_name), saved_at);
	refresh(&w);
	assert_name(&w, "Saved");
}

struct rush {
	struct world *world;
	atomic_int n;
};

static void mix(struct store *s, int i)
{
	scoped(call_fini) struct call call = { 0 };
	scoped(records_fini) struct records found = { 0 };
	scoped(record_unref) struct record *r = NULL, *now = NULL, *patch = NULL;
	scoped(free_ptr) char *name = xasprintf("name %d", i);

	switch (i % 8) {
	case 0:
		store_refresh(s, &call);
		break;
	case 1:
		patch = name_patch(name);
		if (store_peek(s, KIND_story, 501 + i % 5, &r) == 0)
			store_update(s, r, patch, &call, &now);
		break;
	case 2:
		store_list(s, &comments_501, &call, &found);
		break;
	default:
		store_list(s, &stories, &call, &found);
		store_mtime(s, KIND_story, 501 + i % 5, F_story_name);
		each_record(story, &found)
			store_project_of(s, story);
	}
}

static void *rush(void *data)
{
	struct rush *rush = data;
	int i;

	while ((i = atomic_fetch_add(&rush->n, 1)) < 800)
		mix(rush->world->store, i);
	return NULL;
}

/* Two of the stories come and go. */
static void shuffle(struct host *h, const struct host_asked *asked)
{
	static int n;

	(void)asked;
	if (++n % 7)
		return;
	if (n % 2) {
		host_remove(h, "/projects/99/stories/503");
		host_add(h, "/projects/99/stories", "{'id':503,'project_id':99,'name':'Door'}");
	}
	host_move(h, 99, 1000 + n);
}

static void ignore(void *data, const struct change *c)
{
	if (c->type == CHANGE_RECORD && record_same(c->before, c->after))
		abort();
	(void)data;
}

static void readers_writers_and_looks_get_along(void **state)
{
	(void)state;
	scoped(world_end) struct world w;
	struct rush data = { .world = &w };

	world_begin(&w);
	store_set_listener(w.store, ignore, NULL);
	list_all(&w);
	w.host.answered = shuffle;
	run_threads(rush, &data);
	w.host.answered = NULL;
	assert_int_equal(list(&w, &stories), 5);
}

static void the_store_looks_by_itself_and_ends_while_it_waits(void **state)
{
	(void)state;
	scoped(host_fini) struct host h;
	scoped(call_fini) struct call call = { 0 };
	scoped(records_fini) struct records found = { 0 };

	sample_init(&h);
	struct store *s = sample_store(&h, 1);

	assert_int_equal(store_list(s, &projects, &call, &found), 0);
	host_fail(&h, &(struct host_fault){ .delay_ms = 60 * 1000 });
	while (host_count(&h, "fields=id") == 0)
		usleep(10 * 1000);
	int64_t start = clock_monotonic_ms();

	store_free(s);
	assert_true(clock_monotonic_ms() - start < 1000);
}

/* ---- the listener ---- */

struct slow_listener {
	struct world *world;
	atomic_bool begun, done;
};

static void listen_slowly(void *data, const struct change *change)
{
	struct slow_listener *l = data;

	(void)change;
	l->begun = true;
	usleep(50 * 1000);
	l->done = true;
}

static void *save(void *data)
{
	struct slow_listener *l = data;

	if (save_name(l->world, "Saved"))
		abort();
	return NULL;
}

static void who_listens_no_more_is_told_nothing_more(void **state)
{
	(void)state;
	scoped(world_end) struct world w;
	struct slow_listener l = { .world = &w };
	pthread_t thread;

	world_begin(&w);
	list_all(&w);
	store_set_listener(w.store, listen_slowly, &l);
	assert_int_equal(pthread_create(&thread, NULL, save, &l), 0);
	while (!l.begun)
		usleep(1000);
	store_set_listener(w.store, NULL, NULL);
	assert_true(l.done);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_collection_loads_once_however_many_ask),
		cmocka_unit_test(so_it_does_where_a_host_does_not_nest),
		cmocka_unit_test(all_who_wait_share_a_host_that_does_not_answer),
		cmocka_unit_test(who_waits_may_give_up),
		cmocka_unit_test(an_older_list_undoes_no_save),
		cmocka_unit_test(readers_writers_and_looks_get_along),
		cmocka_unit_test(the_store_looks_by_itself_and_ends_while_it_waits),
		cmocka_unit_test(who_listens_no_more_is_told_nothing_more),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
