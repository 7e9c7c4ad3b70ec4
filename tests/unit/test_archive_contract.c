/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The archive's contract, by archive.h alone: what any implementation must do, whatever stores the
 * bytes. The one thing it brings is a place for a fresh archive (archived.h). Here: all or nothing,
 * snapshots, order, values; test_archive_writers.c: those who write at once, and those who are
 * killed.
 */
#include <errno.h>

#include "archive_stories.h"

enum { N_READERS = 30 };

/* ---- all or nothing ---- */

/* One of each sort that a transaction can write. */
static void write_each_sort(struct tx *tx)
{
	struct password password = { BUF_INIT, BUF_INIT, BUF_INIT };
	struct ids owners = { 0 };
	struct record *r = make_story(1, 1, "a");
	int64_t id;

	ids_add(&owners, 7);
	record_set_ids(r, F_story_owner_ids, &owners);
	ids_fini(&owners);
	assert_int_equal(tx_put(tx, r), 0);
	record_unref(r);
	assert_int_equal(tx_next_id(tx, KIND_task, &id), 0);
	assert_int_equal(tx_put_meta(tx, "m", "v"), 0);
	assert_int_equal(tx_put_token(tx, &(struct token){ .sha256 = "t", .person_id = 5 }), 0);
	buf_add_str(&password.hash, "h");
	assert_int_equal(tx_put_password(tx, 5, &password), 0);
	password_fini(&password);
	assert_int_equal(tx_put_bytes(tx, 3, "xyz", 3), 0);
	assert_int_equal(tx_put_unknown(tx, 99, "k", "1", "{}"), 0);
}

/* How many of them are there. */
static int count_sorts(struct tx *tx)
{
	scoped(buf_fini) struct buf value = BUF_INIT;
	scoped(password_fini) struct password password = { BUF_INIT, BUF_INIT, BUF_INIT };
	scoped(unknown_resources_fini) struct unknown_resources unknown = { 0 };
	struct query q = all_stories;
	int64_t n = 0, owned = 0;

	query_where(&q, F_story_owner_ids, OP_HAS, 7);
	assert_int_equal(tx_count(tx, &q, &owned), 0);
	assert_int_equal(tx_list_unknown(tx, "k", &unknown), 0);
	return has_story(tx, 1) + (int)owned + (tx_get_meta(tx, "m", &value) == 0) +
	       (tx_find_token(tx, "t", &n) == 0) + (tx_get_password(tx, 5, &password) == 0) +
	       (tx_count_bytes(tx, 3, &n) == 0) + (int)unknown.n;
}

enum { N_SORTS = 7 };

static void all_that_is_written_comes_at_once(void **state)
{
	struct fixture *fx = *state;
	struct tx *writer = begin(fx, TX_WRITE);

	write_each_sort(writer);
	assert_int_equal(count_sorts(writer), N_SORTS);
	struct tx *before = begin(fx, TX_READ);

	assert_int_equal(count_sorts(before), 0);
	assert_int_equal(tx_commit(writer), 0);
	assert_int_equal(count_sorts(before), 0);
	tx_abort(before);
	struct tx *after = begin(fx, TX_READ);

	assert_int_equal(count_sorts(after), N_SORTS);
	tx_abort(after);
}

static void what_is_undone_leaves_nothing(void **state)
{
	struct fixture *fx = *state;
	int64_t first, again;
	struct tx *tx = begin(fx, TX_WRITE);

	assert_int_equal(tx_next_id(tx, KIND_task, &first), 0);
	write_each_sort(tx);
	tx_abort(tx);
	tx = begin(fx, TX_WRITE);
	assert_int_equal(count_sorts(tx), 0);
	assert_int_equal(tx_next_id(tx, KIND_task, &again), 0);
	assert_int_equal(again, first);
	tx_abort(tx);
}

/* A row, and what is found from the other end of its lists; once. */
static void what_is_added_is_there_as_what_is_put(void **state)
{
	struct fixture *fx = *state;
	scoped(record_unref) struct record *r = make_story(1, 5, "a");
	scoped(record_unref) struct record *got = NULL;
	struct tx *tx = begin(fx, TX_WRITE);
	struct query q = all_stories;
	int64_t owner = 7;

	record_set_ids(r, F_story_owner_ids, &(struct ids){ 1, &owner });
	assert_int_equal(tx_add(tx, r), 0);
	assert_int_equal(tx_get(tx, KIND_story, 1, &got), 0);
	assert_true(record_same(got, r));
	query_where(&q, F_story_owner_ids, OP_HAS, owner);
	expect_list(tx, &q, "1 ");
	assert_int_equal(tx_add(tx, r), -EIO);
	tx_abort(tx);
	assert_false(is_there(fx, 1));
}

/* What was there and what comes is found and counted alike, once all is there. */
static void what_is_put_in_bulk_is_found_and_counted(void **state)
{
	struct fixture *fx = *state;
	scoped(records_fini) struct records groups = { 0 };
	scoped(ids_fini) struct ids counts = { 0 };
	struct query of_owner = all_stories, of_project = all_stories;
	int64_t seven = 7, n = 0;

	commit_story(fx, 1, 1, "a");
	struct tx *tx = begin(fx, TX_WRITE);

	assert_int_equal(tx_begin_bulk(tx), 0);
	for (int64_t id = 2; id < 4; id++) {
		scoped(record_unref) struct record *r = make_story(id, id, "b");

		record_set_ids(r, F_story_owner_ids, &(struct ids){ 1, &seven });
		record_set_ids(r, F_story_label_ids, &(struct ids){ 1, &seven });
		assert_int_equal(tx_add(tx, r), 0);
	}
	assert_int_equal(tx_end_bulk(tx), 0);
	assert_int_equal(tx_commit(tx), 0);
	tx = begin(fx, TX_WRITE);
	put_story(tx, 4, 4, "c");
	query_where(&of_owner, F_story_owner_ids, OP_HAS, seven);
	expect_list(tx, &of_owner, "2 3 ");
	query_where(&of_project, F_story_project_id, OP_EQ, 99);
	assert_int_equal(tx_count(tx, &of_project, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(tx_tally_label(tx, seven, &groups, &counts), 0);
	assert_int_equal(counts.n, 1);
	assert_int_equal(counts.v[0], 2);
	tx_abort(tx);
}

static struct record *make_owned(int64_t id, int64_t owner)
{
	struct record *r = make_story(id, id, "owned");

	record_set_ids(r, F_story_owner_ids, &(struct ids){ 1, &owner });
	return r;
}

static void who_looks_within_a_bulk_finds_what_was_put(void **state)
{
	struct fixture *fx = *state;
	struct query of_seven = all_stories;
	struct tx *tx = begin(fx, TX_WRITE);

	query_where(&of_seven, F_story_owner_ids, OP_HAS, 7);
	assert_int_equal(tx_begin_bulk(tx), 0);
	for (int64_t id = 1; id <= 2; id++) {
		scoped(record_unref) struct record *r = make_owned(id, 7);

		assert_int_equal(tx_add(tx, r), 0);
		expect_list(tx, &of_seven, id == 1 ? "1 " : "1 2 ");
	}
	assert_int_equal(tx_end_bulk(tx), 0);
	expect_list(tx, &of_seven, "1 2 ");
	tx_abort(tx);
}

/* More than are written at once; some of them are put again, or go, before the end. */
static void lists_of_ids_in_bulk_are_found_as_they_were_last(void **state)
{
	struct fixture *fx = *state;
	struct query of_seven = all_stories, of_eight = all_stories;
	scoped(ids_fini) struct ids found = { 0 };
	struct tx *tx = begin(fx, TX_WRITE);

	assert_int_equal(tx_begin_bulk(tx), 0);
	for (int64_t id = 300; id > 0; id--) {
		scoped(record_unref) struct record *r = make_owned(id, 7);

		assert_int_equal(tx_add(tx, r), 0);
		if (id == 200) {
			scoped(record_unref) struct record *other = make_owned(250, 8);

			assert_int_equal(tx_put(tx, other), 0);
			assert_int_equal(tx_delete(tx, KIND_story, 260), 0);
		}
	}
	assert_int_equal(tx_end_bulk(tx), 0);
	assert_int_equal(tx_commit(tx), 0);
	tx = begin(fx, TX_READ);
	query_where(&of_seven, F_story_owner_ids, OP_HAS, 7);
	query_where(&of_eight, F_story_owner_ids, OP_HAS, 8);
	expect_list(tx, &of_eight, "250 ");
	assert_int_equal(tx_list_ids(tx, &of_seven, &found), 0);
	assert_int_equal(found.n, 298);
	assert_false(ids_has(&found, 250) || ids_has(&found, 260));
	tx_abort(tx);
}

static void bulk_that_is_undone_leaves_what_finds_and_counts(void **state)
{
	struct fixture *fx = *state;
	struct query of_project = all_stories;
	int64_t n = 0;

	commit_story(fx, 1, 1, "a");
	struct tx *tx = begin(fx, TX_WRITE);

	assert_int_equal(tx_begin_bulk(tx), 0);
	put_story(tx, 2, 2, "b");
	tx_abort(tx);
	commit_story(fx, 3, 3, "c");
	tx = begin(fx, TX_READ);
	query_where(&of_project, F_story_project_id, OP_EQ, 99);
	assert_int_equal(tx_count(tx, &of_project, &n), 0);
	assert_int_equal(n, 2);
	tx_abort(tx);
}

static void what_is_deleted_and_undone_is_back(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);

	write_each_sort(tx);
	assert_int_equal(tx_commit(tx), 0);
	tx = begin(fx, TX_WRITE);
	assert_int_equal(tx_delete(tx, KIND_story, 1), 0);
	assert_int_equal(tx_delete_token(tx, 5, NULL), 0);
	assert_int_equal(tx_delete_password(tx, 5), 0);
	assert_int_equal(tx_delete_bytes(tx, 3), 0);
	assert_int_equal(tx_delete_unknown(tx, 99, "k", "1"), 0);
	assert_int_equal(count_sorts(tx), 1);
	tx_abort(tx);
	tx = begin(fx, TX_READ);
	assert_int_equal(count_sorts(tx), N_SORTS);
	tx_abort(tx);
}

/* ---- readers ---- */

/* Though the first look comes after the commit. */
static void a_reader_sees_the_archive_as_it_began(void **state)
{
	struct fixture *fx = *state;
	struct tx *reader = begin(fx, TX_READ);

	commit_story(fx, 1, 1, "a");
	commit_story(fx, 2, 2, "b");
	expect_list(reader, &all_stories, "");
	assert_int_equal(tx_commit(reader), 0);
	assert_true(is_there(fx, 1) && is_there(fx, 2));
}

/* In one thread: a reader who waited would wait for ever. */
static void readers_and_a_writer_do_not_wait_for_each_other(void **state)
{
	struct fixture *fx = *state;

	commit_story(fx, 1, 1, "a");
	struct tx *early = begin(fx, TX_READ);
	struct tx *writer = begin(fx, TX_WRITE);

	assert_int_equal(tx_delete(writer, KIND_story, 1), 0);
	put_story(writer, 2, 2, "b");
	struct tx *late = begin(fx, TX_READ);

	expect_list(early, &all_stories, "1 ");
	expect_list(late, &all_stories, "1 ");
	expect_list(writer, &all_stories, "2 ");
	assert_int_equal(tx_commit(writer), 0);
	expect_list(early, &all_stories, "1 ");
	expect_list(late, &all_stories, "1 ");
	tx_abort(late);
	assert_int_equal(tx_commit(early), 0);
	assert_false(is_there(fx, 1));
}

static void many_readers_are_open_at_once(void **state)
{
	struct fixture *fx = *state;
	struct tx *readers[N_READERS];

	for (int64_t i = 0; i < N_READERS; i++) {
		readers[i] = begin(fx, TX_READ);
		commit_story(fx, i + 1, i + 1, "x");
	}
	for (int64_t i = 0; i < N_READERS; i++) {
		int64_t n;

		assert_int_equal(tx_count(readers[i], &all_stories, &n), 0);
		assert_int_equal(n, i);
		tx_abort(readers[i]);
	}
}

static void the_version_moves_with_each_commit_and_not_without(void **state)
{
	struct fixture *fx = *state;
	int64_t first, second, third;

	assert_int_equal(archive_version(fx->archive, &first), 0);
	tx_abort(begin(fx, TX_READ));
	struct tx *tx = begin(fx, TX_WRITE);

	put_story(tx, 1, 1, "a");
	tx_abort(tx);
	assert_int_equal(archive_version(fx->archive, &second), 0);
	assert_int_equal(first, second);
	commit_story(fx, 1, 1, "a");
	assert_int_equal(archive_version(fx->archive, &second), 0);
	assert_int_not_equal(first, second);
	commit_story(fx, 1, 2, "a");
	assert_int_equal(archive_version(fx->archive, &third), 0);
	assert_int_not_equal(second, third);
}

/* ---- order and conditions ---- */

static void texts_are_in_the_order_of_their_bytes(void **state)
{
	struct fixture *fx = *state;
	struct query q = all_stories;
	struct tx *tx = begin(fx, TX_WRITE);

	put_story(tx, 1, 1, "b");
	put_story(tx, 2, 2, "B");
	put_story(tx, 3, 3, "\xc3\xa9");
	put_story(tx, 4, 4, "a");
	put_story(tx, 5, 5, "a ");
	put_story(tx, 6, 6, "\xf0\x9f\x9a\x80");
	put_story(tx, 7, 7, "a");
	q.order = F_story_name;
	expect_list(tx, &q, "2 4 7 5 1 3 6 ");
	q.descending = true;
	expect_list(tx, &q, "6 3 1 5 7 4 2 ");
	q = all_stories;
	query_where(&q, F_story_name, OP_EQ, 0)->where[0].s = "a";
	expect_list(tx, &q, "4 7 ");
	tx_abort(tx);
}

static void what_has_no_value_comes_first_and_fits_no_comparison(void **state)
{
	struct fixture *fx = *state;
	struct query q = all_stories;
	struct tx *tx = begin(fx, TX_WRITE);
	int64_t id, value;

	put_story(tx, 1, 5, "a");
	put_story(tx, 2, 0, "b");
	put_story(tx, 3, -5, "c");
	put_story(tx, 4, 0, "d");
	q.order = F_story_rank;
	expect_list(tx, &q, "2 4 3 1 ");
	assert_int_equal(tx_first(tx, &q, &id, &value), 0);
	assert_true(id == 2 && value == 0);
	q.descending = true;
	expect_list(tx, &q, "1 3 4 2 ");
	q = all_stories;
	expect_list(tx, query_where(&q, F_story_rank, OP_NE, 5), "3 ");
	q.n_where = 0;
	expect_list(tx, query_where(&q, F_story_rank, OP_LT, 6), "1 3 ");
	q.n_where = 0;
	expect_list(tx, query_where(&q, F_story_rank, OP_NULL, 0), "2 4 ");
	q.n_where = 0;
	expect_list(tx, query_where(&q, F_story_rank, OP_NOT_NULL, 0), "1 3 ");
	tx_abort(tx);
}

static void equals_are_in_the_order_of_their_ids(void **state)
{
	struct fixture *fx = *state;
	struct query q = all_stories;
	struct tx *tx = begin(fx, TX_WRITE);

	for (int64_t id = 9; id > 0; id--)
		put_story(tx, id, 1 + id % 2, "x");
	q.order = F_story_rank;
	expect_list(tx, &q, "2 4 6 8 1 3 5 7 9 ");
	q.after.given = true;
	q.after.value = 1;
	q.after.id = 6;
	expect_list(tx, &q, "8 1 3 5 7 9 ");
	q.limit = 2;
	q.offset = 1;
	expect_list(tx, &q, "1 3 ");
	q = all_stories;
	q.order = F_story_rank;
	q.before = (struct query_place){ true, 2, 5 };
	expect_list(tx, &q, "2 4 6 8 1 3 ");
	q.after = (struct query_place){ true, 1, 6 };
	expect_list(tx, &q, "8 1 3 ");
	q = all_stories;
	q.order = F_story_rank;
	q.descending = true;
	expect_list(tx, &q, "9 7 5 3 1 8 6 4 2 ");
	q.after = (struct query_place){ true, 2, 5 };
	q.before = (struct query_place){ true, 1, 4 };
	expect_list(tx, &q, "3 1 8 6 ");
	tx_abort(tx);
}

static void large_numbers_and_texts_come_back_whole(void **state)
{
	struct fixture *fx = *state;
	static const int64_t numbers[] = { INT64_MAX, INT64_MIN, INT64_C(1) << 53, -1 };
	scoped(buf_fini) struct buf text = BUF_INIT;

	while (text.len < 5 << 20)
		buf_add_str(&text, "\xe2\x82\xac '\"\\\n\x01");
	for (int64_t i = 0; i < 4; i++) {
		scoped(record_unref) struct record *r = make_story(i + 1, numbers[i], text.data);
		scoped(record_unref) struct record *got = NULL;
		struct tx *tx = begin(fx, TX_WRITE);

		record_set_float(r, F_story_estimate, 1.0 / 3);
		assert_int_equal(tx_put(tx, r), 0);
		assert_int_equal(tx_commit(tx), 0);
		tx = begin(fx, TX_READ);
		assert_int_equal(tx_get(tx, KIND_story, i + 1, &got), 0);
		assert_true(record_same(r, got));
		tx_abort(tx);
	}
}

/* ---- kinds that are unknown ---- */

static void add_word(void *data, const char *word)
{
	buf_add_fmt(data, "%s ", word);
}

static void unknown_kinds_are_told_each_once(void **state)
{
	scoped(tx_abort) struct tx *tx = begin(*state, TX_WRITE);
	scoped(buf_fini) struct buf kinds = BUF_INIT;

	assert_int_equal(tx_each_unknown_kind(tx, add_word, &kinds), 0);
	assert_int_equal(kinds.len, 0);
	assert_int_equal(tx_put_unknown(tx, 2, "star", "1", "{}"), 0);
	assert_int_equal(tx_put_unknown(tx, 1, "moon", "1", "{}"), 0);
	assert_int_equal(tx_put_unknown(tx, 2, "moon", "1", "{}"), 0);
	assert_int_equal(tx_each_unknown_kind(tx, add_word, &kinds), 0);
	assert_string_equal(buf_str(&kinds), "moon star ");
}

/* ---- opening ---- */

static void a_missing_archive_is_made_only_when_asked(void **state)
{
	struct fixture *fx = *state;
	scoped(free_ptr) char *path = xasprintf("%s-no", fx->path);
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct archive *a = NULL;

	assert_int_equal(archive_open(path, ARCHIVE_EXISTING, &a, &reason), -ENOENT);
	assert_null(a);
	assert_non_null(strstr(buf_str(&reason), path));
	assert_int_equal(reason.data[reason.len - 1], '\n');
	assert_int_equal(archive_open(path, ARCHIVE_CREATE, &a, &reason), 0);
	archive_close(a);
	a = NULL;
	assert_int_equal(archive_open(path, ARCHIVE_EXISTING, &a, &reason), 0);
	archive_close(a);
}

static void each_failure_is_explained(void **state)
{
	static const int errors[] = { ENOSPC, ETIMEDOUT, EACCES, EROFS, EBADMSG, EIO };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		assert_true(strlen(archive_explain(-errors[i])) > 10);
		assert_string_equal(archive_explain(-errors[i]), archive_explain(errors[i]));
	}
}

#define contract(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		contract(all_that_is_written_comes_at_once),
		contract(what_is_undone_leaves_nothing),
		contract(what_is_added_is_there_as_what_is_put),
		contract(what_is_put_in_bulk_is_found_and_counted),
		contract(who_looks_within_a_bulk_finds_what_was_put),
		contract(lists_of_ids_in_bulk_are_found_as_they_were_last),
		contract(bulk_that_is_undone_leaves_what_finds_and_counts),
		contract(what_is_deleted_and_undone_is_back),
		contract(a_reader_sees_the_archive_as_it_began),
		contract(readers_and_a_writer_do_not_wait_for_each_other),
		contract(many_readers_are_open_at_once),
		contract(the_version_moves_with_each_commit_and_not_without),
		contract(texts_are_in_the_order_of_their_bytes),
		contract(what_has_no_value_comes_first_and_fits_no_comparison),
		contract(equals_are_in_the_order_of_their_ids),
		contract(large_numbers_and_texts_come_back_whole),
		contract(unknown_kinds_are_told_each_once),
		contract(a_missing_archive_is_made_only_when_asked),
		contract(each_failure_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
