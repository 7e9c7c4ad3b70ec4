/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers that are no JSON, and the headers that go with files. */
#include "content.h"

#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

struct content *answer_content(struct call *c, int status, const char *type)
{
	content_free(c->content);
	c->content = xcalloc(1, sizeof(*c->content));
	c->status = status;
	http_headers_add(&c->content->headers, "Content-Type", type);
	return c->content;
}

void content_free(struct content *content)
{
	if (!content)
		return;
	http_source_free(content->source);
	http_headers_fini(&content->headers);
	buf_fini(&content->bytes);
	free(content->etag);
	free(content);
}

/* ---- ranges ---- */

/* `a-b`, `a-`, `-n`: false when it is none of these. */
static bool read_range(const char *text, int64_t size, int64_t *ret_from, int64_t *ret_to)
{
	const char *dash = strchr(text, '-');
	int64_t n = 0;

	if (!dash)
		return false;
	scoped(free_ptr) char *first = xstrndup(text, (size_t)(dash - text));

	if (!*first) {
		if (!parse_int(dash + 1, 0, INT64_MAX, &n))
			return false;
		*ret_from = n < size ? size - n : 0;
		*ret_to = n ? size : 0;
		return true;
	}
	*ret_to = size;
	if (!parse_int(first, 0, INT64_MAX, ret_from))
		return false;
	if (dash[1] && (!parse_int(dash + 1, *ret_from, INT64_MAX, &n)))
		return false;
	if (dash[1] && n < size)
		*ret_to = n + 1;
	return true;
}

enum range content_range(const char *header, int64_t size, int64_t *ret_from, int64_t *ret_len)
{
	static const char unit[] = "bytes=";
	int64_t from, to;

	*ret_from = 0;
	*ret_len = size;
	if (!header || !text_has_prefix(header, unit) || strchr(header, ',') ||
		!read_range(header + strlen(unit), size, &from, &to))
		return RANGE_WHOLE;
	if (from >= size || to <= from)
		return RANGE_OUTSIDE;
	*ret_from = from;
	*ret_len = to - from;
	return RANGE_PART;
}

/* ---- names ---- */

void content_add_disposition(struct buf *b, const char *type, const char *filename)
{
	buf_add_fmt(b, "%s; filename=\"", type);
	for (const char *p = filename; *p; p++) {
		bool is_plain = *p >= ' ' && *p <= '~' && !strchr("\"\\%", *p);
		char shown = '_';

		if (is_plain)
			shown = *p;
		buf_add_char(b, shown);
	}
	buf_add_str(b, "\"; filename*=UTF-8''");
	http_add_encoded(b, filename);
}
