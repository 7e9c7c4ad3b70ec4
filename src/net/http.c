/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP messages. */
#include "storyfs/http.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "storyfs/alloc.h"

static const char *const method_names[N_HTTP_METHODS] = {
	[HTTP_GET] = "GET",
	[HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT",
	[HTTP_DELETE] = "DELETE",
	[HTTP_OPTIONS] = "OPTIONS",
	[HTTP_HEAD] = "HEAD",
	[HTTP_PATCH] = "PATCH",
	[HTTP_OTHER] = "?",
};

const char *http_method_name(enum http_method method)
{
	return method_names[method];
}

enum http_method http_method_parse(const char *name)
{
	for (int m = 0; m < HTTP_OTHER; m++) {
		if (strcmp(method_names[m], name) == 0)
			return (enum http_method)m;
	}
	return HTTP_OTHER;
}

bool http_method_is_safe(enum http_method method)
{
	return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_OPTIONS;
}

void http_headers_fini(struct http_headers *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free(h->items[i].name);
		free(h->items[i].value);
	}
	free(h->items);
	*h = (struct http_headers){ 0 };
}

void http_headers_add(struct http_headers *h, const char *name, const char *value)
{
	h->items = xrealloc(h->items, h->n + 1, sizeof(*h->items));
	h->items[h->n++] = (struct http_header){ xstrdup(name), xstrdup(value) };
}

void http_headers_add_fmt(struct http_headers *h, const char *name, const char *fmt, ...)
{
	scoped(free_ptr) char *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&value, fmt, ap);

	va_end(ap);
	assert(n >= 0);
	http_headers_add(h, name, value);
}

const char *http_headers_get(const struct http_headers *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++) {
		if (strcasecmp(h->items[i].name, name) == 0)
			return h->items[i].value;
	}
	return NULL;
}

void http_headers_remove(struct http_headers *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++) {
		if (strcasecmp(h->items[i].name, name) != 0) {
			h->items[n++] = h->items[i];
			continue;
		}
		free(h->items[i].name);
		free(h->items[i].value);
	}
	h->n = n;
}

/* ---- sources ---- */

struct bytes_source {
	struct http_source source;
	const char *data;
};

static int64_t read_bytes(struct http_source *s, int64_t at, char *to, size_t max)
{
	int64_t left = s->len - at;
	size_t n = left < (int64_t)max ? (size_t)left : max;

	if (left <= 0)
		return -EIO;
	memcpy(to, ((struct bytes_source *)s)->data + at, n);
	return (int64_t)n;
}

static void free_bytes(struct http_source *s)
{
	free(s);
}

struct http_source *http_source_new(const void *data, size_t len)
{
	struct bytes_source *s = xcalloc(1, sizeof(*s));

	*s = (struct bytes_source){ { (int64_t)len, read_bytes, free_bytes }, data };
	return &s->source;
}

void http_source_free(struct http_source *s)
{
	if (s)
		s->free(s);
}

int http_source_read(struct http_source *s, int64_t at, char *to, size_t n)
{
	while (n) {
		int64_t got = s->read(s, at, to, n);

		if (got <= 0)
			return got < 0 ? (int)got : -EIO;
		at += got;
		to += got;
		n -= (size_t)got;
	}
	return 0;
}

int http_sink_add(struct http_sink *s, const char *data, size_t n)
{
	int e = s->write(s, s->len, data, n);

	if (e == 0)
		s->len += (int64_t)n;
	return e;
}

/* ---- messages ---- */

void http_request_fini(struct http_request *req)
{
	free(req->target);
	free(req->peer);
	http_headers_fini(&req->headers);
	buf_fini(&req->body);
	http_source_free(req->source);
	*req = (struct http_request){ 0 };
}

bool http_is_header_value(const char *value)
{
	for (; *value; value++) {
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			return false;
	}
	return true;
}

bool http_is_header_name(const char *name)
{
	return *name && !name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "0123456789!#$%&'*+-.^_`|~")];
}

static bool is_line_text(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p <= 0x20 || *p >= 0x7f || *p == '#')
			return false;
	}
	return true;
}

bool http_split_url(const char *url, char **ret_origin, char **ret_target)
{
	scoped(free_ptr) char *text = xstrndup(url, strcspn(url, "#"));
	bool is_https = strncasecmp(text, "https://", 8) == 0;

	if (!is_line_text(text) || (!is_https && strncasecmp(text, "http://", 7) != 0))
		return false;
	const char *host = text + (is_https ? 8 : 7);
	size_t len = strcspn(host, "/?");

	if (!len || *host == ':' || memchr(host, '@', len) || memchr(host, '\\', len))
		return false;
	*ret_origin = xstrndup(text, (size_t)(host - text) + len);
	*ret_target = xasprintf("%s%s", host[len] == '/' ? "" : "/", host + len);
	return true;
}

bool http_request_is_valid(const struct http_request *req)
{
	if (req->method >= HTTP_OTHER || !req->target || req->target[0] != '/' ||
		!is_line_text(req->target))
		return false;
	for (size_t i = 0; i < req->headers.n; i++) {
		if (!http_is_header_name(req->headers.items[i].name) ||
			!http_is_header_value(req->headers.items[i].value))
			return false;
	}
	return true;
}

void http_response_fini(struct http_response *resp)
{
	http_headers_fini(&resp->headers);
	buf_fini(&resp->body);
	http_source_free(resp->source);
	*resp = (struct http_response){ 0 };
}

int http_response_gather(struct http_response *resp)
{
	struct http_source *s = resp->source;
	size_t len = s ? (size_t)s->len : 0;
	char *to = s ? buf_reserve(&resp->body, len) : NULL;
	int r = s ? http_source_read(s, 0, to, len) : 0;

	if (r < 0)
		return r;
	if (to) {
		to[len] = '\0';
		resp->body.len += len;
	}
	http_source_free(s);
	resp->source = NULL;
	return 0;
}

void http_add_encoded(struct buf *b, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if ((*p < 0x80 && isalnum(*p)) || strchr("-._~", *p))
			buf_add_char(b, (char)*p);
		else
			buf_add_fmt(b, "%%%02X", *p);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void http_add_decoded(struct buf *b, const char *text, size_t len, bool form)
{
	for (size_t i = 0; i < len; i++) {
		int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(text[i + 2]) : -1;

		if (low >= 0) {
			buf_add_char(b, (char)(high * 16 + low));
			i += 2;
		} else {
			buf_add_char(b, (char)(form && text[i] == '+' ? ' ' : text[i]));
		}
	}
}

/* A form of HTTP-date, read as the C locale has it, whole, and of a day that exists. */
static bool parse_date_form(const char *text, const char *form, int64_t *ret_ms)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	struct tm tm = { 0 };
	const char *end = strptime_l(text, form, &tm, c);

	freelocale(c);
	if (!end || *end)
		return false;
	struct tm again = tm;
	time_t seconds = timegm(&again);

	if (again.tm_mday != tm.tm_mday || again.tm_mon != tm.tm_mon)
		return false;
	*ret_ms = (int64_t)seconds * 1000;
	return true;
}

bool http_parse_date(const char *text, int64_t *ret_ms)
{
	return parse_date_form(text, "%a, %d %b %Y %H:%M:%S GMT", ret_ms) ||
	       parse_date_form(text, "%A, %d-%b-%y %H:%M:%S GMT", ret_ms) ||
	       parse_date_form(text, "%a %b %d %H:%M:%S %Y", ret_ms);
}
