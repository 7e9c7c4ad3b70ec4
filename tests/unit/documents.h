/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A document in a tree over the sample: edited, saved, and what reached the host. */
#ifndef STORYFS_TESTS_DOCUMENTS_H
#define STORYFS_TESTS_DOCUMENTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forest.h"
#include "storyfs/alloc.h"

#define PATH "projects/99/markdown/501.md"

/* The text with one part replaced, which is there once; the caller frees it. */
static inline char *replaced(const char *text, const char *part, const char *by)
{
	const char *at = strstr(text, part);

	if (!at || strstr(at + 1, part))
		fail_msg("'%s' is not once in:\n%s", part, text);
	return xasprintf("%.*s%s%s", (int)(at - text), text, by, at + strlen(part));
}

/* With several edits, pairs of part and replacement; "END" appends. */
static inline char *edited(const char *text, const char *const *edits)
{
	char *now = xstrdup(text);

	for (; *edits; edits += 2) {
		scoped(free_ptr) char *before = now;

		now = strcmp(edits[0], "END") == 0 ? xasprintf("%s%s", before, edits[1])
						   : replaced(before, edits[0], edits[1]);
	}
	return now;
}

/* The writes that the host was asked for, a line each. */
static inline char *writes(struct forest *f)
{
	struct host *h = &f->world.host;
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < h->n_asked; i++) {
		const struct host_asked *a = &h->asked[i];

		if (a->method != HTTP_GET)
			buf_add_fmt(
				&b, "%s %s %s\n", http_method_name(a->method), a->target, a->body);
	}
	return buf_take(&b);
}

static inline void assert_writes(struct forest *f, const char *expected)
{
	scoped(free_ptr) char *is = writes(f);

	assert_string_equal(is, expected);
	host_forget(&f->world.host);
}

static inline void assert_error(struct forest *f, const char *part)
{
	scoped(free_ptr) char *error = read_at(f->tree, "projects/99/markdown/.error");

	if (!strstr(error, part))
		fail_msg("no '%s' in:\n%s", part, error);
}

/* A tree in which the document was read; what hangs below the story can be written. */
static inline char *begin(struct forest *f)
{
	struct host *h = &f->world.host;

	forest_begin(f);
	host_set(h, "/projects/99/stories/501/tasks",
		"[{'id':701,'story_id':501,'description':'Buy paint','complete':false},"
		"{'id':702,'story_id':501,'description':'Stir','complete':true}]");
	host_set(h, "/projects/99/stories/501/blockers",
		"[{'id':751,'story_id':501,'description':'No paint','resolved':false}]");
	host_set(h, "/projects/99/stories/501/comments", "[]");
	char *text = read_at(f->tree, PATH);

	host_forget(&f->world.host);
	return text;
}

static inline void change_by_others(
	struct forest *f, const char *path, const char *key, const char *json)
{
	static int64_t version = 10;

	host_change(&f->world.host, path, key, json);
	host_move(&f->world.host, 99, ++version);
	refresh(&f->world);
	host_forget(&f->world.host);
}

#endif
