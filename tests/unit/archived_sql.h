/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SQL behind the archive's back, for the tests of what SQLite's alone has. */
#ifndef STORYFS_TESTS_ARCHIVED_SQL_H
#define STORYFS_TESTS_ARCHIVED_SQL_H

#include <sqlite3.h>

#include "archived.h"

static inline void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

#endif
