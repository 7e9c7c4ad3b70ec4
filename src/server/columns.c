/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "columns.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

const struct column columns[N_COLUMNS] = {
#define COLUMN(name, of_list, of_field, as, ...) \
	{ .title = name, .list = of_list, .field = of_field, .form = as, ##__VA_ARGS__ },
#include "columns.def"
};

static const char *skip_blanks(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

/* Are they the same words? `word` is clean. */
static bool is_title(const char *title, const char *word)
{
	title = skip_blanks(title);
	for (; *word; word++) {
		if (*word == ' ' ? !isspace((unsigned char)*title)
				 : tolower((unsigned char)*title) != tolower((unsigned char)*word))
			return false;
		title = *word == ' ' ? skip_blanks(title) : title + 1;
	}
	return !*skip_blanks(title);
}

int columns_find(const char *title)
{
	for (int i = 0; i < N_COLUMNS; i++) {
		if (is_title(title, columns[i].title) ||
			(columns[i].old && is_title(title, columns[i].old)))
			return i;
	}
	return -1;
}

int columns_of(int field)
{
	int i = 0;

	while (columns[i].list != NONE || columns[i].field != field ||
		columns[i].form >= ITERATION) {
		i++;
		assert(i < N_COLUMNS);
	}
	return i;
}

int columns_end_of_group(int column)
{
	int end = column + 1;

	while (columns[column].list != NONE && end < N_COLUMNS &&
		columns[end].list == columns[column].list)
		end++;
	return end;
}

static int field_of(int field, enum kind kind)
{
	return kind == KIND_story ? field
				  : schema_find_field(kind, schema_field(KIND_story, field)->key);
}

/* An epic has one label. */
int columns_field(const struct column *column, enum kind kind)
{
	if (kind == KIND_epic && column->form == NAMES)
		return F_epic_label;
	return field_of(column->field, kind);
}

int columns_list(const struct column *column, enum kind kind)
{
	return column->list == NONE ? NONE : field_of(column->list, kind);
}

enum kind columns_kind(const struct column *column)
{
	return column->list == NONE ? KIND_story : schema_field(KIND_story, column->list)->of;
}
