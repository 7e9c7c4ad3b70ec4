/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server over a fresh archive, for tests: four persons, one project, a clock that stands still.
 * Requests go through server_handle as HTTP's do. `at` finds a value in an answer:
 * "0.labels.1.name".
 */
#ifndef STORYFS_TESTS_SERVED_H
#define STORYFS_TESTS_SERVED_H

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/archive.h"
#include "storyfs/clock.h"
#include "storyfs/server.h"
#include "storyfs/token.h"

/* 2024-05-06T07:08:09Z, a Monday. */
#define NOW_MS INT64_C(1714979289000)
#define NOW_TEXT "2024-05-06T07:08:09Z"

/* Who asks: the project's owner, a member, a viewer, and somebody who is none of these. */
enum who_asks {
	ADA = 1,
	BEN,
	CLEO,
	DAN,
	NOBODY,
};

struct served {
	char dir[64];
	struct archive *archive;
	struct server *server;
	enum who_asks who;
	struct http_response response; /* the last one */
	json_t *json;		       /* its body */
};

static inline void served_token(enum who_asks who, char token[TOKEN_SIZE])
{
	memset(token, 'a' + (int)who, TOKEN_SIZE - 1);
	token[TOKEN_SIZE - 1] = '\0';
}

static inline void served_forget(struct served *s)
{
	http_response_fini(&s->response);
	json_decref(s->json);
	s->json = NULL;
}

/* Send one request; header may be NULL, or "Name: value". */
static inline void served_send(
	struct served *s, const char *method_path, const char *body, const char *header)
{
	struct http_request req = { 0 };
	scoped(free_ptr) char *line = xstrdup(method_path);
	char *path = strchr(line, ' '), token[TOKEN_SIZE];

	*path++ = '\0';
	served_forget(s);
	req.method = http_method_parse(line);
	req.target = xasprintf("/services/v5%s", path);
	served_token(s->who, token);
	if (s->who != NOBODY)
		http_headers_add(&req.headers, "X-TrackerToken", token);
	if (body) {
		http_headers_add(&req.headers, "Content-Type",
			*body == '{' || *body == '[' ? "application/json"
						     : "application/x-www-form-urlencoded");
		buf_add_str(&req.body, body);
	}
	if (header) {
		scoped(free_ptr) char *name = xstrdup(header);
		char *value = strstr(name, ": ");

		*value = '\0';
		http_headers_add(&req.headers, name, value + 2);
	}
	server_handle(s->server, &req, &s->response);
	s->json = json_loadb(s->response.body.data, s->response.body.len, JSON_DECODE_ANY, NULL);
	http_request_fini(&req);
}

/* The value at a path of keys and numbers, NULL when there is none. */
static inline json_t *find_at(json_t *json, const char *path)
{
	scoped(free_ptr) char *copy = xstrdup(path);
	char *rest = copy, *part;

	while (json && (part = strsep(&rest, ".")) && *part)
		json = json_is_array(json) ? json_array_get(json, (size_t)atoi(part))
					   : json_object_get(json, part);
	return json;
}

static inline const char *text_at(const struct served *s, const char *path)
{
	const char *text = json_string_value(find_at(s->json, path));

	if (!text)
		fail_msg("no text at %s of %s", path, buf_str(&s->response.body));
	return text;
}

static inline int64_t number_at(const struct served *s, const char *path)
{
	json_t *json = find_at(s->json, path);

	if (!json_is_integer(json))
		fail_msg("no number at %s of %s", path, buf_str(&s->response.body));
	return json_integer_value(json);
}

static inline bool has_at(const struct served *s, const char *path)
{
	return find_at(s->json, path) != NULL;
}

/* Send, and hold the answer to its status. */
static inline void expect(struct served *s, const char *method_path, const char *body, int status)
{
	served_send(s, method_path, body, NULL);
	if (s->response.status != status)
		fail_msg("%s answered %d: %s", method_path, s->response.status,
			buf_str(&s->response.body));
}

/* A refusal with V5's words in one member of the error object. */
static inline void expect_error(struct served *s, const char *method_path, const char *body,
	const char *code_member_text[3])
{
	served_send(s, method_path, body, NULL);
	if (s->response.status < 400)
		fail_msg("%s was not refused", method_path);
	assert_string_equal(text_at(s, "kind"), "error");
	assert_string_equal(text_at(s, "code"), code_member_text[0]);
	if (code_member_text[1])
		assert_string_equal(text_at(s, code_member_text[1]), code_member_text[2]);
}

static inline void expect_problem(
	struct served *s, const char *method_path, const char *body, const char *problem)
{
	expect_error(s, method_path, body,
		(const char *[3]){ "invalid_parameter", "general_problem", problem });
	assert_int_equal(s->response.status, 400);
}

static inline void expect_requirement(
	struct served *s, const char *method_path, const char *body, const char *requirement)
{
	expect_error(s, method_path, body,
		(const char *[3]){ "invalid_parameter", "requirement", requirement });
	assert_int_equal(s->response.status, 400);
}

static inline void expect_code(
	struct served *s, const char *method_path, const char *body, const char *code)
{
	expect_error(s, method_path, body, (const char *[3]){ code, NULL, NULL });
}

static inline const char *header_of(const struct served *s, const char *name)
{
	return http_headers_get(&s->response.headers, name);
}

static inline int64_t version_of(struct served *s)
{
	expect(s, "GET /projects/1", NULL, 200);
	return number_at(s, "version");
}

/* Make a story; its id. */
static inline int64_t make_story(struct served *s, const char *body)
{
	expect(s, "POST /projects/1/stories", body, 200);
	return number_at(s, "id");
}

/* Put a person with a token in. */
static inline void served_add_person(struct tx *tx, enum who_asks who, const char *name)
{
	scoped(record_unref) struct record *r = record_new(KIND_person);
	scoped(free_ptr) char *email = xasprintf("%s@example.org", name);
	char token[TOKEN_SIZE], digest[TOKEN_DIGEST_SIZE];

	record_set_int(r, F_person_id, who);
	record_set_text(r, F_person_name, name);
	record_set_text(r, F_person_email, email);
	record_set_text(r, F_person_initials, "XX");
	record_set_text(r, F_person_username, name);
	served_token(who, token);
	token_digest(token, digest);
	assert_int_equal(tx_put(tx, r), 0);
	assert_int_equal(
		tx_put_token(tx, &(struct token){ .sha256 = digest, .person_id = who }), 0);
}

static inline int served_set_up(void **state)
{
	struct served *s = xcalloc(1, sizeof(*s));
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct tx *tx;

	clock_set_fixed(NOW_MS);
	strcpy(s->dir, "/tmp/storyfs-test-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	scoped(free_ptr) char *path = xasprintf("%s/a.db", s->dir);

	assert_int_equal(archive_open(path, ARCHIVE_CREATE, &s->archive, &reason), 0);
	assert_int_equal(tx_begin(s->archive, TX_WRITE, &tx), 0);
	served_add_person(tx, ADA, "Ada");
	served_add_person(tx, BEN, "Ben");
	served_add_person(tx, CLEO, "Cleo");
	served_add_person(tx, DAN, "Dan");
	assert_int_equal(tx_commit(tx), 0);
	assert_int_equal(server_new(s->archive, NULL, &s->server), 0);
	s->who = ADA;
	expect(s, "POST /projects", "{\"name\":\"Moon\"}", 200);
	expect(s, "POST /projects/1/memberships", "{\"person_id\":2,\"role\":\"member\"}", 200);
	expect(s, "POST /projects/1/memberships", "{\"person_id\":3,\"role\":\"viewer\"}", 200);
	*state = s;
	return 0;
}

static inline int served_tear_down(void **state)
{
	struct served *s = *state;
	scoped(free_ptr) char *rm = xasprintf("rm -r '%s'", s->dir);

	served_forget(s);
	server_free(s->server);
	archive_close(s->archive);
	clock_set_fixed(-1);
	assert_int_equal(system(rm), 0);
	free(s);
	return 0;
}

#define served_test(f) cmocka_unit_test_setup_teardown(f, served_set_up, served_tear_down)

/* A story in a state; its id. */
static inline int64_t make(struct served *s, const char *name, const char *state)
{
	scoped(free_ptr) char *body =
		xasprintf("{\"name\":\"%s\",\"current_state\":\"%s\",\"estimate\":1}", name, state);

	return make_story(s, body);
}

static inline void put(struct served *s, int64_t id, const char *body)
{
	scoped(free_ptr) char *request = xasprintf("PUT /stories/%lld", (long long)id);

	expect(s, request, body, 200);
}

/* Into s->json. */
static inline void last_activity(struct served *s)
{
	expect(s, "GET /projects/1/activity?limit=1", NULL, 200);
}

#endif
