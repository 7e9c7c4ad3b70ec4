/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Content-Type, newline, a body: parts lie in the body, one behind the other, and have clean names;
 * written again with a boundary of our own, they are read just the same.
 */
#include <assert.h>
#include <errno.h>

#include "multipart.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

#include "fuzz.h"

/* Pieces come in sizes of their own, so that whatever the window holds is looked at in parts. */
struct piecemeal {
	struct http_source source;
	const char *bytes;
};

static int64_t read_piece(struct http_source *source, int64_t at, char *to, size_t max)
{
	const struct piecemeal *p = (struct piecemeal *)source;
	size_t left = (size_t)(source->len - at), n = 1 + (size_t)(at * 31 % 97);

	if (!left)
		return -EIO;
	n = n < max ? n : max;
	n = n < left ? n : left;
	memcpy(to, p->bytes + at, n);
	return (int64_t)n;
}

static int read_parts(const char *type, const char *body, size_t len, struct parts *ret)
{
	struct piecemeal p = { { (int64_t)len, read_piece, NULL }, body };

	return multipart_read(type, &p.source, ret);
}

static void check_name(const char *name)
{
	assert(text_is_valid(name, strlen(name)));
	for (const char *p = name; *p; p++)
		assert((unsigned char)*p >= ' ' && *p != 0x7f);
}

static void check_parts(const struct parts *parts, size_t len)
{
	int64_t from = 0;

	for (size_t i = 0; i < parts->n; i++) {
		const struct part *part = &parts->items[i];

		assert(part->at >= from && part->len >= 0 && part->at + part->len <= (int64_t)len);
		from = part->at + part->len;
		check_name(part->name);
		assert(*part->name);
		if (part->content_type)
			check_name(part->content_type);
		if (part->filename) {
			check_name(part->filename);
			assert(!strpbrk(part->filename, "/\\"));
		}
	}
}

/* ---- written again ---- */

static void add_quoted(struct buf *b, const char *key, const char *text)
{
	buf_add_fmt(b, "; %s=\"", key);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, *text);
	}
	buf_add_char(b, '"');
}

static void add_part(struct buf *b, const char *boundary, const struct part *part, const char *body)
{
	buf_add_fmt(b, "--%s\r\nContent-Disposition: form-data", boundary);
	add_quoted(b, "name", part->name);
	if (part->filename)
		add_quoted(b, "filename", part->filename);
	if (part->content_type)
		buf_add_fmt(b, "\r\nContent-Type: %s", part->content_type);
	buf_add_str(b, "\r\n\r\n");
	buf_add(b, body + part->at, (size_t)part->len);
	buf_add_str(b, "\r\n");
}

/* One that is in none of the parts. */
static char *find_boundary(const char *body, size_t len)
{
	for (unsigned i = 0;; i++) {
		scoped(free_ptr) char *boundary = xasprintf("b%u", i);

		if (!memmem(body, len, boundary, strlen(boundary)))
			return take_ptr(boundary);
	}
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_same(const struct parts *parts, const char *body, const struct parts *again,
	const char *body_again)
{
	assert(again->n == parts->n);
	for (size_t i = 0; i < parts->n; i++) {
		const struct part *a = &parts->items[i], *b = &again->items[i];

		assert(same_text(a->name, b->name) && same_text(a->content_type, b->content_type));
		/* `%22` is a quote, so a name that was told with it is not that any more. */
		assert(same_text(a->filename, b->filename) || strstr(a->filename, "%22"));
		assert(a->len == b->len &&
			memcmp(body + a->at, body_again + b->at, (size_t)a->len) == 0);
	}
}

static void read_again(const struct parts *parts, const char *body, size_t len)
{
	scoped(free_ptr) char *boundary = find_boundary(body, len);
	scoped(free_ptr) char *type = xasprintf("multipart/form-data; boundary=%s", boundary);
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(parts_fini) struct parts again = { 0 };

	for (size_t i = 0; i < parts->n; i++)
		add_part(&text, boundary, &parts->items[i], body);
	buf_add_fmt(&text, "--%s--\r\n", boundary);
	assert(read_parts(type, text.data, text.len, &again) == 0);
	check_same(parts, body, &again, text.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(free_ptr) char *type = fuzz_take_line(&data, &size);
	scoped(parts_fini) struct parts parts = { 0 };
	const char *body = (const char *)data;

	if (!multipart_is_one(type))
		return 0;
	int r = read_parts(type, body, size, &parts);

	assert(r == 0 || r == -EBADMSG);
	if (r < 0)
		return 0;
	check_parts(&parts, size);
	if (parts.n)
		read_again(&parts, body, size);
	return 0;
}
