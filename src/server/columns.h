/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The columns of V5's CSV (columns.def) as data: what is written by them is read by them. */
#ifndef STORYFS_SERVER_COLUMNS_H
#define STORYFS_SERVER_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "storyfs/schema.h"

enum column_form {
	VALUE,
	NAME,
	NAMES,
	DAY,
	WORDS,
	COMMENT,
	ITERATION,
	ITERATION_START,
	ITERATION_END,
};

/* As a column's list: it is the story's own. */
enum { NONE = -1 };

enum {
	N_COLUMNS = 0
#define COLUMN(...) +1
#include "columns.def"
};

struct column {
	const char *title;
	int list, field;
	enum column_form form;
	const char *yes, *no;
	const char *old; /* its title in older exports, or NULL */
	bool rare;	 /* is there only when a story has one */
};

extern const struct column columns[N_COLUMNS];

/* Which column a title means, old or new, whatever its case and blanks; -1: none. */
int columns_find(const char *title);
/* The story's own column of this field. */
int columns_of(int field);
/* Where the columns with the same list end that begin here. */
int columns_end_of_group(int column);
/* What a column's values belong to: the story, or what is in its list. */
enum kind columns_kind(const struct column *column);
/* Of a story's own column the field, and of another one the list, that a story or an epic has for
 * it; -1 when an epic has none. */
int columns_field(const struct column *column, enum kind kind);
int columns_list(const struct column *column, enum kind kind);

#endif
