/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SQLite as the archive uses it: connections with their prepared statements, and errors as errno.
 * Private to archive*.c, the only files that know SQL.
 */
#ifndef STORYFS_SERVER_ARCHIVE_DB_H
#define STORYFS_SERVER_ARCHIVE_DB_H

#include <pthread.h>
#include <sqlite3.h>

#include "storyfs/archive.h"
#include "storyfs/table.h"

struct connection;

/* What is done with single rows, each one statement a kind. */
enum row_sql {
	ROW_GET,
	ROW_INSERT,
	ROW_UPDATE,	 /* the columns that no index holds */
	ROW_UPDATE_KEYS, /* those that one does, if they differ, so that the indexes stand still */
	ROW_DELETE,
	N_ROW_SQL,
};

struct batch;

/* A kind's columns, without its extra. */
struct columns {
	char *names; /* `"id","name",...,"_extra"`; NULL for a kind that is not kept */
	uint8_t fields[UINT8_MAX];
	int n;
	bool has_refs; /* one of them is a list of ids */
};

/* pool_lock guards idle and n_idle, turn_lock the members below it; neither is held while the other
 * is taken. Of those that are idle the one that was used last comes first, and is taken first. */
struct archive {
	char *path;
	pthread_mutex_t pool_lock;
	struct connection *idle;
	int n_idle;
	pthread_mutex_t turn_lock;
	pthread_cond_t turn_free;
	bool writing;		    /* somebody has the writer's turn */
	int n_waiting;		    /* for it */
	struct batch *batch;	    /* what is written and not yet on disk; of who has the turn */
	pthread_mutex_t watch_lock; /* guards watch, which only looks who else commits */
	struct connection *watch;
	struct columns columns[N_KINDS];
	char *row_sql[N_KINDS][N_ROW_SQL];
};

struct tx {
	struct archive *archive;
	struct connection *conn;
	enum tx_mode mode;
	int64_t n_before;	/* rows that the connection had ever written */
	int64_t given[N_KINDS]; /* the largest id that tx_next_id gave; 0: none */
	struct bulk *bulk;	/* between tx_begin_bulk and tx_end_bulk */
};

struct connection {
	sqlite3 *db;
	struct table statements; /* prepared, by their text */
	size_t n_statements;
	uint64_t n_asked;
	bool is_writing; /* within what BEGIN IMMEDIATE began */
	int failure;	 /* what db_error answered last */
	sqlite3_stmt *rows[N_KINDS][N_ROW_SQL];
	struct connection *prev, *next; /* in the pool */
	int64_t idle_since_ms;		/* clock_monotonic_ms */
};

/* flags are sqlite3_open_v2's. Writes nothing, and logs nothing: the file may be somebody else's.
 */
int db_open(const char *path, int flags, struct connection **ret);
void db_close(struct connection *c);

/* The -errno of the connection's last failure; logs it. */
int db_error(struct connection *c, const char *what);
/* Run text without parameters and rows. */
int db_run(struct connection *c, const char *sql);
/* The same, with the statement kept. */
int db_do(struct connection *c, const char *sql);
/* A statement for this text, ready to bind, kept by the connection for the next time. It is the
 * caller's until it is released, also while others are prepared. */
int db_prepare(struct connection *c, const char *sql, sqlite3_stmt **ret);
int db_prepare_row(struct tx *tx, enum kind kind, enum row_sql what, sqlite3_stmt **ret);
/* SQLite ends a transaction by itself when the disk fails it; what came after would stand alone. */
bool db_is_lost(const struct connection *c);
/* 1 when there is a row, 0 at the end. Fails when the transaction is lost. */
int db_step(struct connection *c, sqlite3_stmt *stmt);
/* db_step for a statement that has no rows. */
int db_finish(struct connection *c, sqlite3_stmt *stmt);
/* The number in the first column of the first row; 1 when there is none, or a null. */
int db_number(struct connection *c, const char *sql, int64_t *ret);
/* Ready for its next use. */
void db_release(sqlite3_stmt *stmt);
void db_bind_text(sqlite3_stmt *stmt, int at, const char *text);

int archive_take_connection(struct archive *a, struct connection **ret);
void archive_give_connection(struct archive *a, struct connection *c);
void archive_init_turn(struct archive *a);
void archive_fini_turn(struct archive *a);

/* What a row of refs holds. */
struct ref {
	uint16_t kind, field;
	int64_t target, id;
};

/* In a bulk refs are written at its end, or before they are looked at, in their order. */
void archive_add_ref(struct bulk *bulk, struct ref ref);
/* Write those that wait. */
int archive_flush_refs(struct tx *tx);
/* Write these; those that are there already stay. */
int archive_write_refs(struct tx *tx, const struct ref *refs, size_t n);
/* The bulk is over, carried out or not; nothing when there is none. */
void archive_leave_bulk(struct tx *tx);
/* The record's own text, or the schema's: it outlives the statement's run. */
void db_bind_borrowed(sqlite3_stmt *stmt, int at, const char *text);

/* Make the tables that are missing, add the columns that are. */
int archive_make_tables(struct connection *c);
/* Make the tallies, and count what is there, when the file has none; after the tables. */
int archive_make_tallies(struct connection *c);
/* The triggers that keep them are gone already. */
int archive_drop_tallies(struct connection *c);
/* Can the story tally's rows answer how many match? Its columns are named as the stories'. */
bool archive_is_tallied(const struct query *q);
/* Is the field a column? */
bool archive_is_column(const struct field *field);
/* Does an index hold the field? */
bool archive_is_indexed(enum kind kind, int f);
/* The texts of the statements about rows; archive_free_rows frees them. */
void archive_make_rows(struct archive *a);
/* Before the others. */
void archive_make_columns(struct archive *a);
void archive_free_rows(struct archive *a);
/* Has the kind a table? */
bool archive_is_kept(enum kind kind);

SCOPED_PTR(struct connection, db_close);
SCOPED_PTR(sqlite3_stmt, db_release);

#endif
