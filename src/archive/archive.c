/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The archive as a file: opening it, its pool of connections, and the facts beside the resources.
 * Write-ahead logging lets every reader have a snapshot while one writer works.
 */
#include "storyfs/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "archive_db.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"
#include "storyfs/text.h"

enum {
	APPLICATION_ID = 0x53746673, /* "Stfs" */
	SCHEMA_VERSION = 1,
	MAX_IDLE = 16, /* connections */
	MAX_IDLE_MS = 60000,
	OTHERS_WAIT_MS = 30000,
};

/* ---- connections ---- */

static struct connection *take_idle(struct archive *a)
{
	lock_scope(&a->pool_lock);
	struct connection *c = a->idle;

	if (c) {
		DL_DELETE(a->idle, c);
		a->n_idle--;
	}
	return c;
}

/* The one to be closed, or NULL: what a burst needed goes again, with the pages that it keeps. */
static struct connection *put_idle(struct archive *a, struct connection *c)
{
	lock_scope(&a->pool_lock);
	c->idle_since_ms = clock_monotonic_ms();
	DL_PREPEND(a->idle, c);
	a->n_idle++;
	struct connection *last = a->idle->prev;

	if (a->n_idle <= MAX_IDLE && c->idle_since_ms - last->idle_since_ms <= MAX_IDLE_MS)
		return NULL;
	DL_DELETE(a->idle, last);
	a->n_idle--;
	return last;
}

int archive_take_connection(struct archive *a, struct connection **ret)
{
	*ret = take_idle(a);
	if (*ret)
		return 0;
	int r = db_open(a->path, SQLITE_OPEN_READWRITE, ret);

	if (r < 0)
		log_error("archive: %s: %s", a->path, archive_explain(r));
	return r;
}

void archive_give_connection(struct archive *a, struct connection *c)
{
	db_close(put_idle(a, c));
}

/* ---- opening ---- */

static int refuse(const char *path, const char *why, int number, struct buf *ret_reason)
{
	buf_add_fmt(ret_reason, "%s: %s\n", path, why);
	return -number;
}

/* Does it begin as SQLite's files do? */
static bool is_database(const char *path)
{
	static const char magic[] = "SQLite format 3";
	char head[sizeof(magic)];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	if (fd >= 0)
		close(fd);
	return n == sizeof(head) && memcmp(head, magic, sizeof(magic)) == 0;
}

/* What is missing could not be made: the file, or the log beside it. Why not? */
static int find_unwritable(const char *path)
{
	const char *slash = strrchr(path, '/');
	scoped(free_ptr) char *folder =
		slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");

	if (access(folder, W_OK) < 0)
		return -errno;
	return access(path, F_OK) == 0 ? -EACCES : -ENOENT;
}

static int refuse_failure(const char *path, int r, struct buf *ret_reason)
{
	if (r == -EBADMSG && !is_database(path))
		return refuse(path,
			"is no storyfs archive; an export becomes one by: storyfs import EXPORT ARCHIVE",
			EBADMSG, ret_reason);
	if (r == -ENOENT)
		r = find_unwritable(path);
	return refuse(path, archive_explain(r), -r, ret_reason);
}

/* Is it ours, of this version, or empty? 1: empty. */
static int look_at(struct connection *c, const char *path, struct buf *ret_reason)
{
	int64_t application = 0, version = 0, tables = 0;
	int r = db_number(c, "PRAGMA application_id", &application);

	if (r == 0)
		r = db_number(c, "PRAGMA user_version", &version);
	if (r == 0)
		r = db_number(c, "SELECT count(*) FROM sqlite_schema", &tables);
	if (r)
		return refuse_failure(path, r > 0 ? -EBADMSG : r, ret_reason);
	if (application == 0 && version == 0 && tables == 0)
		return 1;
	if (application != APPLICATION_ID)
		return refuse(path, "is a database, but no storyfs archive", EBADMSG, ret_reason);
	if (version > SCHEMA_VERSION)
		return refuse(path, "was made by a newer storyfs: use that one, or a newer",
			EBADMSG, ret_reason);
	return 0;
}

static int set_up_tables(struct connection *c)
{
	scoped(buf_fini) struct buf pragmas = BUF_INIT;

	buf_add_fmt(&pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d",
		APPLICATION_ID, SCHEMA_VERSION);
	int r = db_run(c, "BEGIN IMMEDIATE");

	if (r < 0)
		return r;
	r = archive_make_tables(c);
	if (r == 0)
		r = db_run(c, pragmas.data);
	int e = db_run(c, r == 0 ? "COMMIT" : "ROLLBACK");

	return r < 0 ? r : e;
}

/* Tokens and passwords lie in it, hashed, and what a team keeps to itself. SQLite gives its log the
 * same mode. */
static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		return close(fd);
	return errno == EEXIST ? 0 : -errno;
}

/* SQLite changes to a log at once or not at all, so whoever fills the file without one is waited
 * for before; another may be quicker then. */
static int set_up_log(struct connection *c)
{
	static const char change[] = "PRAGMA journal_mode = WAL";
	int64_t until = clock_deadline(OTHERS_WAIT_MS);
	int code, r = 0;

	while ((code = sqlite3_exec(c->db, change, NULL, NULL, NULL)) == SQLITE_BUSY && r == 0 &&
		clock_monotonic_ms() < until)
		r = db_run(c, "BEGIN EXCLUSIVE; COMMIT");
	if (r < 0)
		return r;
	return code == SQLITE_OK ? 0 : db_error(c, change);
}

static int prepare_file(struct archive *a, enum archive_mode mode, struct buf *ret_reason)
{
	scoped(db_close) struct connection *c = NULL;

	int r = mode == ARCHIVE_EXISTING ? 0 : make_file(a->path);

	if (r < 0)
		return refuse_failure(a->path, r, ret_reason);
	if (access(a->path, F_OK) < 0)
		return refuse(a->path, text_errno(errno), errno, ret_reason);
	r = db_open(a->path, SQLITE_OPEN_READWRITE, &c);

	if (r < 0)
		return refuse_failure(a->path, r, ret_reason);
	int is_empty = look_at(c, a->path, ret_reason);

	if (is_empty < 0)
		return is_empty;
	if (is_empty && mode == ARCHIVE_EXISTING)
		return refuse(a->path, "is empty, no storyfs archive", EBADMSG, ret_reason);
	/* What is put into an empty file is written twice with a log, and once without: whoever
	 * opens it next sets it up. */
	r = is_empty && mode == ARCHIVE_FILL ? 0 : set_up_log(c);
	if (r == 0)
		r = set_up_tables(c);
	if (r < 0)
		return refuse_failure(a->path, r, ret_reason);
	archive_give_connection(a, take_ptr(c));
	return 0;
}

int archive_open(
	const char *path, enum archive_mode mode, struct archive **ret, struct buf *ret_reason)
{
	scoped(archive_close) struct archive *a = xcalloc(1, sizeof(*a));

	a->path = xstrdup(path);
	pthread_mutex_init(&a->pool_lock, NULL);
	pthread_mutex_init(&a->watch_lock, NULL);
	archive_init_turn(a);
	archive_make_columns(a);
	archive_make_rows(a);
	int r = prepare_file(a, mode, ret_reason);

	if (r < 0)
		return r;
	*ret = take_ptr(a);
	return 0;
}

void archive_close(struct archive *a)
{
	if (!a)
		return;
	/* SQLite folds the log in when its last connection closes. */
	db_close(a->watch);
	for (struct connection *c; (c = take_idle(a));)
		db_close(c);
	for (int kind = 0; kind < N_KINDS; kind++)
		free(a->columns[kind].names);
	archive_free_rows(a);
	pthread_mutex_destroy(&a->pool_lock);
	archive_fini_turn(a);
	pthread_mutex_destroy(&a->watch_lock);
	free(a->path);
	free(a);
}

/* ---- who else writes ---- */

/* SQLite counts the commits of others for each connection; this one commits nothing. */
int archive_version(struct archive *a, int64_t *ret)
{
	lock_scope(&a->watch_lock);
	int r = a->watch ? 0 : db_open(a->path, SQLITE_OPEN_READWRITE, &a->watch);

	if (r == 0)
		r = db_number(a->watch, "PRAGMA data_version", ret);
	return r > 0 ? -EIO : r;
}

/* ---- facts beside the resources ---- */

int tx_get_meta(struct tx *tx, const char *name, struct buf *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn, "SELECT value FROM meta WHERE name = ?", &stmt);

	if (r < 0)
		return r;
	db_bind_text(stmt, 1, name);
	r = db_step(tx->conn, stmt);
	if (r <= 0)
		return r < 0 ? r : 1;
	buf_add_str(ret, (const char *)sqlite3_column_text(stmt, 0));
	return 0;
}

int tx_put_meta(struct tx *tx, const char *name, const char *value)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(
		tx->conn, "INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)", &stmt);

	if (r < 0)
		return r;
	db_bind_text(stmt, 1, name);
	db_bind_text(stmt, 2, value);
	return db_finish(tx->conn, stmt);
}

int tx_put_unknown(
	struct tx *tx, int64_t project_id, const char *kind, const char *key, const char *json)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn,
		"INSERT OR REPLACE INTO unknown(project_id, kind, key, json) VALUES(?, ?, ?, ?)",
		&stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, project_id);
	db_bind_text(stmt, 2, kind);
	db_bind_text(stmt, 3, key);
	db_bind_text(stmt, 4, json);
	return db_finish(tx->conn, stmt);
}

void unknown_resources_fini(struct unknown_resources *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->items[i].key);
		free(list->items[i].json);
	}
	free(list->items);
	*list = (struct unknown_resources){ 0 };
}

int tx_list_unknown(struct tx *tx, const char *kind, struct unknown_resources *ret)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn,
		"SELECT project_id, key, json FROM unknown WHERE kind = ? ORDER BY project_id, key",
		&stmt);

	if (r < 0)
		return r;
	db_bind_text(stmt, 1, kind);
	while ((r = db_step(tx->conn, stmt)) > 0) {
		ret->items = xrealloc(ret->items, ret->n + 1, sizeof(*ret->items));
		ret->items[ret->n++] = (struct unknown_resource){
			.project_id = sqlite3_column_int64(stmt, 0),
			.key = xstrdup((const char *)sqlite3_column_text(stmt, 1)),
			.json = xstrdup((const char *)sqlite3_column_text(stmt, 2)),
		};
	}
	return r;
}

int tx_each_unknown_kind(struct tx *tx, void (*each)(void *data, const char *kind), void *data)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn, "SELECT DISTINCT kind FROM unknown ORDER BY kind", &stmt);

	if (r < 0)
		return r;
	while ((r = db_step(tx->conn, stmt)) > 0)
		each(data, (const char *)sqlite3_column_text(stmt, 0));
	return r;
}

int tx_delete_unknown(struct tx *tx, int64_t project_id, const char *kind, const char *key)
{
	scoped(db_release) sqlite3_stmt *stmt = NULL;
	int r = db_prepare(tx->conn,
		"DELETE FROM unknown WHERE project_id = ? AND kind = ? AND key = ?", &stmt);

	if (r < 0)
		return r;
	sqlite3_bind_int64(stmt, 1, project_id);
	db_bind_text(stmt, 2, kind);
	db_bind_text(stmt, 3, key);
	return db_finish(tx->conn, stmt);
}
