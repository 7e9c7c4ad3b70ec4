/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is looked for in texts: words and phrases, compared without case by Unicode; patterns with
 * `*` and `?`; regular expressions. Whole words count, where a script has words: `cat` is in
 * `Cat_3`, not in `catalog`.
 */
#ifndef STORYFS_SERVER_PATTERN_H
#define STORYFS_SERVER_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/buf.h"

struct pattern;

enum pattern_form {
	PATTERN_WORD,	/* `*` and `?` stand for characters */
	PATTERN_PHRASE, /* nothing stands for anything else */
	PATTERN_REGEX,
};

/* whole: the text must be it from end to end, unless it is a regular expression. NULL for a broken
 * expression: the reason and the place of it, in bytes, are told. */
struct pattern *pattern_new(const char *text, enum pattern_form form, bool whole,
	struct buf *ret_reason, size_t *ret_at);
void pattern_free(struct pattern *p);
/* What an expression was made into, in bytes; 0 for words. Short ones can become very long. */
size_t pattern_size(const struct pattern *p);

/* A text to look in, folded once for all patterns. Zeroed is empty; its memory is used again. */
struct folded {
	const char *text; /* borrowed */
	struct buf buf;
};

void folded_set(struct folded *f, const char *text);
void folded_fini(struct folded *f);

/* How long the expressions of one search may take in all. */
struct pattern_budget {
	int64_t deadline_ms; /* of clock_monotonic_ms */
};

/* Is it there? 1 or 0; -ETIMEDOUT for an expression that goes on and on. */
int pattern_match(
	const struct pattern *p, const struct folded *text, const struct pattern_budget *budget);

SCOPED_PTR(struct pattern, pattern_free);
SCOPED_VALUE(struct folded, folded_fini);

#endif
