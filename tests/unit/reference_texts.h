/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The literal texts of V5's refusals as the reference lists them (section 1.7): what stands between
 * backticks and has a blank in it, and the lists of parameters of which an endpoint needs one. The
 * reference is no part of the project; without it there is nothing to read.
 */
#ifndef STORYFS_TESTS_REFERENCE_TEXTS_H
#define STORYFS_TESTS_REFERENCE_TEXTS_H

#include <regex.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/buf.h"
#include "storyfs/file.h"

enum { REFERENCE_MAX = 1 << 20 };

/* Spans that are no whole text: what each stands for, NULL for none. */
static const struct {
	const char *span, *text;
} reference_spans[] = {
	{ "a string", "'*' must be a string" },
	{ "'X' must be one of: a, b, c", "'*' must be one of: *" },
	{ "This string is too long:", "This string is too long:  '*'" },
	{ "... number of tasks in the story",
		"Task position can not be greater than the number of tasks in the story" },
	/* The shape of a member; the rows name its field. */
	{ "validation_errors:[{\"field\":\"name\",\"problem\":\"Name can't be blank\"}]", NULL },
	/* What the one before it was in older years. */
	{ "unless create_sample is true, this endpoint requires the parameter: name", NULL },
};

/* Every `<...>` and 'X' of a span becomes `*`, so that fnmatch can compare it. */
static inline void reference_add_pattern(const char *span, size_t len, struct buf *ret)
{
	for (const char *p = span; p < span + len; p++) {
		const char *close = *p == '<' ? memchr(p, '>', len - (size_t)(p - span)) : NULL;

		if (close || strncmp(p, "'X'", 3) == 0) {
			buf_add_str(ret, close ? "*" : "'*'");
			p = close ? close : p + 2;
		} else {
			buf_add_char(ret, *p);
		}
	}
}

static inline void reference_tell_span(
	const char *span, size_t len, void (*tell)(const char *pattern))
{
	scoped(buf_fini) struct buf pattern = BUF_INIT;

	for (size_t i = 0; i < sizeof(reference_spans) / sizeof(*reference_spans); i++) {
		const char *known = reference_spans[i].span;

		if (strlen(known) != len || strncmp(known, span, len) != 0)
			continue;
		if (reference_spans[i].text)
			tell(reference_spans[i].text);
		return;
	}
	if (!memchr(span, ' ', len))
		return;
	reference_add_pattern(span, len, &pattern);
	tell(buf_str(&pattern));
}

/* `- PUT comment: text, ... [R]` */
static inline void reference_tell_list(
	const char *line, size_t len, void (*tell)(const char *pattern))
{
	static const char lists[] = "^- (POST|PUT|POST/PUT) [a-z ]+: ([a-z_]+(, [a-z_]+)*) \\[";
	scoped(free_ptr) char *copy = xstrndup(line, len);
	regmatch_t parts[3];
	regex_t regex;

	assert_int_equal(regcomp(&regex, lists, REG_EXTENDED), 0);
	int r = regexec(&regex, copy, 3, parts, 0);

	regfree(&regex);
	if (r != 0)
		return;
	scoped(free_ptr) char *pattern =
		xasprintf("this endpoint requires at least one of the following parameters: %.*s",
			(int)(parts[2].rm_eo - parts[2].rm_so), copy + parts[2].rm_so);

	tell(pattern);
}

static inline void reference_tell_line(
	const char *line, size_t len, void (*tell)(const char *pattern))
{
	const char *end = line + len, *open = memchr(line, '`', len);

	reference_tell_list(line, len, tell);
	while (open) {
		const char *close = memchr(open + 1, '`', (size_t)(end - open - 1));

		if (!close)
			break;
		reference_tell_span(open + 1, (size_t)(close - open - 1), tell);
		open = memchr(close + 1, '`', (size_t)(end - close - 1));
	}
}

/* Tell each text of section 1.7 as an fnmatch pattern. */
static inline void reference_each_text(
	const struct buf *reference, void (*tell)(const char *pattern))
{
	const char *at = strstr(buf_str(reference), "\n### 1.7 ");
	const char *end = at ? strstr(at + 1, "\n### ") : NULL;
	bool in_code = false;

	assert_non_null(end);
	for (at++; at < end; at += strcspn(at, "\n") + 1) {
		bool fence = strncmp(at, "```", 3) == 0;

		in_code ^= fence;
		if (!in_code && !fence)
			reference_tell_line(at, strcspn(at, "\n"), tell);
	}
}

/* The reference, where it lies beside the recorded data; false: it does not. */
static inline bool reference_load(struct buf *ret)
{
	const char *data = getenv("STORYFS_V5_DATA");
	scoped(free_ptr) char *path =
		xasprintf("%s/../reference/api-v5.md", data ? data : "../shared/data");

	return file_read(path, REFERENCE_MAX, ret) == 0;
}

#endif
