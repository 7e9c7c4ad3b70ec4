/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of a V5 host, and what its answers become. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "host.h"
#include "storyfs/alloc.h"
#include "storyfs/api.h"
#include "storyfs/clock.h"

static const struct place stories = { KIND_story, 0, KIND_project, 99, 99 };
static const struct place story_5 = { KIND_story, 5, KIND_project, 99, 99 };

static const char *const seven_stories =
	"[{'id':1,'name':'one'},{'id':2,'name':'two'},{'id':3,'name':'three'},{'id':4,'name':'four'},"
	"{'id':5,'name':'five'},{'id':6,'name':'six'},{'id':7,'name':'seven'}]";

static void set_up(struct host *h)
{
	host_init(h);
	host_set(h, "/projects", "[{'id':99,'name':'P','version':10}]");
	host_set(h, "/projects/99/stories", seven_stories);
}

static struct api *make_api(struct host *h, int64_t page_limit)
{
	/* One after the other: who asks several at once is test_pages. */
	struct api_config config = {
		.base_path = HOST_BASE, .page_limit = page_limit, .pages_at_once = 1
	};

	return api_new(&h->base, &config);
}

static void assert_asked(
	const struct host *h, size_t i, enum http_method method, const char *target)
{
	assert_true(i < h->n_asked);
	assert_int_equal(h->asked[i].method, method);
	assert_string_equal(h->asked[i].target, target);
}

static void paths_follow_from_places(void **state)
{
	(void)state;
	static const struct {
		struct place place;
		const char *path;
	} rows[] = {
		{ { KIND_me, 0, KIND_none, 0, 0 }, "/me" },
		{ { KIND_me, 7, KIND_none, 0, 0 }, "/me" },
		{ { KIND_project, 0, KIND_none, 0, 0 }, "/projects" },
		{ { KIND_project, 99, KIND_none, 0, 99 }, "/projects/99" },
		{ { KIND_story, 0, KIND_project, 99, 99 }, "/projects/99/stories" },
		{ { KIND_story, 5, KIND_project, 99, 0 }, "/projects/99/stories/5" },
		{ { KIND_story, 5, KIND_none, 0, 0 }, "/stories/5" },
		{ { KIND_project_membership, 0, KIND_project, 99, 99 },
			"/projects/99/memberships" },
		{ { KIND_comment, 7, KIND_story, 5, 99 }, "/projects/99/stories/5/comments/7" },
		{ { KIND_comment, 0, KIND_epic, 6, 99 }, "/projects/99/epics/6/comments" },
		{ { KIND_task, 8, KIND_story, 5, 99 }, "/projects/99/stories/5/tasks/8" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(buf_fini) struct buf path = BUF_INIT;

		api_add_path(&rows[i].place, &path);
		assert_string_equal(buf_str(&path), rows[i].path);
	}
}

static void a_list_is_put_together_from_pages(void **state)
{
	(void)state;
	scoped(host_fini) struct host h;

	set_up(&h);
	scoped(api_free) struct api *api = make_api(&h, 3);
	scoped(call_fini) struct call call = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	assert_int_equal(api_list(api, &stories, NULL, &call, &listing), 0);
	assert_int_equal(listing.records.n, 7);
	assert_int_equal(listing.n_requests, 3);
	assert_int_equal(listing.version, 10);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(record_id(listing.records.items[i]), i + 1);
	assert_asked(&h, 0, HTTP_GET, "/projects/99/stories?limit=3&offset=0");
	assert_asked(&h, 2, HTTP_GET, "/projects/99/stories?limit=3&offset=6");
}

static void pages_that_fit_exactly_cost_no_request_more(void **state)
{
	(void)state;
	scoped(host_fini) struct host h;

	set_up(&h);
	scoped(api_free) struct api *api = make_api(&h, 7);
	scoped(call_fini) struct call call = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	assert_int_equal(api_list(api, &stories, NULL, &call, &listing), 0);
	assert_int_equal(listing.records.n, 7);
	assert_int_equal(h.n_asked, 1);
}

static void a_host_may_give_less_than_the_limit(void **state)
{
	(void)state;
	scoped(host_fini) struct host h;

	set_up(&h);
	h.max_limit = 2;
	scoped(api_free) struct api *api = make_api(&h, 500);
	scoped(call_fini) struct call call = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	assert_int_equal(api_list(api, &stories, NULL, &call, &listing), 0);
	assert_int_equal(listing.records.n, 7);
	assert_int_equal(listing.n_requests, 4);
	assert_asked(&h, 3, HTTP_GET, "/projects/99/stories?limit=2&offset=6");
}

static void an_empty_list_is_one_request(void **state)
{
	(void)state;
	scoped(host_fini) struct host h;

	set_up(&h);
	host_set(&h, "/projects/99/stories", "[]");
	scoped(api_free) struct api *api = make_api(&h, 0);
	scoped(call_fini) struct call call = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	assert_int_equal(api_list(api, &stories, NULL, &call, &listing), 0);
	assert_int_equal(listing.records.n, 0);
	assert_int_equal(h.n_asked, 1);
}

static void what_is_not_paged_is_asked_for_at_once(void **state)
{
	(void)state;
	struct place projects = { .kind = KIND_project };
	struct api_query query = { .fields = "id,version" };
	scoped(host_fini) struct host h;

	set_up(&h);
	scoped(api_free) struct api *api = make_api(&h, 3);
	scoped(call_fini) struct call call = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	assert_int_equal(api_list(api, &projects, &query, &call, &listing), 0);
	assert_int_equal(listing.records.n, 1);
	assert_false(record_has(listing.records.items[0], F_project_name));
	assert_int_equal(record_int(listing.records.items[0], F_project_version, 0), 10);
	assert_asked(&h, 0, HTTP_GET, "/projects?fields=id%2Cversion");
}

static void filters_and_fields_stand_before_the_page(void **state)
{
	(void)state;
	struct api_query query = { .fields = "name,tasks(id)", .filters = "with_state=started" };
	scoped(host_fini) struct host h;

	set_up(&h);
	scoped(api_free) struct api *api = make_api(&h, 50);
	scoped(call_fini) struct call call = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	assert_int_equal(api_list(api, &stories, &query, &call, &listing), 0);
	assert_asked(&h, 0, HTTP_GET,
		"/projects/99/stories?with_state=started&fields=name%2Ctasks%28id%29"
		"&limit=50&offset=0");
}

static void move_once(struct host *h, const struct host_asked *asked)
{
	(void)asked;
	h->answered = NULL;
	host_remove(h, "/projects/99/stories/1");
	host_move(h, 99, 11);
}

static void a_list_that_moved_is_read_again(void **state)
{
	(void)state;
	scoped(host_fini) struct host h;

	set_up(&h);
	h.answered = move_once;
	scoped(api_free) struct api *api = make_api(&h, 3);
	scoped(call_fini) struct call call = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	assert_int_equal(api_list(api, &stories, NULL, &call, &listing), 0);
	/* Read on without a look at the version, story 4 would have slipped through. */
	assert_int_equal(listing.records.n, 6);
	assert_int_equal(record_id(listing.records.items[2]), 4);
	assert_int_equal(listing.version, 11);
	assert_int_equal(listing.n_requests, h.n_asked);
	assert_asked(&h, 2, HTTP_GET, "/projects/99/stories?limit=3&offset=0");
	assert_int_equal(h.n_asked, 4);
}

static void move_always(struct host *h, const struct host_asked *asked)
{
	static int64_t version = 20;

	(void)asked;
	host_move(h, 99, ++version);
}

static void a_list_that_always_moves_is_taken_as_it_is(void **state)
{
	(void)state;
	scoped(host_fini) struct host h;

	set_up(&h);
	host_move(&h, 99, 20);
	h.answered = move_always;
	scoped(api_free) struct api *api = make_api(&h, 3);
	scoped(call_fini) struct call call = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	assert_int_equal(api_list(api, &stories, NULL, &call, &listing), 0);
	assert_int_equal(listing.records.n, 7);
	/* Two tries end with their second page, the third is read to its end. */
	assert_int_equal(h.n_asked, 7);
	assert_int_equal(listing.version, 24);
}

static void refusals_become_errno_and_words(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *body;
		int error;
		const char *words;
	} rows[] = {
		{ 400,
			"{\"code\":\"invalid_parameter\",\"error\":\"One or more request "
			"parameters was missing or invalid.\"}",
			-EINVAL, "One or more request parameters was missing or invalid." },
		{ 403, "{\"code\":\"unauthorized_operation\",\"error\":\"Authorization failure.\"}",
			-EACCES, "Authorization failure." },
		{ 403,
			"{\"code\":\"invalid_authentication\",\"error\":\"Invalid authentication "
			"credentials were presented.\"}",
			-EKEYREJECTED, "Invalid authentication credentials were presented." },
		{ 404, "{\"code\":\"unfound_resource\",\"error\":\"Not there.\"}", -ENOENT,
			"Not there." },
		{ 503, "<html><body><h1>Down for maintenance</h1></body></html>", -EHOSTDOWN,
			"The server answered HTTP 503 and not in V5's terms: Down for "
			"maintenance" },
		{ 429, "", -EBUSY, "The server answered HTTP 429 with nothing of V5's to say." },
		{ 302, "", -EPROTO, "The server answered HTTP 302 with nothing of V5's to say." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(host_fini) struct host h;

		set_up(&h);
		host_fail(
			&h, &(struct host_fault){ .status = rows[i].status, .body = rows[i].body });
		scoped(api_free) struct api *api = make_api(&h, 0);
		scoped(call_fini) struct call call = { 0 };
		scoped(api_listing_fini) struct api_listing listing = { 0 };
		struct record *r;

		assert_int_equal(api_list(api, &stories, NULL, &call, &listing), rows[i].error);
		assert_string_equal(call.error.error, rows[i].words);
		assert_int_equal(api_get(api, &story_5, &call, &r), rows[i].error);
		assert_string_equal(call.error.error, rows[i].words);
		assert_int_equal(call.error.status, rows[i].status);
	}
}

static void no_answer_is_told_in_our_words(void **state)
{
	(void)state;
	static const struct {
		int error;
		const char *words;
		bool unknown;
	} rows[] = {
		{ -ETIMEDOUT, "no answer in time", true },
		{ -ECONNREFUSED, "the host refused the connection", false },
		{ -ECONNRESET, "the connection was cut before the answer was whole", true },
		{ -EHOSTUNREACH, "the host cannot be found or reached", false },
		{ -EKEYREJECTED, "the host's certificate was not accepted", false },
		{ -EPROTO, "the answer was no HTTP, or too large", true },
		{ -EIO, "Input/output error", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(host_fini) struct host h;

		set_up(&h);
		host_fail(&h, &(struct host_fault){ .error = rows[i].error });
		scoped(api_free) struct api *api = make_api(&h, 0);
		scoped(call_fini) struct call call = { 0 };
		struct record *r;

		assert_int_equal(api_get(api, &story_5, &call, &r), rows[i].error);
		assert_non_null(strstr(call.error.error, rows[i].words));
		assert_int_equal(api_is_outcome_unknown(rows[i].error), rows[i].unknown);
		assert_int_equal(call.error.status, 0);
	}
}

static void a_good_status_with_a_bad_body_is_no_answer(void **state)
{
	(void)state;
	static const char *const bodies[] = { "<html>Please log in</html>", "", "{}", "[1]",
		"[{\"name\":\"no id\"}]", "[{\"id\":1}", "\xff\xfe" };

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		scoped(host_fini) struct host h;

		set_up(&h);
		host_fail(&h, &(struct host_fault){ .status = 200, .body = bodies[i] });
		scoped(api_free) struct api *api = make_api(&h, 0);
		scoped(call_fini) struct call call = { 0 };
		scoped(api_listing_fini) struct api_listing listing = { 0 };
		struct record *r;

		assert_int_equal(api_list(api, &stories, NULL, &call, &listing), -EPROTO);
		assert_non_null(call.error.error);
		assert_int_equal(api_get(api, &story_5, &call, &r), -EPROTO);
		assert_non_null(call.error.error);
	}
}

static void a_list_cut_in_its_last_page_is_no_list(void **state)
{
	(void)state;
	scoped(host_fini) struct host h;

	set_up(&h);
	host_fail(&h, &(struct host_fault){ .path = "offset=6", .cut = 3 });
	scoped(api_free) struct api *api = make_api(&h, 3);
	scoped(call_fini) struct call call = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	assert_int_equal(api_list(api, &stories, NULL, &call, &listing), -EPROTO);
	assert_non_null(strstr(call.error.general_problem, "line 1"));
	assert_int_equal(listing.records.n, 0);
}

static void another_resource_than_the_one_asked_for_is_refused(void **state)
{
	(void)state;
	scoped(host_fini) struct host h;

	set_up(&h);
	host_fail(&h, &(struct host_fault){ .status = 200, .body = "{\"id\":6}" });
	scoped(api_free) struct api *api = make_api(&h, 0);
	scoped(call_fini) struct call call = { 0 };
	struct record *r;

	assert_int_equal(api_get(api, &story_5, &call, &r), -EPROTO);
	assert_non_null(strstr(call.error.general_problem, "6"));
}

static void odd_values_are_kept_and_told(void **state)
{
	(void)state;
	scoped(host_fini) struct host h;

	set_up(&h);
	host_change(&h, "/projects/99/stories/2", "estimate", "'many'");
	scoped(api_free) struct api *api = make_api(&h, 0);
	scoped(call_fini) struct call call = { 0 };
	scoped(api_listing_fini) struct api_listing listing = { 0 };

	assert_int_equal(api_list(api, &stories, NULL, &call, &listing), 0);
	assert_string_equal(
		buf_str(&listing.problems), "[1].estimate: expected number, got \"many\"\n");
	assert_string_equal(record_extra(listing.records.items[1]), "{\"estimate\":\"many\"}");
}

struct tokens {
	int n_asked, n_left;
};

static bool renew(void *data)
{
	struct tokens *tokens = data;

	tokens->n_asked++;
	return tokens->n_left-- > 0;
}

static const struct host_fault bad_token = { .status = 403,
	.times = 1,
	.body = "{\"code\":\"invalid_authentication\",\"error\":\"Invalid token.\"}" };

static struct api *make_api_with_tokens(struct host *h, struct tokens *tokens)
{
	struct api_config config = { .base_path = HOST_BASE, .renew_token = renew, .data = tokens };

	return api_new(&h->base, &config);
}

static void a_refused_token_is_renewed_once(void **state)
{
	(void)state;
	struct tokens tokens = { .n_left = 5 };
	scoped(host_fini) struct host h;

	set_up(&h);
	host_fail(&h, &bad_token);
	scoped(api_free) struct api *api = make_api_with_tokens(&h, &tokens);
	scoped(call_fini) struct call call = { 0 };
	scoped(record_unref) struct record *r = NULL;

	assert_int_equal(api_get(api, &story_5, &call, &r), 0);
	assert_int_equal(tokens.n_asked, 1);
	assert_int_equal(h.n_asked, 2);
	/* Nothing is left of what went wrong. */
	assert_null(call.error.error);
	assert_int_equal(call.error.code, V5_OK);
}

static void a_token_refused_twice_is_refused(void **state)
{
	(void)state;
	struct tokens tokens = { .n_left = 5 };
	struct host_fault always = bad_token;
	scoped(host_fini) struct host h;

	always.times = 0;
	set_up(&h);
	host_fail(&h, &always);
	scoped(api_free) struct api *api = make_api_with_tokens(&h, &tokens);
	scoped(call_fini) struct call call = { 0 };
	struct record *r;

	assert_int_equal(api_get(api, &story_5, &call, &r), -EKEYREJECTED);
	assert_int_equal(tokens.n_asked, 1);
	assert_int_equal(h.n_asked, 2);
	tokens = (struct tokens){ 0 };
	assert_int_equal(api_get(api, &story_5, &call, &r), -EKEYREJECTED);
	assert_int_equal(tokens.n_asked, 1);
	assert_int_equal(h.n_asked, 3);
}

static void a_certificate_is_no_token(void **state)
{
	(void)state;
	struct tokens tokens = { .n_left = 5 };
	scoped(host_fini) struct host h;

	set_up(&h);
	host_fail(&h, &(struct host_fault){ .error = -EKEYREJECTED });
	scoped(api_free) struct api *api = make_api_with_tokens(&h, &tokens);
	scoped(call_fini) struct call call = { 0 };
	struct record *r;

	assert_int_equal(api_get(api, &story_5, &call, &r), -EKEYREJECTED);
	assert_int_equal(tokens.n_asked, 0);
}

static void an_update_sends_the_changed_field_alone(void **state)
{
	(void)state;
	scoped(host_fini) struct host h;

	set_up(&h);
	scoped(api_free) struct api *api = make_api(&h, 0);
	scoped(call_fini) struct call call = { 0 };
	scoped(record_unref) struct record *patch = record_new(KIND_story), *now = NULL;

	record_set_text(patch, F_story_name, "That's no moon...");
	assert_int_equal(api_update(api, &story_5, patch, &call, &now), 0);
	assert_asked(&h, 0, HTTP_PUT, "/projects/99/stories/5");
	assert_string_equal(h.asked[0].body, "{\"name\":\"That's no moon...\"}");
	assert_string_equal(record_text(now, F_story_name), "That's no moon...");
	record_clear(patch, F_story_name);
	record_set_null(patch, F_story_estimate);
	record_unref(now);
	assert_int_equal(api_update(api, &story_5, patch, &call, &now), 0);
	assert_string_equal(h.asked[1].body, "{\"estimate\":null}");
}

static bool is_never_asked_twice(void *data)
{
	return ++*(int *)data > 1;
}

static void a_call_ends_when_it_is_cancelled(void **state)
{
	(void)state;
	int n = 0;
	scoped(host_fini) struct host h;

	set_up(&h);
	host_fail(&h, &(struct host_fault){ .delay_ms = 60 * 1000 });
	scoped(api_free) struct api *api = make_api(&h, 0);
	scoped(call_fini) struct call call = { .limit = { .cancelled = is_never_asked_twice,
						       .data = &n } };
	struct record *r;

	assert_int_equal(api_get(api, &story_5, &call, &r), -EINTR);
	assert_non_null(strstr(call.error.error, "interrupted"));
}

static void a_call_without_a_deadline_gets_one(void **state)
{
	(void)state;
	struct api_config config = { .base_path = HOST_BASE, .timeout_ms = 20 };
	scoped(host_fini) struct host h;

	set_up(&h);
	host_fail(&h, &(struct host_fault){ .delay_ms = 60 * 1000 });
	scoped(api_free) struct api *api = api_new(&h.base, &config);
	scoped(call_fini) struct call call = { 0 };
	struct record *r;

	assert_int_equal(api_get(api, &story_5, &call, &r), -ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_follow_from_places),
		cmocka_unit_test(a_list_is_put_together_from_pages),
		cmocka_unit_test(pages_that_fit_exactly_cost_no_request_more),
		cmocka_unit_test(a_host_may_give_less_than_the_limit),
		cmocka_unit_test(an_empty_list_is_one_request),
		cmocka_unit_test(what_is_not_paged_is_asked_for_at_once),
		cmocka_unit_test(filters_and_fields_stand_before_the_page),
		cmocka_unit_test(a_list_that_moved_is_read_again),
		cmocka_unit_test(a_list_that_always_moves_is_taken_as_it_is),
		cmocka_unit_test(refusals_become_errno_and_words),
		cmocka_unit_test(no_answer_is_told_in_our_words),
		cmocka_unit_test(a_good_status_with_a_bad_body_is_no_answer),
		cmocka_unit_test(a_list_cut_in_its_last_page_is_no_list),
		cmocka_unit_test(another_resource_than_the_one_asked_for_is_refused),
		cmocka_unit_test(odd_values_are_kept_and_told),
		cmocka_unit_test(a_refused_token_is_renewed_once),
		cmocka_unit_test(a_token_refused_twice_is_refused),
		cmocka_unit_test(a_certificate_is_no_token),
		cmocka_unit_test(an_update_sends_the_changed_field_alone),
		cmocka_unit_test(a_call_ends_when_it_is_cancelled),
		cmocka_unit_test(a_call_without_a_deadline_gets_one),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
