/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The request log. Masking comes before cutting, so that no part of a token is left at the edge. */
#include "storyfs/request_log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/http.h"
#include "storyfs/json.h"
#include "storyfs/log.h"
#include "storyfs/text.h"

enum {
	SHOWN_BYTES = 65536,
	TOKEN_DIGITS = 32,
};

struct request_log {
	int fd;
	atomic_bool failed;
};

int request_log_open(const char *path, struct request_log **ret)
{
	bool is_stdout = strcmp(path, "-") == 0;
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
	int fd = is_stdout ? dup(STDOUT_FILENO) : open(path, flags, 0600);

	if (fd < 0)
		return -errno;
	struct request_log *log = xcalloc(1, sizeof(*log));

	log->fd = fd;
	*ret = log;
	return 0;
}

void request_log_close(struct request_log *log)
{
	if (!log)
		return;
	close(log->fd);
	free(log);
}

static size_t count_word(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && isalnum((unsigned char)text[n]))
		n++;
	return n;
}

static bool is_token(const char *word)
{
	for (size_t i = 0; i < TOKEN_DIGITS; i++) {
		if (!isxdigit((unsigned char)word[i]))
			return false;
	}
	return true;
}

/* How much of a word that follows this byte may belong to an escape: %3A, \n, \u00e9. */
static bool is_escape(char before, size_t n)
{
	return n == 0 || (before == '%' && n == 2) || (before == '\\' && (n == 1 || n == 5));
}

static void mask_words(char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = count_word(text + i, len - i);
		size_t lead = n >= TOKEN_DIGITS ? n - TOKEN_DIGITS : n;

		char before = ' ';

		if (i)
			before = text[i - 1];
		if (lead < n && is_escape(before, lead) && is_token(text + i + lead))
			memset(text + i + lead, '*', TOKEN_DIGITS);
		i += n ? n : 1;
	}
}

/* Is `name` before the equals sign, in whatever encoding, the parameter that holds a token? */
static bool names_token(const char *item, size_t len)
{
	const char *equals = memchr(item, '=', len);
	scoped(buf_fini) struct buf name = BUF_INIT;

	if (!equals)
		return false;
	http_add_decoded(&name, item, (size_t)(equals - item), true);
	return strcmp(buf_str(&name), "token") == 0;
}

/* Copy path and query; a token parameter's value becomes three asterisks. */
static void add_target(struct buf *b, const char *target)
{
	const char *at = strchr(target, '?');
	size_t len = at ? (size_t)(at - target) + 1 : strlen(target);

	buf_add(b, target, len);
	for (at = target + len; *at; at += len) {
		len = strcspn(at, "&");
		if (names_token(at, len)) {
			buf_add(b, at, strcspn(at, "=") + 1);
			buf_add_str(b, "***");
		} else {
			buf_add(b, at, len);
		}
		if (at[len] == '&') {
			buf_add_char(b, '&');
			len++;
		}
	}
	if (b->len)
		mask_words(b->data, b->len);
}

static size_t next_char_len(const char *text, size_t left)
{
	size_t n = (unsigned char)*text < 0x80 ? 1 : 2;

	for (; n <= 4 && n <= left; n++) {
		if (!*text || text_is_valid(text, n))
			return n;
	}
	return 0;
}

/* Copy text, what is no UTF-8 as \xNN. */
static void add_text(struct buf *b, const char *text, size_t len)
{
	if (text_is_valid(text, len)) {
		buf_add(b, text, len);
		return;
	}
	for (size_t i = 0; i < len;) {
		size_t n = next_char_len(text + i, len - i);

		if (n)
			buf_add(b, text + i, n);
		else
			buf_add_fmt(b, "\\x%02x", (unsigned char)text[i]);
		i += n ? n : 1;
	}
}

static void add_body(struct buf *b, const struct buf *body)
{
	/* One byte more than the longest word that could begin inside tells where it ends. */
	size_t len = body->len > SHOWN_BYTES ? SHOWN_BYTES : body->len;
	size_t looked = body->len > len + TOKEN_DIGITS + 1 ? len + TOKEN_DIGITS + 1 : body->len;
	scoped(buf_fini) struct buf masked = BUF_INIT;

	buf_add(&masked, body->data, looked);
	mask_words(masked.data, looked);
	while (len < body->len && len && ((unsigned char)masked.data[len] & 0xc0) == 0x80)
		len--;
	add_text(b, masked.data, len);
	if (len < body->len)
		buf_add_str(b, "...");
}

static json_t *make_body(const struct buf *body)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	if (!body || !body->len)
		return json_null();
	add_body(&text, body);
	return json_stringn(buf_str(&text), text.len);
}

static json_t *make_text(const struct buf *raw)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	add_text(&text, buf_str(raw), raw->len);
	return json_stringn(buf_str(&text), text.len);
}

static void make_line(const struct request_entry *entry, struct buf *b)
{
	scoped(buf_fini) struct buf target = BUF_INIT;
	scoped(buf_fini) struct buf method = BUF_INIT;
	char now[CLOCK_ISO_SIZE];
	json_t *line = json_object();

	clock_format_iso(clock_now_ms(), now);
	add_target(&target, entry->target);
	buf_add_str(&method, entry->method);
	json_object_set_new(line, "time", json_string(now));
	json_object_set_new(line, "method", make_text(&method));
	json_object_set_new(line, "path", make_text(&target));
	json_object_set_new(line, "status", json_integer(entry->status));
	json_object_set_new(line, "request", make_body(entry->body));
	json_object_set_new(line, "ms", json_integer(entry->ms));
	json_write(line, b);
	buf_add_char(b, '\n');
	json_decref(line);
}

void request_log_add(struct request_log *log, const struct request_entry *entry)
{
	scoped(buf_fini) struct buf line = BUF_INIT;
	ssize_t n;

	make_line(entry, &line);
	do
		n = write(log->fd, line.data, line.len);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)line.len && !atomic_exchange(&log->failed, true))
		log_error("the request log cannot be written: %s",
			n < 0 ? text_errno(errno) : "the disk is full");
}
