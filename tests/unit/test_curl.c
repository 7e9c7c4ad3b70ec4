/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network transport against a server on this machine that behaves well and badly. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "behaviour.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/curl.h"
#include "storyfs/file.h"
#include "storyfs/log.h"

enum { N_THREADS = 16, N_CALLS = 20 };

static const char token[] = "0123456789abcdef0123456789abcdef";

static int give_token(void *data, struct buf *ret_token)
{
	buf_add_str(ret_token, data);
	return 0;
}

static struct transport *connect_url(const char *url)
{
	const struct curl_config config = {
		.base_url = url,
		.max_body = BEHAVIOUR_MAX_BODY,
		.user_agent = "test/1",
		.get_token = give_token,
		.token_data = (void *)(uintptr_t)token,
	};
	struct transport *t;

	assert_int_equal(curl_transport_new(&config, &t), 0);
	return t;
}

static struct transport *connect_to(struct loopback *s)
{
	scoped(free_ptr) char *url = loopback_url(s, "/services/v5");

	return connect_url(url);
}

static int call(
	struct transport *t, enum http_method method, const char *target, struct http_response *ret)
{
	scoped(http_request_fini) struct http_request req = { .method = method,
		.target = xstrdup(target) };

	return transport_perform(t, &req, &(struct call_limit){ 0 }, ret);
}

/* What a GET of target ends with, when that is no answer. */
static int get_error(const char *target)
{
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);
	scoped(http_response_fini) struct http_response resp = { 0 };
	int r = call(t, HTTP_GET, target, &resp);

	assert_int_equal(resp.status, 0);
	assert_int_equal(resp.headers.n, 0);
	assert_int_equal(resp.body.len, 0);
	return r;
}

static void one_connection_serves_many_requests(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);

	for (int i = 0; i < 20; i++) {
		scoped(http_response_fini) struct http_response resp = { 0 };

		assert_int_equal(call(t, HTTP_GET, i % 2 ? "/chunked" : "/ok", &resp), 0);
		assert_int_equal(resp.status, 200);
		assert_string_equal(buf_str(&resp.body), "{\"id\":1}");
	}
	assert_int_equal(loopback_n_requests(s), 20);
	assert_int_equal(loopback_n_connections(s), 1);
}

static void a_get_says_what_it_should_and_no_more(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);
	scoped(http_response_fini) struct http_response resp = { 0 };
	const char *target = "/services/v5/../x?filter=%22a%20b%22&limit=5";

	assert_int_equal(call(t, HTTP_GET, target, &resp), 0);
	const struct http_request *req = loopback_request(s, 0);
	scoped(free_ptr) char *host = xasprintf("127.0.0.1:%d", loopback_port(s));

	assert_int_equal(req->method, HTTP_GET);
	assert_string_equal(req->target, target);
	assert_string_equal(http_headers_get(&req->headers, "Host"), host);
	assert_string_equal(http_headers_get(&req->headers, "User-Agent"), "test/1");
	assert_string_equal(http_headers_get(&req->headers, "X-TrackerToken"), token);
	assert_non_null(strstr(http_headers_get(&req->headers, "Accept-Encoding"), "gzip"));
	assert_null(http_headers_get(&req->headers, "Content-Length"));
	assert_null(http_headers_get(&req->headers, "Content-Type"));
	assert_int_equal(req->body.len, 0);
}

static void writes_carry_their_body_at_once(void **state)
{
	(void)state;
	static const enum http_method methods[] = { HTTP_PUT, HTTP_POST, HTTP_PATCH };
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);

	for (size_t i = 0; i < 3; i++) {
		scoped(http_request_fini) struct http_request req = { .method = methods[i],
			.target = xstrdup("/ok") };
		scoped(http_response_fini) struct http_response resp = { 0 };

		/* Over a megabyte libcurl would ask the server first: Expect: 100-continue. */
		for (int k = 0; k < 200 * 1000; k++)
			buf_add_str(&req.body, "0123456789");
		http_headers_add(&req.headers, "Content-Type", "application/json");
		http_headers_add(&req.headers, "X-Empty", "");
		assert_int_equal(transport_perform(t, &req, &(struct call_limit){ 0 }, &resp), 0);
		const struct http_request *got = loopback_request(s, i);

		assert_int_equal(got->method, methods[i]);
		assert_int_equal(got->body.len, req.body.len);
		assert_memory_equal(got->body.data, req.body.data, req.body.len);
		assert_string_equal(
			http_headers_get(&got->headers, "Content-Type"), "application/json");
		assert_string_equal(http_headers_get(&got->headers, "X-Empty"), "");
		assert_null(http_headers_get(&got->headers, "Expect"));
	}
}

static void writes_without_a_body_are_right_too(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);
	scoped(http_response_fini) struct http_response resp = { 0 };
	scoped(http_response_fini) struct http_response resp2 = { 0 };

	assert_int_equal(call(t, HTTP_PUT, "/ok", &resp), 0);
	assert_string_equal(
		http_headers_get(&loopback_request(s, 0)->headers, "Content-Length"), "0");
	assert_null(http_headers_get(&loopback_request(s, 0)->headers, "Content-Type"));
	assert_int_equal(call(t, HTTP_DELETE, "/no-content", &resp2), 0);
	assert_int_equal(loopback_request(s, 1)->method, HTTP_DELETE);
	assert_null(http_headers_get(&loopback_request(s, 1)->headers, "Content-Length"));
	assert_int_equal(resp2.status, 204);
	assert_int_equal(resp2.body.len, 0);
	assert_string_equal(http_headers_get(&resp2.headers, "x-tracker-project-version"), "8");
}

static bool answer_head(int fd, int connection, const struct http_request *req)
{
	(void)connection;
	(void)req;
	loopback_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	return true;
}

static void head_waits_for_no_body(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(answer_head);
	scoped(transport_free) struct transport *t = connect_to(s);

	for (size_t i = 0; i < 2; i++) {
		scoped(http_response_fini) struct http_response resp = { 0 };

		assert_int_equal(call(t, HTTP_HEAD, "/ok", &resp), 0);
		assert_int_equal(loopback_request(s, i)->method, HTTP_HEAD);
		assert_int_equal(resp.body.len, 0);
		assert_string_equal(http_headers_get(&resp.headers, "Content-Length"), "1000");
	}
	assert_int_equal(loopback_n_connections(s), 1);
}

static void bodies_come_whole_and_decoded(void **state)
{
	(void)state;
	static const struct {
		const char *target, *body;
	} rows[] = { { "/chunked", "{\"id\":1}" }, { "/gzip", "hello gzip\n" },
		{ "/slowly", "xxxxxxxxxx" }, { "/hints", "{\"id\":1}" } };
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(http_response_fini) struct http_response resp = { 0 };

		assert_int_equal(call(t, HTTP_GET, rows[i].target, &resp), 0);
		assert_int_equal(resp.status, 200);
		assert_string_equal(buf_str(&resp.body), rows[i].body);
		assert_null(http_headers_get(&resp.headers, "X-Early"));
	}
}

static void headers_come_trimmed_and_in_order(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);
	scoped(http_response_fini) struct http_response resp = { 0 };

	assert_int_equal(call(t, HTTP_GET, "/odd-headers", &resp), 0);
	assert_int_equal(resp.headers.n, 6);
	assert_string_equal(http_headers_get(&resp.headers, "X-Spaced"), "a b");
	assert_string_equal(http_headers_get(&resp.headers, "X-Twice"), "1");
	assert_string_equal(resp.headers.items[2].value, "2");
	assert_string_equal(http_headers_get(&resp.headers, "X-Empty"), "");
	assert_string_equal(http_headers_get(&resp.headers, "X-Colon"), "a:b");
}

static void a_refusal_in_html_is_an_answer(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);
	scoped(http_response_fini) struct http_response resp = { 0 };

	assert_int_equal(call(t, HTTP_GET, "/busy", &resp), 0);
	assert_int_equal(resp.status, 503);
	assert_string_equal(http_headers_get(&resp.headers, "Retry-After"), "120");
	assert_string_equal(buf_str(&resp.body), "<h1>Sorry.</h1>");
}

static void a_redirect_is_shown_and_the_token_stays(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *other = loopback_new(behave);
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);
	scoped(http_response_fini) struct http_response resp = { 0 };

	behaviour_elsewhere_port = loopback_port(other);
	assert_int_equal(call(t, HTTP_GET, "/elsewhere", &resp), 0);
	assert_int_equal(resp.status, 302);
	scoped(free_ptr) char *url = loopback_url(other, "/ok");

	assert_string_equal(http_headers_get(&resp.headers, "Location"), url);
	assert_int_equal(loopback_n_connections(other), 0);
}

static void broken_answers_have_their_errno(void **state)
{
	(void)state;
	assert_int_equal(get_error("/half"), -ECONNRESET);
	assert_int_equal(get_error("/nothing"), -ECONNRESET);
	assert_int_equal(get_error("/ssh"), -EPROTO);
	assert_int_equal(get_error("/too-much"), -EPROTO);
	assert_int_equal(get_error("/endless-headers"), -EPROTO);
}

static void no_server_is_refused_and_no_host_is_unreachable(void **state)
{
	(void)state;
	struct loopback *gone = loopback_new(behave);
	scoped(free_ptr) char *url = loopback_url(gone, "/");

	loopback_free(gone);
	scoped(transport_free) struct transport *refused = connect_url(url);
	scoped(transport_free) struct transport *nowhere = connect_url("http://host.invalid/");
	scoped(http_response_fini) struct http_response resp = { 0 };

	assert_int_equal(call(refused, HTTP_GET, "/", &resp), -ECONNREFUSED);
	assert_int_equal(call(nowhere, HTTP_GET, "/", &resp), -EHOSTUNREACH);
}

/* Answers the first request of every connection and breaks at the second, having read it. */
static bool break_at_the_second(int fd, int connection, const struct http_request *req)
{
	static _Thread_local int n;

	(void)connection;
	(void)req;
	if (n++ > 0)
		return false;
	loopback_send_body(fd, "200 OK", NULL, "{}");
	return true;
}

static void a_write_on_a_breaking_connection_is_sent_once(void **state)
{
	(void)state;
	static const enum http_method methods[] = { HTTP_POST, HTTP_PUT, HTTP_DELETE };

	for (size_t i = 0; i < 3; i++) {
		scoped(loopback_free) struct loopback *s = loopback_new(break_at_the_second);
		scoped(transport_free) struct transport *t = connect_to(s);
		scoped(http_response_fini) struct http_response first = { 0 };
		scoped(http_response_fini) struct http_response resp = { 0 };

		assert_int_equal(call(t, HTTP_GET, "/ok", &first), 0);
		assert_int_equal(call(t, methods[i], "/ok", &resp), -ECONNRESET);
		assert_int_equal(loopback_n_requests(s), 2);
	}
}

static void a_get_on_a_breaking_connection_is_sent_again(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(break_at_the_second);
	scoped(transport_free) struct transport *t = connect_to(s);
	scoped(http_response_fini) struct http_response first = { 0 };
	scoped(http_response_fini) struct http_response resp = { 0 };

	assert_int_equal(call(t, HTTP_GET, "/ok", &first), 0);
	assert_int_equal(call(t, HTTP_GET, "/ok", &resp), 0);
	assert_int_equal(loopback_n_requests(s), 3);
}

static bool is_seen(void *data)
{
	return loopback_n_requests(data) > 0;
}

static void cancel_and_deadline_end_a_hanging_call(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);
	scoped(http_request_fini) struct http_request req = { .target = xstrdup("/hang") };
	scoped(http_response_fini) struct http_response resp = { 0 };
	struct call_limit cancelled = { .cancelled = is_seen, .data = s };
	struct call_limit late = { .deadline_ms = clock_deadline(100) };

	assert_int_equal(transport_perform(t, &req, &cancelled, &resp), -EINTR);
	assert_int_equal(loopback_n_requests(s), 1);
	assert_int_equal(transport_perform(t, &req, &late, &resp), -ETIMEDOUT);
	assert_int_equal(transport_perform(t, &req, &late, &resp), -ETIMEDOUT);
	assert_int_equal(call(t, HTTP_GET, "/ok", &resp), 0);
}

static void a_call_without_a_deadline_gets_the_default(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(free_ptr) char *url = loopback_url(s, "");
	const struct curl_config config = { .base_url = url, .timeout_ms = 50 };
	scoped(transport_free) struct transport *t = NULL;
	scoped(http_response_fini) struct http_response resp = { 0 };

	assert_int_equal(curl_transport_new(&config, &t), 0);
	assert_int_equal(call(t, HTTP_GET, "/hang", &resp), -ETIMEDOUT);
}

static int refuse_token(void *data, struct buf *ret_token)
{
	(void)data;
	buf_add_str(ret_token, token);
	return -EACCES;
}

static void a_token_that_cannot_be_sent_stops_the_request(void **state)
{
	(void)state;
	static char two_lines[] = "abc\r\nX-Evil: 1", none[] = "";
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(free_ptr) char *url = loopback_url(s, "");
	const struct {
		int (*get_token)(void *data, struct buf *ret_token);
		void *data;
		int want;
	} rows[] = { { give_token, two_lines, -EINVAL }, { refuse_token, NULL, -EACCES },
		{ give_token, none, 0 }, { NULL, NULL, 0 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct curl_config config = {
			.base_url = url, .get_token = rows[i].get_token, .token_data = rows[i].data
		};
		scoped(transport_free) struct transport *t = NULL;
		scoped(http_response_fini) struct http_response resp = { 0 };

		assert_int_equal(curl_transport_new(&config, &t), 0);
		assert_int_equal(call(t, HTTP_GET, "/ok", &resp), rows[i].want);
	}
	assert_int_equal(loopback_n_requests(s), 2);
	assert_null(http_headers_get(&loopback_request(s, 0)->headers, "X-TrackerToken"));
	assert_null(http_headers_get(&loopback_request(s, 1)->headers, "X-TrackerToken"));
}

static void what_http_cannot_carry_is_not_sent(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);
	scoped(http_response_fini) struct http_response resp = { 0 };

	assert_int_equal(call(t, HTTP_GET, "/a b", &resp), -EINVAL);
	assert_int_equal(call(t, HTTP_GET, "@evil.example/", &resp), -EINVAL);
	assert_int_equal(call(t, HTTP_OTHER, "/", &resp), -EINVAL);
	assert_int_equal(loopback_n_connections(s), 0);
}

static void only_the_url_of_a_server_is_taken(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", "example.com", "ftp://example.com",
		"file:///etc/passwd", "http://", "https://user@example.com/",
		"https://:secret@example.com/", "http://exa mple.com" };
	static const char *const right[] = { "http://example.com", "https://[::1]:8443/x?y#z",
		"HTTPS://Example.COM/services/v5/" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct transport *t = NULL;

		if (curl_transport_new(&(struct curl_config){ .base_url = wrong[i] }, &t) !=
			-EINVAL)
			fail_msg("'%s' was taken for a server", wrong[i]);
		assert_null(t);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++)
		transport_free(connect_url(right[i]));
}

/* What is logged while a refused request is made n times. */
static void log_failures(int n, struct buf *ret_log)
{
	char path[] = "/tmp/storyfs-test-XXXXXX";
	scoped(close_fd) int fd = mkstemp(path);
	scoped(close_fd) int before = dup(STDERR_FILENO);
	struct loopback *gone = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(gone);

	loopback_free(gone);
	log_set_level(LOG_LEVEL_DEBUG);
	dup2(fd, STDERR_FILENO);
	for (int i = 0; i < n; i++) {
		scoped(http_response_fini) struct http_response resp = { 0 };

		call(t, HTTP_GET, "/stories?filter=private", &resp);
	}
	dup2(before, STDERR_FILENO);
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(file_read(path, 100000, ret_log), 0);
	unlink(path);
}

static void a_failing_host_is_logged_once_and_no_secrets(void **state)
{
	(void)state;
	scoped(buf_fini) struct buf log = BUF_INIT;

	log_failures(5, &log);
	const char *first = strstr(buf_str(&log), "GET http://127.0.0.1:");

	assert_non_null(first);
	assert_non_null(strstr(first, "/stories: Failed to connect"));
	assert_null(strstr(first + 1, "GET http://"));
	assert_null(strstr(buf_str(&log), token));
	assert_null(strstr(buf_str(&log), "private"));
}

struct worker {
	pthread_t thread;
	struct transport *t;
	int number;
	int n_right;
};

static bool never(void *data)
{
	(void)data;
	return false;
}

static void *call_often(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < N_CALLS; i++) {
		scoped(http_request_fini) struct http_request req = { .method = HTTP_PUT,
			.target = xasprintf("/echo/%d/%d", w->number, i) };
		scoped(http_response_fini) struct http_response resp = { 0 };
		struct call_limit limit = { .cancelled = never };

		buf_add_fmt(&req.body, "%d:%d", w->number, i);
		if (transport_perform(w->t, &req, &limit, &resp) == 0 &&
			strcmp(buf_str(&resp.body), buf_str(&req.body)) == 0)
			w->n_right++;
	}
	return NULL;
}

static bool echo(int fd, int connection, const struct http_request *req)
{
	(void)connection;
	loopback_send_body(fd, "200 OK", "text/plain", buf_str(&req->body));
	return true;
}

static void many_threads_get_each_its_own_answers(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(echo);
	scoped(transport_free) struct transport *t = connect_to(s);
	struct worker workers[N_THREADS];

	for (int i = 0; i < N_THREADS; i++) {
		workers[i] = (struct worker){ .t = t, .number = i };
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL, call_often, &workers[i]), 0);
	}
	for (int i = 0; i < N_THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].n_right, N_CALLS);
	}
	assert_int_equal(loopback_n_requests(s), N_THREADS * N_CALLS);
	assert_true(loopback_n_connections(s) <= N_THREADS);
}

static bool is_time(void *data)
{
	return --*(int *)data < 0;
}

static void *give_up_often(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < N_CALLS; i++) {
		scoped(http_request_fini) struct http_request req = { .target = xstrdup("/hang") };
		scoped(http_response_fini) struct http_response resp = { 0 };
		int n = i % 3;
		struct call_limit limit = { clock_deadline(i % 7), is_time, &n };
		int r = transport_perform(w->t, &req, &limit, &resp);

		w->n_right += r == -EINTR || r == -ETIMEDOUT;
	}
	return NULL;
}

static void giving_up_in_many_threads_leaves_nothing_behind(void **state)
{
	(void)state;
	scoped(loopback_free) struct loopback *s = loopback_new(behave);
	scoped(transport_free) struct transport *t = connect_to(s);
	scoped(http_response_fini) struct http_response resp = { 0 };
	struct worker workers[4];

	for (int i = 0; i < 4; i++) {
		workers[i] = (struct worker){ .t = t, .number = i };
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL, give_up_often, &workers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].n_right, N_CALLS);
	}
	assert_int_equal(call(t, HTTP_GET, "/ok", &resp), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_connection_serves_many_requests),
		cmocka_unit_test(a_get_says_what_it_should_and_no_more),
		cmocka_unit_test(writes_carry_their_body_at_once),
		cmocka_unit_test(writes_without_a_body_are_right_too),
		cmocka_unit_test(head_waits_for_no_body),
		cmocka_unit_test(bodies_come_whole_and_decoded),
		cmocka_unit_test(headers_come_trimmed_and_in_order),
		cmocka_unit_test(a_refusal_in_html_is_an_answer),
		cmocka_unit_test(a_redirect_is_shown_and_the_token_stays),
		cmocka_unit_test(broken_answers_have_their_errno),
		cmocka_unit_test(no_server_is_refused_and_no_host_is_unreachable),
		cmocka_unit_test(a_write_on_a_breaking_connection_is_sent_once),
		cmocka_unit_test(a_get_on_a_breaking_connection_is_sent_again),
		cmocka_unit_test(cancel_and_deadline_end_a_hanging_call),
		cmocka_unit_test(a_call_without_a_deadline_gets_the_default),
		cmocka_unit_test(a_token_that_cannot_be_sent_stops_the_request),
		cmocka_unit_test(what_http_cannot_carry_is_not_sent),
		cmocka_unit_test(only_the_url_of_a_server_is_taken),
		cmocka_unit_test(a_failing_host_is_logged_once_and_no_secrets),
		cmocka_unit_test(many_threads_get_each_its_own_answers),
		cmocka_unit_test(giving_up_in_many_threads_leaves_nothing_behind),
	};

	/* The environment's proxy is for others, and the log would fill the report. */
	setenv("no_proxy", "*", 1);
	log_set_level(LOG_LEVEL_ERROR);
	alarm(50); /* only a call that hangs takes that long */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
