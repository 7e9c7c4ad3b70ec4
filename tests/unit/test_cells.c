/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in an export: rows and their lines, days, who said something, titles, names of files.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cells.h"
#include "columns.h"
#include "storyfs/alloc.h"
#include "storyfs/csv.h"

/* ---- rows ---- */

/* `line[cell|cell]`, one behind the other. */
static int add_row(void *data, const struct csv_row *row)
{
	struct buf *b = data;

	buf_add_fmt(b, "%d[", (int)row->line);
	for (size_t i = 0; i < row->n; i++) {
		buf_add_str(b, i ? "|" : "");
		for (size_t k = 0; k < row->cells[i].len; k++)
			buf_add_char(b, row->cells[i].text[k] ? row->cells[i].text[k] : '0');
	}
	if (row->n_beyond)
		buf_add_fmt(b, "|+%zu", row->n_beyond);
	buf_add_char(b, ']');
	return 0;
}

static int read_pieces(
	const char *text, size_t len, size_t piece, struct buf *rows, struct buf *reason)
{
	scoped(csv_reader_free) struct csv_reader *r = csv_reader_new(add_row, rows);
	int e = 0;

	for (size_t at = 0; e == 0 && at < len; at += piece)
		e = csv_reader_feed(r, text + at, len - at < piece ? len - at : piece, reason);
	return e < 0 ? e : csv_reader_finish(r, reason);
}

static void assert_rows(const char *text, size_t len, const char *expected)
{
	for (size_t piece = 1; piece <= 64; piece *= 4) {
		scoped(buf_fini) struct buf rows = BUF_INIT;
		scoped(buf_fini) struct buf reason = BUF_INIT;

		assert_int_equal(read_pieces(text, len, piece, &rows, &reason), 0);
		assert_string_equal(buf_str(&rows), expected);
	}
}

#define ROWS(text, expected) assert_rows(text, sizeof(text) - 1, expected)

static void rows_know_their_lines(void **state)
{
	(void)state;
	ROWS("a,b\nc\n", "1[a|b]2[c]");
	ROWS("a,b\r\nc", "1[a|b]2[c]");
	ROWS("a\rb\r", "1[a]2[b]");
	ROWS("\n\n\"a\nb\r\nc\",x\n\r\n\r\nd\n", "3[a\nb\r\nc|x]8[d]");
	ROWS("", "");
	ROWS(",\n", "1[|]");
}

static void quotes_are_taken_off(void **state)
{
	(void)state;
	ROWS("\"a \"\"b\"\", c\",' d\n", "1[a \"b\", c|' d]");
	ROWS("a\"b,c\n", "1[a\"b|c]");
	ROWS("\xef\xbb\xbf\"Id\",b\n", "1[Id|b]");
	ROWS("\xef\xbb", "1[\xef\xbb]");
	ROWS("\xef\xbb\xbf", "");
	ROWS("a\0b,c\n", "1[a0b|c]");
}

static void what_is_too_large_is_refused(void **state)
{
	(void)state;
	scoped(buf_fini) struct buf rows = BUF_INIT;
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(buf_fini) struct buf text = BUF_INIT;

	for (int i = 0; i < CSV_MAX_CELLS + 5; i++)
		buf_add_char(&text, ',');
	assert_int_equal(read_pieces(text.data, text.len, 1000, &rows, &reason), 0);
	assert_non_null(strstr(rows.data, "|+6]"));
	buf_reset(&text);
	buf_add_str(&text, "a\n\"");
	for (int i = 0; i < 2000000; i++)
		buf_add_char(&text, 'x');
	assert_int_equal(read_pieces(text.data, text.len, 4096, &rows, &reason), -EBADMSG);
	assert_non_null(strstr(reason.data, "line 2: a cell of more than"));
}

/* Each of its cells may be. */
static void a_row_is_bounded_too(void **state)
{
	(void)state;
	scoped(buf_fini) struct buf rows = BUF_INIT;
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(buf_fini) struct buf cell = BUF_INIT;
	scoped(csv_reader_free) struct csv_reader *r = csv_reader_new(add_row, &rows);
	int n = 0, e = 0;

	for (int i = 0; i < 1000000; i++)
		buf_add_char(&cell, 'x');
	buf_add_char(&cell, ',');
	for (; e == 0 && n < 40; n++)
		e = csv_reader_feed(r, cell.data, cell.len, &reason);
	assert_int_equal(e, -EBADMSG);
	assert_int_equal(n, 34);
	assert_non_null(strstr(reason.data, "line 1: a row of more than"));
}

static void a_quote_that_stays_open_is_told(void **state)
{
	(void)state;
	scoped(buf_fini) struct buf rows = BUF_INIT;
	scoped(buf_fini) struct buf reason = BUF_INIT;
	static const char text[] = "a,b\nc,\"d\ne,f\n";

	assert_int_equal(read_pieces(text, sizeof(text) - 1, 5, &rows, &reason), -EBADMSG);
	assert_string_equal(reason.data, "line 2: the quote that begins cell 2 is never closed");
}

/* ---- cells ---- */

static void days_are_read_as_they_are_written(void **state)
{
	static const struct {
		const char *text;
		int64_t day;
	} good[] = { { "Nov 19, 2015", 16758 }, { " Nov 9, 2015\n", 16748 },
		{ "november 19, 2015", 16758 }, { "2015-11-19", 16758 }, { "11/19/2015", 16758 },
		{ "Feb 29, 2016", 16860 }, { "Jan 1, 1970", 0 }, { "Dec 31, 1969", -1 } };
	static const char *const bad[] = { "", "Nov", "Nov 31, 2015", "Feb 29, 2015", "Foo 1, 2015",
		"Nov 19 2015", "Nov 19, 2015 x", "19/11/2015", "2015-13-01", "Nov 019, 2015",
		"Nov -1, 2015", "Nov 19, 99999", "0000-01-01", "Novem 19, 2015" };
	int64_t day;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		if (!cell_read_day(good[i].text, &day) || day != good[i].day)
			fail_msg("%s: %d", good[i].text, (int)day);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (cell_read_day(bad[i], &day))
			fail_msg("%s", bad[i]);
	}
}

static void assert_said(const char *cell, const char *text, const char *author)
{
	struct said said;

	assert_true(cell_read_comment(cell, &said));
	assert_int_equal(said.text_len, strlen(text));
	assert_memory_equal(cell, text, said.text_len);
	assert_int_equal(said.author_len, strlen(author));
	assert_memory_equal(said.author, author, said.author_len);
	assert_int_equal(said.day, 16758);
}

static void the_last_author_said_it(void **state)
{
	struct said said;

	(void)state;
	assert_said("hi (Ann Lee - Nov 19, 2015)", "hi", "Ann Lee");
	assert_said("he said (Bo - Nov 1, 2015) (Ann - Nov 19, 2015)", "he said (Bo - Nov 1, 2015)",
		"Ann");
	assert_said("x (Bo (QA) Chen - Nov 19, 2015)\n", "x", "Bo (QA) Chen");
	assert_said("two\nlines\n (Ann - Lee - Nov 19, 2015)", "two\nlines\n", "Ann - Lee");
	assert_said("(Ann - Nov 19, 2015)", "", "Ann");
	assert_said("x ( - Nov 19, 2015)", "x", "");
	assert_false(cell_read_comment("", &said));
	assert_false(cell_read_comment(")", &said));
	assert_false(cell_read_comment("x (Ann - Nov 31, 2015)", &said));
	assert_false(cell_read_comment("x (Nov 19, 2015)", &said));
	assert_false(cell_read_comment("x Ann - Nov 19, 2015)", &said));
	assert_false(cell_read_comment("x (Ann - Nov 19, 2015) y", &said));
}

static void a_guard_goes_and_other_apostrophes_stay(void **state)
{
	(void)state;
	assert_string_equal(cell_unguard("'=1+1"), "=1+1");
	assert_string_equal(cell_unguard("'tis"), "'tis");
	assert_string_equal(cell_unguard("'"), "'");
	assert_string_equal(cell_unguard("x'=1"), "x'=1");
	assert_string_equal(cell_unguard("''=1"), "'=1");
	assert_string_equal(cell_unguard("''1"), "''1");
}

static void what_comes_back_changed_without_a_guard_needs_one(void **state)
{
	static const char *const texts[] = { "", "'", "=", "=1", "'=", "'''=x", "a=", "''", " =" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		scoped(free_ptr) char *cell =
			xasprintf("%s%s", cell_needs_guard(texts[i]) ? "'" : "", texts[i]);

		assert_string_equal(cell_unguard(cell), texts[i]);
	}
	assert_true(cell_needs_guard("=1"));
	assert_false(cell_needs_guard("'a"));
}

static void columns_go_by_old_and_new_titles(void **state)
{
	(void)state;
	assert_int_equal(columns_find("Story"), columns_find("Title"));
	assert_int_equal(columns_find("story type"), columns_of(F_story_story_type));
	assert_int_equal(columns_find("Note"), columns_find("Comment"));
	assert_int_equal(columns_find("  CREATED   at "), columns_of(F_story_created_at));
	assert_int_equal(columns_find("Id"), columns_of(F_story_id));
	assert_int_equal(columns_find(""), -1);
	assert_int_equal(columns_find("Titles"), -1);
	assert_int_equal(columns_find("Task Stat"), -1);
	for (int i = 0; i < N_COLUMNS; i++)
		assert_int_equal(columns_find(columns[i].title), i);
}

static void a_file_is_called_after_its_project(void **state)
{
	static const char *const names[][2] = {
		{ "/a.b/my_shop_20150519_1417.csv", "my_shop" },
		{ "my_shop_20150519_141702.csv", "my_shop" },
		{ "my_shop_20150519.csv", "my_shop" },
		{ "my_shop_2024.csv", "my_shop_2024" },
		{ "my_shop_history_20150519_1417.csv", "my_shop" },
		{ "v1.0.csv", "v1.0" },
		{ "20150519_1417.csv", "" },
		{ ".csv", ".csv" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		scoped(free_ptr) char *name = cell_project_of_file(names[i][0]);

		assert_string_equal(name, names[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_know_their_lines),
		cmocka_unit_test(quotes_are_taken_off),
		cmocka_unit_test(what_is_too_large_is_refused),
		cmocka_unit_test(a_row_is_bounded_too),
		cmocka_unit_test(a_quote_that_stays_open_is_told),
		cmocka_unit_test(days_are_read_as_they_are_written),
		cmocka_unit_test(the_last_author_said_it),
		cmocka_unit_test(a_guard_goes_and_other_apostrophes_stay),
		cmocka_unit_test(what_comes_back_changed_without_a_guard_needs_one),
		cmocka_unit_test(columns_go_by_old_and_new_titles),
		cmocka_unit_test(a_file_is_called_after_its_project),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
