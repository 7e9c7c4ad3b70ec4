/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Much at once: indexes and tallies are taken away before, and made anew of all there is after. To
 * sort once is less than to find a place for each; and a trigger makes SQLite remember the pages
 * that a statement touches. Refs wait until the end, or until somebody looks, and are written in
 * their order, many by one statement. Pages are kept in memory until the end. It is all within the
 * transaction, so nobody else sees it.
 */
#include "archive_db.h"

#include <stdlib.h>
#include <string.h>

#include "storyfs/alloc.h"

enum { REFS_AT_ONCE = 64 };

struct bulk {
	struct ref *refs;
	size_t n_refs, room;
};

/* ---- refs ---- */

void archive_add_ref(struct bulk *bulk, struct ref ref)
{
	if (bulk->n_refs == bulk->room) {
		bulk->room = bulk->room ? 2 * bulk->room : 1024;
		bulk->refs = xrealloc(bulk->refs, bulk->room, sizeof(*bulk->refs));
	}
	bulk->refs[bulk->n_refs++] = ref;
}

static int compare_texts(const char *a, const char *b)
{
	return a == b ? 0 : strcmp(a, b);
}

static int compare_ids(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* As the table's key orders them. */
static int compare_refs(const void *left, const void *right)
{
	const struct ref *a = left, *b = right;
	int r = compare_texts(schema_resource((enum kind)a->kind)->name,
		schema_resource((enum kind)b->kind)->name);

	if (r == 0)
		r = compare_texts(schema_field((enum kind)a->kind, a->field)->key,
			schema_field((enum kind)b->kind, b->field)->key);
	if (r == 0)
		r = compare_ids(a->target, b->target);
	return r ? r : compare_ids(a->id, b->id);
}

int archive_write_refs(struct tx *tx, const struct ref *refs, size_t n)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	scoped(buf_fini) struct buf sql = BUF_INIT;

	buf_add_str(&sql, "INSERT OR IGNORE INTO refs(kind, field, target, id) VALUES");
	for (size_t i = 0; i < n; i++)
		buf_add_str(&sql, i ? ",(?,?,?,?)" : "(?,?,?,?)");
	int r = db_prepare(tx->conn, sql.data, &stmt);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		int at = 4 * (int)i;

		db_bind_borrowed(stmt, at + 1, schema_resource((enum kind)refs[i].kind)->name);
		db_bind_borrowed(
			stmt, at + 2, schema_field((enum kind)refs[i].kind, refs[i].field)->key);
		sqlite3_bind_int64(stmt, at + 3, refs[i].target);
		sqlite3_bind_int64(stmt, at + 4, refs[i].id);
	}
	return db_finish(tx->conn, stmt);
}

int archive_flush_refs(struct tx *tx)
{
	struct bulk *b = tx->bulk;
	int r = 0;

	if (!b || !b->n_refs)
		return 0;
	qsort(b->refs, b->n_refs, sizeof(*b->refs), compare_refs);
	for (size_t i = 0; r == 0 && i < b->n_refs; i += REFS_AT_ONCE) {
		size_t left = b->n_refs - i;

		r = archive_write_refs(tx, b->refs + i, left < REFS_AT_ONCE ? left : REFS_AT_ONCE);
	}
	b->n_refs = 0;
	return r;
}

/* ---- the bulk ---- */

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
	if (r == 0)
		r = archive_drop_tallies(tx->conn);
	if (r < 0)
		return r;
	tx->bulk = xcalloc(1, sizeof(*tx->bulk));
	return db_run(tx->conn, "PRAGMA cache_size = -65536");
}

void archive_leave_bulk(struct tx *tx)
{
	struct bulk *b = take_ptr(tx->bulk);

	if (!b)
		return;
	db_run(tx->conn, "PRAGMA cache_size = -2000"); /* SQLite's own */
	free(b->refs);
	free(b);
}

int tx_end_bulk(struct tx *tx)
{
	int r = archive_flush_refs(tx);

	if (r == 0)
		r = archive_make_tables(tx->conn);
	archive_leave_bulk(tx);
	return r;
}
