/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cells of an export: what stands in them, besides plain values. */
#ifndef STORYFS_SERVER_CELLS_H
#define STORYFS_SERVER_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `Nov 19, 2015`, as exports have it, or what a spreadsheet made of it: `November 19, 2015`,
 * `2015-11-19`, `11/19/2015`. Days since 1970-01-01; false for anything else, and for a day that
 * no calendar has. Blanks around it do not matter. */
bool cell_read_day(const char *text, int64_t *ret_day);

/* `text (Author - Nov 19, 2015)`: the last of these counts, the text may have others. */
struct said {
	size_t text_len;
	const char *author; /* within the cell, author_len bytes; maybe none */
	size_t author_len;
	int64_t day;
};

/* False when it does not end so. */
bool cell_read_comment(const char *cell, struct said *ret);

/* Exports put an apostrophe before what a spreadsheet would take for a formula, and before what
 * begins with such ones already: does the text get one? */
bool cell_needs_guard(const char *text);
/* The text without. */
const char *cell_unguard(const char *text);

/* The project's name in the name of an export's file, `<name>_<date>_<time>.csv`, or with `history`
 * before the date. The caller frees it; it may be empty. */
char *cell_project_of_file(const char *path);

#endif
