/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging in by name and password: what it tells, and how often it may fail. */
#include "served.h"

#include <nettle/base64.h>
#include <stdlib.h>

#include "storyfs/password.h"

static const int64_t minute = 60000;

static void set_password(struct served *s, int64_t person_id, const char *text)
{
	scoped(password_fini) struct password password = { 0 };
	struct tx *tx;

	assert_int_equal(password_make(text, &password), 0);
	assert_int_equal(tx_begin(s->archive, TX_WRITE, &tx), 0);
	assert_int_equal(tx_put_password(tx, person_id, &password), 0);
	assert_int_equal(tx_commit(tx), 0);
}

/* Ask for a path as `name:password`, from an address; the status. */
static int ask_from(struct served *s, const char *peer, const char *path, const char *credentials)
{
	scoped(http_request_fini) struct http_request req = { .method = HTTP_GET };
	char encoded[BASE64_ENCODE_RAW_LENGTH(256) + 1] = { 0 };

	base64_encode_raw(encoded, strlen(credentials), (const uint8_t *)credentials);
	req.target = xasprintf("/services/v5%s", path);
	req.peer = peer ? xstrdup(peer) : NULL;
	http_headers_add_fmt(&req.headers, "Authorization", "Basic %s", encoded);
	served_forget(s);
	server_handle(s->server, &req, &s->response);
	s->json = json_loadb(s->response.body.data, s->response.body.len, 0, NULL);
	return s->response.status;
}

static int log_in(struct served *s, const char *credentials)
{
	return ask_from(s, "192.0.2.1", "/me", credentials);
}

static int fail_times(struct served *s, const char *peer, const char *credentials, int n)
{
	int status = 0;

	for (int i = 0; i < n; i++)
		status = ask_from(s, peer, "/me", credentials);
	return status;
}

static void a_password_tells_the_token(void **state)
{
	struct served *s = *state;
	char token[TOKEN_SIZE];

	set_password(s, BEN, "correct horse");
	assert_int_equal(log_in(s, "Ben:correct horse"), 200);
	assert_int_equal(number_at(s, "id"), BEN);
	assert_string_equal(text_at(s, "username"), "Ben");
	strcpy(token, text_at(s, "api_token"));
	assert_int_equal(strlen(token), 32);
	assert_int_equal(strspn(token, "0123456789abcdef"), 32);
	scoped(free_ptr) char *header = xasprintf("X-TrackerToken: %s", token);

	s->who = NOBODY;
	served_send(s, "GET /projects/1", NULL, header);
	assert_int_equal(s->response.status, 200);
	served_send(s, "GET /me", NULL, header);
	assert_string_equal(text_at(s, "api_token"), token);
	/* The same by e-mail, whatever its case, and after a restart. */
	server_free(s->server);
	assert_int_equal(server_new(s->archive, NULL, &s->server), 0);
	assert_int_equal(log_in(s, "BEN@example.org:correct horse"), 200);
	assert_string_equal(text_at(s, "api_token"), token);
	/* Another password, another token. */
	set_password(s, BEN, "correct horses");
	assert_int_equal(log_in(s, "ben:correct horse"), 403);
	assert_int_equal(log_in(s, "ben:correct horses"), 200);
	assert_string_not_equal(text_at(s, "api_token"), token);
}

static void wrong_credentials_are_refused_alike(void **state)
{
	static const char *const rows[] = { "Ben:wrong one", "Ben:", "nobody:correct horse", ":",
		"Ben", "Dan:correct horse", "Ben@example.org:correct horse " };
	struct served *s = *state;

	set_password(s, BEN, "correct horse");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(log_in(s, rows[i]), 403);
		assert_string_equal(text_at(s, "code"), "invalid_authentication");
		assert_string_equal(text_at(s, "possible_fix"),
			"Recheck your name (email address or Tracker username) and password.");
		assert_int_equal(json_object_size(s->json), 4);
	}
	s->who = NOBODY;
	served_send(s, "GET /me", NULL, "Authorization: Basic !!!");
	assert_int_equal(s->response.status, 403);
	scoped(free_ptr) char *huge = xcalloc(1, 8000);

	memset(strcpy(huge, "Authorization: Basic ") + 21, 'A', 7000);
	served_send(s, "GET /me", NULL, huge);
	assert_int_equal(s->response.status, 403);
	/* V5 took passwords on /me alone. */
	assert_int_equal(ask_from(s, NULL, "/projects", "Ben:correct horse"), 403);
}

static void a_token_counts_before_a_password(void **state)
{
	struct served *s = *state;

	s->who = ADA;
	served_send(s, "GET /me", NULL, "Authorization: Basic YTpi");
	assert_int_equal(s->response.status, 200);
	assert_int_equal(number_at(s, "id"), ADA);
}

static void two_of_one_name_are_neither(void **state)
{
	struct served *s = *state;
	scoped(record_unref) struct record *twin = NULL;
	struct tx *tx;

	set_password(s, BEN, "correct horse");
	assert_int_equal(tx_begin(s->archive, TX_WRITE, &tx), 0);
	assert_int_equal(tx_get(tx, KIND_person, DAN, &twin), 0);
	record_set_text(twin, F_person_username, "BEN");
	assert_int_equal(tx_put(tx, twin), 0);
	assert_int_equal(tx_commit(tx), 0);
	assert_int_equal(log_in(s, "Ben:correct horse"), 403);
	assert_int_equal(log_in(s, "Ben@example.org:correct horse"), 200);
}

static void failing_is_limited_by_name(void **state)
{
	struct served *s = *state;

	set_password(s, BEN, "correct horse");
	for (int i = 0; i < 10; i++) {
		scoped(free_ptr) char *peer = xasprintf("192.0.2.%d", i);

		assert_int_equal(ask_from(s, peer, "/me", "Ben:wrong one"), 403);
	}
	/* Wherever from, even with the right one; whatever the name is that one uses. */
	assert_int_equal(ask_from(s, "192.0.2.99", "/me", "ben@example.org:correct horse"), 429);
	assert_string_equal(text_at(s, "kind"), "error");
	assert_string_equal(text_at(s, "code"), "too_many_requests");
	assert_string_equal(text_at(s, "error"), "Too many attempts to log in.");
	assert_non_null(text_at(s, "possible_fix"));
	assert_in_range(atoi(header_of(s, "Retry-After")), 1, 61);
	/* Others are not meant, nor those with a token. */
	set_password(s, CLEO, "battery staple");
	assert_int_equal(log_in(s, "Cleo:battery staple"), 200);
	s->who = BEN;
	expect(s, "GET /me", NULL, 200);
	clock_set_fixed(NOW_MS + minute + 1000);
	assert_int_equal(ask_from(s, "192.0.2.99", "/me", "Ben:correct horse"), 200);
}

static void names_that_nobody_has_are_limited_as_well(void **state)
{
	struct served *s = *state;

	assert_int_equal(fail_times(s, "192.0.2.1", "nobody:wrong one", 10), 403);
	assert_int_equal(log_in(s, "NOBODY:wrong one"), 429);
}

static void failing_is_limited_by_address(void **state)
{
	struct served *s = *state;
	int status = 0;

	for (int i = 0; i <= 30; i++) {
		scoped(free_ptr) char *guess = xasprintf("name%d:some password", i);
		/* One network of IPv6 is one address. */
		scoped(free_ptr) char *peer = xasprintf("2001:db8:0:1::%x", i);

		status = ask_from(s, peer, "/me", guess);
		assert_int_equal(status, i < 30 ? 403 : 429);
	}
	assert_int_equal(ask_from(s, "2001:db8:0:2::1", "/me", "other:some password"), 403);
}

static void who_is_attacked_is_not_locked_out(void **state)
{
	struct served *s = *state;

	set_password(s, BEN, "correct horse");
	assert_int_equal(log_in(s, "Ben:correct horse"), 200);
	for (int i = 0; i < 40; i++) {
		scoped(free_ptr) char *peer = xasprintf("198.51.100.%d", i);

		ask_from(s, peer, "/me", "Ben:wrong one");
	}
	assert_int_equal(s->response.status, 429);
	assert_int_equal(log_in(s, "Ben:correct horse"), 200);
	assert_int_equal(fail_times(s, "192.0.2.1", "Ben:wrong one", 10), 403);
	assert_int_equal(log_in(s, "Ben:correct horse"), 429);
}

static void forgetting_begins_with_what_failed_least(void **state)
{
	struct served *s = *state;

	set_password(s, BEN, "correct horse");
	fail_times(s, "192.0.2.1", "Ben:wrong one", 10);
	for (int i = 0; i < 1100; i++) {
		scoped(free_ptr) char *peer = xasprintf("10.1.%d.%d", i / 250, i % 250);

		ask_from(s, peer, "/me", "a:b");
	}
	assert_int_equal(ask_from(s, "192.0.2.2", "/me", "Ben:correct horse"), 429);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(a_password_tells_the_token),
		served_test(wrong_credentials_are_refused_alike),
		served_test(a_token_counts_before_a_password),
		served_test(two_of_one_name_are_neither),
		served_test(failing_is_limited_by_name),
		served_test(names_that_nobody_has_are_limited_as_well),
		served_test(failing_is_limited_by_address),
		served_test(who_is_attacked_is_not_locked_out),
		served_test(forgetting_begins_with_what_failed_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
