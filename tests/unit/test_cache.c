/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers from memory: the same as others, for whom they were made, as long as nothing changed. */
#include "served.h"

static const char story_path[] = "GET /projects/1/stories/1";

/* How many answers were given from memory meanwhile. */
static uint64_t kept_since(struct served *s, uint64_t *last)
{
	uint64_t now = server_n_kept(s->server), n = now - *last;

	*last = now;
	return n;
}

static void the_same_question_is_answered_from_memory(void **state)
{
	struct served *s = *state;
	uint64_t last = 0;

	make(s, "first", "unstarted");
	kept_since(s, &last);
	expect(s, story_path, NULL, 200);
	scoped(free_ptr) char *body = xstrdup(buf_str(&s->response.body));
	scoped(free_ptr) char *etag = xstrdup(header_of(s, "ETag"));
	scoped(free_ptr) char *id = xstrdup(header_of(s, "X-Request-Id"));
	size_t n_headers = s->response.headers.n;

	assert_int_equal(kept_since(s, &last), 0);
	expect(s, story_path, NULL, 200);
	assert_int_equal(kept_since(s, &last), 1);
	assert_string_equal(buf_str(&s->response.body), body);
	assert_string_equal(header_of(s, "ETag"), etag);
	assert_string_not_equal(header_of(s, "X-Request-Id"), id);
	assert_int_equal(s->response.headers.n, n_headers);
	expect(s, "GET /projects/1/stories/1?fields=name", NULL, 200);
	assert_int_equal(kept_since(s, &last), 0);
	scoped(free_ptr) char *condition = xasprintf("If-None-Match: %s", etag);

	served_send(s, story_path, NULL, condition);
	assert_int_equal(s->response.status, 304);
}

static void a_write_is_seen_at_once(void **state)
{
	struct served *s = *state;

	make(s, "first", "unstarted");
	for (int i = 0; i < 3; i++) {
		scoped(free_ptr) char *body = xasprintf("{\"name\":\"name %d\"}", i);
		scoped(free_ptr) char *name = xasprintf("name %d", i);

		expect(s, story_path, NULL, 200);
		put(s, 1, body);
		expect(s, story_path, NULL, 200);
		assert_string_equal(text_at(s, "name"), name);
	}
}

/* As another process would: by connections of its own. */
static void a_write_by_somebody_else_is_seen_at_once(void **state)
{
	struct served *s = *state;
	scoped(free_ptr) char *path = xasprintf("%s/a.db", s->dir);
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(archive_close) struct archive *other = NULL;
	scoped(record_unref) struct record *story = NULL;
	struct tx *tx;

	make(s, "first", "unstarted");
	expect(s, story_path, NULL, 200);
	assert_int_equal(archive_open(path, ARCHIVE_EXISTING, &other, &reason), 0);
	assert_int_equal(tx_begin(other, TX_WRITE, &tx), 0);
	assert_int_equal(tx_get(tx, KIND_story, 1, &story), 0);
	record_set_text(story, F_story_name, "theirs");
	assert_int_equal(tx_put(tx, story), 0);
	expect(s, story_path, NULL, 200);
	assert_string_equal(text_at(s, "name"), "first");
	assert_int_equal(tx_commit(tx), 0);
	expect(s, story_path, NULL, 200);
	assert_string_equal(text_at(s, "name"), "theirs");
}

static void an_answer_is_for_who_asked(void **state)
{
	struct served *s = *state;

	make(s, "first", "unstarted");
	expect(s, story_path, NULL, 200);
	expect(s, story_path, NULL, 200);
	s->who = DAN;
	expect(s, story_path, NULL, 403);
	s->who = NOBODY;
	expect(s, story_path, NULL, 403);
	s->who = BEN;
	expect(s, "GET /me", NULL, 200);
	assert_int_equal(number_at(s, "id"), BEN);
	s->who = ADA;
	expect(s, "GET /me", NULL, 200);
	assert_int_equal(number_at(s, "id"), ADA);
}

/* Offsets of zones and iterations are of the moment. */
static void what_needed_the_clock_is_made_anew(void **state)
{
	struct served *s = *state;
	uint64_t last = 0;

	expect(s, "PUT /projects/1",
		"{\"time_zone\":{\"olson_name\":\"Europe/Vienna\"},\"start_date\":\"2024-05-06\"}",
		200);
	kept_since(s, &last);
	expect(s, "GET /projects/1?fields=time_zone", NULL, 200);
	assert_string_equal(text_at(s, "time_zone.offset"), "+02:00");
	expect(s, "GET /projects/1/iterations?scope=current", NULL, 200);
	int64_t number = number_at(s, "0.number");

	clock_set_fixed(NOW_MS + INT64_C(200) * 86400000);
	expect(s, "GET /projects/1?fields=time_zone", NULL, 200);
	assert_string_equal(text_at(s, "time_zone.offset"), "+01:00");
	expect(s, "GET /projects/1/iterations?scope=current", NULL, 200);
	assert_true(number_at(s, "0.number") > number);
	assert_int_equal(kept_since(s, &last), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(the_same_question_is_answered_from_memory),
		served_test(a_write_is_seen_at_once),
		served_test(a_write_by_somebody_else_is_seen_at_once),
		served_test(an_answer_is_for_who_asked),
		served_test(what_needed_the_clock_is_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
