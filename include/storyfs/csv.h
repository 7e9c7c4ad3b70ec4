/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CSV as RFC 4180 writes it, in UTF-8; libcsv's. */
#ifndef STORYFS_CSV_H
#define STORYFS_CSV_H

#include <stdint.h>

#include "storyfs/buf.h"

/* Append a cell, with a comma before it unless it begins a line; in quotes where it must be. */
void csv_add_cell(struct buf *b, const char *text);
void csv_end_line(struct buf *b);

struct csv_reader;

/* A NUL follows the text; there may be others in it. */
struct csv_cell {
	const char *text;
	size_t len;
};

/* One row, which may go over several lines. */
struct csv_row {
	int64_t line; /* where it begins, from 1 */
	size_t n;
	const struct csv_cell *cells;
	size_t n_beyond; /* further cells, which are not kept: CSV_MAX_CELLS are */
};

enum { CSV_MAX_CELLS = 16384 };

/* Rows are given as soon as they are whole; what they hold is borrowed for the call. Lines without
 * anything are none. The first answer below 0 ends the reading. */
struct csv_reader *csv_reader_new(int (*row)(void *data, const struct csv_row *row), void *data);
void csv_reader_free(struct csv_reader *r);
/* More of the text, in pieces of any size; a byte order mark at its start is none of it. 0, what
 * row answered, or -EBADMSG: a cell or a row is larger than any of an export; the reason, with its
 * line, is appended to ret_reason. */
int csv_reader_feed(struct csv_reader *r, const void *data, size_t len, struct buf *ret_reason);
/* There is no more: the last row needs no newline. -EBADMSG too when a quote is still open. */
int csv_reader_finish(struct csv_reader *r, struct buf *ret_reason);

SCOPED_PTR(struct csv_reader, csv_reader_free);

#endif
