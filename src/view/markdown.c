/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The document as it is written. markdown_read.c is the other way. */
#include "storyfs/markdown.h"

#include <inttypes.h>
#include <string.h>

#include "front_matter.h"
#include "marks.h"
#include "storyfs/alloc.h"

void markdown_fini(struct markdown *m)
{
	each_field(f, KIND_story)
		free(m->fields[f].text);
	for (size_t i = 0; i < m->tasks.n; i++)
		free(m->tasks.v[i].text);
	for (size_t i = 0; i < m->blockers.n; i++)
		free(m->blockers.v[i].text);
	for (size_t i = 0; i < m->comments.n; i++) {
		free(m->comments.v[i].head);
		free(m->comments.v[i].text);
	}
	free(m->tasks.v);
	free(m->blockers.v);
	free(m->comments.v);
	free(m->comment);
	free(m->version);
	*m = (struct markdown){ 0 };
}

void markdown_add_item(struct markdown_items *items, struct markdown_item item)
{
	items->v = xrealloc(items->v, items->n + 1, sizeof(*items->v));
	items->v[items->n++] = item;
}

void markdown_add_comment(struct markdown_comments *comments, struct markdown_comment comment)
{
	comments->v = xrealloc(comments->v, comments->n + 1, sizeof(*comments->v));
	comments->v[comments->n++] = comment;
}

/* ---- texts ---- */

/* Is it a mark with backslashes in it, or a bare one? */
static bool is_mark(const char *s)
{
	if (strncmp(s, MARK_OPEN, strlen(MARK_OPEN)) != 0)
		return false;
	s += strlen(MARK_OPEN);
	s += strspn(s, "\\");
	return strncmp(s, MARK_WORD, strlen(MARK_WORD)) == 0;
}

/* One line, or more where newlines may stay. */
static void write_text(const char *s, size_t len, struct buf *b)
{
	for (const char *end = s + len; s < end; s++) {
		if (*s == '<' && is_mark(s)) {
			buf_add_str(b, MARK_OPEN "\\");
			s += strlen(MARK_OPEN) - 1;
		} else {
			buf_add_char(b, *s);
		}
	}
}

/* On one line whatever it holds. */
static void write_line(const char *s, struct buf *b)
{
	for (;;) {
		size_t len = strcspn(s, "\n");

		write_text(s, len, b);
		if (!s[len])
			return;
		buf_add_str(b, MARK_NEWLINE);
		s += len + 1;
	}
}

/* Between blank lines. */
static void write_body(const char *s, struct buf *b)
{
	buf_add_char(b, '\n');
	if (!*s)
		return;
	write_text(s, strlen(s), b);
	buf_add_str(b, "\n\n");
}

/* ---- parts ---- */

static void write_item(const struct markdown_item *item, struct buf *b)
{
	const char *s = item->text;

	buf_add_str(b, item->done ? ITEM_DONE : ITEM_OPEN);
	buf_add_char(b, ' ');
	for (;;) {
		size_t len = strcspn(s, "\n");

		write_text(s, len, b);
		if (!s[len])
			break;
		s += len + 1;
		/* A blank line has no blanks: editors take those off. */
		buf_add_str(b, *s == '\n' ? "\n" : "\n" ITEM_INDENT);
	}
	if (item->id)
		buf_add_fmt(b, MARK_ITEM "%" PRId64 MARK_END, item->id);
	buf_add_char(b, '\n');
}

static void write_items(const char *heading, const struct markdown_items *items, struct buf *b)
{
	buf_add_fmt(b, "%s\n\n", heading);
	for (size_t i = 0; i < items->n; i++)
		write_item(&items->v[i], b);
	if (items->n)
		buf_add_char(b, '\n');
}

static void write_comments(const struct markdown_comments *comments, struct buf *b)
{
	buf_add_str(b, COMMENTS_HEADING "\n\n");
	for (size_t i = 0; i < comments->n; i++) {
		const struct markdown_comment *c = &comments->v[i];

		buf_add_str(b, COMMENT_HEADING);
		write_line(c->head, b);
		buf_add_fmt(b, MARK_COMMENT "%" PRId64 MARK_END "\n", c->id);
		write_body(c->text, b);
	}
}

/* FNV-1a: for versions of one document, which nobody forges. */
static uint64_t hash(const char *data, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)data[i]) * UINT64_C(0x100000001b3);
	return h;
}

void markdown_write(const struct markdown *m, struct buf *b)
{
	size_t start = b->len;
	const char *name = m->fields[F_story_name].text;
	const char *description = m->fields[F_story_description].text;

	buf_add_str(b, FENCE "\n");
	front_matter_write(m->fields, b);
	buf_add_str(b, FENCE "\n\n" HEADING);
	write_line(name ? name : "", b);
	buf_add_char(b, '\n');
	write_body(description ? description : "", b);
	write_items(TASKS_HEADING, &m->tasks, b);
	write_items(BLOCKERS_HEADING, &m->blockers, b);
	write_comments(&m->comments, b);
	uint64_t version = hash(b->data + start, b->len - start);

	buf_add_fmt(b, MARK_VERSION "%016" PRIx64 MARK_VERSION_END "\n", version);
	if (m->comment) {
		buf_add_char(b, '\n');
		write_text(m->comment, strlen(m->comment), b);
		buf_add_char(b, '\n');
	}
}
