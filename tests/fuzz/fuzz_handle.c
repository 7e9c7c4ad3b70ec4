/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: requests to the V5 server. A request is written as HTTP/1.1 writes one: `METHOD
 * target`, header lines, an empty line, a body of any bytes; lines end with a newline. A line `%%`
 * ends one, and the next begins: later ones find what earlier ones wrote. With a header that says
 * who asks they are his, else the archive's owner's, so that writes happen.
 *
 * Whatever comes, there is an answer of a status that is no failure; its body says what it is, is
 * JSON or CSV if it says so, and as long as it says if it is fetched while it is sent. A second
 * server over the same archive, which keeps no answers, says the same.
 *
 * Its corpus is corpus/fuzz_handle, and a request for each route that seeds.c writes.
 */
#include <assert.h>
#include <csv.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "encoding.h"
#include "fuzz_world.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

#include "fuzz.h"

enum { MAX_REQUESTS = 8, MAX_BODY = 1 << 20 };

/* ---- requests ---- */

/* Cut the next line off; NULL at the end. The text is cut in place. */
static char *next_line(char **rest)
{
	char *line = *rest, *end = line ? strchr(line, '\n') : NULL;

	if (end)
		*end = '\0';
	*rest = end ? end + 1 : NULL;
	return line;
}

/* What the HTTP server does not let through comes to no server. */
static void add_header(struct http_request *req, const char *name, const char *value)
{
	if (http_is_header_name(name) && http_is_header_value(value))
		http_headers_add(&req->headers, name, value);
}

static void read_head(char *text, struct http_request *req)
{
	char *line = next_line(&text), *blank = strchr(line, ' ');

	if (blank)
		*blank = '\0';
	req->method = http_method_parse(line);
	req->target = xstrdup(blank ? blank + 1 : "");
	while ((line = next_line(&text))) {
		char *colon = strstr(line, ": ");

		if (colon) {
			*colon = '\0';
			add_header(req, line, colon + 2);
		}
	}
}

static void read_request(const char *data, size_t size, struct http_request *req)
{
	const char *end = size ? memmem(data, size, "\n\n", 2) : NULL;
	size_t len = end ? (size_t)(end - data) : size;
	scoped(free_ptr) char *head = xstrndup(data, len);

	read_head(head, req);
	if (end)
		buf_add(&req->body, end + 2, size - len - 2);
}

static void ask(struct server *s, const struct http_request *req, struct http_response *ret)
{
	if (http_headers_get(&req->headers, "X-TrackerToken") ||
		http_headers_get(&req->headers, "Authorization"))
		server_handle(s, req, ret);
	else
		server_handle_as(s, 1, req, ret);
}

/* ---- answers ---- */

static void check_headers(const struct http_headers *headers)
{
	for (size_t i = 0; i < headers->n; i++)
		assert(http_is_header_name(headers->items[i].name) &&
			http_is_header_value(headers->items[i].value));
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* An error object, in its envelope or not; a 500 is one of the two that V5 had for what clients
 * sent (docs/conformance.md), never a failure of the archive. */
static void check_error(const json_t *json, int status)
{
	const json_t *data = json_object_get(json, "data");
	const json_t *error = data ? data : json;
	const char *code = text_at(error, "code"), *problem = text_at(error, "general_problem");

	assert(strcmp(text_at(error, "kind"), "error") == 0);
	assert(*code && *text_at(error, "error"));
	if (status < 500)
		return;
	assert(status == 500);
	if (strcmp(code, "unhandled_condition") == 0)
		assert(strcmp(problem, "Cannot parse the JSON-encoded request body.") == 0);
	else
		assert(strcmp(code, "api_internal_error") == 0 && !*problem);
}

static void check_json(const struct http_response *resp)
{
	json_t *json = json_loadb(resp->body.data, resp->body.len, JSON_DECODE_ANY, NULL);

	assert(json);
	if (resp->status >= 400)
		check_error(json, resp->status);
	json_decref(json);
}

struct rows {
	size_t cells, first; /* of this line; of the first one */
};

static void end_cell(void *cell, size_t len, void *data)
{
	(void)cell;
	(void)len;
	((struct rows *)data)->cells++;
}

static void end_row(int end, void *data)
{
	struct rows *rows = data;

	(void)end;
	if (!rows->first)
		rows->first = rows->cells;
	assert(rows->cells == rows->first);
	rows->cells = 0;
}

static void check_csv(const struct buf *body)
{
	struct rows rows = { 0 };
	struct csv_parser parser;

	assert(text_is_valid(body->data, body->len));
	assert(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) == 0);
	assert(csv_parse(&parser, body->data, body->len, end_cell, end_row, &rows) == body->len);
	assert(csv_fini(&parser, end_cell, end_row, &rows) == 0);
	csv_free(&parser);
}

static void check_body(struct http_response *resp)
{
	const char *type = http_headers_get(&resp->headers, "Content-Type");
	const char *range = http_headers_get(&resp->headers, "Content-Range");
	size_t len = resp->source ? (size_t)resp->source->len : resp->body.len;
	long long from, to, size;

	assert(http_response_gather(resp) == 0);
	assert(resp->body.len == len);
	if (resp->status == 206)
		assert(range && sscanf(range, "bytes %lld-%lld/%lld", &from, &to, &size) == 3 &&
			to - from + 1 == (long long)len && to < size);
	if (!len)
		return;
	assert(type && resp->status != 204 && resp->status != 304);
	if (strncmp(type, "application/json", strlen("application/json")) == 0)
		check_json(resp);
	else if (strncmp(type, "text/csv", strlen("text/csv")) == 0)
		check_csv(&resp->body);
	else
		assert(resp->status < 400 || resp->status == 416);
}

/* What is packed on its way is the same unpacked. */
static void check_packed(const struct http_request *req, struct http_response *resp)
{
	scoped(buf_fini) struct buf before = BUF_INIT;
	scoped(buf_fini) struct buf after = BUF_INIT;

	buf_add(&before, resp->body.data, resp->body.len);
	encoding_apply(&req->headers, resp);
	const char *encoding = http_headers_get(&resp->headers, "Content-Encoding");

	if (!encoding)
		return;
	assert(encoding_unpack(encoding_parse(encoding), resp->body.data, resp->body.len,
		       before.len, &after) == 0);
	assert(after.len == before.len && memcmp(after.data, before.data, after.len) == 0);
}

/* Reading changes nothing, and what is kept is what would be answered. */
static void check_again(
	struct world *w, const struct http_request *req, const struct http_response *first)
{
	scoped(http_response_fini) struct http_response again = { 0 };

	ask(w->forgets, req, &again);
	assert(http_response_gather(&again) == 0);
	assert(again.status == first->status);
	assert(again.body.len == first->body.len &&
		memcmp(buf_str(&again.body), buf_str(&first->body), again.body.len) == 0);
}

static void run(struct world *w, const char *data, size_t size)
{
	scoped(http_request_fini) struct http_request req = { 0 };
	scoped(http_response_fini) struct http_response resp = { 0 };

	read_request(data, size, &req);
	if (encoding_unpack_request(&req, MAX_BODY) < 0)
		return;
	ask(w->server, &req, &resp);
	assert(resp.status >= 200 && resp.status <= 599);
	check_headers(&resp.headers);
	check_body(&resp);
	if (http_method_is_safe(req.method) && !http_headers_get(&req.headers, "Authorization"))
		check_again(w, &req, &resp);
	check_packed(&req, &resp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = world_get();
	const char *p = (const char *)data, *end = p + size;

	for (int i = 0; i < MAX_REQUESTS && p < end; i++) {
		const char *next = memmem(p, (size_t)(end - p), "\n%%\n", 4);

		run(w, p, (size_t)((next ? next : end) - p));
		p = next ? next + 4 : end;
	}
	world_check(w);
	world_restore(w);
	return 0;
}
