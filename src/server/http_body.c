/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files, as most are, never see the disk before they are stored. */
#include "http_body.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "storyfs/log.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

enum { IN_MEMORY = 256 << 10 };

static void refuse(struct http_body *b, enum http_refusal why)
{
	b->refused = why;
	b->spool = NULL;
	buf_fini(&b->req->body);
	http_source_free(b->req->source);
	b->req->source = NULL;
}

/* Is reading it in vain? So it is when the client waits for a go-ahead, when it is too much to be
 * read for courtesy, and of a file. */
static bool is_hopeless(const struct http_body *b)
{
	const char *text = http_headers_get(&b->req->headers, "Content-Length");
	const char *expect = http_headers_get(&b->req->headers, "Expect");
	int64_t len;

	if (!text || !parse_int(text, 0, INT64_MAX, &len) || (size_t)len <= b->limit)
		return false;
	return b->spools || (expect && strcasecmp(expect, "100-continue") == 0) ||
	       (size_t)len > b->most;
}

static enum http_refusal too_large(const struct http_body *b)
{
	return b->spools ? REFUSED_FILE : REFUSED_BODY;
}

bool http_body_begin(struct http_body *b)
{
	if (is_hopeless(b))
		refuse(b, too_large(b));
	return !b->refused;
}

/* From now on it goes there, what is in memory first. */
static int open_spool(struct http_body *b)
{
	struct buf *body = &b->req->body;
	int r = spool_open(b->spools, &b->spool);

	if (r != 0)
		return r;
	b->req->source = spool_source(b->spool);
	r = spool_add(b->spool, body->data, body->len);
	buf_fini(body);
	return r;
}

static void keep(struct http_body *b, const char *data, size_t len)
{
	int r = 0;

	if (!b->spool && (!b->spools || b->req->body.len + len <= IN_MEMORY)) {
		buf_add(&b->req->body, data, len);
		return;
	}
	if (!b->spool)
		r = open_spool(b);
	if (r == 0)
		r = spool_add(b->spool, data, len);
	if (r < 0)
		log_error("http: an upload cannot be kept: %s", text_errno(r));
	if (r != 0)
		refuse(b, r < 0 ? REFUSED_SPACE : REFUSED_BUSY);
}

bool http_body_add(struct http_body *b, const char *data, size_t len)
{
	b->received += len;
	if (!b->refused && b->received > b->limit)
		refuse(b, too_large(b));
	if (!b->refused)
		keep(b, data, len);
	return b->received <= b->most;
}
