/* SPDX-License-Identifier: GPL-2.0-or-later */
/* multipart/form-data taken apart, and what images say of themselves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "content.h"
#include "image.h"
#include "multipart.h"
#include "storyfs/alloc.h"
#include "storyfs/buf.h"

static const char type[] = "multipart/form-data; boundary=xYz";

/* A body that comes in pieces of as many bytes, out of memory of just its size, so that a byte too
 * many is seen. */
struct pieces {
	struct http_source source;
	char *bytes;
	size_t most;
};

static int64_t read_piece(struct http_source *source, int64_t at, char *to, size_t max)
{
	struct pieces *p = (struct pieces *)source;
	size_t n = max < p->most ? max : p->most;

	assert_true(at >= 0 && at < source->len && max > 0);
	if ((int64_t)n > source->len - at)
		n = (size_t)(source->len - at);
	memcpy(to, p->bytes + at, n);
	return (int64_t)n;
}

static int read_pieces(
	const char *content_type, const struct buf *body, size_t most, struct parts *ret)
{
	scoped(free_ptr) char *exact = xmalloc(body->len ? body->len : 1);
	struct pieces p = { { (int64_t)body->len, read_piece, NULL }, exact, most };

	memcpy(exact, buf_str(body), body->len);
	int r = multipart_read(content_type, &p.source, ret);

	for (size_t i = 0; r == 0 && i < ret->n; i++)
		assert_true(ret->items[i].at >= 0 && ret->items[i].len >= 0 &&
			    ret->items[i].at + ret->items[i].len <= (int64_t)body->len);
	return r;
}

/* In one piece, and byte by byte, which is the same. */
static int read_body(const char *content_type, const char *body, size_t len, struct parts *ret)
{
	const struct buf whole = { (char *)body, len, len };
	scoped(parts_fini) struct parts slow = { 0 };
	int r = read_pieces(content_type, &whole, len ? len : 1, ret);

	assert_int_equal(read_pieces(content_type, &whole, 1, &slow), r);
	assert_int_equal(slow.n, ret->n);
	return r;
}

#define READ(content_type, literal, ret) read_body(content_type, literal, sizeof(literal) - 1, ret)

static void expect_bytes(const char *body, const struct part *part, const char *bytes, size_t len)
{
	assert_int_equal(part->len, len);
	assert_memory_equal(body + part->at, bytes, len);
}

static void parts_have_names_types_and_bytes(void **state)
{
	scoped(parts_fini) struct parts parts = { 0 };
	static const char body[] =
		"--xYz\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhello\r\n"
		"--xYz\r\nContent-Type: image/png\r\ncontent-disposition: form-data; "
		"name=\"file\"; filename=\"a b.png\"\r\nContent-Length: 3\r\n\r\n\0\r\n\r\n"
		"--xYz\r\nContent-Disposition: form-data; name=empty; filename=\"\"\r\n\r\n\r\n"
		"--xYz--\r\n";

	(void)state;
	assert_int_equal(READ(type, body, &parts), 0);
	assert_int_equal(parts.n, 3);
	assert_string_equal(parts.items[0].name, "text");
	assert_null(parts.items[0].filename);
	assert_null(parts.items[0].content_type);
	expect_bytes(body, &parts.items[0], "hello", 5);
	assert_string_equal(parts.items[1].filename, "a b.png");
	assert_string_equal(parts.items[1].content_type, "image/png");
	expect_bytes(body, &parts.items[1], "\0\r\n", 3);
	assert_string_equal(parts.items[2].name, "empty");
	assert_string_equal(parts.items[2].filename, "");
	assert_int_equal(parts.items[2].len, 0);
}

/* As RubyMultipartPost sends it: recorded with the real service. */
static void a_blank_type_is_none(void **state)
{
	scoped(parts_fini) struct parts parts = { 0 };
	static const char ruby[] =
		"-------------RubyMultipartPost-dd\r\nContent-Disposition: form-data; "
		"name=\"file\"; filename=\"Gemfile\"\r\nContent-Length: 3\r\nContent-Type: \r\n"
		"Content-Transfer-Encoding: binary\r\n\r\na\n\n\r\n"
		"-------------RubyMultipartPost-dd--\r\n\r\n";

	(void)state;
	assert_int_equal(
		READ("multipart/form-data; boundary=-----------RubyMultipartPost-dd", ruby, &parts),
		0);
	assert_int_equal(parts.n, 1);
	assert_null(parts.items[0].content_type);
	assert_int_equal(parts.items[0].len, 3);
}

static void names_lose_their_folders(void **state)
{
	static const struct {
		const char *said, *is;
	} rows[] = {
		{ "\"a.txt\"", "a.txt" },
		{ "plain", "plain" },
		{ "\"C:\\Users\\x\\a.txt\"", "a.txt" },
		{ "\"../../etc/passwd\"", "passwd" },
		{ "\"dir/\"", "" },
		{ "\"..\"", "" },
		{ "\"a/.\"", "" },
		{ "\"a\\\\..\"", "" },
		{ "\"...\"", "..." },
		{ "\".profile\"", ".profile" },
		{ "\"%0D%0A\"", "%0D%0A" },
		{ "x; filename*=UTF-8''na%C3%AFve%20%2B+1.txt", "na\303\257ve ++1.txt" },
		{ "x; filename*=utf-8'en'a%2F..%2Fb", "b" },
		{ "x; filename*=UTF-8''%2E%2E", "" },
		{ "\"a\\\"b\"", "a\"b" },
		{ "\"a%22b\"", "a\"b" },
		{ "\"\303\251t\303\251; x=y.png\"", "\303\251t\303\251; x=y.png" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(parts_fini) struct parts parts = { 0 };
		scoped(free_ptr) char *body = xasprintf(
			"--xYz\r\nContent-Disposition: form-data; name=f; filename=%s\r\n\r\n"
			"--xYz--",
			rows[i].said);

		assert_int_equal(read_body(type, body, strlen(body), &parts), 0);
		assert_string_equal(parts.items[0].filename, rows[i].is);
	}
}

static void what_is_not_well_formed_is_refused(void **state)
{
#define HEAD "Content-Disposition: form-data; name=\"a\"\r\n"
#define FILENAME(text) \
	"--xYz\r\nContent-Disposition: form-data; name=a; " text "\r\n\r\nx\r\n--xYz--"
	static const struct {
		const char *type, *body;
	} rows[] = {
		{ "multipart/form-data", "--xYz\r\n" HEAD "\r\nx\r\n--xYz--" },
		{ "multipart/form-data; boundary=", "--\r\n" HEAD "\r\nx\r\n----" },
		{ "multipart/form-data; boundary=\"x", "--x\r\n" HEAD "\r\nx\r\n--x--" },
		{ "multipart/form-data; boundary=x; boundary=y", "--x\r\n" HEAD "\r\nx\r\n--x--" },
		{ type, "" },
		{ type, "hello" },
		{ type, "--xYz" },
		{ type, "--xYz\r\n" },
		{ type, "--xYz\r\n" HEAD },
		{ type, "--xYz\r\n" HEAD "\r\nx" },
		{ type, "--xYz\r\n" HEAD "\r\nx\r\n--xY--" },
		{ type, "--xYz\r\n" HEAD "\r\nx\r\n--xYz" },
		{ type, "--xYz\r\n" HEAD "\r\nx\r\n--xYzz--" },
		{ type, "--xYz\n" HEAD "\r\nx\r\n--xYz--" },
		{ type, "--xYz\r\n\r\nx\r\n--xYz--" },
		{ type, "--xYz\r\nContent-Type: a/b\r\n\r\nx\r\n--xYz--" },
		{ type, "--xYz\r\n" HEAD HEAD "\r\nx\r\n--xYz--" },
		{ type, "--xYz\r\nContent-Disposition: form-data\r\n\r\nx\r\n--xYz--" },
		{ type, "--xYz\r\nContent-Disposition: form-data; name=\"\"\r\n\r\nx\r\n--xYz--" },
		{ type, "--xYz\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--xYz--" },
		{ type, "--xYz\r\nContent-Disposition: form-data; name=\"\377\"\r\n\r\nx\r\n--xYz--" },
		{ type, "--xYz\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--xYz--" },
		{ type, "--xYz\r\n" HEAD "\r\nx\r\n--xYz--\r\nmore" },
		{ type, "--xYz\r\n " HEAD "\r\nx\r\n--xYz--" },
		{ type, FILENAME("filename=\"a\nb\"") },
		{ type, FILENAME("filename=\"a\x7f\"") },
		{ type, FILENAME("filename=\"\377\"") },
		{ type, FILENAME("filename=\"a\"; filename=\"b\"") },
		{ type, FILENAME("filename*=b") },
		{ type, FILENAME("filename*=UTF-8'b") },
		{ type, FILENAME("filename*=UTF-8''%00b") },
		{ type, FILENAME("filename*=UTF-8''a%0D%0AX-Evil:%20b") },
		{ type, FILENAME("filename*=UTF-8''%FF") },
		{ type, FILENAME("filename=a; filename*=ISO-8859-1''%E9") },
		{ type, "--xYz\r\nno header\r\n\r\nx\r\n--xYz--" },
		{ type, "--xYz\r\n" HEAD
			"Content-Transfer-Encoding: base64\r\n\r\neA==\r\n--xYz--" },
	};
#undef FILENAME
#undef HEAD

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(parts_fini) struct parts parts = { 0 };

		if (read_body(rows[i].type, rows[i].body, strlen(rows[i].body), &parts) != -EBADMSG)
			fail_msg("taken: %s\n%s", rows[i].type, rows[i].body);
	}
}

/* A delimiter that nearly is one, again and again, costs no more than other bytes. */
static void a_hostile_boundary_costs_nothing(void **state)
{
	scoped(buf_fini) struct buf body = BUF_INIT;
	scoped(parts_fini) struct parts parts = { 0 };
	static const char dashes[] = "multipart/form-data; boundary=----------------------";

	(void)state;
	buf_add_str(&body, "------------------------\r\n"
			   "Content-Disposition: form-data; name=a\r\n\r\nx");
	for (int i = 0; i < 4 << 20; i++)
		buf_add_char(&body, '-');
	buf_add_str(&body, "\r\n--------------------------\r\n");
	assert_int_equal(read_pieces(dashes, &body, body.len, &parts), 0);
	assert_int_equal(parts.n, 1);
	assert_int_equal(parts.items[0].len, (4 << 20) + 1);
}

static void parts_are_bounded(void **state)
{
	scoped(buf_fini) struct buf body = BUF_INIT;
	scoped(parts_fini) struct parts parts = { 0 };

	(void)state;
	for (int i = 0; i < 1001; i++)
		buf_add_str(&body, "--xYz\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n");
	buf_add_str(&body, "--xYz--");
	assert_int_equal(read_pieces(type, &body, body.len, &parts), -EBADMSG);
	assert_int_equal(parts.n, 1000);
}

/* npm's request writes a list of parts so, whatever they are. */
static void related_parts_are_parts(void **state)
{
	scoped(parts_fini) struct parts parts = { 0 };
	static const char body[] =
		"--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n"
		"Content-Type: text/plain\r\n\r\nhello\r\n--xYz--";

	(void)state;
	assert_int_equal(READ("multipart/related; boundary=xYz", body, &parts), 0);
	assert_int_equal(parts.n, 1);
	assert_string_equal(parts.items[0].filename, "a.txt");
	expect_bytes(body, &parts.items[0], "hello", 5);
	assert_true(multipart_is_one("Multipart/Related;boundary=x"));
	assert_false(multipart_is_one("multipart/mixed; boundary=x"));
	assert_false(multipart_is_one("multipart/relatedx"));
	assert_false(multipart_is_one(NULL));
}

/* As mail has it; a colon in the second line begins no header of its own. */
static void a_header_may_go_on_in_the_next_line(void **state)
{
	scoped(parts_fini) struct parts parts = { 0 };
	static const char body[] = "--xYz\r\nContent-Disposition: form-data;\r\n\tname=f;\r\n "
				   "filename=\"a: b\"\r\n\r\nx\r\n--xYz--";

	(void)state;
	assert_int_equal(READ(type, body, &parts), 0);
	assert_string_equal(parts.items[0].name, "f");
	assert_string_equal(parts.items[0].filename, "a: b");
	expect_bytes(body, &parts.items[0], "x", 1);
}

/* What looks like a delimiter, and is none for want of its line break, or of the rest of it. */
static void bytes_may_look_like_the_boundary(void **state)
{
	scoped(parts_fini) struct parts parts = { 0 };
	static const char body[] = "--xYz\r\nContent-Disposition: form-data; name=f\r\n\r\n"
				   "a--xYz\r\n --xYz--\n--xYz\r\r\n--xY\r\n--xyz--\r\n\r\n--xYz--";

	(void)state;
	assert_int_equal(READ(type, body, &parts), 0);
	assert_int_equal(parts.n, 1);
	static const char bytes[] = "a--xYz\r\n --xYz--\n--xYz\r\r\n--xY\r\n--xyz--\r\n";

	expect_bytes(body, &parts.items[0], bytes, sizeof(bytes) - 1);
}

/* Wherever a delimiter and the headers behind it lie on the edge of what is in memory at a time. */
static void parts_are_found_on_every_edge(void **state)
{
	static const char head[] = "--xYz\r\nContent-Disposition: form-data; name=a\r\n\r\n";
	static const char next[] = "\r\n--xYz\r\nContent-Disposition: form-data; name=b; "
				   "filename=c\r\n\r\nbytes\r\n--xYz--";
	enum { WINDOW = 64 << 10 };

	(void)state;
	for (size_t len = WINDOW - sizeof(head) - sizeof(next); len <= WINDOW; len++) {
		scoped(buf_fini) struct buf body = BUF_INIT;
		scoped(parts_fini) struct parts parts = { 0 };

		buf_add_str(&body, head);
		memset(buf_reserve(&body, len), '\r', len);
		body.len += len;
		buf_add_str(&body, next);
		assert_int_equal(read_pieces(type, &body, 4096, &parts), 0);
		assert_int_equal(parts.n, 2);
		assert_int_equal(parts.items[0].len, len);
		assert_string_equal(parts.items[1].filename, "c");
		expect_bytes(body.data, &parts.items[1], "bytes", 5);
	}
}

static int64_t read_nothing(struct http_source *source, int64_t at, char *to, size_t max)
{
	(void)source;
	(void)at;
	(void)to;
	(void)max;
	return -ENOENT;
}

static void a_body_that_cannot_be_read_is_none(void **state)
{
	scoped(parts_fini) struct parts parts = { 0 };
	struct http_source broken = { 100, read_nothing, NULL };

	(void)state;
	assert_int_equal(multipart_read(type, &broken, &parts), -ENOENT);
}

static void images_tell_their_size(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *type; /* NULL: none */
		int64_t width, height;
	} rows[] = {
#define ROW(bytes, ...) { bytes, sizeof(bytes) - 1, __VA_ARGS__ }
		ROW("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\2\0\0\0\3\x08\6\0\0\0", "image/png", 258,
			3),
		ROW("GIF89a\x10\0\x01\x02", "image/gif", 16, 513),
		ROW("BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0\5\0\0\0\xfe\xff\xff\xff", "image/bmp", 5,
			2),
		ROW("\xff\xd8\xff\xe0\0\4ab\xff\xff\xc2\0\x11\x08\0\x20\0\x40\3", "image/jpeg", 64,
			32),
		ROW("RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x1f\0\0", "image/webp", 16, 32),
		ROW("RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x03\x40\0\0", "image/webp", 4, 2),
		ROW("RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\7\0\x08\0", "image/webp", 7, 8),
		ROW("RIFF\0\0\0\0WAVEfmt ", NULL, 0, 0),
		ROW("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\3", NULL, 0, 0),
		ROW("\x89PNG\r\n\x1a\n", NULL, 0, 0),
		ROW("\xff\xd8\xff\xe0\xff\xff", NULL, 0, 0),
		ROW("\xff\xd8\xff\xe0\0\0\xff\xc0", NULL, 0, 0),
		ROW("GIF89a", NULL, 0, 0),
		ROW("<svg width='1' height='1'/>", NULL, 0, 0),
		ROW("", NULL, 0, 0),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(free_ptr) char *exact = xmalloc(rows[i].len ? rows[i].len : 1);
		struct image image = { 0 };

		memcpy(exact, rows[i].bytes, rows[i].len);
		bool is_image = image_read(exact, rows[i].len, &image);

		if (is_image != (rows[i].type != NULL))
			fail_msg("row %zu", i);
		if (!is_image)
			continue;
		assert_string_equal(image.content_type, rows[i].type);
		assert_int_equal(image.width, rows[i].width);
		assert_int_equal(image.height, rows[i].height);
	}
}

static void ranges_are_read_as_rfc_9110_says(void **state)
{
	static const struct {
		const char *header;
		int64_t size;
		enum range range;
		int64_t from, len;
	} rows[] = {
		{ NULL, 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=0-0", 10, RANGE_PART, 0, 1 },
		{ "bytes=2-4", 10, RANGE_PART, 2, 3 },
		{ "bytes=2-", 10, RANGE_PART, 2, 8 },
		{ "bytes=2-999", 10, RANGE_PART, 2, 8 },
		{ "bytes=-3", 10, RANGE_PART, 7, 3 },
		{ "bytes=-99", 10, RANGE_PART, 0, 10 },
		{ "bytes=2-9223372036854775807", 10, RANGE_PART, 2, 8 },
		{ "bytes=10-", 10, RANGE_OUTSIDE, 0, 10 },
		{ "bytes=-0", 10, RANGE_OUTSIDE, 0, 10 },
		{ "bytes=0-", 0, RANGE_OUTSIDE, 0, 0 },
		{ "bytes=-1", 0, RANGE_OUTSIDE, 0, 0 },
		{ "bytes=4-2", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=-", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=a-b", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=--1", 10, RANGE_WHOLE, 0, 10 },
		{ "bytes=99999999999999999999-", 10, RANGE_WHOLE, 0, 10 },
		{ "lines=1-2", 10, RANGE_WHOLE, 0, 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t from = -1, len = -1;
		enum range range = content_range(rows[i].header, rows[i].size, &from, &len);

		if (range != rows[i].range || from != rows[i].from || len != rows[i].len)
			fail_msg("%s: %d %lld %lld", rows[i].header, (int)range, (long long)from,
				(long long)len);
	}
}

static void names_are_written_for_old_and_new_browsers(void **state)
{
	scoped(buf_fini) struct buf b = BUF_INIT;

	(void)state;
	content_add_disposition(&b, "inline", "a \"\303\251\".png");
	assert_string_equal(b.data, "inline; filename=\"a ____.png\"; "
				    "filename*=UTF-8''a%20%22%C3%A9%22.png");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_have_names_types_and_bytes),
		cmocka_unit_test(a_blank_type_is_none),
		cmocka_unit_test(names_lose_their_folders),
		cmocka_unit_test(what_is_not_well_formed_is_refused),
		cmocka_unit_test(a_hostile_boundary_costs_nothing),
		cmocka_unit_test(parts_are_bounded),
		cmocka_unit_test(related_parts_are_parts),
		cmocka_unit_test(a_header_may_go_on_in_the_next_line),
		cmocka_unit_test(bytes_may_look_like_the_boundary),
		cmocka_unit_test(parts_are_found_on_every_edge),
		cmocka_unit_test(a_body_that_cannot_be_read_is_none),
		cmocka_unit_test(images_tell_their_size),
		cmocka_unit_test(ranges_are_read_as_rfc_9110_says),
		cmocka_unit_test(names_are_written_for_old_and_new_browsers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
