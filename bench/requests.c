/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests as bytes. */
#include "requests.h"

#include <stdatomic.h>
#include <string.h>

#include "rivals.h"
#include "storyfs/alloc.h"

enum { PAGE = 500, ONE_STORY = 500 };

static void begin_request(struct buf *b, const char *method)
{
	buf_add_fmt(b, "%s /services/v5/projects/%d/stories", method, BENCH_PROJECT);
}

static void end_request(struct buf *b, const char *body)
{
	buf_add_fmt(b,
		" HTTP/1.1\r\nHost: localhost\r\nX-TrackerToken: " BENCH_TOKEN
		"\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(body), body);
}

void request_get_story(const void *data, int client, int64_t n, struct buf *ret)
{
	(void)data, (void)client, (void)n;
	begin_request(ret, "GET");
	buf_add_fmt(ret, "/%d", BENCH_FIRST_STORY + ONE_STORY);
	end_request(ret, "");
}

/* Another one each time, so that nothing is answered from memory of the answer. */
void request_get_stories(const void *data, int client, int64_t n, struct buf *ret)
{
	int count = *(const int *)data;

	begin_request(ret, "GET");
	buf_add_fmt(
		ret, "/%lld", (long long)(BENCH_FIRST_STORY + (n * 7919 + client * 101) % count));
	end_request(ret, "");
}

void request_get_page(const void *data, int client, int64_t n, struct buf *ret)
{
	(void)data, (void)client, (void)n;
	begin_request(ret, "GET");
	buf_add_fmt(ret, "?limit=%d", PAGE);
	end_request(ret, "");
}

/* Writes go on where the last ones ended, so that each of them changes something. */
static int64_t next_number(void)
{
	static atomic_llong last;

	return ++last;
}

static void write_story(const void *data, int64_t number, const char *body, struct buf *ret)
{
	int count = *(const int *)data;

	begin_request(ret, "PUT");
	buf_add_fmt(ret, "/%lld", (long long)(BENCH_FIRST_STORY + number * 31 % count));
	end_request(ret, body);
}

void request_put_name(const void *data, int client, int64_t n, struct buf *ret)
{
	int64_t number = next_number();
	scoped(free_ptr) char *body = xasprintf("{\"name\":\"Name %lld\"}", (long long)number);

	(void)client, (void)n;
	write_story(data, number, body, ret);
}

void request_put_state(const void *data, int client, int64_t n, struct buf *ret)
{
	static const char *const bodies[] = { "{\"current_state\":\"started\",\"estimate\":1}",
		"{\"current_state\":\"finished\",\"estimate\":2}",
		"{\"current_state\":\"delivered\",\"estimate\":3}" };
	int64_t number = next_number();

	(void)client, (void)n;
	write_story(data, number, bodies[number % 3], ret);
}

void request_put_place(const void *data, int client, int64_t n, struct buf *ret)
{
	int64_t number = next_number(), at = (number * 37 + 13) % *(const int *)data;
	scoped(free_ptr) char *body =
		xasprintf("{\"after_id\":%lld}", (long long)(BENCH_FIRST_STORY + at));

	(void)client, (void)n;
	write_story(data, number, body, ret);
}

void request_post_story(const void *data, int client, int64_t n, struct buf *ret)
{
	scoped(free_ptr) char *body =
		xasprintf("{\"name\":\"New %lld\",\"labels\":[\"label 07\"],\"owner_ids\":[%d]}",
			(long long)n, 1 + client % 10);

	(void)data;
	begin_request(ret, "POST");
	end_request(ret, body);
}
