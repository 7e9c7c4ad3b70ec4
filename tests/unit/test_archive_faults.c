/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The archive on a disk that is full, fails, or loses what was not synced; and files that are
 * damaged. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archived_sql.h"
#include "faulty_vfs.h"
#include "storyfs/file.h"
#include "storyfs/log.h"

static const struct query all_stories = { .kind = KIND_story, .limit = -1 };

/* A few pages of it, so that a disk can be full within one. */
static int put_story(struct tx *tx, int64_t id)
{
	scoped(record_unref) struct record *r = record_new(KIND_story);
	scoped(buf_fini) struct buf text = BUF_INIT;

	for (int i = 0; i < 2000; i++)
		buf_add_fmt(&text, "%04d, ", i);
	record_set_int(r, F_story_id, id);
	record_set_int(r, F_story_project_id, 99);
	record_set_text(r, F_story_description, text.data);
	return tx_put(tx, r);
}

static int try_story(struct archive *a, int64_t id)
{
	struct tx *tx;
	int e = tx_begin(a, TX_WRITE, &tx);

	if (e < 0)
		return e;
	e = put_story(tx, id);
	if (e == 0)
		return tx_commit(tx);
	tx_abort(tx);
	return e;
}

static void expect_ids(struct archive *a, const struct ids *expected)
{
	scoped(ids_fini) struct ids ids = { 0 };
	struct tx *tx;

	assert_int_equal(tx_begin(a, TX_READ, &tx), 0);
	assert_int_equal(tx_list_ids(tx, &all_stories, &ids), 0);
	tx_abort(tx);
	assert_int_equal(ids.n, expected->n);
	for (size_t i = 0; i < ids.n; i++)
		assert_int_equal(ids.v[i], expected->v[i]);
}

static int heal(void **state)
{
	faulty_vfs_heal();
	return tear_down(state);
}

/* ---- a full disk ---- */

/* Wherever in the writing it fills. */
static void a_full_disk_takes_all_or_nothing_and_is_over_with_room(void **state)
{
	struct fixture *fx = *state;
	scoped(ids_fini) struct ids there = { 0 };
	int64_t id = 1, n_full = 0;

	for (int64_t room = 0; room < 60000; room += 1500) {
		faulty_vfs_leave_room(room);
		int e = try_story(fx->archive, id);

		assert_true(e == 0 || e == -ENOSPC);
		n_full += e < 0;
		if (e == 0)
			ids_add(&there, id++);
		expect_ids(fx->archive, &there);
		faulty_vfs_leave_room(INT64_MAX);
		assert_int_equal(try_story(fx->archive, id), 0);
		ids_add(&there, id++);
		expect_ids(fx->archive, &there);
	}
	assert_true(n_full > 3 && n_full < 40);
	archive_close(fx->archive);
	open_archive(fx, ARCHIVE_EXISTING);
	expect_ids(fx->archive, &there);
}

/* SQLite ends a transaction by itself when the disk is full: what came after would stand alone. */
static void after_a_failure_nothing_more_of_it_is_written(void **state)
{
	struct fixture *fx = *state;
	const struct ids none = { 0 };
	struct tx *tx = begin(fx, TX_WRITE);
	int64_t id = 0;
	int e = 0;

	/* The cache spills, so that the disk is met before the commit. */
	faulty_vfs_leave_room(100000);
	while (e == 0)
		e = put_story(tx, ++id);
	assert_int_equal(e, -ENOSPC);
	faulty_vfs_leave_room(INT64_MAX);
	assert_true(put_story(tx, 100000) < 0);
	assert_true(tx_put_meta(tx, "m", "v") < 0);
	assert_int_equal(tx_commit(tx), -ENOSPC);
	expect_ids(fx->archive, &none);
	assert_int_equal(try_story(fx->archive, 1), 0);
}

enum { N_THREADS = 4, N_EACH = 20 };

struct writer {
	struct archive *archive;
	int64_t first;
	int results[N_EACH];
};

static void *write_many(void *data)
{
	struct writer *w = data;

	for (int i = 0; i < N_EACH; i++)
		w->results[i] = try_story(w->archive, w->first + i);
	return NULL;
}

/* Each was told the truth about its own, though they share commits. */
static void expect_truth(struct fixture *fx, const struct writer *writers)
{
	scoped(ids_fini) struct ids there = { 0 };

	for (int t = 0; t < N_THREADS; t++) {
		for (int i = 0; i < N_EACH; i++) {
			int e = writers[t].results[i];

			assert_true(e == 0 || e == -ENOSPC);
			if (e == 0)
				ids_add(&there, writers[t].first + i);
		}
	}
	expect_ids(fx->archive, &there);
}

static void who_shares_a_commit_with_a_full_disk_is_told(void **state)
{
	struct fixture *fx = *state;
	struct writer writers[N_THREADS];
	pthread_t threads[N_THREADS];

	for (int t = 0; t < N_THREADS; t++) {
		writers[t] = (struct writer){ fx->archive, 1 + (int64_t)t * 1000, { 0 } };
		assert_int_equal(pthread_create(&threads[t], NULL, write_many, &writers[t]), 0);
	}
	for (int i = 0; i < 100; i++) {
		faulty_vfs_leave_room(i % 2 ? INT64_MAX : 10000 + i * 500);
		usleep(1000);
	}
	faulty_vfs_heal();
	for (int t = 0; t < N_THREADS; t++)
		assert_int_equal(pthread_join(threads[t], NULL), 0);
	expect_truth(fx, writers);
	archive_close(fx->archive);
	open_archive(fx, ARCHIVE_EXISTING);
	expect_truth(fx, writers);
}

/* ---- what is on the disk ---- */

static void what_was_answered_survives_a_power_cut(void **state)
{
	struct fixture *fx = *state;
	scoped(free_ptr) char *db = xasprintf("%s.synced", fx->path);
	scoped(free_ptr) char *log = xasprintf("%s-wal.synced", fx->path);
	scoped(free_ptr) char *there = xasprintf("%s/after.db", fx->dir);
	scoped(free_ptr) char *there_log = xasprintf("%s-wal", there);
	scoped(free_ptr) char *copy =
		xasprintf("cp '%s' '%s'; cp '%s' '%s' 2>/dev/null", fx->path, db, db, there);
	scoped(free_ptr) char *copy_log = xasprintf("cp '%s' '%s'", log, there_log);
	scoped(ids_fini) struct ids told = { 0 };

	/* All that is there now is on the disk. */
	archive_close(fx->archive);
	assert_int_equal(system(copy), 0);
	faulty_vfs_keep_synced(true);
	open_archive(fx, ARCHIVE_EXISTING);
	for (int64_t id = 1; id <= 20; id++) {
		struct archive *after = NULL;
		scoped(buf_fini) struct buf reason = BUF_INIT;

		assert_int_equal(try_story(fx->archive, id), 0);
		ids_add(&told, id);
		faulty_vfs_keep_synced(false);
		assert_int_equal(system(copy_log), 0);
		assert_int_equal(archive_open(there, ARCHIVE_EXISTING, &after, &reason), 0);
		expect_ids(after, &told);
		archive_close(after);
		faulty_vfs_keep_synced(true);
	}
}

/* Without a log it is a journal that undoes, and is gone once all is there. */
static void what_was_filled_survives_a_power_cut(void **state)
{
	struct fixture *fx = *state;
	scoped(free_ptr) char *there = xasprintf("%s/after.db", fx->dir);
	scoped(free_ptr) char *copy = xasprintf(
		"cd '%s' && rm -f after.db* && cp a.db.synced after.db &&"
		" if [ -e a.db-journal.synced ]; then cp a.db-journal.synced after.db-journal; fi",
		fx->dir);
	scoped(ids_fini) struct ids told = { 0 };

	archive_close(fx->archive);
	assert_int_equal(unlink(fx->path), 0);
	faulty_vfs_keep_synced(true);
	open_archive(fx, ARCHIVE_FILL);
	for (int64_t id = 1; id <= 3; id++) {
		struct archive *after = NULL;
		scoped(buf_fini) struct buf reason = BUF_INIT;

		assert_int_equal(try_story(fx->archive, id), 0);
		ids_add(&told, id);
		faulty_vfs_keep_synced(false);
		assert_int_equal(system(copy), 0);
		assert_int_equal(archive_open(there, ARCHIVE_EXISTING, &after, &reason), 0);
		expect_ids(after, &told);
		archive_close(after);
		faulty_vfs_keep_synced(true);
	}
}

static void what_cannot_be_synced_is_not_there(void **state)
{
	struct fixture *fx = *state;
	scoped(ids_fini) struct ids there = { 0 };

	assert_int_equal(try_story(fx->archive, 1), 0);
	ids_add(&there, 1);
	faulty_vfs_fail_syncs(true);
	assert_int_equal(try_story(fx->archive, 2), -EIO);
	expect_ids(fx->archive, &there);
	faulty_vfs_fail_syncs(false);
	expect_ids(fx->archive, &there);
	assert_int_equal(try_story(fx->archive, 3), 0);
	ids_add(&there, 3);
	archive_close(fx->archive);
	open_archive(fx, ARCHIVE_EXISTING);
	expect_ids(fx->archive, &there);
}

static int count_stories(struct archive *a)
{
	scoped(records_fini) struct records list = { 0 };
	struct tx *tx;
	int e = tx_begin(a, TX_READ, &tx);

	if (e < 0)
		return e;
	e = tx_list(tx, &all_stories, &list);
	tx_abort(tx);
	return e < 0 ? e : (int)list.n;
}

/* Larger than what the connections keep in memory, so that reading reads. */
static void reading_goes_on_when_the_disk_does(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);

	for (int64_t id = 1; id <= 400; id++)
		assert_int_equal(put_story(tx, id), 0);
	assert_int_equal(tx_commit(tx), 0);
	archive_close(fx->archive);
	open_archive(fx, ARCHIVE_EXISTING);
	faulty_vfs_fail_reads(true);
	for (int i = 0; i < 40; i++)
		assert_int_equal(count_stories(fx->archive), -EIO);
	faulty_vfs_fail_reads(false);
	for (int i = 0; i < 40; i++)
		assert_int_equal(count_stories(fx->archive), 400);
	assert_int_equal(try_story(fx->archive, 401), 0);
}

/* ---- damaged files ---- */

static void expect_refusal(const char *path, int number, const char *words)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(buf_fini) struct buf before = BUF_INIT;
	scoped(buf_fini) struct buf after = BUF_INIT;
	struct archive *a = NULL;

	assert_int_equal(file_read(path, 64 << 20, &before), 0);
	assert_int_equal(archive_open(path, ARCHIVE_CREATE, &a, &reason), number);
	assert_null(a);
	if (!strstr(buf_str(&reason), words))
		fail_msg("no '%s' in %s", words, buf_str(&reason));
	assert_int_equal(file_read(path, 64 << 20, &after), 0);
	assert_int_equal(after.len, before.len);
	assert_memory_equal(buf_str(&after), buf_str(&before), before.len);
}

static void a_truncated_file_is_refused_and_left_alone(void **state)
{
	struct fixture *fx = *state;
	struct stat st;

	for (int64_t id = 1; id <= 20; id++)
		assert_int_equal(try_story(fx->archive, id), 0);
	archive_close(fx->archive);
	fx->archive = NULL;
	assert_int_equal(stat(fx->path, &st), 0);
	assert_int_equal(truncate(fx->path, st.st_size / 2 / 4096 * 4096), 0);
	expect_refusal(fx->path, -EBADMSG, archive_explain(-EBADMSG));
	assert_int_equal(truncate(fx->path, 1000), 0);
	expect_refusal(fx->path, -EBADMSG, archive_explain(-EBADMSG));
}

static void overwrite(const char *path, int64_t at, size_t len)
{
	scoped(free_ptr) char *noise = xmalloc(len);
	int fd = open(path, O_WRONLY);

	memset(noise, 0xa5, len);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, noise, len, at), len);
	close(fd);
}

static int64_t root_page(const char *path, const char *table)
{
	scoped(free_ptr) char *sql =
		xasprintf("SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
	sqlite3_stmt *stmt;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t page = sqlite3_column_int64(stmt, 0);

	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return page;
}

static void a_damaged_page_fails_who_needs_it_alone(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);

	assert_int_equal(tx_put_meta(tx, "m", "v"), 0);
	assert_int_equal(put_story(tx, 1), 0);
	assert_int_equal(tx_commit(tx), 0);
	archive_close(fx->archive);
	overwrite(fx->path, (root_page(fx->path, "story") - 1) * 4096, 4096);
	open_archive(fx, ARCHIVE_EXISTING);
	for (int i = 0; i < 40; i++) {
		scoped(buf_fini) struct buf value = BUF_INIT;

		assert_int_equal(count_stories(fx->archive), -EBADMSG);
		assert_int_equal(try_story(fx->archive, 2), -EBADMSG);
		tx = begin(fx, TX_WRITE);
		assert_int_equal(tx_get_meta(tx, "m", &value), 0);
		assert_int_equal(tx_put_meta(tx, "n", "v"), 0);
		assert_int_equal(tx_commit(tx), 0);
	}
}

static void transactions_begin_or_say_why_not(void **state)
{
	struct fixture *fx = *state;

	archive_close(fx->archive);
	overwrite(fx->path, (root_page(fx->path, "meta") - 1) * 4096, 4096);
	open_archive(fx, ARCHIVE_EXISTING);
	for (int i = 0; i < 40; i++)
		assert_int_equal(count_stories(fx->archive), -EBADMSG);
}

static void a_new_file_is_its_owners_alone(void **state)
{
	struct fixture *fx = *state;
	struct stat st;

	assert_int_equal(stat(fx->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

#define fault_test(f) cmocka_unit_test_setup_teardown(f, set_up, heal)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fault_test(a_full_disk_takes_all_or_nothing_and_is_over_with_room),
		fault_test(after_a_failure_nothing_more_of_it_is_written),
		fault_test(who_shares_a_commit_with_a_full_disk_is_told),
		fault_test(what_was_answered_survives_a_power_cut),
		fault_test(what_was_filled_survives_a_power_cut),
		fault_test(what_cannot_be_synced_is_not_there),
		fault_test(reading_goes_on_when_the_disk_does),
		fault_test(a_truncated_file_is_refused_and_left_alone),
		fault_test(a_damaged_page_fails_who_needs_it_alone),
		fault_test(a_new_file_is_its_owners_alone),
		fault_test(transactions_begin_or_say_why_not),
	};

	faulty_vfs_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
