/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CSV, written and read by libcsv, which tells cells and the ends of rows, but not where they
 * stand: lines are counted by what it tells.
 */
#include "storyfs/csv.h"

#include <csv.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "storyfs/alloc.h"

static bool is_at_line_start(const struct buf *b)
{
	return !b->len || b->data[b->len - 1] == '\n';
}

/* Blanks at the ends are quoted, too: readers strip them else. */
static bool needs_quotes(const char *text, size_t len)
{
	return text[strcspn(text, ",\"\r\n")] ||
	       (len && (strchr(" \t", text[0]) || strchr(" \t", text[len - 1])));
}

void csv_add_cell(struct buf *b, const char *text)
{
	size_t len = strlen(text);

	if (!is_at_line_start(b))
		buf_add_char(b, ',');
	else if (!len) /* the first cell of a line, which must not look as if there were none */
		buf_add_str(b, "\"\"");
	if (!needs_quotes(text, len)) {
		buf_add(b, text, len);
		return;
	}
	size_t quoted = csv_write(NULL, 0, text, len);
	char *to = buf_reserve(b, quoted);

	csv_write(to, quoted, text, len);
	to[quoted] = '\0';
	b->len += quoted;
}

void csv_end_line(struct buf *b)
{
	buf_add_char(b, '\n');
}

/* ---- reading ---- */

enum {
	MAX_CELL = 1 << 20,
	MAX_ROW = 1 << 25,
	PIECE = 1 << 16,
};
static const char mark[] = "\xef\xbb\xbf";
enum { MARK_LEN = sizeof(mark) - 1, MARK_DONE };

struct csv_reader {
	struct csv_parser parser;
	int (*row)(void *data, const struct csv_row *row);
	void *data;
	size_t mark;	  /* bytes of the byte order mark so far; MARK_DONE: it is past */
	int64_t line;	  /* of the row at hand */
	int64_t n_breaks; /* within its cells */
	int last;	  /* what ended the line before it */
	struct buf text;  /* its cells, each with a NUL behind it */
	size_t *ends;	  /* where each cell's NUL stands */
	struct csv_cell *cells;
	size_t n, cap, n_beyond;
	int error;
};

struct csv_reader *csv_reader_new(int (*row)(void *data, const struct csv_row *row), void *data)
{
	struct csv_reader *r = xcalloc(1, sizeof(*r));

	csv_init(&r->parser, CSV_REPALL_NL);
	/* By 128 bytes at a time, a large cell would be copied thousands of times. */
	csv_set_blk_size(&r->parser, PIECE);
	r->row = row;
	r->data = data;
	r->line = 1;
	return r;
}

void csv_reader_free(struct csv_reader *r)
{
	if (!r)
		return;
	csv_free(&r->parser);
	buf_fini(&r->text);
	free(r->ends);
	free(r->cells);
	free(r);
}

/* A break is \n, \r\n or \r. */
static int64_t count_breaks(const char *text, size_t len)
{
	int64_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n' || (text[i] == '\r' && (i + 1 == len || text[i + 1] != '\n'));
	return n;
}

static void take_cell(void *text, size_t len, void *data)
{
	struct csv_reader *r = data;

	if (r->error)
		return;
	r->n_breaks += count_breaks(text, len);
	if (r->n == CSV_MAX_CELLS) {
		r->n_beyond++;
		return;
	}
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->ends = xrealloc(r->ends, r->cap, sizeof(*r->ends));
		r->cells = xrealloc(r->cells, r->cap, sizeof(*r->cells));
	}
	if (len)
		buf_add(&r->text, text, len);
	r->ends[r->n++] = r->text.len;
	buf_add_char(&r->text, '\0');
	if (r->text.len > MAX_ROW)
		r->error = -EFBIG;
}

static void give_row(struct csv_reader *r)
{
	size_t from = 0;

	for (size_t i = 0; i < r->n; i++) {
		r->cells[i] = (struct csv_cell){ r->text.data + from, r->ends[i] - from };
		from = r->ends[i] + 1;
	}
	r->error = r->row(r->data,
		&(struct csv_row){
			.line = r->line, .n = r->n, .cells = r->cells, .n_beyond = r->n_beyond });
}

static void end_row(int c, void *data)
{
	struct csv_reader *r = data;
	bool is_second_half = !r->n && c == '\n' && r->last == '\r';

	if (r->error)
		return;
	if (r->n)
		give_row(r);
	r->line += r->n_breaks + !is_second_half;
	r->n_breaks = 0;
	r->n = r->n_beyond = 0;
	r->last = c;
	buf_reset(&r->text);
}

static int explain(const struct csv_reader *r, struct buf *ret_reason)
{
	if (r->error == -EFBIG) {
		buf_add_fmt(ret_reason,
			"line %" PRId64 ": a row of more than %d bytes; is a quote missing?",
			r->line, MAX_ROW);
		return -EBADMSG;
	}
	return r->error;
}

static int parse(struct csv_reader *r, const char *data, size_t len, struct buf *ret_reason)
{
	while (!r->error && len) {
		size_t n = len < PIECE ? len : PIECE;

		if (csv_parse(&r->parser, data, n, take_cell, end_row, r) != n)
			r->error = -ENOMEM;
		if (!r->error && csv_get_buffer_size(&r->parser) > MAX_CELL + 2 * PIECE) {
			buf_add_fmt(ret_reason,
				"line %" PRId64
				": a cell of more than %d bytes; is a quote missing?",
				r->line + r->n_breaks, MAX_CELL);
			r->error = -EBADMSG;
			return r->error;
		}
		data += n;
		len -= n;
	}
	return explain(r, ret_reason);
}

int csv_reader_feed(struct csv_reader *r, const void *data, size_t len, struct buf *ret_reason)
{
	const char *from = data;

	if (r->error)
		return r->error;
	for (; len && r->mark < MARK_LEN && *from == mark[r->mark]; from++, len--)
		r->mark++;
	if (len && r->mark < MARK_LEN)
		parse(r, mark, r->mark, ret_reason);
	if (len)
		r->mark = MARK_DONE;
	return parse(r, from, len, ret_reason);
}

int csv_reader_finish(struct csv_reader *r, struct buf *ret_reason)
{
	if (r->mark < MARK_LEN)
		parse(r, mark, r->mark, ret_reason);
	/* libcsv tells an open quote to the strict alone, who take no quote within a cell. */
	csv_set_opts(&r->parser, CSV_REPALL_NL | CSV_STRICT | CSV_STRICT_FINI);
	if (!r->error && csv_fini(&r->parser, take_cell, end_row, r)) {
		buf_add_fmt(ret_reason,
			"line %" PRId64 ": the quote that begins cell %zu is never closed",
			r->line + r->n_breaks, r->n + 1);
		r->error = -EBADMSG;
	}
	return explain(r, ret_reason);
}
