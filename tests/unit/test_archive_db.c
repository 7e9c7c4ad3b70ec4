/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SQLite as the archive uses it: statements stay their callers', however many are prepared; which
 * files have a log. */
#include <errno.h>
#include <unistd.h>
#include <utlist.h>

#include "archive_db.h"
#include "archive_stories.h"
#include "storyfs/alloc.h"

enum { MANY = 1000 };

static int open_memory(void **state)
{
	struct connection *c;

	assert_int_equal(db_open(":memory:", SQLITE_OPEN_READWRITE, &c), 0);
	assert_int_equal(db_run(c, "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2),(3)"), 0);
	*state = c;
	return 0;
}

static int close_memory(void **state)
{
	db_close(*state);
	return 0;
}

static void prepare_many(struct connection *c, int from)
{
	for (int i = from; i < from + MANY; i++) {
		scoped(free_ptr) char *sql = xasprintf("SELECT %d", i);
		int64_t n;

		assert_int_equal(db_number(c, sql, &n), 0);
		assert_int_equal(n, i);
	}
}

static void rows_are_read_on_while_others_are_prepared(void **state)
{
	struct connection *c = *state;
	scoped(db_release) sqlite3_stmt *stmt = NULL;

	assert_int_equal(db_prepare(c, "SELECT a FROM t ORDER BY a", &stmt), 0);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(db_step(c, stmt), 1);
		assert_int_equal(sqlite3_column_int(stmt, 0), i);
		prepare_many(c, i * MANY);
	}
	assert_int_equal(db_step(c, stmt), 0);
}

static void few_statements_are_kept_however_many_texts_there_are(void **state)
{
	struct connection *c = *state;

	prepare_many(c, 0);
	assert_in_range(c->n_statements, 1, 256);
}

static void what_is_asked_for_often_is_kept(void **state)
{
	struct connection *c = *state;
	sqlite3_stmt *stmt, *again;

	assert_int_equal(db_prepare(c, "SELECT a FROM t", &stmt), 0);
	for (int i = 0; i < MANY; i += 100) {
		for (int k = 0; k < 100; k++) {
			scoped(free_ptr) char *sql = xasprintf("SELECT %d", i + k);
			int64_t n;

			assert_int_equal(db_number(c, sql, &n), 0);
		}
		assert_int_equal(db_prepare(c, "SELECT a FROM t", &again), 0);
		assert_ptr_equal(stmt, again);
	}
}

/* A reader of a file with a log does not wait for who writes. */
static bool has_log(struct fixture *fx)
{
	scoped(free_ptr) char *log = xasprintf("%s-wal", fx->path);

	commit_story(fx, 1, 1, "a");
	return access(log, F_OK) == 0;
}

static void only_a_new_file_is_filled_without_a_log(void **state)
{
	struct fixture *fx = *state;

	archive_close(fx->archive);
	open_archive(fx, ARCHIVE_FILL);
	assert_true(has_log(fx));
	archive_close(fx->archive);
	assert_int_equal(unlink(fx->path), 0);
	open_archive(fx, ARCHIVE_FILL);
	assert_false(has_log(fx));
	archive_close(fx->archive);
	open_archive(fx, ARCHIVE_EXISTING);
	assert_true(has_log(fx));
}

/* One after the other asks, as when all is quiet again. */
static int ask_often(struct archive *a)
{
	for (int i = 0; i < MANY; i++) {
		struct connection *c;

		assert_int_equal(archive_take_connection(a, &c), 0);
		archive_give_connection(a, c);
	}
	return a->n_idle;
}

static void what_a_burst_needed_is_closed_when_nobody_used_it_for_a_minute(void **state)
{
	struct fixture *fx = *state;
	struct archive *a = fx->archive;
	struct connection *c, *burst[8];
	const int n = sizeof(burst) / sizeof(*burst);

	for (int i = 0; i < n; i++)
		assert_int_equal(archive_take_connection(a, &burst[i]), 0);
	for (int i = 0; i < n; i++)
		archive_give_connection(a, burst[i]);
	assert_int_equal(ask_often(a), n);
	DL_FOREACH(a->idle, c)
		c->idle_since_ms -= 70000;
	assert_int_equal(ask_often(a), 1);
	assert_ptr_equal(a->idle, burst[n - 1]);
}

#define db_test(f) cmocka_unit_test_setup_teardown(f, open_memory, close_memory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		db_test(rows_are_read_on_while_others_are_prepared),
		db_test(few_statements_are_kept_however_many_texts_there_are),
		db_test(what_is_asked_for_often_is_kept),
		cmocka_unit_test_setup_teardown(
			only_a_new_file_is_filled_without_a_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_a_burst_needed_is_closed_when_nobody_used_it_for_a_minute, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
