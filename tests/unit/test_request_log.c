/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The request log, and the written form of addresses to listen at. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/file.h"
#include "storyfs/listen.h"
#include "storyfs/request_log.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

/* The line that this entry makes. */
static json_t *log_entry(const char *target, const char *body, size_t len)
{
	char path[] = "/tmp/storyfs-test-XXXXXX";
	scoped(close_fd) int fd = mkstemp(path);
	scoped(request_log_close) struct request_log *log = NULL;
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct buf content = { .data = (char *)body, .len = len };

	assert_true(fd >= 0);
	assert_int_equal(request_log_open(path, &log), 0);
	request_log_add(log, &(struct request_entry){ .method = "PUT",
				     .target = target,
				     .status = 200,
				     .body = &content,
				     .ms = 5 });
	assert_int_equal(file_read(path, 1 << 24, &text), 0);
	unlink(path);
	assert_int_equal(text.data[text.len - 1], '\n');
	assert_ptr_equal(strchr(text.data, '\n'), text.data + text.len - 1);
	json_t *line = json_loads(text.data, JSON_ALLOW_NUL, NULL);

	assert_non_null(line);
	return line;
}

static void assert_logged(
	const char *target, const char *body, const char *path, const char *request)
{
	json_t *line = log_entry(target, body, strlen(body));

	assert_string_equal(json_string_value(json_object_get(line, "path")), path);
	if (request)
		assert_string_equal(json_string_value(json_object_get(line, "request")), request);
	else
		assert_true(json_is_null(json_object_get(line, "request")));
	json_decref(line);
}

static void a_line_says_what_was_asked_and_answered(void **state)
{
	(void)state;
	clock_set_fixed(INT64_C(1717171200123));
	json_t *line = log_entry("/x?y=%20z", "{\"a\":1}", 7);

	clock_set_fixed(-1);
	scoped(free_ptr) char *text = json_dumps(line, JSON_COMPACT);

	assert_string_equal(text,
		"{\"time\":\"2024-05-31T16:00:00.123Z\",\"method\":\"PUT\",\"path\":\"/x?y=%20z\","
		"\"status\":200,\"request\":\"{\\\"a\\\":1}\",\"ms\":5}");
	json_decref(line);
}

static void tokens_are_masked(void **state)
{
	(void)state;
	static const char stars[] = "/********************************";

	assert_logged("/me?token=abc&fields=name", "", "/me?token=***&fields=name", NULL);
	assert_logged("/me?a=b&%74oken=abc", "", "/me?a=b&%74oken=***", NULL);
	assert_logged("/me?tokens=abc&token", "", "/me?tokens=abc&token", NULL);
	assert_logged("/" TOKEN, "", stars, NULL);
	assert_logged("/?q=%3D" TOKEN, "", "/?q=%3D********************************", NULL);
	assert_logged("/", "\"" TOKEN "\"", "/", "\"********************************\"");
	assert_logged("/", "\\n" TOKEN " \\u00e9" TOKEN, "/",
		"\\n******************************** \\u00e9********************************");
	assert_logged("/", "0" TOKEN, "/", "0" TOKEN);
	assert_logged("/", "z" TOKEN, "/", "z" TOKEN);
}

static void any_bytes_make_a_line(void **state)
{
	(void)state;
	assert_logged("/\xff", "g\xc3\xbcn \xc3(\xe2\x82 \xe2\x82\xac", "/\\xff",
		"g\xc3\xbcn \\xc3(\\xe2\\x82 \xe2\x82\xac");
	json_t *line = log_entry("/", "a\0b\n\"", 5);
	const json_t *request = json_object_get(line, "request");

	assert_int_equal(json_string_length(request), 5);
	assert_memory_equal(json_string_value(request), "a\0b\n\"", 5);
	json_decref(line);
}

static void long_bodies_are_cut_and_no_token_at_the_edge(void **state)
{
	(void)state;
	enum { LIMIT = 65536 };
	scoped(buf_fini) struct buf body = BUF_INIT;

	for (int i = 0; i < LIMIT - 10; i++)
		buf_add_char(&body, ' ');
	buf_add_str(&body, TOKEN " and more, and more");
	json_t *line = log_entry("/", body.data, body.len);
	const char *text = json_string_value(json_object_get(line, "request"));

	assert_int_equal(strlen(text), LIMIT + 3);
	assert_string_equal(text + LIMIT - 12, "  **********...");
	json_decref(line);
	body.len = LIMIT - 1;
	buf_add_str(&body, "\xe2\x82\xac");
	line = log_entry("/", body.data, body.len);
	text = json_string_value(json_object_get(line, "request"));
	assert_string_equal(text + LIMIT - 2, "8...");
	json_decref(line);
}

static void a_log_belongs_to_its_owner_and_is_appended_to(void **state)
{
	(void)state;
	char dir[] = "/tmp/storyfs-test-XXXXXX";
	struct request_log *log;
	struct stat st;

	assert_non_null(mkdtemp(dir));
	scoped(free_ptr) char *path = xasprintf("%s/log", dir);

	for (int i = 0; i < 2; i++) {
		assert_int_equal(request_log_open(path, &log), 0);
		request_log_add(log, &(struct request_entry){ .method = "GET", .target = "/" });
		request_log_close(log);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	scoped(buf_fini) struct buf text = BUF_INIT;

	assert_int_equal(file_read(path, 1 << 16, &text), 0);
	assert_non_null(strchr(strchr(text.data, '\n') + 1, '\n'));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_true(request_log_open(path, &log) < 0);
}

static void addresses_are_parsed(void **state)
{
	(void)state;
	static const struct {
		const char *text, *host;
		unsigned port;
	} right[] = {
		{ "127.0.0.1:5080", "127.0.0.1", 5080 },
		{ ":0", "", 0 },
		{ "localhost:65535", "localhost", 65535 },
		{ "[::1]:80", "::1", 80 },
		{ "[fe80::1%lo]:80", "fe80::1%lo", 80 },
	};
	static const char *const wrong[] = { "", "127.0.0.1", "5080", "127.0.0.1:", "a:65536",
		"a:-1", "a:+1", "a:1x", "::1:80", "[::1]", "[]:80", "[::1]80", "[::1:80", "a: 80" };
	struct listen_address a;

	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		assert_true(listen_parse(right[i].text, &a));
		assert_string_equal(a.host, right[i].host);
		assert_int_equal(a.port, right[i].port);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		if (listen_parse(wrong[i], &a))
			fail_msg("'%s' was taken for an address", wrong[i]);
	}
}

static void sockets_know_where_they_listen(void **state)
{
	(void)state;
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(close_fd) int fd = -1;
	scoped(close_fd) int all = -1;
	int other = -1;

	assert_int_equal(listen_open("127.0.0.1:0", &fd, &reason), 0);
	assert_true(listen_port(fd) > 0 && listen_is_local(fd));
	listen_add_address(fd, &text);
	scoped(free_ptr) char *expected = xasprintf("127.0.0.1:%u", listen_port(fd));

	assert_string_equal(text.data, expected);
	assert_true(listen_open(text.data, &other, &reason) < 0);
	assert_non_null(strstr(reason.data, "Address already in use"));
	assert_non_null(strstr(reason.data, expected));
	assert_int_equal(listen_open(":0", &all, &reason), 0);
	assert_false(listen_is_local(all));
	buf_reset(&reason);
	assert_true(listen_open("nonsense", &other, &reason) < 0);
	assert_non_null(strstr(reason.data, "'nonsense' is no address to listen at"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_what_was_asked_and_answered),
		cmocka_unit_test(tokens_are_masked),
		cmocka_unit_test(any_bytes_make_a_line),
		cmocka_unit_test(long_bodies_are_cut_and_no_token_at_the_edge),
		cmocka_unit_test(a_log_belongs_to_its_owner_and_is_appended_to),
		cmocka_unit_test(addresses_are_parsed),
		cmocka_unit_test(sockets_know_where_they_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
