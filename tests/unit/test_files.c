/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of the host: how they are asked for and sent, and what is kept of them. The host is a
 * transport that gives bytes as the test lets it. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/data/downloads.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"

enum { SIZE = 100000 };

struct depot {
	struct transport base;
	pthread_mutex_t lock; /* guards what follows */
	int64_t may_give;     /* bytes, before it waits to be told more */
	int64_t size;	      /* that it has */
	const char *location; /* a redirect instead */
	int error, status;    /* instead */
	int n_asked;
	char *target, *type;
	struct buf body; /* that was sent */
};

static char byte_at(int64_t at)
{
	return (char)(at * 7 + at / 251);
}

/* As many as it may; it looks at the limit as transports do. */
static int give(struct depot *d, struct http_sink *sink, const struct call_limit *limit)
{
	sink->len = 0;
	while (sink->len < d->size) {
		pthread_mutex_lock(&d->lock);
		int64_t n = d->may_give - sink->len;

		pthread_mutex_unlock(&d->lock);
		int e = n > 0 ? 0 : call_limit_sleep(limit, 5);
		char piece[1000];

		if (e < 0)
			return e;
		if (n > d->size - sink->len)
			n = d->size - sink->len;
		if (n > (int64_t)sizeof(piece))
			n = sizeof(piece);
		for (int64_t i = 0; i < n; i++)
			piece[i] = byte_at(sink->len + i);
		if (n > 0)
			e = http_sink_add(sink, piece, (size_t)n);
		if (e < 0)
			return e;
	}
	return 0;
}

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct depot *d = (struct depot *)t;

	{
		lock_scope(&d->lock);
		d->n_asked++;
		free(d->target);
		d->target = xstrdup(req->target);
	}
	if (d->error)
		return d->error;
	ret->status = d->location ? 302 : d->status ? d->status : 200;
	if (d->location)
		http_headers_add(&ret->headers, "Location", d->location);
	if (req->source) {
		free(d->type);
		d->type = xstrdup(http_headers_get(&req->headers, "Content-Type"));
		size_t len = (size_t)req->source->len;

		buf_reset(&d->body);
		assert_int_equal(
			http_source_read(req->source, 0, buf_reserve(&d->body, len), len), 0);
		d->body.len = len;
		buf_add_str(&ret->body, "{\"id\":7,\"filename\":\"x\"}");
	}
	return ret->status == 200 && req->sink ? give(d, req->sink, limit) : 0;
}

static void keep(struct transport *t)
{
	(void)t;
}

static void depot_init(struct depot *d)
{
	*d = (struct depot){ .base = { perform, keep }, .may_give = INT64_MAX, .size = SIZE };
	pthread_mutex_init(&d->lock, NULL);
}

static void depot_fini(struct depot *d)
{
	free(d->target);
	free(d->type);
	buf_fini(&d->body);
	pthread_mutex_destroy(&d->lock);
}

SCOPED_VALUE(struct depot, depot_fini);

static void allow(struct depot *d, int64_t n)
{
	lock_scope(&d->lock);
	d->may_give = n;
}

/* The depot that another origin leads to, and which that was. */
static struct depot *elsewhere;
static char other_origin[64];

static int open_elsewhere(void *data, const char *origin, struct transport **ret)
{
	(void)data;
	snprintf(other_origin, sizeof(other_origin), "%s", origin);
	*ret = &elsewhere->base;
	return 0;
}

static struct api *connect_to(struct depot *d)
{
	return api_new(&d->base, &(struct api_config){ .base_path = "/services/v5",
					 .origin = "https://host.example",
					 .open_elsewhere = open_elsewhere });
}

static struct record *make_file(int64_t id, int64_t size)
{
	struct record *file = record_new(KIND_file_attachment);
	scoped(free_ptr) char *url = xasprintf("/file_attachments/%d/download", (int)id);

	record_set_int(file, F_file_attachment_id, id);
	record_set_int(file, F_file_attachment_size, size);
	record_set_text(file, F_file_attachment_download_url, url);
	return file;
}

/* A whole store is not needed for what it does with files. */
struct shelf {
	struct depot depot;
	struct api *api;
	struct downloads *downloads;
	struct call call;
};

static void shelf_begin(struct shelf *s, const struct store_config *config)
{
	*s = (struct shelf){ 0 };
	depot_init(&s->depot);
	s->api = connect_to(&s->depot);
	s->downloads = downloads_new(s->api, config);
}

static void shelf_end(struct shelf *s)
{
	downloads_free(s->downloads);
	api_free(s->api);
	call_fini(&s->call);
	depot_fini(&s->depot);
}

SCOPED_VALUE(struct shelf, shelf_end);

/* How many came and were right, or -errno. */
static int read_at(struct shelf *s, int64_t id, int64_t at, size_t max, int64_t timeout_ms)
{
	scoped(record_unref) struct record *file = make_file(id, SIZE);
	scoped(buf_fini) struct buf got = BUF_INIT;
	struct call call = { .limit = { .deadline_ms = clock_deadline(timeout_ms) } };
	int e = downloads_read(s->downloads, file, &(struct file_part){ at, max }, &call, &got);

	for (size_t i = 0; i < got.len; i++)
		assert_int_equal(got.data[i], byte_at(at + (int64_t)i));
	call_fini(&s->call);
	s->call = call;
	return e < 0 ? e : (int)got.len;
}

static void a_reader_waits_for_its_part_alone(void **state)
{
	(void)state;
	scoped(shelf_end) struct shelf s;

	shelf_begin(&s, &(struct store_config){ 0 });
	allow(&s.depot, 5000);
	assert_int_equal(read_at(&s, 7, 1000, 3000, 60000), 3000);
	assert_string_equal(s.depot.target, "/file_attachments/7/download");
	/* The rest does not come in time: the download goes on all the same. */
	assert_int_equal(read_at(&s, 7, SIZE - 10, 10, 50), -ETIMEDOUT);
	assert_non_null(strstr(s.call.error.error, "on its way"));
	allow(&s.depot, SIZE);
	assert_int_equal(read_at(&s, 7, SIZE - 10, 4096, 60000), 10);
	assert_int_equal(read_at(&s, 7, SIZE, 10, 60000), 0);
	assert_int_equal(read_at(&s, 7, 0, SIZE, 60000), SIZE);
	assert_int_equal(s.depot.n_asked, 1);
}

static void the_end_does_not_wait_for_a_download(void **state)
{
	(void)state;
	scoped(shelf_end) struct shelf s;

	shelf_begin(&s, &(struct store_config){ 0 });
	allow(&s.depot, 10);
	assert_int_equal(read_at(&s, 7, 0, 10, 60000), 10);
}

static void less_than_was_said_is_an_error(void **state)
{
	(void)state;
	scoped(shelf_end) struct shelf s;

	shelf_begin(&s, &(struct store_config){ 0 });
	s.depot.size = SIZE - 1;
	assert_int_equal(read_at(&s, 7, SIZE - 10, 10, 60000), -EIO);
	assert_non_null(strstr(s.call.error.error, "less"));
	/* Who asks at once is told the same; nothing is asked for again. */
	assert_int_equal(read_at(&s, 7, SIZE - 10, 10, 60000), -EIO);
	assert_int_equal(s.depot.n_asked, 1);
}

static void a_download_that_stalls_ends(void **state)
{
	(void)state;
	scoped(shelf_end) struct shelf s;

	shelf_begin(&s, &(struct store_config){ .stall_ms = 50 });
	allow(&s.depot, 100);
	assert_int_equal(read_at(&s, 7, 0, 101, 60000), -ETIMEDOUT);
	assert_non_null(strstr(s.call.error.error, "too long"));
	/* What came is there. */
	assert_int_equal(read_at(&s, 7, 0, 100, 60000), 100);
	assert_int_equal(s.depot.n_asked, 1);
}

static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir)) /* NOLINT(concurrency-mt-unsafe): a stream of its own */
		n++;
	closedir(dir);
	return n;
}

/* A download is in use until its thread is gone, which may be after the last byte was read. */
static void await_threads(int n)
{
	struct call_limit limit = { .deadline_ms = clock_deadline(60000) };

	while (count_threads() > n)
		assert_int_equal(call_limit_sleep(&limit, 1), 0);
}

static void those_used_longest_ago_make_room(void **state)
{
	(void)state;
	scoped(shelf_end) struct shelf s;
	int n_threads = count_threads();

	shelf_begin(&s, &(struct store_config){ .cache_bytes = 2 * SIZE });
	for (int64_t id = 1; id <= 2; id++)
		assert_int_equal(read_at(&s, id, 0, SIZE, 60000), SIZE);
	await_threads(n_threads);
	assert_int_equal(read_at(&s, 1, 0, 10, 60000), 10);
	assert_int_equal(read_at(&s, 3, 0, SIZE, 60000), SIZE);
	await_threads(n_threads);
	assert_int_equal(s.depot.n_asked, 3);
	assert_int_equal(read_at(&s, 1, 0, SIZE, 60000), SIZE);
	assert_int_equal(s.depot.n_asked, 3);
	assert_int_equal(read_at(&s, 2, 0, SIZE, 60000), SIZE);
	assert_int_equal(s.depot.n_asked, 4);
}

static void a_redirect_is_followed_to_another_transport(void **state)
{
	(void)state;
	scoped(shelf_end) struct shelf s;
	scoped(depot_fini) struct depot storage;

	depot_init(&storage);
	elsewhere = &storage;
	shelf_begin(&s, &(struct store_config){ 0 });
	s.depot.location = "https://storage.example/7?signature=x";
	assert_int_equal(read_at(&s, 7, 0, SIZE, 60000), SIZE);
	assert_string_equal(other_origin, "https://storage.example");
	assert_string_equal(storage.target, "/7?signature=x");
	assert_int_equal(s.depot.n_asked, 1);
	assert_int_equal(storage.n_asked, 1);
}

static void redirects_come_to_an_end(void **state)
{
	(void)state;
	static const char *const locations[] = { "/file_attachments/7/download",
		"https://host.example/again", "//storage.example/7", "file:///etc/passwd",
		"https://user@storage.example/7" };

	for (size_t i = 0; i < sizeof(locations) / sizeof(*locations); i++) {
		scoped(shelf_end) struct shelf s;

		shelf_begin(&s, &(struct store_config){ 0 });
		s.depot.location = locations[i];
		assert_int_equal(read_at(&s, 7, 0, 10, 60000), -EPROTO);
		assert_true(s.depot.n_asked <= 5);
		assert_non_null(strstr(s.call.error.error, "cannot be fetched"));
	}
}

static void a_refusal_is_told_in_the_hosts_words(void **state)
{
	(void)state;
	scoped(shelf_end) struct shelf s;

	shelf_begin(&s, &(struct store_config){ 0 });
	s.depot.status = 404;
	assert_int_equal(read_at(&s, 7, 0, 10, 60000), -ENOENT);
	assert_non_null(s.call.error.error);
}

static void an_upload_is_a_form_with_the_file(void **state)
{
	(void)state;
	static const struct {
		const char *name, *sent;
	} rows[] = {
		{ "a b.txt", "filename=\"a b.txt\"" },
		{ "\xc3\xa9", "filename=\"\xc3\xa9\"" },
		{ "a\"b", "filename*=UTF-8''a%22b" },
		{ "100%22", "filename*=UTF-8''100%2522" },
		{ "a\nb", "filename*=UTF-8''a%0Ab" },
	};
	char data[5000];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = byte_at((int64_t)i);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(shelf_end) struct shelf s;
		scoped(record_unref) struct record *file = NULL;
		struct http_source *bytes = http_source_new(data, sizeof(data));

		shelf_begin(&s, &(struct store_config){ 0 });
		assert_int_equal(api_upload(s.api, 99, &(struct api_file){ rows[i].name, bytes },
					 &s.call, &file),
			0);
		http_source_free(bytes);
		assert_int_equal(record_id(file), 7);
		assert_string_equal(s.depot.target, "/services/v5/projects/99/uploads");
		const char *boundary = strstr(s.depot.type, "boundary=") + strlen("boundary=");
		scoped(free_ptr) char *head =
			xasprintf("--%s\r\nContent-Disposition: form-data; name=\"file\"; %s\r\n"
				  "Content-Type: application/octet-stream\r\n\r\n",
				boundary, rows[i].sent);
		scoped(free_ptr) char *tail = xasprintf("\r\n--%s--\r\n", boundary);
		size_t n = strlen(head), end = n + sizeof(data);

		assert_int_equal(s.depot.body.len, end + strlen(tail));
		assert_memory_equal(s.depot.body.data, head, n);
		assert_memory_equal(s.depot.body.data + n, data, sizeof(data));
		assert_memory_equal(s.depot.body.data + end, tail, strlen(tail));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_waits_for_its_part_alone),
		cmocka_unit_test(the_end_does_not_wait_for_a_download),
		cmocka_unit_test(less_than_was_said_is_an_error),
		cmocka_unit_test(a_download_that_stalls_ends),
		cmocka_unit_test(those_used_longest_ago_make_room),
		cmocka_unit_test(a_redirect_is_followed_to_another_transport),
		cmocka_unit_test(redirects_come_to_an_end),
		cmocka_unit_test(a_refusal_is_told_in_the_hosts_words),
		cmocka_unit_test(an_upload_is_a_form_with_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
