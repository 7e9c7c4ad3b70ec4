/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cache's file. Pages are large and rows lie in the order of their keys, so that a group is one
 * run of pages with its records in them. The log (WAL) lets others read while one writes; nothing
 * waits for the disk but the log's end.
 */
#include "cache_db.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/log.h"
#include "storyfs/pack.h"

enum {
	APPLICATION = 0x53544643, /* "STFC" */
	BUSY_MS = 500,
};

enum sql {
	SQL_LOAD,
	SQL_LIST,
	SQL_LISTS,
	SQL_RECORD,
	SQL_RECORDS,
	SQL_NUMBER,
	SQL_PROJECTS,
	SQL_PUT_RECORD,
	SQL_PUT_LIST,
	SQL_PUT_LOAD,
	SQL_PUT_NUMBER,
	SQL_DROP_RECORD,
	SQL_DROP_LIST,
	SQL_DROP_LOAD,
	SQL_DROP_RECORDS,
	SQL_DROP_LISTS,
	SQL_DROP_PROJECT,
	SQL_DROP_PROJECT_LISTS,
	SQL_DROP_PROJECT_LOADS,
	N_SQL,
};

#define OF_GROUP " WHERE kind = ?1 AND parent = ?2 AND project = ?3"

static const char *const texts[N_SQL] = {
	[SQL_LOAD] = "SELECT version, flags, true_ms, problems, hash FROM load" OF_GROUP
		     " AND of_one = ?4 AND parent_id = ?5",
	[SQL_LIST] = "SELECT parent_id, ids FROM list" OF_GROUP " AND parent_id = ?4",
	[SQL_LISTS] = "SELECT parent_id, ids FROM list" OF_GROUP " ORDER BY parent_id",
	[SQL_RECORD] = "SELECT id, body FROM record" OF_GROUP " AND id = ?4",
	[SQL_RECORDS] = "SELECT id, body FROM record" OF_GROUP " ORDER BY id",
	[SQL_NUMBER] = "SELECT value FROM number WHERE name = ?1",
	[SQL_PROJECTS] = "SELECT DISTINCT project FROM load WHERE project <> 0",
	[SQL_PUT_RECORD] = "INSERT OR REPLACE INTO record(kind, parent, project, id, body)"
			   " VALUES(?1, ?2, ?3, ?4, ?5)",
	[SQL_PUT_LIST] = "INSERT OR REPLACE INTO list(kind, parent, project, parent_id, ids)"
			 " VALUES(?1, ?2, ?3, ?4, ?5)",
	[SQL_PUT_LOAD] = "INSERT OR REPLACE INTO load(kind, parent, project, of_one, parent_id,"
			 " version, flags, true_ms, problems, hash)"
			 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[SQL_PUT_NUMBER] = "INSERT OR REPLACE INTO number(name, value) VALUES(?1, ?2)",
	[SQL_DROP_RECORD] = "DELETE FROM record" OF_GROUP " AND id = ?4",
	[SQL_DROP_LIST] = "DELETE FROM list" OF_GROUP " AND parent_id = ?4",
	[SQL_DROP_LOAD] = "DELETE FROM load" OF_GROUP " AND of_one = ?4 AND parent_id = ?5",
	[SQL_DROP_RECORDS] = "DELETE FROM record" OF_GROUP,
	[SQL_DROP_LISTS] = "DELETE FROM list" OF_GROUP,
	[SQL_DROP_PROJECT] = "DELETE FROM record WHERE project = ?1",
	[SQL_DROP_PROJECT_LISTS] = "DELETE FROM list WHERE project = ?1",
	[SQL_DROP_PROJECT_LOADS] = "DELETE FROM load WHERE project = ?1",
};

static const char tables[] =
	"CREATE TABLE number(name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;"
	"CREATE TABLE load(kind INTEGER, parent INTEGER, project INTEGER, of_one INTEGER,"
	" parent_id INTEGER, version INTEGER, flags INTEGER, true_ms INTEGER, problems TEXT,"
	" hash INTEGER, PRIMARY KEY(kind, parent, project, of_one, parent_id)) WITHOUT ROWID;"
	"CREATE TABLE list(kind INTEGER, parent INTEGER, project INTEGER, parent_id INTEGER,"
	" ids BLOB, PRIMARY KEY(kind, parent, project, parent_id)) WITHOUT ROWID;"
	"CREATE TABLE record(kind INTEGER, parent INTEGER, project INTEGER, id INTEGER,"
	" body BLOB, PRIMARY KEY(kind, parent, project, id)) WITHOUT ROWID;";

/* The numbers by their names. */
static const char schema_name[] = "schema", looked_name[] = "looked_ms";

struct cache_db {
	sqlite3 *db;
	sqlite3_stmt *stmts[N_SQL];
	struct buf bytes; /* of the row that is written */
};

/* ---- failures ---- */

static bool is_no_room(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

static int explain(struct cache_db *db, const char *what)
{
	int code = sqlite3_errcode(db->db) & 0xff, number = sqlite3_system_errno(db->db);

	log_info("cache: %s: %s", what, sqlite3_errmsg(db->db));
	switch (code) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* tables that are missing, or others */
	case SQLITE_SCHEMA:
	case SQLITE_FORMAT:
		return -EBADMSG;
	default:
		return is_no_room(number) ? -ENOSPC : number ? -number : -EIO;
	}
}

static int tell_damage(const char *what)
{
	log_info("cache: %s is not as it was written", what);
	return -EBADMSG;
}

static int run(struct cache_db *db, const char *sql)
{
	return sqlite3_exec(db->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : explain(db, sql);
}

/* ---- statements ---- */

static void release(sqlite3_stmt **stmt)
{
	if (!*stmt)
		return;
	sqlite3_reset(*stmt);
	sqlite3_clear_bindings(*stmt);
}

SCOPED_VALUE(sqlite3_stmt *, release);

static int prepare(struct cache_db *db, enum sql which, sqlite3_stmt **ret)
{
	sqlite3_stmt **stmt = &db->stmts[which];

	if (!*stmt && sqlite3_prepare_v3(db->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, stmt,
			      NULL) != SQLITE_OK)
		return explain(db, texts[which]);
	*ret = *stmt;
	return 0;
}

static int prepare_of(
	struct cache_db *db, enum sql which, const struct cache_group *group, sqlite3_stmt **ret)
{
	int e = prepare(db, which, ret);

	if (e < 0)
		return e;
	sqlite3_bind_int(*ret, 1, (int)group->kind);
	sqlite3_bind_int(*ret, 2, (int)group->parent);
	sqlite3_bind_int64(*ret, 3, group->project_id);
	return 0;
}

/* 1: a row. */
static int step(struct cache_db *db, sqlite3_stmt *stmt)
{
	int code = sqlite3_step(stmt);

	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : explain(db, sqlite3_sql(stmt));
}

/* ---- life ---- */

static int get_number(struct cache_db *db, const char *name, int64_t *ret)
{
	scoped(release) sqlite3_stmt *stmt = NULL;
	int e = prepare(db, SQL_NUMBER, &stmt);

	if (e < 0)
		return e;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	e = step(db, stmt);
	if (e < 0)
		return e;
	*ret = e ? sqlite3_column_int64(stmt, 0) : 0;
	return 0;
}

static int put_number(struct cache_db *db, const char *name, int64_t value)
{
	scoped(release) sqlite3_stmt *stmt = NULL;
	int e = prepare(db, SQL_PUT_NUMBER, &stmt);

	if (e < 0)
		return e;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, value);
	return step(db, stmt);
}

/* What PRAGMA application_id says; 0 also for a file that is empty. */
static int get_application(struct cache_db *db, int *ret)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db->db, "PRAGMA application_id", -1, &stmt, NULL) != SQLITE_OK)
		return explain(db, "application_id");
	int e = step(db, stmt);

	if (e >= 0)
		*ret = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return e < 0 ? e : 0;
}

static bool is_empty(struct cache_db *db)
{
	sqlite3_stmt *stmt;
	bool is = false;

	if (sqlite3_prepare_v2(db->db, "SELECT 1 FROM sqlite_schema", -1, &stmt, NULL) == SQLITE_OK)
		is = sqlite3_step(stmt) == SQLITE_DONE;
	sqlite3_finalize(stmt);
	return is;
}

static int make(struct cache_db *db)
{
	scoped(free_ptr) char *mark = xasprintf("PRAGMA application_id = %d", APPLICATION);
	int e = run(db, "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");

	if (e == 0)
		e = run(db, tables);
	if (e == 0)
		e = run(db, mark);
	if (e == 0)
		e = put_number(db, schema_name, (int64_t)pack_schema());
	return e < 0 ? e : run(db, "COMMIT");
}

static int check(struct cache_db *db)
{
	int64_t schema = 0;
	int application = 0;
	int e = get_application(db, &application);

	if (e == 0 && application != APPLICATION)
		return tell_damage("its mark");
	if (e == 0)
		e = get_number(db, schema_name, &schema);
	if (e == 0 && schema != (int64_t)pack_schema()) {
		log_info("cache: it is of another version of this program");
		e = -EBADMSG;
	}
	return e;
}

int cache_db_open(const char *path, bool may_write, struct cache_db **ret)
{
	scoped(cache_db_close) struct cache_db *db = xcalloc(1, sizeof(*db));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;

	if (sqlite3_open_v2(path, &db->db, flags, NULL) != SQLITE_OK)
		return explain(db, path);
	sqlite3_extended_result_codes(db->db, 1);
	sqlite3_busy_timeout(db->db, BUSY_MS);
	int e = run(db, "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 0;"
			"PRAGMA cache_size = -512;"
			"PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");

	if (e == 0)
		e = may_write && is_empty(db) ? make(db) : check(db);
	if (e == 0)
		*ret = take_ptr(db);
	return e;
}

void cache_db_close(struct cache_db *db)
{
	if (!db)
		return;
	for (int i = 0; i < N_SQL; i++)
		sqlite3_finalize(db->stmts[i]);
	sqlite3_close(db->db);
	buf_fini(&db->bytes);
	free(db);
}

void cache_db_abandon(struct cache_db *db)
{
	int on = 1;

	if (db)
		sqlite3_file_control(db->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &on);
	cache_db_close(db);
}

/* ---- in ---- */

static int take_list(sqlite3_stmt *stmt, const struct cache_group *group, struct cache_list *ret)
{
	ret->parent_id = sqlite3_column_int64(stmt, 0);
	const void *data = sqlite3_column_blob(stmt, 1);
	size_t len = (size_t)sqlite3_column_bytes(stmt, 1);
	int e = cache_row_read_ids(group, ret->parent_id, data, len, &ret->ids);

	return e < 0 ? tell_damage("a list") : 0;
}

static int take_record(sqlite3_stmt *stmt, const struct cache_group *group, struct records *records)
{
	const void *data = sqlite3_column_blob(stmt, 1);
	size_t len = (size_t)sqlite3_column_bytes(stmt, 1);
	struct record *r;
	int e = cache_row_read_record(group, sqlite3_column_int64(stmt, 0), data, len, &r);

	if (e < 0)
		return tell_damage("a record");
	records_add(records, r);
	return 0;
}

static int find_load(struct cache_db *db, const struct cache_load *wanted, struct cache_load *ret)
{
	scoped(release) sqlite3_stmt *stmt = NULL;
	scoped(cache_load_fini) struct cache_load load = {
		.group = wanted->group, .of_one = wanted->of_one, .parent_id = wanted->parent_id
	};
	int e = prepare_of(db, SQL_LOAD, &wanted->group, &stmt);

	if (e < 0)
		return e;
	sqlite3_bind_int(stmt, 4, wanted->of_one);
	sqlite3_bind_int64(stmt, 5, wanted->parent_id);
	e = step(db, stmt);
	if (e <= 0)
		return e < 0 ? e : 1;
	const char *problems = (const char *)sqlite3_column_text(stmt, 3);
	int flags = sqlite3_column_int(stmt, 1);

	load.version = sqlite3_column_int64(stmt, 0);
	load.apart = flags & 1;
	load.missing = flags & 2;
	load.true_ms = sqlite3_column_int64(stmt, 2);
	load.problems = problems ? xstrdup(problems) : NULL;
	if (cache_load_hash(&load) != sqlite3_column_int64(stmt, 4))
		return tell_damage("a load");
	*ret = load;
	load = (struct cache_load){ 0 };
	return 0;
}

static int read_lists(
	struct cache_db *db, enum sql which, const struct cache_load *load, struct cache_rows *ret)
{
	scoped(release) sqlite3_stmt *stmt = NULL;
	size_t cap = 0;
	int e = prepare_of(db, which, &load->group, &stmt);

	if (e == 0 && which == SQL_LIST)
		sqlite3_bind_int64(stmt, 4, load->parent_id);
	while (e == 0 && (e = step(db, stmt)) > 0) {
		if (ret->n_lists == cap) {
			cap = cap ? cap * 2 : 16;
			ret->lists = xrealloc(ret->lists, cap, sizeof(*ret->lists));
		}
		ret->lists[ret->n_lists] = (struct cache_list){ 0 };
		e = take_list(stmt, &load->group, &ret->lists[ret->n_lists++]);
	}
	return e;
}

static int read_records(struct cache_db *db, const struct cache_group *group, struct records *ret)
{
	scoped(release) sqlite3_stmt *stmt = NULL;
	int e = prepare_of(db, SQL_RECORDS, group, &stmt);

	while (e == 0 && (e = step(db, stmt)) > 0)
		e = take_record(stmt, group, ret);
	return e;
}

static int read_record(
	struct cache_db *db, const struct cache_group *group, int64_t id, struct records *ret)
{
	scoped(release) sqlite3_stmt *stmt = NULL;
	int e = prepare_of(db, SQL_RECORD, group, &stmt);

	if (e < 0)
		return e;
	sqlite3_bind_int64(stmt, 4, id);
	e = step(db, stmt);
	return e > 0 ? take_record(stmt, group, ret) : e;
}

static int compare_records(const void *a, const void *b)
{
	int64_t x = record_id(*(struct record *const *)a),
		y = record_id(*(struct record *const *)b);

	return x < y ? -1 : x > y;
}

static int read_one(struct cache_db *db, const struct cache_load *load, struct cache_rows *ret)
{
	int e = read_lists(db, SQL_LIST, load, ret);

	for (size_t i = 0; e == 0 && ret->n_lists && i < ret->lists[0].ids.n; i++)
		e = read_record(db, &load->group, ret->lists[0].ids.v[i], &ret->records);
	if (ret->records.n)
		qsort(ret->records.items, ret->records.n, sizeof(struct record *), compare_records);
	return e;
}

static int read_all(struct cache_db *db, const struct cache_load *load, struct cache_rows *ret)
{
	int e = load->of_one ? read_one(db, load, ret) : read_lists(db, SQL_LISTS, load, ret);

	return e == 0 && !load->of_one ? read_records(db, &load->group, &ret->records) : e;
}

/* The order of the list below the project, or below nothing. */
static int read_order(struct cache_db *db, const struct cache_load *load, struct cache_rows *ret)
{
	struct cache_load list = { .group = load->group, .parent_id = load->group.project_id };

	return read_lists(db, SQL_LIST, &list, ret);
}

int cache_db_read(struct cache_db *db, const struct cache_load *wanted, bool only_order,
	struct cache_load *ret, struct cache_rows *ret_rows)
{
	scoped(cache_rows_fini) struct cache_rows rows = { 0 };
	scoped(cache_load_fini) struct cache_load load = { 0 };
	int e = run(db, "BEGIN");

	if (e < 0)
		return e;
	e = find_load(db, wanted, &load);
	if (e == 0)
		e = (only_order ? read_order : read_all)(db, &load, &rows);
	run(db, "COMMIT");
	if (e)
		return e;
	*ret = load;
	load = (struct cache_load){ 0 };
	*ret_rows = rows;
	rows = (struct cache_rows){ 0 };
	return 0;
}

int cache_db_read_looked(struct cache_db *db, int64_t *ret_ms)
{
	return get_number(db, looked_name, ret_ms);
}

/* ---- out ---- */

static void bind_row(struct cache_db *db, sqlite3_stmt *stmt, const struct cache_op *op)
{
	cache_row_write(op, &db->bytes);
	sqlite3_bind_int64(stmt, 4, op->id);
	sqlite3_bind_blob64(stmt, 5, db->bytes.data, db->bytes.len, SQLITE_STATIC);
}

static void bind_load(sqlite3_stmt *stmt, const struct cache_load *load)
{
	sqlite3_bind_int(stmt, 4, load->of_one);
	sqlite3_bind_int64(stmt, 5, load->parent_id);
	sqlite3_bind_int64(stmt, 6, load->version);
	sqlite3_bind_int(stmt, 7, load->apart | load->missing << 1);
	sqlite3_bind_int64(stmt, 8, load->true_ms);
	sqlite3_bind_text(stmt, 9, load->problems, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 10, cache_load_hash(load));
}

static void bind(struct cache_db *db, const struct cache_op *op, sqlite3_stmt *stmt)
{
	switch (op->type) {
	case CACHE_PUT_RECORD:
	case CACHE_PUT_LIST:
		bind_row(db, stmt, op);
		break;
	case CACHE_DROP_RECORD:
	case CACHE_DROP_LIST:
		sqlite3_bind_int64(stmt, 4, op->id);
		break;
	case CACHE_PUT_LOAD:
		bind_load(stmt, &op->load);
		break;
	case CACHE_DROP_LOAD:
		sqlite3_bind_int(stmt, 4, op->load.of_one);
		sqlite3_bind_int64(stmt, 5, op->load.parent_id);
		break;
	case CACHE_DROP_GROUP:
	case CACHE_KEEP_PROJECTS:
		break;
	}
}

static int run_op(struct cache_db *db, enum sql which, const struct cache_op *op)
{
	scoped(release) sqlite3_stmt *stmt = NULL;
	int e = prepare_of(db, which, &op->group, &stmt);

	if (e < 0)
		return e;
	bind(db, op, stmt);
	return step(db, stmt);
}

static int list_projects(struct cache_db *db, struct ids *ret)
{
	scoped(release) sqlite3_stmt *stmt = NULL;
	int e = prepare(db, SQL_PROJECTS, &stmt);

	while (e == 0 && (e = step(db, stmt)) > 0) {
		ids_add(ret, sqlite3_column_int64(stmt, 0));
		e = 0;
	}
	return e;
}

static int drop_project(struct cache_db *db, int64_t id)
{
	static const enum sql all[] = { SQL_DROP_PROJECT, SQL_DROP_PROJECT_LISTS,
		SQL_DROP_PROJECT_LOADS };
	int e = 0;

	for (size_t i = 0; e == 0 && i < sizeof(all) / sizeof(*all); i++) {
		scoped(release) sqlite3_stmt *stmt = NULL;

		e = prepare(db, all[i], &stmt);
		if (e == 0) {
			sqlite3_bind_int64(stmt, 1, id);
			e = step(db, stmt);
		}
	}
	return e;
}

static int keep_projects(struct cache_db *db, const struct ids *kept)
{
	scoped(ids_fini) struct ids all = { 0 };
	int e = list_projects(db, &all);

	for (size_t i = 0; e == 0 && i < all.n; i++) {
		if (!ids_has(kept, all.v[i]))
			e = drop_project(db, all.v[i]);
	}
	return e;
}

static int apply(struct cache_db *db, const struct cache_op *op)
{
	static const enum sql which[] = {
		[CACHE_PUT_RECORD] = SQL_PUT_RECORD,
		[CACHE_DROP_RECORD] = SQL_DROP_RECORD,
		[CACHE_PUT_LIST] = SQL_PUT_LIST,
		[CACHE_DROP_LIST] = SQL_DROP_LIST,
		[CACHE_PUT_LOAD] = SQL_PUT_LOAD,
		[CACHE_DROP_LOAD] = SQL_DROP_LOAD,
		[CACHE_DROP_GROUP] = SQL_DROP_RECORDS,
	};

	if (op->type == CACHE_KEEP_PROJECTS)
		return keep_projects(db, &op->ids);
	int e = run_op(db, which[op->type], op);

	return e == 0 && op->type == CACHE_DROP_GROUP ? run_op(db, SQL_DROP_LISTS, op) : e;
}

int cache_db_write(struct cache_db *db, const struct cache_batch *batch)
{
	int e = run(db, "BEGIN IMMEDIATE");

	for (size_t i = 0; e == 0 && i < batch->n; i++)
		e = apply(db, &batch->ops[i]);
	if (e == 0 && batch->looked_ms)
		e = put_number(db, looked_name, batch->looked_ms);
	if (e == 0)
		e = run(db, "COMMIT");
	if (e < 0 && !sqlite3_get_autocommit(db->db))
		run(db, "ROLLBACK");
	return e;
}
