/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cell of an export becomes a value. How it is read follows from its column's form and its
 * field's type.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "cells.h"
#include "import_export.h"
#include "kept_cells.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/plain.h"
#include "storyfs/text.h"
#include "zone.h"

/* ---- texts ---- */

/* What Windows-1252 has where Latin-1 has control characters; 0: nothing. */
static const unsigned short windows[32] = { 0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020,
	0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c,
	0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178 };

/* A byte that is no UTF-8 was written by a spreadsheet, most likely. */
static void add_byte(struct buf *b, unsigned char c)
{
	unsigned u = c >= 0xa0 ? c : c >= 0x80 ? windows[c - 0x80] : 0;

	if (!u)
		u = 0xfffd;
	if (u >= 0x800)
		buf_add_char(b, (char)(0xe0 | u >> 12));
	buf_add_char(b, (char)(u >= 0x800 ? 0x80 | (u >> 6 & 0x3f) : 0xc0 | u >> 6));
	buf_add_char(b, (char)(0x80 | (u & 0x3f)));
}

static void add_mended(struct buf *b, const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = 1;
		while (n < 4 && i + n < len && !text_is_valid(text + i, n))
			n++;
		if (text_is_valid(text + i, n)) {
			buf_add(b, text + i, n);
		} else {
			add_byte(b, (unsigned char)text[i]);
			n = 1;
		}
	}
}

/* A text of its own, whose lines end with \n. */
static char *copy_with_newlines(const char *text)
{
	char *copy = xstrdup(text), *to = copy;

	for (const char *from = copy; *from; from++) {
		if (*from != '\r' || from[1] != '\n')
			*to++ = *from;
	}
	*to = '\0';
	return copy;
}

char *import_cell_text(struct export_row *w, const struct csv_cell *cell, const char *title)
{
	scoped(buf_fini) struct buf valid = BUF_INIT;
	const char *text = cell->text;

	if (!text_is_valid(cell->text, cell->len)) {
		add_mended(&valid, cell->text, cell->len);
		text = buf_str(&valid);
		import_csv_note(w->csv, w->row->line, title, text,
			"is not all UTF-8; the rest was taken for Windows-1252");
	}
	return copy_with_newlines(cell_unguard(text));
}

char *import_cell_trim(char *text)
{
	text += strspn(text, " \t\n");
	for (size_t len = strlen(text); len && strchr(" \t\n", text[len - 1]);)
		text[--len] = '\0';
	return text;
}

static void trim_in_place(char *text)
{
	const char *from = import_cell_trim(text);

	memmove(text, from, strlen(from) + 1);
}

void import_cell_refuse(
	struct export_row *w, const struct column *column, const char *text, const char *why)
{
	scoped(free_ptr) char *problem = xasprintf("%s; kept as it is", why);

	import_csv_note(w->csv, w->row->line, column->title, text, problem);
	kept_add(&w->kept, column->title, w->nth, text);
}

/* ---- values ---- */

static int64_t midnight(const struct export_row *w, int64_t day)
{
	return zone_midnight(w->csv->project->zone, day);
}

static void touch(struct export_row *w, int64_t at)
{
	if (at > w->touched_at)
		w->touched_at = at;
}

/* `p1 - High` begins with its word. */
static int find_word(const struct field *field, const char *text)
{
	scoped(free_ptr) char *first = xstrndup(text, strcspn(text, " "));
	int i = choices_find(field->choices, text, true);

	return i < 0 ? choices_find(field->choices, first, true) : i;
}

static void set_word(struct export_row *w, struct record *r, const struct column *column, int f,
	const char *text)
{
	const struct field *field = schema_field(record_kind(r), f);
	int i = find_word(field, text);

	if (i >= 0) {
		record_set_int(r, f, i);
		return;
	}
	scoped(buf_fini) struct buf why = BUF_INIT;

	buf_add_str(&why, "is not ");
	plain_describe(field, &why);
	import_cell_refuse(w, column, text, why.data);
}

/* -1 is no estimate. */
static void set_number(struct export_row *w, struct record *r, const struct column *column, int f,
	const char *text)
{
	double number;

	if (!parse_float(text, &number) || number < -1) {
		import_cell_refuse(w, column, text, "is no number of points");
	} else if (number >= 0) {
		record_set_float(r, f, number);
		import_note_estimate(w->csv->project, number);
	}
}

/* The text becomes the record's. */
static void set_text(struct record *r, int f, char **text)
{
	record_set(r, f, (struct value){ .state = VALUE_SET, .s = take_ptr(*text) });
}

static void set_value(
	struct export_row *w, struct record *r, const struct column *column, int f, char **text)
{
	enum value_type type = schema_field(record_kind(r), f)->type;

	if (type == TYPE_STRING)
		trim_in_place(*text);
	if (type == TYPE_ENUM)
		set_word(w, r, column, f, import_cell_trim(*text));
	else if (type == TYPE_FLOAT)
		set_number(w, r, column, f, import_cell_trim(*text));
	else
		set_text(r, f, text);
}

static void set_day(struct export_row *w, struct record *r, const struct column *column, int f,
	const char *text)
{
	int64_t day;

	if (!cell_read_day(text, &day)) {
		import_cell_refuse(w, column, text, "is no day");
		return;
	}
	record_set_int(r, f, midnight(w, day));
	if (column->list != NONE || column->field != F_story_deadline)
		touch(w, midnight(w, day));
}

static void set_bool(
	struct export_row *w, struct record *r, const struct column *column, const char *text)
{
	if (strcasecmp(text, column->yes) == 0 || strcasecmp(text, column->no) == 0)
		record_set_int(r, column->field, strcasecmp(text, column->yes) == 0);
	else
		import_cell_refuse(w, column, text, "is no status");
}

static int set_comment(struct export_row *w, struct record *r, char **text)
{
	struct said said;
	int64_t person_id = 0;

	if (!cell_read_comment(*text, &said)) {
		import_csv_note(w->csv, w->row->line, "Comment", *text,
			"does not end with (author - day); nobody said it");
		set_text(r, F_comment_text, text);
		return 0;
	}
	scoped(free_ptr) char *author = xstrndup(said.author, said.author_len);
	int e = import_named(w->csv, KIND_person, author, &person_id);

	(*text)[said.text_len] = '\0';
	set_text(r, F_comment_text, text);
	record_set_int(r, F_comment_created_at, midnight(w, said.day));
	record_set_int(r, F_comment_updated_at, midnight(w, said.day));
	touch(w, midnight(w, said.day));
	if (person_id)
		record_set_int(r, F_comment_person_id, person_id);
	return e;
}

static int set_name(struct export_row *w, struct record *r, int f, char *text)
{
	const struct field *field = schema_field(record_kind(r), f);
	int64_t id;
	int e = import_named(w->csv, field->of, import_cell_trim(text), &id);

	if (e == 0 && id)
		record_set_int(r, schema_find_field(record_kind(r), field->via), id);
	return e;
}

/* Labels; an epic has one. */
static int set_names(
	struct export_row *w, struct record *r, const struct column *column, char *text)
{
	bool is_story = record_kind(r) == KIND_story;
	scoped(ids_fini) struct ids ids = { 0 };
	char *rest = text;
	int e = 0;

	for (char *name; e == 0 && (is_story || !ids.n) && (name = strsep(&rest, ",")) != NULL;) {
		int64_t id;

		e = import_named(w->csv, schema_field(KIND_story, column->field)->of,
			import_cell_trim(name), &id);
		if (id && !ids_has(&ids, id))
			ids_add(&ids, id);
	}
	if (is_story)
		record_set_ids(r, F_story_label_ids, &ids);
	else if (ids.n)
		record_set_int(r, F_epic_label_id, ids.v[0]);
	if (!is_story && rest && !text_is_blank(rest)) {
		/* As if the column came twice. */
		w->nth++;
		import_cell_refuse(w, column, import_cell_trim(rest),
			"is more than the one label that an epic has");
	}
	return e;
}

static void set_iteration(struct export_row *w, const struct column *column, const char *text)
{
	bool ok = column->form == ITERATION
			  ? parse_int(text, 0, 100000, &w->iteration)
			  : cell_read_day(text,
				    column->form == ITERATION_START ? &w->first_day : &w->last_day);

	if (!ok)
		import_cell_refuse(w, column, text,
			column->form == ITERATION ? "is no number of an iteration" : "is no day");
}

int import_cell_set(
	struct export_row *w, struct record *r, const struct column *column, int f, char *taken)
{
	scoped(free_ptr) char *text = taken;

	switch (column->form) {
	case VALUE:
		set_value(w, r, column, f, &text);
		return 0;
	case NAME:
		return set_name(w, r, f, text);
	case NAMES:
		return set_names(w, r, column, text);
	case DAY:
		set_day(w, r, column, f, import_cell_trim(text));
		return 0;
	case WORDS:
		set_bool(w, r, column, import_cell_trim(text));
		return 0;
	case COMMENT:
		return set_comment(w, r, &text);
	case ITERATION:
	case ITERATION_START:
	case ITERATION_END:
		set_iteration(w, column, import_cell_trim(text));
		return 0;
	}
	return 0;
}
