/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of files, in pieces of at most PIECE bytes, each a row that says at which byte it
 * begins. SQLite writes what its cache cannot hold to the log, so a file costs a piece of memory.
 */
#include "archive_db.h"

enum { PIECE = 256 << 10 };

static int put_piece(struct tx *tx, int64_t id, int64_t at, const void *data, size_t len)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn, "INSERT INTO file_bytes(id, at, data) VALUES(?, ?, ?)", &stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, id);
	sqlite3_bind_int64(stmt, 2, at);
	sqlite3_bind_blob64(stmt, 3, len ? data : "", len, SQLITE_STATIC);
	return db_finish(tx->conn, stmt);
}

int tx_count_bytes(struct tx *tx, int64_t id, int64_t *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn,
		"SELECT at + length(data) FROM file_bytes WHERE id = ? ORDER BY at DESC LIMIT 1",
		&stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, id);
	r = db_step(tx->conn, stmt);
	if (r <= 0)
		return r < 0 ? r : 1;
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}

int tx_put_bytes(struct tx *tx, int64_t id, const void *data, size_t len)
{
	const char *from = data;
	int64_t at = 0;
	int r = tx_count_bytes(tx, id, &at);

	if (r < 0)
		return r;
	if (r > 0 && !len)
		return put_piece(tx, id, 0, data, 0);
	for (r = 0; r == 0 && len;) {
		size_t n = len < PIECE ? len : PIECE;

		r = put_piece(tx, id, at, from, n);
		at += (int64_t)n;
		from += n;
		len -= n;
	}
	return r;
}

/* Append what a piece that begins at `at` has of the bytes from `from` up to `to`. */
static void add_part(sqlite3_stmt *stmt, int64_t from, int64_t to, struct buf *ret)
{
	int64_t at = sqlite3_column_int64(stmt, 0);
	const char *data = sqlite3_column_blob(stmt, 1);
	int64_t end = at + sqlite3_column_bytes(stmt, 1);
	int64_t first = from > at ? from : at;
	int64_t last = to < end ? to : end;

	if (data && first < last)
		buf_add(ret, data + (first - at), (size_t)(last - first));
}

int tx_get_bytes(struct tx *tx, int64_t id, int64_t from, size_t len, struct buf *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int64_t to = (int64_t)len < INT64_MAX - from ? from + (int64_t)len : INT64_MAX;
	int r = db_prepare(tx->conn,
		"SELECT at, data FROM file_bytes WHERE id = ?1 AND at < ?3 AND at >="
		" ifnull((SELECT max(at) FROM file_bytes WHERE id = ?1 AND at <= ?2), 0)"
		" ORDER BY at",
		&stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, id);
	sqlite3_bind_int64(stmt, 2, from);
	sqlite3_bind_int64(stmt, 3, to);
	while ((r = db_step(tx->conn, stmt)) > 0)
		add_part(stmt, from, to, ret);
	return r;
}

int tx_delete_bytes(struct tx *tx, int64_t id)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn, "DELETE FROM file_bytes WHERE id = ?", &stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, id);
	return db_finish(tx->conn, stmt);
}
