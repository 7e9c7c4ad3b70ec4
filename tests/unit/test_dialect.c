/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host that speaks nearly V5: what it is asked, what its answers become, how that is found out.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/dialect.h"
#include "storyfs/retry.h"

#define STORIES "/services/v5/projects/99/stories"

enum { MAX_ASKED = 16 };

struct asked {
	char *target, *body, *scheme; /* NULL: the token goes where V5 has it */
};

/* An answer to requests in whose target the word is, with that scheme; the first that fits. */
struct reply {
	const char *word, *scheme;
	int status;
	const char *body;
};

struct strange {
	struct transport base;
	const struct reply *replies;
	void (*meanwhile)(void *data); /* called once, before an answer */
	void *data;
	size_t n_asked;
	struct asked asked[MAX_ASKED];
};

static bool fits(const struct reply *r, const struct http_request *req)
{
	bool any = !r->scheme;

	return strstr(req->target, r->word) &&
	       (any || strcmp(r->scheme, req->token_scheme ? req->token_scheme : "") == 0);
}

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct strange *s = (struct strange *)t;
	const struct reply *r = s->replies;
	void (*meanwhile)(void *data) = s->meanwhile;

	(void)limit;
	s->meanwhile = NULL;
	if (meanwhile)
		meanwhile(s->data);
	assert_true(s->n_asked < MAX_ASKED);
	s->asked[s->n_asked++] = (struct asked){ xstrdup(req->target), xstrdup(buf_str(&req->body)),
		req->token_scheme ? xstrdup(req->token_scheme) : NULL };
	while (!fits(r, req))
		r++;
	if (r->status < 0)
		return r->status;
	ret->status = r->status;
	buf_add_str(&ret->body, r->body);
	if (r->status == 503)
		http_headers_add(&ret->headers, "Retry-After", "0");
	return 0;
}

static void keep(struct transport *t)
{
	(void)t;
}

struct fixture {
	struct strange host;
	struct transport *t;
	struct http_response resp;
};

static void open_as(struct fixture *fx, const char *words, const struct reply *replies)
{
	struct dialect dialect;
	scoped(buf_fini) struct buf reason = BUF_INIT;

	*fx = (struct fixture){ .host = { .base = { perform, keep }, .replies = replies } };
	assert_int_equal(dialect_parse(words, &dialect, &reason), 0);
	fx->t = dialect_transport_new(&dialect, &fx->host.base);
}

static void fixture_fini(struct fixture *fx)
{
	transport_free(fx->t);
	http_response_fini(&fx->resp);
	for (size_t i = 0; i < fx->host.n_asked; i++) {
		free(fx->host.asked[i].target);
		free(fx->host.asked[i].body);
		free(fx->host.asked[i].scheme);
	}
}

SCOPED_VALUE(struct fixture, fixture_fini);

static int ask(struct fixture *fx, enum http_method method, const char *target, const char *body)
{
	scoped(http_request_fini) struct http_request req = { .method = method,
		.target = xstrdup(target) };

	if (body) {
		http_headers_add(&req.headers, "Content-Type", "application/json");
		buf_add_str(&req.body, body);
	}
	http_response_fini(&fx->resp);
	int e = transport_perform(fx->t, &req, &(struct call_limit){ 0 }, &fx->resp);

	return e < 0 ? e : fx->resp.status;
}

static int get(struct fixture *fx, const char *target)
{
	return ask(fx, HTTP_GET, target, NULL);
}

static void assert_spoken(const struct fixture *fx, const char *words)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	dialect_describe(fx->t, &text);
	assert_string_equal(buf_str(&text), words);
}

static void assert_body(const struct fixture *fx, const char *body)
{
	assert_string_equal(buf_str(&fx->resp.body), body);
}

/* ---- words ---- */

static void each_word_is_taken(void **state)
{
	(void)state;
	const char *word, *meaning;

	for (size_t i = 0; (word = dialect_word(i, &meaning)); i++) {
		struct fixture fx;

		open_as(&fx, word, NULL);
		assert_spoken(&fx, i ? word : "v5");
		assert_true(*meaning);
		fixture_fini(&fx);
	}
}

static void differences_can_be_put_together(void **state)
{
	(void)state;
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "bearer+title", NULL);
	assert_spoken(&fx, "title+bearer");
}

static void other_words_are_refused_with_those_that_there_are(void **state)
{
	(void)state;
	static const char *const words[] = { "", "v6", "title+", "title+v5", "+title",
		"title,owners" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		scoped(buf_fini) struct buf reason = BUF_INIT;
		struct dialect dialect;

		assert_int_equal(dialect_parse(words[i], &dialect, &reason), -EINVAL);
		assert_non_null(strstr(buf_str(&reason), "auto, v5, nearly, title, owners"));
	}
}

/* ---- what is said ---- */

static void a_request_is_said_in_the_hosts_words(void **state)
{
	(void)state;
	static const struct reply replies[] = { { "", NULL, 200,
		"{\"kind\":\"story\",\"id\":5,\"title\":\"B\",\"owners\":[{\"user_id\":2}]}" } };
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "nearly", replies);
	assert_int_equal(
		ask(&fx, HTTP_PUT, STORIES "/5", "{\"name\":\"B\",\"owner_ids\":[2]}"), 200);
	assert_string_equal(
		fx.host.asked[0].body, "{\"title\":\"B\",\"owners\":[{\"user_id\":2}]}");
	assert_string_equal(fx.host.asked[0].scheme, "Bearer");
	assert_body(&fx, "{\"kind\":\"story\",\"id\":5,\"name\":\"B\",\"owner_ids\":[2]}");
	assert_int_equal(ask(&fx, HTTP_POST, STORIES "/5/tasks", "{\"name\":\"B\"}"), 200);
	assert_string_equal(fx.host.asked[1].body, "{\"name\":\"B\"}");
	assert_int_equal(
		get(&fx, STORIES "?fields=name,tasks%28name%29,:default&limit=500&offset=0"), 200);
	assert_string_equal(fx.host.asked[2].target,
		STORIES "?fields=title%2Ctasks%28name%29%2C%3Adefault&limit=50&offset=0");
	assert_string_equal(http_headers_get(&fx.resp.headers, "X-Tracker-Pagination-Limit"), "50");
	assert_int_equal(get(&fx, STORIES "?limit=20&offset=0"), 200);
	assert_string_equal(fx.host.asked[3].target, STORIES "?limit=20&offset=0");
	assert_null(http_headers_get(&fx.resp.headers, "X-Tracker-Pagination-Limit"));
}

static void a_write_answered_with_5xx_is_doubtful(void **state)
{
	(void)state;
	static const struct reply replies[] = { { "/5", NULL, 503, "" }, { "", NULL, 400, "" } };
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "doubt", replies);
	assert_int_equal(ask(&fx, HTTP_PUT, STORIES "/5", "{}"), 503);
	assert_true(fx.resp.is_doubtful);
	assert_int_equal(ask(&fx, HTTP_DELETE, STORIES "/5", NULL), 503);
	assert_true(fx.resp.is_doubtful);
	assert_int_equal(get(&fx, STORIES "/5"), 503);
	assert_false(fx.resp.is_doubtful);
	assert_int_equal(ask(&fx, HTTP_POST, STORIES, "{}"), 400);
	assert_false(fx.resp.is_doubtful);
}

static void what_is_doubtful_is_not_sent_again(void **state)
{
	(void)state;
	static const struct retry_config quick = { .max_attempts = 3, .base_ms = 1, .cap_ms = 2 };
	static const struct reply replies[] = { { "", NULL, 503, "" } };
	static const struct {
		const char *words;
		size_t n_asked;
	} rows[] = { { "title", 3 }, { "title+doubt", 1 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(fixture_fini) struct fixture fx;

		open_as(&fx, rows[i].words, replies);
		fx.t = retry_transport_new(&quick, fx.t);
		assert_int_equal(ask(&fx, HTTP_POST, STORIES, "{}"), 503);
		assert_int_equal(fx.host.n_asked, rows[i].n_asked);
	}
}

/* ---- clauses ---- */

static void clauses_are_asked_for_one_by_one(void **state)
{
	(void)state;
	static const struct reply replies[] = {
		{ "label%3A%22a%20b%22", NULL, 200, "[{\"id\":3},{\"id\":1},{\"id\":2}]" },
		{ "-type%3Abug", NULL, 200, "[{\"id\":2},{\"id\":3},{\"id\":4}]" },
		{ "%28x%20OR%20y%29", NULL, 200, "[{\"id\":3},{\"id\":2},{\"id\":9}]" },
		{ "", NULL, 400, "refused" },
	};
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "clause", replies);
	assert_int_equal(get(&fx, STORIES "?filter=label%3A%22a%20b%22%20AND%20-type%3Abug%20"
					  "%28x%20OR%20y%29&fields=id&limit=1&offset=1"),
		200);
	assert_body(&fx, "[{\"id\":2}]");
	assert_string_equal(http_headers_get(&fx.resp.headers, "X-Tracker-Pagination-Total"), "2");
	assert_string_equal(
		http_headers_get(&fx.resp.headers, "X-Tracker-Pagination-Returned"), "1");
	assert_int_equal(fx.host.n_asked, 3);
	assert_string_equal(fx.host.asked[0].target,
		STORIES "?filter=label%3A%22a%20b%22&fields=id&limit=500&offset=0");
}

static void a_clause_that_is_refused_is_the_answer(void **state)
{
	(void)state;
	static const struct reply replies[] = {
		{ "good", NULL, 200, "[{\"id\":3}]" },
		{ "", NULL, 400, "refused" },
	};
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "clause", replies);
	assert_int_equal(get(&fx, STORIES "?filter=good%20bad&limit=500&offset=0"), 400);
	assert_body(&fx, "refused");
	assert_int_equal(fx.host.n_asked, 2);
}

static void what_is_no_list_of_clauses_is_asked_as_it_is(void **state)
{
	(void)state;
	static const struct reply replies[] = { { "", NULL, 200, "[]" } };
	static const char *const targets[] = { STORIES "?filter=one&limit=5",
		STORIES "?filter=a%20OR%20b", STORIES "?filter=%22a%20b%22",
		STORIES "?filter=%28a%20b%29", STORIES "?filter=name%3A%2Fa%20b%2F",
		STORIES "?filter=", STORIES };
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "clause", replies);
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		assert_int_equal(get(&fx, targets[i]), 200);
		assert_int_equal(fx.host.n_asked, i + 1);
		assert_string_equal(fx.host.asked[i].target, targets[i]);
	}
}

/* ---- finding out ---- */

static void a_v5_host_costs_no_request_more(void **state)
{
	(void)state;
	static const struct reply replies[] = {
		{ "/me", NULL, 200, "{\"id\":1}" },
		{ "filter", NULL, 400, "refused" },
		{ "bad", NULL, 401, "refused" },
		{ "", NULL, 200, "[{\"id\":1,\"name\":\"A\",\"owner_ids\":[]}]" },
	};
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "auto", replies);
	assert_int_equal(get(&fx, "/services/v5/me"), 200);
	assert_int_equal(get(&fx, STORIES "?limit=500&offset=0"), 200);
	assert_body(&fx, "[{\"id\":1,\"name\":\"A\",\"owner_ids\":[]}]");
	assert_int_equal(get(&fx, STORIES "?filter=a%20b&limit=500&offset=0"), 400);
	assert_int_equal(get(&fx, "/services/v5/bad"), 401);
	assert_int_equal(fx.host.n_asked, 4);
	assert_spoken(&fx, "v5");
}

static void a_refused_token_is_tried_the_other_way(void **state)
{
	(void)state;
	static const struct reply replies[] = {
		{ "", "Bearer", 200, "{\"id\":1}" },
		{ "", "", 401, "no" },
	};
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "auto", replies);
	assert_int_equal(get(&fx, "/services/v5/me"), 200);
	assert_int_equal(get(&fx, "/services/v5/me"), 200);
	assert_int_equal(fx.host.n_asked, 3);
	assert_null(fx.host.asked[0].scheme);
	assert_spoken(&fx, "bearer+doubt");
}

static void get_me(void *data)
{
	scoped(http_request_fini) struct http_request req = { .target =
								      xstrdup("/services/v5/me") };
	scoped(http_response_fini) struct http_response resp = { 0 };

	assert_int_equal(transport_perform(data, &req, &(struct call_limit){ 0 }, &resp), 0);
	assert_int_equal(resp.status, 200);
}

static void what_others_found_meanwhile_is_of_use(void **state)
{
	(void)state;
	static const struct reply replies[] = {
		{ "", "Bearer", 200, "{\"id\":1}" },
		{ "", "", 401, "no" },
	};
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "auto", replies);
	fx.host.meanwhile = get_me;
	fx.host.data = fx.t;
	assert_int_equal(get(&fx, "/services/v5/projects"), 200);
	assert_int_equal(fx.host.n_asked, 4);
}

static void a_token_that_is_refused_both_ways_is_refused(void **state)
{
	(void)state;
	static const struct reply replies[] = {
		{ "", "Bearer", 401, "nor so" },
		{ "", "", 401, "no" },
	};
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "auto", replies);
	assert_int_equal(get(&fx, "/services/v5/me"), 401);
	assert_body(&fx, "no");
	assert_spoken(&fx, "v5");
}

static void keys_are_found_in_the_first_story(void **state)
{
	(void)state;
	static const struct reply replies[] = { { "", NULL, 200,
		"[{\"id\":1,\"title\":\"A\",\"owners\":[{\"user_id\":7}]}]" } };
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "auto", replies);
	assert_int_equal(get(&fx, STORIES "?limit=500&offset=0"), 200);
	assert_body(&fx, "[{\"id\":1,\"name\":\"A\",\"owner_ids\":[7]}]");
	assert_int_equal(fx.host.n_asked, 1);
	assert_spoken(&fx, "title+owners+doubt");
}

static void one_key_may_be_v5s(void **state)
{
	(void)state;
	static const struct reply replies[] = { { "", NULL, 200,
		"[{\"id\":1,\"title\":\"A\",\"owner_ids\":[7]}]" } };
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "auto", replies);
	assert_int_equal(get(&fx, STORIES "?limit=500&offset=0"), 200);
	assert_body(&fx, "[{\"id\":1,\"name\":\"A\",\"owner_ids\":[7]}]");
	assert_spoken(&fx, "title+doubt");
}

static void a_page_that_is_too_large_is_asked_for_smaller(void **state)
{
	(void)state;
	static const struct reply replies[] = {
		{ "limit=500", NULL, 400, "too many" },
		{ "", NULL, 200, "[]" },
	};
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "auto", replies);
	assert_int_equal(get(&fx, STORIES "?fields=id&limit=500&offset=0"), 200);
	assert_int_equal(get(&fx, STORIES "?fields=id&limit=500&offset=50"), 200);
	assert_int_equal(fx.host.n_asked, 3);
	assert_spoken(&fx, "pages+doubt");
}

static void a_refused_search_is_taken_apart_where_the_host_is_known_to_differ(void **state)
{
	(void)state;
	static const struct reply replies[] = {
		{ "a%20b", NULL, 400, "one clause" },
		{ "filter=", NULL, 200, "[{\"id\":1}]" },
		{ "", NULL, 200, "[{\"id\":1,\"title\":\"A\",\"owner_ids\":[]}]" },
	};
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "auto", replies);
	assert_int_equal(get(&fx, STORIES "?filter=a%20b&limit=500&offset=0"), 400);
	assert_int_equal(fx.host.n_asked, 1);
	assert_int_equal(get(&fx, STORIES "?limit=500&offset=0"), 200);
	assert_int_equal(get(&fx, STORIES "?filter=a%20b&limit=500&offset=0"), 200);
	assert_body(&fx, "[{\"id\":1}]");
	assert_spoken(&fx, "title+clause+doubt");
}

static void a_write_refused_before_any_story_was_seen_looks_at_one(void **state)
{
	(void)state;
	static const struct reply replies[] = {
		{ "limit=1", NULL, 200, "[{\"id\":1,\"title\":\"A\",\"owners\":[]}]" },
		{ "", NULL, 400, "there is no name" },
	};
	scoped(fixture_fini) struct fixture fx;

	open_as(&fx, "auto", replies);
	assert_int_equal(ask(&fx, HTTP_POST, STORIES, "{\"name\":\"B\"}"), 400);
	assert_int_equal(fx.host.n_asked, 3);
	assert_string_equal(fx.host.asked[1].target, STORIES "?limit=1");
	assert_string_equal(fx.host.asked[2].body, "{\"title\":\"B\"}");
	assert_int_equal(ask(&fx, HTTP_POST, STORIES, "{\"name\":\"B\"}"), 400);
	assert_int_equal(fx.host.n_asked, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_word_is_taken),
		cmocka_unit_test(differences_can_be_put_together),
		cmocka_unit_test(other_words_are_refused_with_those_that_there_are),
		cmocka_unit_test(a_request_is_said_in_the_hosts_words),
		cmocka_unit_test(a_write_answered_with_5xx_is_doubtful),
		cmocka_unit_test(what_is_doubtful_is_not_sent_again),
		cmocka_unit_test(clauses_are_asked_for_one_by_one),
		cmocka_unit_test(a_clause_that_is_refused_is_the_answer),
		cmocka_unit_test(what_is_no_list_of_clauses_is_asked_as_it_is),
		cmocka_unit_test(a_v5_host_costs_no_request_more),
		cmocka_unit_test(a_refused_token_is_tried_the_other_way),
		cmocka_unit_test(what_others_found_meanwhile_is_of_use),
		cmocka_unit_test(a_token_that_is_refused_both_ways_is_refused),
		cmocka_unit_test(keys_are_found_in_the_first_story),
		cmocka_unit_test(one_key_may_be_v5s),
		cmocka_unit_test(a_page_that_is_too_large_is_asked_for_smaller),
		cmocka_unit_test(a_refused_search_is_taken_apart_where_the_host_is_known_to_differ),
		cmocka_unit_test(a_write_refused_before_any_story_was_seen_looks_at_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
