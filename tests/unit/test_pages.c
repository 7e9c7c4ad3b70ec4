/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages of a list that are asked for several at once. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"
#include "storyfs/alloc.h"
#include "storyfs/api.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

enum { N_STORIES = 23, DEADLINE_MS = 10 * 1000 };

static const struct place stories = { KIND_story, 0, KIND_project, 99, 99 };

/* Between the API and the host: pages behind the first wait until so many were asked for. */
struct meeting {
	struct transport base;
	struct host *host;
	pthread_mutex_t lock;
	pthread_cond_t came;
	int n_needed, n_inside, n_most;
	bool is_met;
	bool with_first, first_met; /* the first waits, too, and met others */
};

static void meet(struct meeting *m, bool is_first)
{
	struct timespec until = clock_timespec(clock_deadline(DEADLINE_MS));

	lock_scope(&m->lock);
	if (++m->n_inside > m->n_most)
		m->n_most = m->n_inside;
	m->is_met = m->is_met || m->n_inside >= m->n_needed;
	pthread_cond_broadcast(&m->came);
	while (!m->is_met && pthread_cond_timedwait(&m->came, &m->lock, &until) == 0)
		;
	if (is_first)
		m->first_met = m->is_met;
}

static void leave(struct meeting *m)
{
	lock_scope(&m->lock);
	m->n_inside--;
}

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct meeting *m = (struct meeting *)t;
	bool is_first = strstr(req->target, "offset=0") != NULL;
	bool waits = m->with_first || !is_first;

	if (waits)
		meet(m, is_first);
	int e = transport_perform(&m->host->base, req, limit, ret);

	if (waits)
		leave(m);
	return e;
}

static void keep(struct transport *t)
{
	(void)t;
}

struct fixture {
	struct host host;
	struct meeting meeting;
	struct api *api;
	struct call call;
	struct api_listing listing;
};

static void set_stories(struct host *h, int n)
{
	scoped(buf_fini) struct buf json = BUF_INIT;

	for (int i = 1; i <= n; i++)
		buf_add_fmt(&json, "%c{'id':%d,'name':'x'}", i > 1 ? ',' : '[', i);
	buf_add_char(&json, ']');
	host_set(h, "/projects/99/stories", json.data);
}

static int set_up(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof(*fx));

	host_init(&fx->host);
	host_set(&fx->host, "/projects", "[{'id':99,'name':'P','version':10}]");
	set_stories(&fx->host, N_STORIES);
	fx->meeting = (struct meeting){
		.base = { .perform = perform, .free = keep }, .host = &fx->host, .n_needed = 1
	};
	pthread_mutex_init(&fx->meeting.lock, NULL);
	thread_init_cond(&fx->meeting.came);
	fx->api = api_new(&fx->meeting.base,
		&(struct api_config){
			.base_path = HOST_BASE, .page_limit = 3, .pages_at_once = 4 });
	*state = fx;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fx = *state;

	api_free(fx->api);
	call_fini(&fx->call);
	api_listing_fini(&fx->listing);
	pthread_cond_destroy(&fx->meeting.came);
	pthread_mutex_destroy(&fx->meeting.lock);
	host_fini(&fx->host);
	free(fx);
	return 0;
}

static int list(struct fixture *fx, size_t max)
{
	return api_list(
		fx->api, &stories, &(struct api_query){ .max = max }, &fx->call, &fx->listing);
}

/* All there are, each once, in the host's order. */
static void assert_whole(const struct fixture *fx, int n)
{
	assert_int_equal(fx->listing.records.n, n);
	for (int i = 0; i < n; i++)
		assert_int_equal(record_id(fx->listing.records.items[i]), i + 1);
}

static void four_are_asked_for_at_once_and_no_more(void **state)
{
	struct fixture *fx = *state;

	fx->meeting.n_needed = 4;
	assert_int_equal(list(fx, 0), 0);
	assert_whole(fx, N_STORIES);
	assert_int_equal(fx->meeting.n_most, 4);
	assert_int_equal(fx->listing.n_requests, 8);
	assert_int_equal(fx->host.n_asked, 8);
	assert_int_equal(fx->listing.version, 10);
}

static void eight_are_when_nothing_else_is_said(void **state)
{
	struct fixture *fx = *state;

	api_free(fx->api);
	fx->api = api_new(
		&fx->meeting.base, &(struct api_config){ .base_path = HOST_BASE, .page_limit = 1 });
	fx->meeting.n_needed = 8;
	assert_int_equal(list(fx, 0), 0);
	assert_whole(fx, N_STORIES);
	assert_int_equal(fx->meeting.n_most, 8);
}

static void they_stand_in_the_lists_order_however_they_come(void **state)
{
	struct fixture *fx = *state;

	host_fail(&fx->host, &(struct host_fault){ .path = "offset=3", .delay_ms = 60 });
	host_fail(&fx->host, &(struct host_fault){ .path = "offset=12", .delay_ms = 30 });
	assert_int_equal(list(fx, 0), 0);
	assert_whole(fx, N_STORIES);
	assert_int_equal(fx->host.n_asked, 8);
}

static int list_expecting(struct fixture *fx, size_t n)
{
	host_forget(&fx->host);
	api_listing_fini(&fx->listing);
	return api_list(
		fx->api, &stories, &(struct api_query){ .n_expected = n }, &fx->call, &fx->listing);
}

static void none_waits_for_the_first_when_it_is_known_how_many_there_are(void **state)
{
	struct fixture *fx = *state;

	fx->meeting.n_needed = 4;
	fx->meeting.with_first = true;
	assert_int_equal(list_expecting(fx, N_STORIES), 0);
	assert_whole(fx, N_STORIES);
	assert_int_equal(fx->host.n_asked, 8);
	assert_int_equal(fx->listing.version, 10);
	assert_true(fx->meeting.first_met);
}

static void what_is_expected_need_not_be_so(void **state)
{
	static const size_t expected[] = { 1, 3, 4, 20, 21, 24, 25, 100 };
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		assert_int_equal(list_expecting(fx, expected[i]), 0);
		assert_whole(fx, N_STORIES);
		assert_int_equal(fx->listing.n_requests, fx->host.n_asked);
		assert_in_range(fx->host.n_asked, 8, 16);
	}
	fx->host.max_limit = 2;
	assert_int_equal(list_expecting(fx, N_STORIES), 0);
	assert_whole(fx, N_STORIES);
	assert_int_equal(fx->listing.n_requests, fx->host.n_asked);
}

static void no_more_than_is_wanted_is_asked_for(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(list(fx, 7), 0);
	assert_whole(fx, 9);
	assert_int_equal(fx->host.n_asked, 3);
}

static void the_first_failure_is_the_lists(void **state)
{
	struct fixture *fx = *state;

	host_fail(&fx->host,
		&(struct host_fault){ .path = "offset=9",
			.status = 403,
			.body = "{\"code\":\"unauthorized_operation\",\"error\":\"No.\"}" });
	assert_int_equal(list(fx, 0), -EACCES);
	assert_string_equal(fx->call.error.error, "No.");
	assert_int_equal(fx->listing.records.n, 0);
}

static bool is_cancelled(void *data)
{
	return host_count(data, "offset=6") > 0;
}

static void a_cancelled_list_ends(void **state)
{
	struct fixture *fx = *state;

	host_fail(&fx->host, &(struct host_fault){ .path = "offset=6", .delay_ms = DEADLINE_MS });
	fx->call.limit = (struct call_limit){ .cancelled = is_cancelled, .data = &fx->host };
	assert_int_equal(list(fx, 0), -EINTR);
}

static void move_once(struct host *h, const struct host_asked *asked)
{
	if (!strstr(asked->target, "offset=3"))
		return;
	h->answered = NULL;
	host_remove(h, "/projects/99/stories/23");
	host_move(h, 99, 11);
}

static void one_that_is_expected_and_moves_is_read_again(void **state)
{
	struct fixture *fx = *state;

	fx->host.answered = move_once;
	assert_int_equal(list_expecting(fx, N_STORIES), 0);
	assert_whole(fx, N_STORIES - 1);
	assert_int_equal(fx->listing.version, 11);
}

static void a_project_that_moves_meanwhile_is_read_again(void **state)
{
	struct fixture *fx = *state;

	fx->host.answered = move_once;
	assert_int_equal(list(fx, 0), 0);
	assert_whole(fx, N_STORIES - 1);
	assert_int_equal(fx->listing.version, 11);
	assert_int_equal(fx->listing.n_requests, fx->host.n_asked);
}

static void move_always(struct host *h, const struct host_asked *asked)
{
	static int64_t version = 20;

	(void)asked;
	host_move(h, 99, ++version);
}

static void one_that_always_moves_is_taken_as_it_is(void **state)
{
	struct fixture *fx = *state;

	fx->host.answered = move_always;
	assert_int_equal(list(fx, 0), 0);
	assert_whole(fx, N_STORIES);
	assert_int_equal(fx->listing.n_requests, fx->host.n_asked);
}

/* A host without versions that gives less after its first page. */
static void shrink(struct host *h, const struct host_asked *asked)
{
	(void)asked;
	h->max_limit = 2;
}

static void pages_that_do_not_fit_together_are_read_one_by_one(void **state)
{
	struct fixture *fx = *state;

	fx->host.without_version = true;
	fx->host.answered = shrink;
	assert_int_equal(list(fx, 0), 0);
	assert_whole(fx, N_STORIES);
	assert_int_equal(fx->listing.n_requests, fx->host.n_asked);
}

/* It ends with the first page that is empty; those of the crew may be on their way by then. */
static void a_total_that_is_none_costs_a_few_requests(void **state)
{
	static const int64_t totals[] = { 24, 3000, INT64_C(1) << 40, INT64_MAX };
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof(totals) / sizeof(*totals); i++) {
		fx->host.total = totals[i];
		host_forget(&fx->host);
		assert_int_equal(list(fx, 0), 0);
		assert_whole(fx, N_STORIES);
		assert_in_range(fx->host.n_asked, 8, 12);
		assert_int_equal(fx->listing.n_requests, fx->host.n_asked);
		api_listing_fini(&fx->listing);
	}
}

static void a_list_without_an_end_is_none(void **state)
{
	struct fixture *fx = *state;
	struct api_config config = { .base_path = HOST_BASE, .page_limit = 3, .max_listed = 20 };
	scoped(api_free) struct api *api = api_new(&fx->meeting.base, &config);

	assert_int_equal(api_list(api, &stories, NULL, &fx->call, &fx->listing), -EPROTO);
	assert_string_equal(
		fx->call.error.error, "The server's list of stories has no end: 20 were read.");
	host_forget(&fx->host);
	fx->host.total = INT64_MAX;
	assert_int_equal(api_list(api, &stories, NULL, &fx->call, &fx->listing), -EPROTO);
	assert_in_range(fx->host.n_asked, 1, 8);
}

#define pages_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(four_are_asked_for_at_once_and_no_more),
		pages_test(eight_are_when_nothing_else_is_said),
		pages_test(they_stand_in_the_lists_order_however_they_come),
		pages_test(none_waits_for_the_first_when_it_is_known_how_many_there_are),
		pages_test(what_is_expected_need_not_be_so),
		pages_test(one_that_is_expected_and_moves_is_read_again),
		pages_test(no_more_than_is_wanted_is_asked_for),
		pages_test(the_first_failure_is_the_lists),
		pages_test(a_cancelled_list_ends),
		pages_test(a_project_that_moves_meanwhile_is_read_again),
		pages_test(one_that_always_moves_is_taken_as_it_is),
		pages_test(pages_that_do_not_fit_together_are_read_one_by_one),
		pages_test(a_total_that_is_none_costs_a_few_requests),
		pages_test(a_list_without_an_end_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
