/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The archive's contract, by archive.h alone, as in test_archive_contract.c: writers in threads and
 * in processes, and what is left of those who are killed.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive_stories.h"

enum { N_WRITERS = 4, N_WRITES = 10 };

/* ---- writers ---- */

/* The next number after the largest: what two writers who saw the same would both take. */
static int write_next(struct archive *a, int64_t *ret_rank)
{
	scoped(tx_abort) struct tx *tx = NULL;
	int64_t last = 0, id = 0;
	int e = tx_begin(a, TX_WRITE, &tx);

	if (e == 0)
		e = tx_extreme(tx, &all_stories, F_story_rank, true, &last);
	if (e >= 0)
		e = tx_next_id(tx, KIND_story, &id);
	if (e < 0)
		return e;
	scoped(record_unref) struct record *r = make_story(id, last + 1, "x");

	e = tx_put(tx, r);
	*ret_rank = last + 1;
	return e < 0 ? e : tx_commit(take_ptr(tx));
}

static void *write_many(void *data)
{
	struct fixture *fx = data;
	int64_t before = 0, rank = 0;

	for (int i = 0; i < N_WRITES; i++) {
		if (write_next(fx->archive, &rank) < 0 || rank <= before || !is_there(fx, rank))
			return NULL;
		before = rank;
	}
	return data;
}

static void expect_no_gaps(struct fixture *fx, int64_t n)
{
	scoped(records_fini) struct records list = { 0 };
	struct query q = all_stories;
	struct tx *tx = begin(fx, TX_READ);

	q.order = F_story_rank;
	assert_int_equal(tx_list(tx, &q, &list), 0);
	tx_abort(tx);
	assert_int_equal(list.n, n);
	for (size_t i = 0; i < list.n; i++) {
		assert_int_equal(record_int(list.items[i], F_story_rank, 0), i + 1);
		assert_int_equal(record_id(list.items[i]), i + 1);
	}
}

static void writers_in_threads_leave_no_gap(void **state)
{
	struct fixture *fx = *state;
	pthread_t threads[N_WRITERS];

	for (int i = 0; i < N_WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, fx), 0);
	for (int i = 0; i < N_WRITERS; i++) {
		void *done;

		assert_int_equal(pthread_join(threads[i], &done), 0);
		assert_non_null(done);
	}
	expect_no_gaps(fx, N_WRITERS * N_WRITES);
}

static struct archive *open_again(const char *path)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct archive *a = NULL;

	return archive_open(path, ARCHIVE_EXISTING, &a, &reason) < 0 ? NULL : a;
}

/* In a child, where nothing may be asserted: cmocka's jump would end in the parent's frames. */
static int write_in_child(const char *path)
{
	scoped(archive_close) struct archive *a = open_again(path);
	int64_t rank;

	for (int i = 0; i < N_WRITES; i++) {
		if (!a || write_next(a, &rank) < 0)
			return 1;
	}
	return 0;
}

static void writers_in_processes_leave_no_gap(void **state)
{
	struct fixture *fx = *state;
	pid_t children[N_WRITERS];
	int status;

	archive_close(fx->archive);
	for (int i = 0; i < N_WRITERS; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			_exit(write_in_child(fx->path));
	}
	for (int i = 0; i < N_WRITERS; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	open_archive(fx, ARCHIVE_EXISTING);
	expect_no_gaps(fx, N_WRITERS * N_WRITES);
}

static void another_process_is_noticed(void **state)
{
	struct fixture *fx = *state;
	int64_t before, after;
	int status, start[2];
	char c;

	archive_close(fx->archive);
	assert_int_equal(pipe(start), 0);
	pid_t child = fork();

	if (child == 0) {
		scoped(archive_close) struct archive *a = NULL;
		int64_t rank;

		if (read(start[0], &c, 1) != 1 || !(a = open_again(fx->path)))
			_exit(1);
		_exit(write_next(a, &rank) < 0);
	}
	open_archive(fx, ARCHIVE_EXISTING);
	assert_int_equal(archive_version(fx->archive, &before), 0);
	struct tx *reader = begin(fx, TX_READ);

	assert_int_equal(write(start[1], "x", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(archive_version(fx->archive, &after), 0);
	assert_int_not_equal(before, after);
	expect_list(reader, &all_stories, "");
	tx_abort(reader);
	assert_true(is_there(fx, 1));
	close(start[0]);
	close(start[1]);
}

/* What one writer leaves undone is no other's loss, though they may share what goes to disk. */
static void *put_and_abort(void *data)
{
	struct fixture *fx = data;

	for (int64_t i = 0; i < N_WRITES; i++) {
		struct tx *tx;
		scoped(record_unref) struct record *r = make_story(1000 + i, 0, "undone");

		if (tx_begin(fx->archive, TX_WRITE, &tx) < 0)
			return NULL;
		int e = tx_put(tx, r);

		tx_abort(tx);
		if (e < 0)
			return NULL;
	}
	return data;
}

static void who_undoes_hurts_nobody_else(void **state)
{
	struct fixture *fx = *state;
	pthread_t writers[2], undoers[2];
	void *done;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&writers[i], NULL, write_many, fx), 0);
		assert_int_equal(pthread_create(&undoers[i], NULL, put_and_abort, fx), 0);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(writers[i], &done), 0);
		assert_non_null(done);
		assert_int_equal(pthread_join(undoers[i], &done), 0);
		assert_non_null(done);
	}
	expect_no_gaps(fx, 2 * N_WRITES);
}

/* The second finds what the first left, for it waited. */
static void *write_second(void *data)
{
	struct fixture *fx = data;
	int64_t rank = 0;

	return write_next(fx->archive, &rank) == 0 && rank == 6 ? data : NULL;
}

static void a_second_writer_waits_for_the_first(void **state)
{
	struct fixture *fx = *state;
	struct tx *first = begin(fx, TX_WRITE);
	pthread_t second;
	void *done;

	assert_int_equal(pthread_create(&second, NULL, write_second, fx), 0);
	for (int64_t i = 1; i <= 5; i++) {
		put_story(first, i, i, "x");
		usleep(1000);
	}
	assert_int_equal(tx_commit(first), 0);
	assert_int_equal(pthread_join(second, &done), 0);
	assert_non_null(done);
}

static void *open_and_find(void *data)
{
	scoped(archive_close) struct archive *a = open_again(data);
	struct fixture other = { .archive = a };

	return a && is_there(&other, 5) ? data : NULL;
}

/* Not as one who reads an archive with a log: before it is filled there is nothing to see. */
static void who_opens_what_is_being_filled_waits_until_it_is(void **state)
{
	struct fixture *fx = *state;
	pthread_t other;
	void *done;

	archive_close(fx->archive);
	assert_int_equal(unlink(fx->path), 0);
	open_archive(fx, ARCHIVE_FILL);
	struct tx *tx = begin(fx, TX_WRITE);

	assert_int_equal(pthread_create(&other, NULL, open_and_find, fx->path), 0);
	for (int64_t i = 1; i <= 5; i++) {
		put_story(tx, i, i, "x");
		usleep(20000);
	}
	assert_int_equal(tx_commit(tx), 0);
	assert_int_equal(pthread_join(other, &done), 0);
	assert_non_null(done);
}

/* A transaction is one thread's at a time, and need not end where it began. */
static void *commit_elsewhere(void *data)
{
	return tx_commit(data) == 0 ? data : NULL;
}

static void a_transaction_may_be_handed_to_another_thread(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);
	pthread_t thread;
	void *done;

	put_story(tx, 1, 1, "x");
	assert_int_equal(pthread_create(&thread, NULL, commit_elsewhere, tx), 0);
	assert_int_equal(pthread_join(thread, &done), 0);
	assert_non_null(done);
	assert_true(is_there(fx, 1));
}

/* ---- ends ---- */

/* Write until killed, and tell each number once it was committed. For an odd `least` the end comes
 * within a transaction, else anywhere. */
static int write_until_killed(const char *path, int64_t least, int out)
{
	struct archive *a = open_again(path);
	int64_t rank;

	while (a && write_next(a, &rank) == 0) {
		struct tx *tx;
		scoped(record_unref) struct record *r = make_story(rank + 1, 0, "undone");

		if (write(out, &rank, sizeof(rank)) != sizeof(rank))
			return 1;
		if (tx_begin(a, TX_WRITE, &tx) < 0 || tx_put(tx, r) < 0)
			return 1;
		if (rank >= least && least % 2)
			pause();
		tx_abort(tx);
	}
	return 1;
}

static int64_t run_and_kill(const char *path, int64_t least)
{
	int out[2], status;
	int64_t told = 0;

	assert_int_equal(pipe(out), 0);
	pid_t child = fork();

	if (child == 0) {
		close(out[0]);
		_exit(write_until_killed(path, least, out[1]));
	}
	close(out[1]);
	while (told < least && read(out[0], &told, sizeof(told)) == sizeof(told))
		;
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	/* What it told in its last moments. */
	while (read(out[0], &told, sizeof(told)) == sizeof(told))
		;
	close(out[0]);
	return told;
}

static void what_was_committed_outlives_who_wrote_it(void **state)
{
	struct fixture *fx = *state;
	int64_t n, before = 0;

	archive_close(fx->archive);
	for (int64_t least = 3; least <= 15; least += 3) {
		int64_t told = run_and_kill(fx->path, least);

		assert_true(told >= least);
		open_archive(fx, ARCHIVE_EXISTING);
		struct tx *tx = begin(fx, TX_READ);

		assert_int_equal(tx_count(tx, &all_stories, &n), 0);
		tx_abort(tx);
		/* One may have been committed and not told. */
		assert_in_range(n, told, told + 1);
		assert_true(n > before);
		expect_no_gaps(fx, n);
		before = n;
		archive_close(fx->archive);
	}
	open_archive(fx, ARCHIVE_EXISTING);
}

enum { FILLED = 20000 };

/* More than SQLite keeps in memory without a word to the file. */
static int fill_until_killed(const char *path, int out)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(free_ptr) char *text = xmalloc(1001);
	struct archive *a;
	struct tx *tx;

	memset(text, 'x', 1000);
	text[1000] = '\0';
	if (archive_open(path, ARCHIVE_FILL, &a, &reason) < 0 || tx_begin(a, TX_WRITE, &tx) < 0)
		return 1;
	for (int64_t id = 1; id <= FILLED; id++) {
		scoped(record_unref) struct record *r = make_story(id, id, text);

		if (tx_put(tx, r) < 0)
			return 1;
	}
	if (write(out, "", 1) == 1)
		pause();
	return 1;
}

static void what_fills_and_is_killed_leaves_nothing(void **state)
{
	struct fixture *fx = *state;
	struct stat st;
	int out[2], status;
	int64_t n;
	char c;

	archive_close(fx->archive);
	assert_int_equal(unlink(fx->path), 0);
	assert_int_equal(pipe(out), 0);
	pid_t child = fork();

	if (child == 0) {
		close(out[0]);
		_exit(fill_until_killed(fx->path, out[1]));
	}
	close(out[1]);
	assert_int_equal(read(out[0], &c, 1), 1);
	close(out[0]);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(stat(fx->path, &st), 0);
	assert_true(st.st_size > FILLED * 500);
	open_archive(fx, ARCHIVE_FILL);
	struct tx *tx = begin(fx, TX_READ);

	assert_int_equal(tx_count(tx, &all_stories, &n), 0);
	assert_int_equal(n, 0);
	tx_abort(tx);
	commit_story(fx, 1, 1, "again");
	archive_close(fx->archive);
	open_archive(fx, ARCHIVE_EXISTING);
	assert_true(is_there(fx, 1));
}

#define contract(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		contract(writers_in_threads_leave_no_gap),
		contract(writers_in_processes_leave_no_gap),
		contract(another_process_is_noticed),
		contract(who_undoes_hurts_nobody_else),
		contract(a_second_writer_waits_for_the_first),
		contract(who_opens_what_is_being_filled_waits_until_it_is),
		contract(a_transaction_may_be_handed_to_another_thread),
		contract(what_was_committed_outlives_who_wrote_it),
		contract(what_fills_and_is_killed_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
