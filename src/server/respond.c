/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Responses as V5 sent them; which header comes with what is reference 1.4. */
#include "respond.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "content.h"
#include "digest.h"
#include "route.h"
#include "storyfs/alloc.h"

enum { ETAG_DIGITS = 32 }; /* as V5's, which were MD5s; this is faster where a processor helps */

/* On every response. */
static const struct {
	const char *name, *value;
} common_headers[] = {
	{ "Access-Control-Allow-Origin", "*" },
	{ "Access-Control-Allow-Credentials", "false" },
	{ "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS" },
	{ "Access-Control-Allow-Headers",
		"X-TrackerToken,DNT,X-Mx-ReqToken,Keep-Alive,User-Agent,X-Requested-With,"
		"If-Modified-Since,Cache-Control,Content-Type,"
		"X-Tracker-Warn-Unless-Project-Version-Is" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Tracker-Client-Pinger-Interval", "20" },
};

void respond_add_common(struct http_headers *ret)
{
	for (size_t i = 0; i < sizeof(common_headers) / sizeof(*common_headers); i++)
		http_headers_add(ret, common_headers[i].name, common_headers[i].value);
}

void respond_add_own(int64_t took_ms, struct http_headers *ret)
{
	char id[32 + 1];

	if (digest_random(16, id) == 0)
		http_headers_add(ret, "X-Request-Id", id);
	http_headers_add_fmt(ret, "X-Runtime", "%lld.%03lld", (long long)(took_ms / 1000),
		(long long)(took_ms % 1000));
}

static void add_page_headers(const struct page *page, struct http_response *ret)
{
	const struct {
		const char *name;
		int64_t value;
	} rows[] = {
		{ "X-Tracker-Pagination-Total", page->total },
		{ "X-Tracker-Pagination-Limit", page->limit },
		{ "X-Tracker-Pagination-Offset", page->offset },
		{ "X-Tracker-Pagination-Returned", page->returned },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		http_headers_add_fmt(&ret->headers, rows[i].name, "%lld", (long long)rows[i].value);
}

/* 0: the answer is not about one project. */
static int64_t project_version(const struct call *c)
{
	const struct record *project = call_project(c);

	return project ? record_int(project, F_project_version, 0) : 0;
}

static void add_pagination(const struct page *page, struct buf *ret)
{
	buf_add_str(ret, ",\"pagination\":{\"total\":");
	if (page->no_total)
		buf_add_str(ret, "null");
	else
		buf_add_fmt(ret, "%lld", (long long)page->total);
	buf_add_fmt(ret, ",\"offset\":%lld,\"limit\":%lld,\"returned\":%lld}",
		(long long)page->offset, (long long)page->limit, (long long)page->returned);
}

/* What the headers say, and the body after it. */
static void wrap(const struct call *c, int status, const struct buf *data, struct buf *ret)
{
	const struct page *page = &c->page;

	buf_add_fmt(ret, "{\"http_status\":\"%d\"", status);
	if (status < 400 && project_version(c))
		buf_add_fmt(ret, ",\"project_version\":%lld", (long long)project_version(c));
	if (status < 400 && page->given)
		add_pagination(page, ret);
	buf_add_str(ret, ",\"data\":");
	buf_add(ret, data->data, data->len);
	buf_add_char(ret, '}');
}

/* Does If-None-Match name it? Weak comparison, as RFC 9110 wants for it. */
static bool is_known(const struct call *c, const char *etag)
{
	const char *known = http_headers_get(&c->req->headers, "If-None-Match");
	bool reads = c->req->method == HTTP_GET || c->req->method == HTTP_HEAD;

	/* Both forms hold the quoted digest, which nothing else does. */
	return known && reads && (strcmp(known, "*") == 0 || strstr(known, strchr(etag, '"')));
}

/* Takes the data over. */
static void add_body(const struct call *c, int status, struct buf *data, struct http_response *ret)
{
	if (c->envelope) {
		wrap(c, status, data, &ret->body);
	} else {
		ret->body = *data;
		*data = BUF_INIT;
	}
	http_headers_add(&ret->headers, "Content-Type", "application/json; charset=utf-8");
}

static void add_notification_header(const struct call *c, struct http_response *ret)
{
	if (c->last_notification_ms)
		http_headers_add_fmt(&ret->headers, "X-Tracker-Last-Notification-Timestamp", "%lld",
			(long long)c->last_notification_ms);
}

static void add_error(const struct call *c, struct buf *ret)
{
	json_t *json = v5_error_encode(&c->error);

	json_write(json, ret);
	json_decref(json);
}

void respond_add_json(const struct call *c, struct buf *ret)
{
	scoped(buf_fini) struct buf error = BUF_INIT;
	const struct buf *data = &c->body;

	if (c->error.code) {
		add_error(c, &error);
		data = &error;
	}
	if (c->envelope)
		wrap(c, c->error.code ? c->error.status : c->status, data, ret);
	else
		buf_add(ret, data->data, data->len);
}

static void respond_error(const struct call *c, struct http_response *ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	add_error(c, &text);
	ret->status = c->error.status;
	http_headers_add(&ret->headers, "Cache-Control", "no-cache");
	if (c->retry_after_s)
		http_headers_add_fmt(
			&ret->headers, "Retry-After", "%lld", (long long)c->retry_after_s);
	add_body(c, ret->status, &text, ret);
}

static void add_etag(const struct call *c, const char *etag, struct http_response *ret)
{
	http_headers_add(&ret->headers, "ETag", etag);
	if (ret->status != 200 || !is_known(c, etag))
		return;
	ret->status = 304;
	buf_reset(&ret->body);
	http_source_free(ret->source);
	ret->source = NULL;
}

static void add_digest(const struct call *c, struct http_response *ret)
{
	char digest[DIGEST_SHA256_SIZE], etag[ETAG_DIGITS + sizeof("W/\"\"")];

	digest_sha256(ret->body.data, ret->body.len, digest);
	snprintf(etag, sizeof(etag), "W/\"%.*s\"", ETAG_DIGITS, digest);
	add_etag(c, etag, ret);
}

/* What is not JSON is handed over as it is. */
static void respond_content(const struct call *c, struct http_response *ret)
{
	struct content *content = c->content;

	ret->status = c->status;
	for (size_t i = 0; i < content->headers.n; i++)
		http_headers_add(&ret->headers, content->headers.items[i].name,
			content->headers.items[i].value);
	http_headers_add(&ret->headers, "Cache-Control", "max-age=0, private, must-revalidate");
	ret->body = content->bytes;
	content->bytes = BUF_INIT;
	ret->source = content->source;
	content->source = NULL;
	if (content->etag)
		add_etag(c, content->etag, ret);
	else
		add_digest(c, ret);
}

static void respond_body(struct call *c, struct http_response *ret)
{
	ret->status = c->status;
	http_headers_add(&ret->headers, "Cache-Control", "max-age=0, private, must-revalidate");
	add_body(c, c->status, &c->body, ret);
	if (c->page.given)
		add_page_headers(&c->page, ret);
	add_notification_header(c, ret);
	add_digest(c, ret);
}

void respond(struct call *c, struct http_response *ret)
{
	respond_add_common(&ret->headers);
	if (c->req->method == HTTP_OPTIONS)
		http_headers_add(&ret->headers, "Access-Control-Max-Age", "86400");
	if (c->error.code) {
		respond_error(c, ret);
	} else if (c->content) {
		respond_content(c, ret);
	} else if (c->body.len) {
		respond_body(c, ret);
	} else {
		ret->status = c->status;
		http_headers_add(&ret->headers, "Cache-Control", "no-cache");
	}
	if (!c->error.code && project_version(c))
		http_headers_add_fmt(&ret->headers, "X-Tracker-Project-Version", "%lld",
			(long long)project_version(c));
	if (c->req->method != HTTP_HEAD)
		return;
	buf_reset(&ret->body);
	http_source_free(ret->source);
	ret->source = NULL;
}
