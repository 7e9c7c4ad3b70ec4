/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A document as it is read: line by line, a part after the other. A line with a mark is the
 * heading of a part or the end of an item, or the document is refused: so a part that was cut off
 * or moved is found, whatever the texts hold.
 */
#include <errno.h>
#include <string.h>

#include "front_matter.h"
#include "marks.h"
#include "storyfs/alloc.h"
#include "storyfs/markdown.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

enum { SHOWN_BYTES = 60 };

struct line {
	const char *text; /* not ended by NUL */
	size_t len;	  /* without the newline */
};

struct reading {
	const char *at, *end;
	size_t number;	  /* of the line looked at, from 1 */
	struct line line; /* the one looked at */
	bool ended;	  /* there is none */
	enum markdown_use use;
	struct markdown *ret;
	struct buf *reason;
};

/* Look at the next line. */
static void step(struct reading *r)
{
	r->number++;
	r->ended = r->at == r->end;
	if (r->ended)
		return;
	const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));

	r->line = (struct line){ r->at, (size_t)((newline ? newline : r->end) - r->at) };
	r->at = newline ? newline + 1 : r->end;
}

static bool is_line(const struct reading *r, const char *text)
{
	return !r->ended && r->line.len == strlen(text) &&
	       memcmp(r->line.text, text, r->line.len) == 0;
}

static bool starts_with(const struct line *line, const char *text)
{
	return line->len >= strlen(text) && memcmp(line->text, text, strlen(text)) == 0;
}

static bool ends_with(const struct line *line, const char *text)
{
	size_t len = strlen(text);

	return line->len >= len && memcmp(line->text + line->len - len, text, len) == 0;
}

static bool is_blank(const struct line *line)
{
	for (size_t i = 0; i < line->len; i++) {
		if (!strchr(" \t\r", line->text[i]))
			return false;
	}
	return true;
}

static bool has_mark(const struct line *line)
{
	return memmem(line->text, line->len, MARK, strlen(MARK)) != NULL;
}

static void skip_blank(struct reading *r)
{
	while (!r->ended && is_blank(&r->line))
		step(r);
}

/* ---- refusals ---- */

static int refuse_at(const struct reading *r, size_t number, const char *why)
{
	buf_add_fmt(r->reason, "line %zu: %s\n", number, why);
	return -EINVAL;
}

static int refuse(const struct reading *r, const char *why)
{
	return refuse_at(r, r->number, why);
}

/* The line is not the one that must come. */
static int refuse_other(const struct reading *r, const char *expected)
{
	scoped(buf_fini) struct buf shown = BUF_INIT;

	if (r->ended) {
		buf_add_fmt(r->reason,
			"line %zu: the document ends where `%s` should come: it was cut off\n",
			r->number, expected);
		return -EINVAL;
	}
	text_add_excerpt(&shown, r->line.text, r->line.len, SHOWN_BYTES);
	buf_add_fmt(r->reason, "line %zu: expected `%s`, not '%s'\n", r->number, expected,
		buf_str(&shown));
	return -EINVAL;
}

/* ---- texts ---- */

/* The text that was written so, with newlines where their marks are. The bytes hold no other mark,
 * or the document is refused. */
static int read_text(const struct reading *r, const struct line *bytes, size_t number, char **ret)
{
	struct buf text = BUF_INIT;
	const char *end = bytes->text + bytes->len;

	for (const char *s = bytes->text; s < end; s++) {
		struct line rest = { s, (size_t)(end - s) };

		number += *s == '\n';
		buf_add_char(&text, *s);
		if (!starts_with(&rest, MARK_OPEN))
			continue;
		const char *word = s + strlen(MARK_OPEN);
		size_t n = 0;

		while (word + n < end && word[n] == '\\')
			n++;
		struct line tail = { word + n, (size_t)(end - word) - n };

		if (!starts_with(&tail, MARK_WORD))
			continue;
		if (n == 0) {
			buf_fini(&text);
			return refuse_at(r, number,
				"a mark of storyfs within a text; `" MARK_OPEN "\\" MARK_WORD
				"` stands for the same as text");
		}
		buf_add_str(&text, &MARK_OPEN[1]);
		s = word;
	}
	*ret = buf_take(&text);
	return 0;
}

/* One line, whose newlines are marks. */
static int read_line_text(const struct reading *r, struct line line, char **ret)
{
	struct buf text = BUF_INIT;

	for (;;) {
		const char *mark = memmem(line.text, line.len, MARK_NEWLINE, strlen(MARK_NEWLINE));
		struct line part = { line.text, mark ? (size_t)(mark - line.text) : line.len };
		scoped(free_ptr) char *piece = NULL;

		if (read_text(r, &part, r->number, &piece) < 0) {
			buf_fini(&text);
			return -EINVAL;
		}
		buf_add_str(&text, piece);
		if (!mark)
			break;
		buf_add_char(&text, '\n');
		line.len -= part.len + strlen(MARK_NEWLINE);
		line.text = mark + strlen(MARK_NEWLINE);
	}
	*ret = buf_take(&text);
	return 0;
}

/* All lines up to the next one with a mark, without the blank ones around them. */
static int read_body(struct reading *r, char **ret)
{
	size_t number = r->number;
	const char *start = r->ended ? r->end : r->line.text;

	while (!r->ended && !has_mark(&r->line))
		step(r);
	struct line body = { start, (size_t)((r->ended ? r->end : r->line.text) - start) };

	if (body.len && body.text[0] == '\n') {
		body.text++;
		body.len--;
		number++;
	}
	/* What ends the document has no frame. */
	for (int i = 0; (i < 2 || r->ended) && ends_with(&body, "\n"); i++)
		body.len--;
	return read_text(r, &body, number, ret);
}

/* ---- parts ---- */

static int read_front_matter(struct reading *r)
{
	if (is_line(r, FENCE "\r"))
		return refuse(r, "the lines end with CR LF; this document's end with LF");
	if (!is_line(r, FENCE))
		return r->use == MARKDOWN_OF_NEW ? 0 : refuse_other(r, FENCE);
	step(r);
	size_t number = r->number;
	const char *start = r->line.text;

	while (!r->ended && !is_line(r, FENCE))
		step(r);
	if (r->ended)
		return refuse_other(r, FENCE);
	int e = front_matter_read(
		start, (size_t)(r->line.text - start), number, r->ret->fields, r->reason);

	if (e == 0)
		step(r);
	return e;
}

/* A key that is gone could be a document that lost a part, or a field to be cleared. */
static int check_keys(const struct reading *r, size_t fence)
{
	each_field(f, KIND_story) {
		const char *key = schema_field(KIND_story, f)->key;

		if (r->use == MARKDOWN_OF_NEW || !front_matter_has(f) || r->ret->fields[f].text)
			continue;
		buf_add_fmt(r->reason,
			"line %zu: the line `%s:` is missing; nothing behind it means none\n",
			fence, key);
		return -EINVAL;
	}
	return 0;
}

static int read_head(struct reading *r)
{
	int e = read_front_matter(r);

	if (e == 0)
		e = check_keys(r, r->number - 1);
	if (e < 0)
		return e;
	skip_blank(r);
	if (r->ended || !starts_with(&r->line, HEADING))
		return refuse_other(r, HEADING "the name");
	struct line name = { r->line.text + strlen(HEADING), r->line.len - strlen(HEADING) };
	struct markdown_field *fields = r->ret->fields;

	fields[F_story_name].line = r->number;
	e = read_line_text(r, name, &fields[F_story_name].text);
	if (e < 0)
		return e;
	step(r);
	fields[F_story_description].line = r->number;
	return read_body(r, &fields[F_story_description].text);
}

/* An item while its lines are read. */
struct item {
	struct markdown_item item;
	struct buf text;
	bool is_open;
};

/* A new one ends where the next begins. */
static int end_item(const struct reading *r, struct item *i, struct markdown_items *ret)
{
	if (!i->is_open)
		return 0;
	i->is_open = false;
	while (!i->item.id && i->text.len && strchr(" \t\r\n", i->text.data[i->text.len - 1]))
		i->text.data[--i->text.len] = '\0';
	struct line bytes = { buf_str(&i->text), i->text.len };
	int e = read_text(r, &bytes, i->item.line, &i->item.text);

	if (e == 0)
		markdown_add_item(ret, i->item);
	buf_reset(&i->text);
	return e;
}

/* The id that a mark gives, 0 when there is none; the line is cut before it. */
static bool take_id(struct line *line, const char *mark, int64_t *ret_id)
{
	const char *at = memmem(line->text, line->len, mark, strlen(mark));

	*ret_id = 0;
	if (!at || !ends_with(line, MARK_END))
		return !has_mark(line);
	const char *digits = at + strlen(mark);
	const char *end = line->text + line->len - strlen(MARK_END);
	scoped(free_ptr) char *text = xstrndup(digits, end > digits ? (size_t)(end - digits) : 0);

	line->len = (size_t)(at - line->text);
	return parse_int(text, 1, INT64_MAX, ret_id);
}

static bool is_item(struct line *line, bool *ret_done)
{
	bool open = starts_with(line, ITEM_OPEN);
	size_t len = strlen(ITEM_OPEN);

	*ret_done = starts_with(line, ITEM_DONE) || starts_with(line, "- [X]");
	if ((!open && !*ret_done) || (line->len > len && line->text[len] != ' '))
		return false;
	len += line->len > len;
	line->text += len;
	line->len -= len;
	return true;
}

static int read_item_line(struct reading *r, struct item *i, struct markdown_items *ret)
{
	struct line line = r->line;
	bool done;
	int64_t id;

	if (is_item(&line, &done)) {
		int e = end_item(r, i, ret);

		if (e < 0)
			return e;
		i->item = (struct markdown_item){ .done = done, .line = r->number };
		i->is_open = true;
	} else if (i->is_open && (starts_with(&line, ITEM_INDENT) || is_blank(&line))) {
		size_t indent = starts_with(&line, ITEM_INDENT) ? strlen(ITEM_INDENT) : line.len;

		line = (struct line){ line.text + indent, line.len - indent };
		buf_add_char(&i->text, '\n');
	} else {
		return is_blank(&line) ? 0 : refuse_other(r, ITEM_OPEN " ");
	}
	if (!take_id(&line, MARK_ITEM, &id) || has_mark(&line))
		return refuse(r, "a mark that is not the id at the end of its line");
	buf_add(&i->text, line.text, line.len);
	i->item.id = id;
	return id ? end_item(r, i, ret) : 0;
}

static int read_items(struct reading *r, const char *next, struct markdown_items *ret)
{
	struct item i = { 0 };
	int e = 0;

	for (; e == 0 && !r->ended && !is_line(r, next); step(r))
		e = read_item_line(r, &i, ret);
	if (e == 0)
		e = end_item(r, &i, ret);
	buf_fini(&i.text);
	return e;
}

static int read_comment(struct reading *r)
{
	struct markdown_comment c = { .line = r->number };
	struct line line = r->line;

	if (!starts_with(&line, COMMENT_HEADING) || !take_id(&line, MARK_COMMENT, &c.id) || !c.id)
		return refuse_other(r, COMMENT_HEADING "author, time" MARK_COMMENT "id" MARK_END);
	line.text += strlen(COMMENT_HEADING);
	line.len -= strlen(COMMENT_HEADING);
	int e = read_line_text(r, line, &c.head);

	step(r);
	if (e == 0)
		e = read_body(r, &c.text);
	if (e < 0)
		free(c.head);
	else
		markdown_add_comment(&r->ret->comments, c);
	return e;
}

static int read_comments(struct reading *r)
{
	skip_blank(r);
	while (!r->ended && !starts_with(&r->line, MARK_VERSION)) {
		if (!has_mark(&r->line))
			return refuse(r, "text before the first comment; a new one is written "
					 "below the last line");
		int e = read_comment(r);

		if (e < 0)
			return e;
	}
	return 0;
}

/* What follows the last mark. */
static int read_new_comment(struct reading *r)
{
	skip_blank(r);
	struct line rest = { r->ended ? r->end : r->line.text, 0 };

	rest.len = (size_t)(r->end - rest.text);
	while (rest.len && strchr(" \t\r\n", rest.text[rest.len - 1]))
		rest.len--;
	if (!rest.len)
		return 0;
	r->ret->comment_line = r->number;
	return read_text(r, &rest, r->number, &r->ret->comment);
}

static int read_version(struct reading *r)
{
	struct line line = r->line;

	if (r->ended || !starts_with(&line, MARK_VERSION) || !ends_with(&line, MARK_VERSION_END) ||
		line.len < strlen(MARK_VERSION MARK_VERSION_END))
		return refuse_other(r, MARK_VERSION "..." MARK_VERSION_END);
	r->ret->version = xstrndup(
		line.text + strlen(MARK_VERSION), line.len - strlen(MARK_VERSION MARK_VERSION_END));
	step(r);
	return read_new_comment(r);
}

/* True when the part is there; of a new document it need not be. */
static bool begin_part(struct reading *r, const char *heading, int *ret_e)
{
	bool is_there = is_line(r, heading);

	*ret_e = is_there || (r->use == MARKDOWN_OF_NEW && r->ended) ? 0 : refuse_other(r, heading);
	if (is_there)
		step(r);
	return is_there;
}

static int read_parts(struct reading *r)
{
	int e;

	if (begin_part(r, TASKS_HEADING, &e))
		e = read_items(r, BLOCKERS_HEADING, &r->ret->tasks);
	if (e == 0 && begin_part(r, BLOCKERS_HEADING, &e))
		e = read_items(r, COMMENTS_HEADING, &r->ret->blockers);
	if (e == 0 && begin_part(r, COMMENTS_HEADING, &e))
		e = read_comments(r);
	if (e < 0 || (r->use == MARKDOWN_OF_NEW && r->ended))
		return e;
	return read_version(r);
}

int markdown_read(
	const struct buf *text, enum markdown_use use, struct markdown *ret, struct buf *ret_reason)
{
	scoped(markdown_fini) struct markdown m = { 0 };
	const char *data = buf_str(text);
	struct reading r = {
		.at = data, .end = data + text->len, .use = use, .ret = &m, .reason = ret_reason
	};

	if (!text_is_valid(data, text->len))
		return refuse_at(&r, 1, "the text is not UTF-8 or holds NUL bytes");
	if (text_is_blank(data))
		return refuse_at(&r, 1, "the document is empty");
	step(&r);
	int e = read_head(&r);

	if (e == 0)
		e = read_parts(&r);
	if (e < 0)
		return e;
	*ret = m;
	m = (struct markdown){ 0 };
	return 0;
}
