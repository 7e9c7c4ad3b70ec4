/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass through a window: delimiters are found by memmem, which is linear whatever the boundary,
 * and each search goes on where the last one ended. Headers of a part are few and short, so that
 * they fit the window, or the body is refused.
 */
#include "multipart.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "storyfs/alloc.h"
#include "storyfs/buf.h"
#include "storyfs/text.h"

enum { MAX_PARTS = 1000, MAX_BOUNDARY = 70, MAX_HEADER = 8 << 10, WINDOW = 64 << 10 };

static const char *const media_types[] = { "multipart/form-data", "multipart/related" };

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

/* How long the media type is, 0 when it is none of ours. */
static size_t media_type_len(const char *content_type)
{
	for (size_t i = 0; content_type && i < sizeof(media_types) / sizeof(*media_types); i++) {
		size_t n = strlen(media_types[i]);

		if (strncasecmp(content_type, media_types[i], n) == 0 &&
			(content_type[n] == '\0' || strchr("; \t", content_type[n])))
			return n;
	}
	return 0;
}

bool multipart_is_one(const char *content_type)
{
	return media_type_len(content_type) > 0;
}

/* The caller frees it; NULL when there is none, or no good one. */
static char *read_boundary(const char *content_type)
{
	static const char *const names[] = { "boundary" };
	struct run in = { content_type + media_type_len(content_type),
		content_type + strlen(content_type) };
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

/* What is behind the last slash of either kind, and no folder's name. */
static void drop_folders(char *filename)
{
	char *from = filename;

	for (char *p = filename; *p; p++) {
		if (*p == '/' || *p == '\\')
			from = p + 1;
	}
	if (strcmp(from, ".") == 0 || strcmp(from, "..") == 0)
		from += strlen(from);
	memmove(filename, from, strlen(from) + 1);
}

/* Browsers write a quote as %22, and nothing else so. */
static void unquote_filename(char *filename)
{
	char *to = filename;

	for (const char *from = filename; *from; from++) {
		*to = *from;
		if (strncmp(from, "%22", 3) == 0) {
			*to = '"';
			from += 2;
		}
		to++;
	}
	*to = '\0';
}

/* `UTF-8'en'na%C3%AFve.txt` (RFC 8187), as Python sends names that are not ASCII, against RFC 7578.
 * The caller frees it; NULL when it is none. */
static char *decode_filename(const char *extended)
{
	const char *language = strchr(extended, '\'');
	const char *text = language ? strchr(language + 1, '\'') : NULL;
	scoped(buf_fini) struct buf name = BUF_INIT;

	if (!text || strncasecmp(extended, "utf-8'", strlen("utf-8'")) != 0)
		return NULL;
	http_add_decoded(&name, text + 1, strlen(text + 1), false);
	return strlen(buf_str(&name)) == name.len ? buf_take(&name) : NULL;
}

/* The extended form is there for who understands it, beside the plain one. */
static bool read_filename(char *plain, char *extended, struct part *part)
{
	if (extended) {
		part->filename = decode_filename(extended);
		free(plain);
		free(extended);
		if (!part->filename)
			return false;
	} else if (plain) {
		unquote_filename(plain);
		part->filename = plain;
	}
	if (!part->filename)
		return true;
	drop_folders(part->filename);
	return is_clean(part->filename);
}

static bool read_disposition(struct run value, struct part *part)
{
	static const char *const names[] = { "name", "filename", "filename*" };
	struct run word = take_token(&value);
	char *found[] = { NULL, NULL, NULL };

	if (part->name || !is_word(&word, "form-data"))
		return false;
	bool ok = read_params(value, names, found, 3);

	part->name = found[0];
	return read_filename(found[1], found[2], part) && ok && part->name && *part->name &&
	       is_clean(part->name);
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

/* ---- the window ---- */

/* What of the body is in memory: n bytes, the first of which is the at-th of the body. */
struct window {
	struct http_source *body;
	int64_t at;
	size_t n;
	char *bytes;
};

static void window_fini(struct window *w)
{
	free(w->bytes);
}

SCOPED_VALUE(struct window, window_fini);

static bool is_last(const struct window *w)
{
	return w->at + (int64_t)w->n == w->body->len;
}

/* Have this many in memory, or all that are left. */
static int fill(struct window *w, size_t n)
{
	while (w->n < n && !is_last(w)) {
		int64_t got = w->body->read(
			w->body, w->at + (int64_t)w->n, w->bytes + w->n, WINDOW - w->n);

		if (got <= 0)
			return got < 0 ? (int)got : -EIO;
		w->n += (size_t)got;
	}
	return 0;
}

static void drop(struct window *w, size_t n)
{
	w->at += (int64_t)n;
	w->n -= n;
	memmove(w->bytes, w->bytes + n, w->n);
}

/* What a line of its own may be: as much as headers may be. */
static int fill_head(struct window *w, struct run *ret)
{
	int r = fill(w, MAX_HEADER);

	*ret = (struct run){ w->bytes, w->bytes + (w->n < MAX_HEADER ? w->n : MAX_HEADER) };
	return r;
}

static void drop_to(struct window *w, const struct run *in)
{
	drop(w, (size_t)(in->p - w->bytes));
}

/* ---- the body ---- */

/* One header; a line that begins with a blank goes on with the one before. */
static bool take_header(struct run *in, struct buf *ret)
{
	do {
		const char *end = memmem(in->p, left(in), "\r\n", 2);

		if (!end)
			return false;
		buf_add(ret, in->p, (size_t)(end - in->p));
		in->p = end + 2;
	} while (in->p < in->end && (*in->p == ' ' || *in->p == '\t'));
	return true;
}

/* Up to the empty line, which stays: an empty part's delimiter begins with it. */
static int read_headers(struct window *w, struct part *part)
{
	struct run in;
	int r = fill_head(w, &in);

	if (r < 0)
		return r;
	while (!take(&in, "\r\n")) {
		scoped(buf_fini) struct buf line = BUF_INIT;

		if (!take_header(&in, &line) ||
			!read_header((struct run){ line.data, line.data + line.len }, part))
			return -EBADMSG;
	}
	in.p -= 2;
	drop_to(w, &in);
	part->at = w->at + 2;
	return part->name ? 0 : -EBADMSG;
}

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

/* Behind the next delimiter; ret_at is where it begins. */
static int pass_delimiter(struct window *w, const struct buf *delimiter, int64_t *ret_at)
{
	for (;;) {
		int r = fill(w, WINDOW);
		const char *found = memmem(w->bytes, w->n, delimiter->data, delimiter->len);

		if (r < 0)
			return r;
		if (found) {
			*ret_at = w->at + (found - w->bytes);
			drop(w, (size_t)(found - w->bytes) + delimiter->len);
			return 0;
		}
		if (is_last(w))
			return -EBADMSG;
		drop(w, w->n - delimiter->len + 1);
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Nothing but blanks may follow the last part: bytes would be a part's that had the delimiter in
 * them. 1 when that is so. */
static int check_rest(struct window *w)
{
	for (;;) {
		int r = fill(w, WINDOW);

		if (r < 0)
			return r;
		for (size_t i = 0; i < w->n; i++) {
			if (!is_blank(w->bytes[i]))
				return -EBADMSG;
		}
		if (is_last(w))
			return 1;
		drop(w, w->n);
	}
}

/* What follows a delimiter: 1 at the end of the body, 0 before a part, to which the window goes. */
static int end_delimiter(struct window *w)
{
	struct run in;
	int r = fill_head(w, &in);

	if (r < 0)
		return r;
	if (take(&in, "--")) {
		drop_to(w, &in);
		return check_rest(w);
	}
	skip_blanks(&in);
	if (!take(&in, "\r\n"))
		return -EBADMSG;
	drop_to(w, &in);
	return 0;
}

/* Up to the delimiter that ends it: a line break, two dashes and the boundary. */
static int read_part(struct window *w, const struct buf *delimiter, struct part *part)
{
	int64_t end;
	int r = read_headers(w, part);

	if (r == 0)
		r = pass_delimiter(w, delimiter, &end);
	if (r == 0)
		part->len = end < part->at ? 0 : end - part->at;
	return r;
}

static int add_part(struct window *w, const struct buf *delimiter, struct parts *ret)
{
	struct part part = { 0 };
	int r = ret->n < MAX_PARTS ? read_part(w, delimiter, &part) : -EBADMSG;

	if (r < 0) {
		part_fini(&part);
		return r;
	}
	ret->items = xrealloc(ret->items, ret->n + 1, sizeof(part));
	ret->items[ret->n++] = part;
	return end_delimiter(w);
}

/* Behind the first delimiter, which may begin the body. */
static int pass_first(struct window *w, const struct buf *delimiter)
{
	size_t n = delimiter->len - 2;
	int r = fill(w, n);
	int64_t at;

	if (r == 0 && w->n >= n && memcmp(w->bytes, delimiter->data + 2, n) == 0) {
		drop(w, n);
		return 0;
	}
	return r < 0 ? r : pass_delimiter(w, delimiter, &at);
}

int multipart_read(const char *content_type, struct http_source *body, struct parts *ret)
{
	scoped(free_ptr) char *boundary = read_boundary(content_type);
	scoped(buf_fini) struct buf delimiter = BUF_INIT;
	scoped(window_fini) struct window w = { .body = body };

	if (!boundary)
		return -EBADMSG;
	w.bytes = xmalloc(WINDOW);
	buf_add_fmt(&delimiter, "\r\n--%s", boundary);
	int r = pass_first(&w, &delimiter);

	if (r == 0)
		r = end_delimiter(&w);
	while (r == 0)
		r = add_part(&w, &delimiter, ret);
	return r < 0 ? r : 0;
}
