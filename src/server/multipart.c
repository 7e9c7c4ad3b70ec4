/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass: delimiters are found by memmem, which is linear whatever the boundary, and each search
 * goes on where the last one ended. Headers of a part are few and short, or the body is refused.
 */
#include "multipart.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "storyfs/alloc.h"
#include "storyfs/buf.h"
#include "storyfs/text.h"

enum { MAX_PARTS = 1000, MAX_BOUNDARY = 70, MAX_HEADER = 8 << 10 };

static const char media_type[] = "multipart/form-data";

/* A run of bytes that is read from its front. */
struct run {
	const char *p, *end;
};

static size_t left(const struct run *in)
{
	return (size_t)(in->end - in->p);
}

static bool take(struct run *in, const char *text)
{
	size_t n = strlen(text);

	if (left(in) < n || memcmp(in->p, text, n) != 0)
		return false;
	in->p += n;
	return true;
}

static void skip_blanks(struct run *in)
{
	while (in->p < in->end && (*in->p == ' ' || *in->p == '\t'))
		in->p++;
}

/* ---- `word; name="value"; name=value` ---- */

static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static struct run take_token(struct run *in)
{
	struct run token = { in->p, in->p };

	while (in->p < in->end && is_token_char(*in->p))
		in->p++;
	token.end = in->p;
	return token;
}

/* A backslash protects a quote and itself, and is itself elsewhere: some send `C:\x.png`. */
static bool take_quoted(struct run *in, struct buf *ret)
{
	for (; in->p < in->end; in->p++) {
		if (*in->p == '"') {
			in->p++;
			return true;
		}
		if (*in->p == '\\' && left(in) > 1 && (in->p[1] == '"' || in->p[1] == '\\'))
			in->p++;
		buf_add_char(ret, *in->p);
	}
	return false;
}

static bool take_value(struct run *in, struct buf *ret)
{
	if (take(in, "\""))
		return take_quoted(in, ret);
	struct run token = take_token(in);

	buf_add(ret, token.p, left(&token));
	return token.p < token.end;
}

static bool is_word(const struct run *run, const char *word)
{
	return left(run) == strlen(word) && strncasecmp(run->p, word, left(run)) == 0;
}

/* What parameters a header has, those wanted: ret[i] is that of names[i], NULL when it has none.
 * False when it is not well-formed, or says one of them twice. */
static bool read_params(struct run in, const char *const *names, char **ret, int n)
{
	while (skip_blanks(&in), take(&in, ";")) {
		scoped(buf_fini) struct buf value = BUF_INIT;

		skip_blanks(&in);
		struct run name = take_token(&in);

		if (name.p == name.end && in.p == in.end)
			return true;
		if (name.p == name.end || !take(&in, "=") || !take_value(&in, &value))
			return false;
		for (int i = 0; i < n; i++) {
			if (!is_word(&name, names[i]))
				continue;
			if (ret[i] || strlen(buf_str(&value)) != value.len)
				return false;
			ret[i] = buf_take(&value);
		}
	}
	return in.p == in.end;
}

bool multipart_is_one(const char *content_type)
{
	size_t n = strlen(media_type);

	return content_type && strncasecmp(content_type, media_type, n) == 0 &&
	       (content_type[n] == '\0' || strchr("; \t", content_type[n]));
}

/* The caller frees it; NULL when there is none, or no good one. */
static char *read_boundary(const char *content_type)
{
	static const char *const names[] = { "boundary" };
	struct run in = { content_type + strlen(media_type), content_type + strlen(content_type) };
	scoped(free_ptr) char *boundary = NULL;

	if (!read_params(in, names, &boundary, 1) || !boundary)
		return NULL;
	size_t n = strlen(boundary);

	if (n < 1 || n > MAX_BOUNDARY || boundary[n - 1] == ' ')
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!isprint((unsigned char)boundary[i]))
			return NULL;
	}
	return take_ptr(boundary);
}

/* ---- a part's headers ---- */

static bool is_clean(const char *text)
{
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	}
	return text_is_valid(text, strlen(text));
}

/* What is behind the last slash of either kind. Browsers write a quote as %22. */
static void clean_filename(struct part *part)
{
	char *from = part->filename, *to = part->filename;

	for (char *p = from; p && *p; p++) {
		if (*p == '/' || *p == '\\')
			from = p + 1;
	}
	for (; from && *from; from++) {
		if (strncmp(from, "%22", 3) == 0) {
			*to++ = '"';
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	if (to)
		*to = '\0';
}

static bool read_disposition(struct run value, struct part *part)
{
	static const char *const names[] = { "name", "filename" };
	struct run word = take_token(&value);
	char *found[] = { NULL, NULL };
	bool ok = is_word(&word, "form-data") && !part->name && read_params(value, names, found, 2);

	free(part->name);
	part->name = found[0];
	part->filename = found[1];
	if (!ok || !part->name || !*part->name || !is_clean(part->name))
		return false;
	if (part->filename && !is_clean(part->filename))
		return false;
	clean_filename(part);
	return true;
}

static bool read_content_type(struct run value, struct part *part)
{
	if (part->content_type)
		return false;
	if (value.p < value.end)
		part->content_type = xstrndup(value.p, left(&value));
	return !part->content_type || is_clean(part->content_type);
}

/* Bytes as they are, or the body is not what form-data is. */
static bool is_identity(const struct run *value)
{
	return value->p == value->end || is_word(value, "binary") || is_word(value, "8bit") ||
	       is_word(value, "7bit");
}

static bool read_header(struct run line, struct part *part)
{
	struct run name = take_token(&line);

	if (name.p == name.end || !take(&line, ":"))
		return false;
	skip_blanks(&line);
	while (line.end > line.p && (line.end[-1] == ' ' || line.end[-1] == '\t'))
		line.end--;
	if (memchr(line.p, '\0', left(&line)))
		return false;
	if (is_word(&name, "Content-Disposition"))
		return read_disposition(line, part);
	if (is_word(&name, "Content-Type"))
		return read_content_type(line, part);
	return !is_word(&name, "Content-Transfer-Encoding") || is_identity(&line);
}

/* Up to and with the empty line. */
static bool read_headers(struct run *in, struct part *part)
{
	const char *limit = left(in) > MAX_HEADER ? in->p + MAX_HEADER : in->end;

	while (!take(in, "\r\n")) {
		const char *end = memmem(in->p, (size_t)(limit - in->p), "\r\n", 2);

		if (!end || !read_header((struct run){ in->p, end }, part))
			return false;
		in->p = end + 2;
		if (in->p >= limit)
			return false;
	}
	return part->name != NULL;
}

/* ---- the body ---- */

static void part_fini(struct part *part)
{
	free(part->name);
	free(part->filename);
	free(part->content_type);
}

void parts_fini(struct parts *parts)
{
	for (size_t i = 0; i < parts->n; i++)
		part_fini(&parts->items[i]);
	free(parts->items);
	*parts = (struct parts){ 0 };
}

/* What follows a delimiter: 1 at the end of the body, 0 before a part; in is behind the line. */
static int end_delimiter(struct run *in)
{
	if (take(in, "--"))
		return 1;
	skip_blanks(in);
	return take(in, "\r\n") ? 0 : -EBADMSG;
}

/* Up to the delimiter that ends it: a line break, two dashes and the boundary. */
static bool read_part(struct run *in, const struct buf *delimiter, struct part *part)
{
	if (!read_headers(in, part))
		return false;
	/* An empty part's line break is the one that ends its headers. */
	const char *end = memmem(in->p - 2, left(in) + 2, delimiter->data, delimiter->len);

	if (!end)
		return false;
	part->data = in->p;
	part->len = end < in->p ? 0 : (size_t)(end - in->p);
	in->p = end + delimiter->len;
	return true;
}

static int add_part(struct run *in, const struct buf *delimiter, struct parts *ret)
{
	struct part part = { 0 };

	if (ret->n == MAX_PARTS || !read_part(in, delimiter, &part)) {
		part_fini(&part);
		return -EBADMSG;
	}
	ret->items = xrealloc(ret->items, ret->n + 1, sizeof(part));
	ret->items[ret->n++] = part;
	return end_delimiter(in);
}

/* The first delimiter, which may begin the body. */
static bool find_first(struct run *in, const struct buf *delimiter)
{
	const char *found;

	if (take(in, delimiter->data + 2))
		return true;
	found = memmem(in->p, left(in), delimiter->data, delimiter->len);
	if (found)
		in->p = found + delimiter->len;
	return found != NULL;
}

int multipart_read(const char *content_type, const char *body, size_t len, struct parts *ret)
{
	scoped(free_ptr) char *boundary = read_boundary(content_type);
	scoped(buf_fini) struct buf delimiter = BUF_INIT;
	struct run in = { body, body + len };

	if (!boundary)
		return -EBADMSG;
	buf_add_fmt(&delimiter, "\r\n--%s", boundary);
	if (!find_first(&in, &delimiter))
		return -EBADMSG;
	int r = end_delimiter(&in);

	while (r == 0)
		r = add_part(&in, &delimiter, ret);
	return r < 0 ? r : 0;
}
