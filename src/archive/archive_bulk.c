/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Much at once: indexes and tallies are taken away before, and made anew of all there is after. To
 * sort once is less than to find a place for each; and a trigger makes SQLite remember the pages
 * that a statement touches. It is all within the transaction, so nobody else sees it.
 */
#include "archive_db.h"

static int drop(struct connection *c, const char *find)
{
	scoped(buf_fini) struct buf sql = BUF_INIT;
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(c, find, &stmt);

	if (r < 0)
		return r;
	while ((r = db_step(c, stmt)) > 0)
		buf_add_fmt(&sql, "DROP %s \"%s\";", (const char *)sqlite3_column_text(stmt, 0),
			(const char *)sqlite3_column_text(stmt, 1));
	/* What is being read cannot be dropped. */
	sqlite3_reset(stmt);
	return r < 0 ? r : db_run(c, buf_str(&sql));
}

int tx_begin_bulk(struct tx *tx)
{
	int r = drop(tx->conn, "SELECT type, name FROM sqlite_schema WHERE type = 'trigger'");

	if (r == 0)
		r = drop(tx->conn, "SELECT type, name FROM sqlite_schema WHERE type = 'index'"
				   " AND sql IS NOT NULL");
	return r < 0 ? r : archive_drop_tallies(tx->conn);
}

int tx_end_bulk(struct tx *tx)
{
	return archive_make_tables(tx->conn);
}
