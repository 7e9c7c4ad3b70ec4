/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections. Statements are kept by their text; there are few texts, but for the combinations of
 * conditions that a caller may think of, so the memory of a connection is emptied when it grows.
 */
#include "archive_db.h"

#include <errno.h>

#include "storyfs/alloc.h"
#include "storyfs/log.h"

enum { BUSY_MS = 30000, MAX_STATEMENTS = 256 };

struct statement {
	struct table_item item;
	char *sql;
	sqlite3_stmt *stmt;
};

static const struct {
	int code;
	int number;
} codes[] = {
	{ SQLITE_BUSY, ETIMEDOUT },
	{ SQLITE_LOCKED, ETIMEDOUT },
	{ SQLITE_PERM, EACCES },
	{ SQLITE_AUTH, EACCES },
	{ SQLITE_CANTOPEN, EACCES },
	{ SQLITE_READONLY, EACCES },
	{ SQLITE_FULL, ENOSPC },
	{ SQLITE_NOTADB, EBADMSG },
	{ SQLITE_CORRUPT, EBADMSG },
};

int db_error(struct connection *c, const char *what)
{
	int code = sqlite3_errcode(c->db) & 0xff;

	log_error("archive: %s: %s", what, sqlite3_errmsg(c->db));
	if (code == SQLITE_CANTOPEN && sqlite3_system_errno(c->db))
		return -sqlite3_system_errno(c->db);
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (codes[i].code == code)
			return -codes[i].number;
	}
	return -EIO;
}

int db_run(struct connection *c, const char *sql)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(c, sql);
}

static void forget_statements(struct connection *c)
{
	struct statement *s;

	while ((s = table_pop(&c->statements))) {
		sqlite3_finalize(s->stmt);
		free(s->sql);
		free(s);
	}
	c->n_statements = 0;
}

int db_prepare(struct connection *c, const char *sql, sqlite3_stmt **ret)
{
	struct statement *s = table_find(&c->statements, sql, strlen(sql));
	sqlite3_stmt *stmt;

	if (s) {
		*ret = s->stmt;
		return 0;
	}
	if (c->n_statements >= MAX_STATEMENTS)
		forget_statements(c);
	if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
		return db_error(c, sql);
	s = xcalloc(1, sizeof(*s));
	s->sql = xstrdup(sql);
	s->stmt = stmt;
	table_add(&c->statements, &s->item, s->sql, strlen(s->sql));
	c->n_statements++;
	*ret = stmt;
	return 0;
}

int db_step(struct connection *c, sqlite3_stmt *stmt)
{
	int code = sqlite3_step(stmt);

	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : db_error(c, sqlite3_sql(stmt));
}

int db_finish(struct connection *c, sqlite3_stmt *stmt)
{
	int r = db_step(c, stmt);

	return r < 0 ? r : 0;
}

int db_number(struct connection *c, const char *sql, int64_t *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(c, sql, &stmt);

	if (r == 0)
		r = db_step(c, stmt);
	if (r <= 0)
		return r < 0 ? r : 1;
	if (sqlite3_column_type(stmt, 0) == SQLITE_NULL)
		return 1;
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}

void db_release(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

void db_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
}

int db_open(const char *path, int flags, struct connection **ret)
{
	scoped(db_close) struct connection *c = xcalloc(1, sizeof(*c));
	int code = sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (code != SQLITE_OK)
		return c->db ? db_error(c, path) : -ENOMEM;
	sqlite3_busy_timeout(c->db, BUSY_MS);
	int r = db_run(c, "PRAGMA synchronous = FULL");

	if (r == 0)
		r = db_run(c, "PRAGMA temp_store = MEMORY");
	if (r < 0)
		return r;
	*ret = take_ptr(c);
	return 0;
}

void db_close(struct connection *c)
{
	if (!c)
		return;
	forget_statements(c);
	sqlite3_close(c->db);
	free(c);
}
