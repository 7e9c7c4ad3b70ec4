/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an import is held against: each cell of a CSV that holds something becomes a row (row,
 * column, text) of one table of SQLite, by one statement, in one transaction that is on disk in the
 * end. Without a database the CSV is only read. Prints how many cells there were.
 *
 *	cells CSV [DATABASE]
 */
#include <csv.h>
#include <err.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

enum { PIECE = 1 << 16 };

struct cells {
	sqlite3 *db;
	sqlite3_stmt *insert; /* NULL: they are only counted */
	int64_t row, column;  /* 0 is the header */
	int64_t n;
};

static void check(sqlite3 *db, int code)
{
	if (code != SQLITE_OK && code != SQLITE_DONE)
		errx(1, "SQLite: %s", sqlite3_errmsg(db));
}

static void run(sqlite3 *db, const char *sql)
{
	check(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static void take_cell(void *text, size_t len, void *data)
{
	struct cells *c = data;
	int64_t column = c->column++;

	if (!c->row || !len)
		return;
	c->n++;
	if (!c->insert)
		return;
	sqlite3_bind_int64(c->insert, 1, c->row);
	sqlite3_bind_int64(c->insert, 2, column);
	sqlite3_bind_text(c->insert, 3, text, (int)len, SQLITE_STATIC);
	check(c->db, sqlite3_step(c->insert));
	sqlite3_reset(c->insert);
}

static void end_row(int c, void *data)
{
	struct cells *cells = data;

	(void)c;
	cells->row++;
	cells->column = 0;
}

static void read_csv(struct cells *c, FILE *file)
{
	static char piece[PIECE];
	struct csv_parser parser;

	csv_init(&parser, 0);
	for (size_t n; (n = fread(piece, 1, PIECE, file)) > 0;) {
		if (csv_parse(&parser, piece, n, take_cell, end_row, c) != n)
			errx(1, "%s", csv_strerror(csv_error(&parser)));
	}
	csv_fini(&parser, take_cell, end_row, c);
	csv_free(&parser);
}

/* As durable as an archive: a new file, no index, and nothing asked of SQLite that is not its
 * default. */
static void begin(struct cells *c, const char *path)
{
	check(c->db, sqlite3_open(path, &c->db));
	run(c->db, "CREATE TABLE cell(\"row\" INTEGER NOT NULL, \"column\" INTEGER NOT NULL,"
		   " text TEXT NOT NULL); BEGIN");
	check(c->db, sqlite3_prepare_v2(
			     c->db, "INSERT INTO cell VALUES(?, ?, ?)", -1, &c->insert, NULL));
}

static void end(struct cells *c)
{
	sqlite3_finalize(c->insert);
	run(c->db, "COMMIT");
	sqlite3_close(c->db);
}

int main(int argc, char **argv)
{
	struct cells c = { 0 };
	FILE *file = argc == 2 || argc == 3 ? fopen(argv[1], "r") : NULL;

	if (argc != 2 && argc != 3)
		errx(2, "usage: cells CSV [DATABASE]");
	if (!file)
		err(1, "%s", argv[1]);
	if (argc == 3)
		begin(&c, argv[2]);
	read_csv(&c, file);
	fclose(file);
	if (argc == 3)
		end(&c);
	printf("%lld\n", (long long)c.n);
	return 0;
}
