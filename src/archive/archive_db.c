/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections. Statements are kept by their text; there are few texts, but for the combinations of
 * conditions that a caller may think of, so a connection that keeps many forgets the one that was
 * asked for longest ago.
 */
#include "archive_db.h"

#include <assert.h>
#include <errno.h>

#include "storyfs/alloc.h"
#include "storyfs/log.h"

enum { BUSY_MS = 30000, MAX_STATEMENTS = 256 };

struct statement {
	struct table_item item;
	char *sql;
	sqlite3_stmt *stmt;
	uint64_t asked; /* when, by the connection's count */
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

/* Quotas and limits of a file's size are a full disk by other names. */
static bool is_no_room(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

/* What the system said of the log, or of the file; errno itself is others' by now. */
static int file_errno(sqlite3 *db)
{
	sqlite3_file *log = NULL;
	int number = 0;

	sqlite3_file_control(db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (log && log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number);
	if (!number)
		sqlite3_file_control(db, NULL, SQLITE_FCNTL_LAST_ERRNO, &number);
	return number;
}

static int find_number(sqlite3 *db)
{
	int code = sqlite3_errcode(db) & 0xff, number = sqlite3_system_errno(db);

	if (code == SQLITE_CANTOPEN && number)
		return number;
	if (code == SQLITE_IOERR && (is_no_room(number) || is_no_room(file_errno(db))))
		return ENOSPC;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (codes[i].code == code)
			return codes[i].number;
	}
	return EIO;
}

static int note_failure(struct connection *c)
{
	c->failure = -find_number(c->db);
	return c->failure;
}

int db_error(struct connection *c, const char *what)
{
	log_error("archive: %s: %s", what, sqlite3_errmsg(c->db));
	return note_failure(c);
}

int db_run(struct connection *c, const char *sql)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(c, sql);
}

static void free_statement(struct statement *s)
{
	sqlite3_finalize(s->stmt);
	free(s->sql);
	free(s);
}

static void forget_statements(struct connection *c)
{
	struct statement *s;

	while ((s = table_pop(&c->statements)))
		free_statement(s);
	c->n_statements = 0;
	for (int kind = 0; kind < N_KINDS; kind++) {
		for (int i = 0; i < N_ROW_SQL; i++)
			sqlite3_finalize(c->rows[kind][i]);
	}
}

/* Never one whose rows are being read. */
static void forget_oldest(struct connection *c)
{
	struct statement *oldest = NULL;

	for (struct statement *s = NULL; (s = table_next(&c->statements, s));) {
		if (!sqlite3_stmt_busy(s->stmt) && (!oldest || s->asked < oldest->asked))
			oldest = s;
	}
	if (!oldest)
		return;
	table_remove(&c->statements, &oldest->item);
	free_statement(oldest);
	c->n_statements--;
}

static int prepare(struct connection *c, const char *sql, sqlite3_stmt **ret)
{
	int code = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

	return code == SQLITE_OK ? 0 : db_error(c, sql);
}

int db_prepare(struct connection *c, const char *sql, sqlite3_stmt **ret)
{
	struct statement *s = table_find(&c->statements, sql, strlen(sql));
	sqlite3_stmt *stmt;

	if (!s) {
		if (c->n_statements >= MAX_STATEMENTS)
			forget_oldest(c);
		int r = prepare(c, sql, &stmt);

		if (r < 0)
			return r;
		s = xcalloc(1, sizeof(*s));
		s->sql = xstrdup(sql);
		s->stmt = stmt;
		table_add(&c->statements, &s->item, s->sql, strlen(s->sql));
		c->n_statements++;
	}
	/* Whoever reads its rows would lose them. */
	assert(!sqlite3_stmt_busy(s->stmt));
	s->asked = ++c->n_asked;
	*ret = s->stmt;
	return 0;
}

int db_prepare_row(struct tx *tx, enum kind kind, enum row_sql what, sqlite3_stmt **ret)
{
	sqlite3_stmt **kept = &tx->conn->rows[kind][what];
	int r = *kept ? 0 : prepare(tx->conn, tx->archive->row_sql[kind][what], kept);

	if (r < 0)
		return r;
	assert(!sqlite3_stmt_busy(*kept));
	*ret = *kept;
	return 0;
}

int db_do(struct connection *c, const char *sql)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(c, sql, &stmt);

	return r < 0 ? r : db_finish(c, stmt);
}

bool db_is_lost(const struct connection *c)
{
	return c->is_writing && sqlite3_get_autocommit(c->db);
}

int db_step(struct connection *c, sqlite3_stmt *stmt)
{
	if (db_is_lost(c))
		return c->failure;
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

void db_bind_borrowed(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

int db_open(const char *path, int flags, struct connection **ret)
{
	scoped(db_close) struct connection *c = xcalloc(1, sizeof(*c));
	int code = sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (!c->db)
		return -ENOMEM;
	sqlite3_busy_timeout(c->db, BUSY_MS);
	/* With a log EXTRA is FULL; without one, the journal's being gone is the commit, and has to
	 * be on the disk, too. */
	if (code == SQLITE_OK)
		code = sqlite3_exec(c->db, "PRAGMA synchronous = EXTRA; PRAGMA temp_store = MEMORY",
			NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return note_failure(c);
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
