/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console's files, served. */
#include "console.h"

#include <string.h>

#include "console_pages.h"
#include "digest.h"
#include "respond.h"
#include "storyfs/describe.h"

static const struct console_file {
	const char *path;
	const char *type;
	const unsigned char *data; /* NULL: the tables */
	const size_t *len;
} pages[] = {
	{ "/", "text/html; charset=utf-8", page_console_html, &page_console_html_len },
	{ "/console.css", "text/css; charset=utf-8", page_console_css, &page_console_css_len },
	{ "/console.js", "text/javascript; charset=utf-8", page_console_js, &page_console_js_len },
	{ "/console.json", "application/json; charset=utf-8", NULL, NULL },
};

/* Beside what every response has. Nothing but this server's own files runs or is shown, and no
 * other site frames the page. */
static const struct {
	const char *name, *value;
} headers[] = {
	{ "Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
		"img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cache-Control", "no-cache" },
};

static const struct console_file *find_page(const char *target)
{
	size_t len = strcspn(target, "?");

	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		if (strlen(pages[i].path) == len && strncmp(pages[i].path, target, len) == 0)
			return &pages[i];
	}
	return NULL;
}

static void add_headers(const struct console_file *page, struct http_response *ret)
{
	char digest[DIGEST_MD5_SIZE];

	respond_add_common(&ret->headers);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		http_headers_add(&ret->headers, headers[i].name, headers[i].value);
	http_headers_add(&ret->headers, "Content-Type", page->type);
	digest_md5(ret->body.data, ret->body.len, digest);
	http_headers_add_fmt(&ret->headers, "ETag", "\"%s\"", digest);
}

/* The browser has it already. */
static bool is_known(const struct http_request *req, const struct http_response *resp)
{
	const char *known = http_headers_get(&req->headers, "If-None-Match");

	return known && strstr(known, http_headers_get(&resp->headers, "ETag"));
}

bool console_answer(const char *base, const struct http_request *req, struct http_response *ret)
{
	const struct console_file *page = req->target ? find_page(req->target) : NULL;

	if (!page || (req->method != HTTP_GET && req->method != HTTP_HEAD))
		return false;
	if (page->data)
		buf_add(&ret->body, page->data, *page->len);
	else
		describe_json(base, &ret->body);
	ret->status = 200;
	add_headers(page, ret);
	if (is_known(req, ret))
		ret->status = 304;
	if (req->method == HTTP_HEAD || ret->status == 304)
		buf_reset(&ret->body);
	return true;
}
