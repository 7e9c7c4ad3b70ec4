/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one sort of request costs the server itself: so many of them, one after the other, in this
 * process and without HTTP. It prints processor time; instructions are counted by
 *
 *	valgrind --tool=callgrind --toggle-collect=make_calls bench/calls ...
 *
 * usage: bench/calls [--dir DIR] STORIES REQUEST N
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "requests.h"
#include "rivals.h"
#include "storyfs/alloc.h"
#include "storyfs/archive.h"
#include "storyfs/server.h"

enum { N_WARM = 20 };

typedef void (*maker)(const void *data, int client, int64_t n, struct buf *ret);

static const struct {
	const char *name;
	maker make;
} requests[] = {
	{ "get_stories", request_get_stories },
	{ "get_page", request_get_page },
	{ "put_name", request_put_name },
	{ "put_state", request_put_state },
	{ "put_place", request_put_place },
	{ "post_story", request_post_story },
};

static maker find_maker(const char *name)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		if (strcmp(requests[i].name, name) == 0)
			return requests[i].make;
	}
	errx(2, "no such request: %s", name);
}

/* The parts that the server asks for, of a request as it goes over the wire. */
static void read_request(const struct buf *text, struct http_request *ret)
{
	const char *target = strchr(text->data, ' ') + 1, *end = strchr(target, ' ');
	scoped(free_ptr) char *method = xstrndup(text->data, (size_t)(target - 1 - text->data));

	ret->method = http_method_parse(method);
	ret->target = xstrndup(target, (size_t)(end - target));
	http_headers_add(&ret->headers, "X-TrackerToken", BENCH_TOKEN);
	buf_add_str(&ret->body, strstr(end, "\r\n\r\n") + 4);
}

static void call(struct server *s, maker make, int n_stories, int n)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(http_request_fini) struct http_request req = { 0 };
	scoped(http_response_fini) struct http_response resp = { 0 };

	make(&n_stories, 0, n, &text);
	read_request(&text, &req);
	server_handle(s, &req, &resp);
	if (resp.status != 200)
		errx(1, "%d: %s", resp.status, buf_str(&resp.body));
}

static double processor_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

__attribute__((noinline)) static void make_calls(struct server *s, maker make, int n_stories, int n)
{
	for (int i = 0; i < n; i++)
		call(s, make, n_stories, i);
}

static void measure(const char *path, int n_stories, maker make, int n)
{
	struct server_config config = { .cache_bytes = -1 };
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(archive_close) struct archive *a = NULL;
	scoped(server_free) struct server *s = NULL;

	make_archive(path, n_stories);
	if (archive_open(path, ARCHIVE_EXISTING, &a, &reason) < 0 || server_new(a, &config, &s) < 0)
		errx(1, "%s", buf_str(&reason));
	for (int i = 0; i < N_WARM; i++)
		call(s, make, n_stories, i);
	double start = processor_us();

	make_calls(s, make, n_stories, n);
	printf("%.1f us of processor a call\n", (processor_us() - start) / n);
}

int main(int argc, char **argv)
{
	bool has_dir = argc > 2 && strcmp(argv[1], "--dir") == 0;
	scoped(free_ptr) char *dir =
		xasprintf("%s/storyfs-calls-XXXXXX", has_dir ? argv[2] : "/var/tmp");
	char **words = argv + (has_dir ? 3 : 1);

	if (argc - (words - argv) != 3)
		errx(2, "usage: bench/calls [--dir DIR] STORIES REQUEST N");
	maker make = find_maker(words[1]);

	if (!mkdtemp(dir))
		err(1, "%s", dir);
	scoped(free_ptr) char *path = xasprintf("%s/bench.db", dir);

	measure(path, atoi(words[0]), make, atoi(words[2]));
	unlink(path);
	rmdir(dir);
	return 0;
}
