/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The archive: what is put comes back, found by condition, in transactions, from disk. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "archived_sql.h"
#include "storyfs/file.h"

static struct record *make_story(int64_t id, const char *name, int64_t rank)
{
	struct record *r = record_new(KIND_story);

	record_set_int(r, F_story_id, id);
	record_set_int(r, F_story_project_id, 99);
	record_set_text(r, F_story_name, name);
	record_set_int(r, F_story_rank, rank);
	record_set_int(r, F_story_current_state, STATE_STARTED);
	return r;
}

static void put(struct tx *tx, struct record *r)
{
	assert_int_equal(tx_put(tx, r), 0);
	record_unref(r);
}

static void put_then_get_returns_the_same_record(void **state)
{
	struct fixture *fx = *state;
	scoped(record_unref) struct record *r = make_story(7, "g\xc3\xbcn/\n'\"", 5);
	scoped(record_unref) struct record *got = NULL;
	int64_t v[] = { 3, 1, 2 };
	struct ids ids = { 3, v }, none = { 0 };

	record_set_ids(r, F_story_owner_ids, &ids);
	record_set_ids(r, F_story_follower_ids, &none);
	record_set_float(r, F_story_estimate, 0.5);
	record_set_int(r, F_story_accepted_at, INT64_C(1367295915000));
	record_set_null(r, F_story_deadline);
	record_set_extra(r, xstrdup("{\"later\":1}"));
	struct tx *tx = begin(fx, TX_WRITE);

	assert_int_equal(tx_put(tx, r), 0);
	assert_int_equal(tx_commit(tx), 0);
	archive_close(fx->archive);
	open_archive(fx, ARCHIVE_EXISTING);
	tx = begin(fx, TX_READ);
	assert_int_equal(tx_get(tx, KIND_story, 7, &got), 0);
	each_field(f, KIND_story) {
		if (!value_equal(schema_field(KIND_story, f), record_get(r, f), record_get(got, f)))
			fail_msg("%s differs", schema_field(KIND_story, f)->key);
	}
	assert_true(record_has(got, F_story_follower_ids));
	assert_int_equal(record_get(got, F_story_deadline)->state, VALUE_ABSENT);
	assert_string_equal(record_extra(got), "{\"later\":1}");
	struct record *other = NULL;

	assert_int_equal(tx_get(tx, KIND_story, 8, &other), 1);
	assert_int_equal(tx_commit(tx), 0);
}

static void a_nested_object_is_kept_by_its_name(void **state)
{
	struct fixture *fx = *state;
	scoped(record_unref) struct record *zone = record_new(KIND_time_zone);
	scoped(record_unref) struct record *got = NULL;
	struct record *r = record_new(KIND_project);

	record_set_text(zone, F_time_zone_olson_name, "Europe/Vienna");
	record_set_int(r, F_project_id, 99);
	record_set_object(r, F_project_time_zone, zone);
	struct tx *tx = begin(fx, TX_WRITE);

	put(tx, r);
	assert_int_equal(tx_get(tx, KIND_project, 99, &got), 0);
	assert_string_equal(
		record_text(record_get(got, F_project_time_zone)->record, F_time_zone_olson_name),
		"Europe/Vienna");
	tx_abort(tx);
}

static void put_five(struct tx *tx)
{
	for (int64_t i = 1; i <= 5; i++) {
		struct record *r = make_story(i, "x", 100 - i);
		struct ids labels = { 0 };

		ids_add(&labels, i);
		ids_add(&labels, 6 - i);
		record_set_ids(r, F_story_label_ids, &labels);
		ids_fini(&labels);
		put(tx, r);
	}
}

static void expect_ids(struct tx *tx, const struct query *q, const char *expected)
{
	scoped(ids_fini) struct ids ids = { 0 };
	scoped(records_fini) struct records list = { 0 };
	scoped(buf_fini) struct buf text = BUF_INIT;

	assert_int_equal(tx_list_ids(tx, q, &ids), 0);
	assert_int_equal(tx_list(tx, q, &list), 0);
	assert_int_equal(ids.n, list.n);
	for (size_t i = 0; i < ids.n; i++) {
		buf_add_fmt(&text, "%lld ", (long long)ids.v[i]);
		assert_int_equal(record_id(list.items[i]), ids.v[i]);
	}
	assert_string_equal(buf_str(&text), expected);
}

static void queries_find_by_condition_in_order(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);
	struct query all = { .kind = KIND_story, .limit = -1 }, q;
	scoped(ids_fini) struct ids some = { 0 };
	int64_t n;

	put_five(tx);
	expect_ids(tx, &all, "1 2 3 4 5 ");
	q = all;
	q.order = F_story_rank;
	expect_ids(tx, &q, "5 4 3 2 1 ");
	q.descending = true;
	q.limit = 2;
	q.offset = 1;
	expect_ids(tx, &q, "2 3 ");
	q = all;
	query_where(query_where(&q, F_story_rank, OP_GT, 95), F_story_id, OP_NE, 2);
	expect_ids(tx, &q, "1 3 4 ");
	assert_int_equal(tx_count(tx, &q, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(tx_extreme(tx, &q, F_story_rank, true, &n), 0);
	assert_int_equal(n, 99);
	assert_int_equal(tx_extreme(tx, &q, F_story_created_at, false, &n), 1);
	q = all;
	expect_ids(tx, query_where(&q, F_story_label_ids, OP_HAS, 4), "2 4 ");
	q = all;
	expect_ids(tx, query_where(&q, F_story_current_state, OP_EQ, STATE_STARTED), "1 2 3 4 5 ");
	q = all;
	expect_ids(tx, query_where(&q, F_story_current_state, OP_EQ, STATE_ACCEPTED), "");
	q = all;
	expect_ids(tx, query_where(&q, F_story_deadline, OP_NOT_NULL, 0), "");
	ids_add(&some, 5);
	ids_add(&some, 77);
	ids_add(&some, 3);
	q = all;
	query_where(&q, F_story_id, OP_IN, 0)->where[0].ids = &some;
	expect_ids(tx, &q, "3 5 ");
	q = all;
	query_where(&q, F_story_name, OP_EQ, 0)->where[0].s = "x' OR 1";
	expect_ids(tx, &q, "");
	tx_abort(tx);
}

static void a_query_begins_after_a_place(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);
	struct query q = { .kind = KIND_story, .order = F_story_rank, .limit = -1 };
	int64_t id, rank;

	put_five(tx);
	put(tx, make_story(6, "as the third", 97));
	assert_int_equal(tx_first(tx, &q, &id, &rank), 0);
	assert_int_equal(id, 5);
	assert_int_equal(rank, 95);
	q.after.given = true;
	q.after.value = 97;
	q.after.id = 3;
	expect_ids(tx, &q, "6 2 1 ");
	q.descending = true;
	expect_ids(tx, &q, "4 5 ");
	query_where(&q, F_story_id, OP_NE, 4);
	assert_int_equal(tx_first(tx, &q, &id, &rank), 0);
	assert_int_equal(id, 5);
	query_where(&q, F_story_id, OP_NE, 5);
	assert_int_equal(tx_first(tx, &q, &id, &rank), 1);
	tx_abort(tx);
}

/* `state estimate=n` of each group. */
static void expect_tally(struct tx *tx, int64_t label_id, const char *expected)
{
	scoped(records_fini) struct records groups = { 0 };
	scoped(ids_fini) struct ids n = { 0 };
	scoped(buf_fini) struct buf text = BUF_INIT;

	assert_int_equal(tx_tally_label(tx, label_id, &groups, &n), 0);
	assert_int_equal(groups.n, n.n);
	for (size_t i = 0; i < groups.n; i++) {
		const struct record *group = groups.items[i];

		buf_add_fmt(&text, "%s %g=%lld ", record_word(group, F_story_current_state),
			record_float(group, F_story_estimate, -1), (long long)n.v[i]);
	}
	assert_string_equal(buf_str(&text), expected);
}

static void put_counted(struct tx *tx, int64_t id, int state, double estimate, int64_t label_id)
{
	struct record *r = make_story(id, "counted", id);
	struct ids labels = { 1, &label_id };

	record_set_int(r, F_story_current_state, state);
	if (estimate >= 0)
		record_set_float(r, F_story_estimate, estimate);
	if (label_id)
		record_set_ids(r, F_story_label_ids, &labels);
	put(tx, r);
}

static void a_tally_follows_what_is_put_and_deleted(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);

	expect_tally(tx, 7, "");
	put_counted(tx, 1, STATE_STARTED, 0.5, 7);
	put_counted(tx, 2, STATE_STARTED, 0.5, 7);
	put_counted(tx, 3, STATE_STARTED, -1, 7);
	put_counted(tx, 4, STATE_ACCEPTED, 3, 7);
	put_counted(tx, 5, STATE_ACCEPTED, 3, 8);
	put_counted(tx, 6, STATE_ACCEPTED, 3, 0);
	expect_tally(tx, 7, "accepted 3=1 started 0=1 started 0.5=2 ");
	expect_tally(tx, 8, "accepted 3=1 ");
	put_counted(tx, 2, STATE_ACCEPTED, 3, 7);
	put_counted(tx, 3, STATE_STARTED, 0.5, 8);
	put_counted(tx, 6, STATE_ACCEPTED, 3, 8);
	expect_tally(tx, 7, "accepted 3=2 started 0.5=1 ");
	expect_tally(tx, 8, "accepted 3=2 started 0.5=1 ");
	assert_int_equal(tx_delete(tx, KIND_story, 1), 0);
	put_counted(tx, 4, STATE_ACCEPTED, 3, 0);
	expect_tally(tx, 7, "accepted 3=1 ");
	tx_abort(tx);
	tx = begin(fx, TX_READ);
	expect_tally(tx, 7, "");
	tx_abort(tx);
}

/* One field is put, and nothing else of the record that it is given in. */
static void a_number_can_be_put_alone(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);
	scoped(record_unref) struct record *r = make_story(7, "not put", 9);
	scoped(record_unref) struct record *got = NULL;

	put(tx, make_story(7, "first", 5));
	assert_int_equal(tx_put_int(tx, r, F_story_rank), 0);
	assert_int_equal(tx_get(tx, KIND_story, 7, &got), 0);
	assert_int_equal(record_int(got, F_story_rank, 0), 9);
	assert_string_equal(record_text(got, F_story_name), "first");
	tx_abort(tx);
}

/* What an index holds and does not hold, lists too: a second put replaces all of it. */
static void a_record_that_is_put_again_is_the_new_one(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);
	struct record *first = make_story(7, "first", 5), *second = make_story(7, "second", 9);
	int64_t v[] = { 1, 2, 3 };
	struct ids some = { 2, v }, others = { 2, v + 1 };
	scoped(record_unref) struct record *got = NULL;
	struct query q = { .kind = KIND_story, .limit = -1 };

	record_set_ids(first, F_story_owner_ids, &some);
	record_set_text(first, F_story_description, "gone");
	record_set_extra(first, xstrdup("{\"gone\":1}"));
	record_set_ids(second, F_story_owner_ids, &others);
	record_set_int(second, F_story_current_state, STATE_ACCEPTED);
	put(tx, first);
	put(tx, record_ref(second));
	assert_int_equal(tx_get(tx, KIND_story, 7, &got), 0);
	assert_true(record_same(got, second));
	record_unref(second);
	expect_ids(tx, query_where(&q, F_story_owner_ids, OP_HAS, 1), "");
	q.n_where = 0;
	expect_ids(tx, query_where(&q, F_story_owner_ids, OP_HAS, 3), "7 ");
	q.n_where = 0;
	expect_ids(tx, query_where(&q, F_story_rank, OP_EQ, 9), "7 ");
	q.n_where = 0;
	expect_ids(tx, query_where(&q, F_story_current_state, OP_EQ, STATE_STARTED), "");
	tx_abort(tx);
}

static void a_replaced_list_is_no_longer_found(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);
	struct query q = { .kind = KIND_story, .limit = -1 };

	put_five(tx);
	put(tx, make_story(2, "no labels", 1));
	assert_int_equal(tx_delete(tx, KIND_story, 4), 0);
	expect_ids(tx, query_where(&q, F_story_label_ids, OP_HAS, 4), "");
	tx_abort(tx);
}

static void ids_are_never_used_again(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);
	int64_t id;

	assert_int_equal(tx_next_id(tx, KIND_story, &id), 0);
	assert_int_equal(id, 1);
	put(tx, make_story(500, "imported", 1));
	assert_int_equal(tx_delete(tx, KIND_story, 500), 0);
	assert_int_equal(tx_delete(tx, KIND_story, 500), 1);
	assert_int_equal(tx_next_id(tx, KIND_story, &id), 0);
	assert_int_equal(id, 501);
	assert_int_equal(tx_next_id(tx, KIND_story, &id), 0);
	assert_int_equal(id, 502);
	assert_int_equal(tx_next_id(tx, KIND_task, &id), 0);
	assert_int_equal(id, 1);
	assert_int_equal(tx_take_id(tx, KIND_task, 8), 0);
	put(tx, make_story(502, "made", 1));
	assert_int_equal(tx_commit(tx), 0);
	tx = begin(fx, TX_WRITE);
	assert_int_equal(tx_next_id(tx, KIND_story, &id), 0);
	assert_int_equal(id, 503);
	assert_int_equal(tx_next_id(tx, KIND_task, &id), 0);
	assert_int_equal(id, 9);
	tx_abort(tx);
}

static void readers_keep_their_view_while_one_writes(void **state)
{
	struct fixture *fx = *state;
	struct tx *reader = begin(fx, TX_READ);
	struct tx *writer = begin(fx, TX_WRITE);
	struct query all = { .kind = KIND_story, .limit = -1 };

	put(writer, make_story(1, "x", 1));
	expect_ids(writer, &all, "1 ");
	assert_int_equal(tx_commit(writer), 0);
	expect_ids(reader, &all, "");
	assert_int_equal(tx_commit(reader), 0);
	reader = begin(fx, TX_READ);
	expect_ids(reader, &all, "1 ");
	tx_abort(reader);
}

static void an_aborted_transaction_leaves_nothing(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);
	struct query all = { .kind = KIND_story, .limit = -1 };

	put(tx, make_story(1, "x", 1));
	tx_abort(tx);
	tx = begin(fx, TX_READ);
	expect_ids(tx, &all, "");
	tx_abort(tx);
}

/* Is what was committed there for somebody else at once? */
static bool is_seen(struct fixture *fx, int64_t id)
{
	struct record *r = NULL;
	struct tx *tx;

	if (tx_begin(fx->archive, TX_READ, &tx) < 0)
		return false;
	bool seen = tx_get(tx, KIND_story, id, &r) == 0;

	record_unref(r);
	tx_abort(tx);
	return seen;
}

/* One story, or, every fifth time, none after all. */
static bool put_one(struct fixture *fx, bool abort)
{
	struct tx *tx;
	int64_t id = 0;

	if (tx_begin(fx->archive, TX_WRITE, &tx) < 0)
		return false;
	bool done = tx_next_id(tx, KIND_story, &id) == 0;
	scoped(record_unref) struct record *r = make_story(id, "x", id);

	done = done && tx_put(tx, r) == 0;
	if (!abort)
		return tx_commit(tx) == 0 && done && is_seen(fx, id);
	tx_abort(tx);
	return done;
}

static void *put_hundred(void *data)
{
	for (int i = 0; i < 100; i++) {
		if (!put_one(data, i % 5 == 4))
			return NULL;
	}
	return data;
}

static void writers_take_turns(void **state)
{
	struct fixture *fx = *state;
	pthread_t threads[8];
	struct query all = { .kind = KIND_story, .limit = -1 };
	int64_t n, last;

	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put_hundred, fx), 0);
	for (int i = 0; i < 8; i++) {
		void *done;

		assert_int_equal(pthread_join(threads[i], &done), 0);
		assert_non_null(done);
	}
	struct tx *tx = begin(fx, TX_READ);

	assert_int_equal(tx_count(tx, &all, &n), 0);
	assert_int_equal(n, 640);
	/* Ids that were not kept are given to the next. */
	assert_int_equal(tx_extreme(tx, &all, F_story_id, true, &last), 0);
	assert_int_equal(last, 640);
	tx_abort(tx);
}

static void facts_and_tokens_are_kept(void **state)
{
	struct fixture *fx = *state;
	struct tx *tx = begin(fx, TX_WRITE);
	scoped(buf_fini) struct buf value = BUF_INIT;
	int64_t person;

	assert_int_equal(tx_get_meta(tx, "owner", &value), 1);
	assert_int_equal(tx_put_meta(tx, "owner", "1"), 0);
	assert_int_equal(tx_put_meta(tx, "owner", "2"), 0);
	assert_int_equal(tx_get_meta(tx, "owner", &value), 0);
	assert_string_equal(buf_str(&value), "2");
	assert_int_equal(tx_find_token(tx, "abc", &person), 1);
	assert_int_equal(tx_put_token(tx, &(struct token){ .sha256 = "abc", .person_id = 12 }), 0);
	assert_int_equal(tx_find_token(tx, "abc", &person), 0);
	assert_int_equal(person, 12);
	assert_int_equal(tx_put_unknown(tx, 1, "review", "5", "{}"), 0);
	assert_int_equal(tx_put_unknown(tx, 1, "review", "5", "{\"a\":1}"), 0);
	tx_abort(tx);
}

static void expect_refusal(const char *path, enum archive_mode mode, int number, const char *part)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct archive *a = NULL;

	assert_int_equal(archive_open(path, mode, &a, &reason), number);
	assert_non_null(strstr(buf_str(&reason), part));
	assert_null(a);
}

static void what_is_no_archive_is_refused(void **state)
{
	struct fixture *fx = *state;
	scoped(free_ptr) char *text = xasprintf("%s/text", fx->dir);
	scoped(free_ptr) char *other = xasprintf("%s/other.db", fx->dir);
	scoped(free_ptr) char *missing = xasprintf("%s/missing.db", fx->dir);
	static const char words[] = "this is a text, and long enough not to be taken for nothing; "
				    "SQLite looks at the first hundred bytes of a file.";

	assert_int_equal(file_write_atomic(text, words, sizeof(words), 0600), 0);
	run_sql(other, "CREATE TABLE t(a)");
	expect_refusal(fx->dir, ARCHIVE_EXISTING, -EISDIR, "Is a directory");
	expect_refusal(missing, ARCHIVE_EXISTING, -ENOENT, "No such file");
	expect_refusal("/nonexistent/a.db", ARCHIVE_CREATE, -ENOENT, "No such file");
	expect_refusal(text, ARCHIVE_EXISTING, -EBADMSG, "no storyfs archive");
	expect_refusal(other, ARCHIVE_CREATE, -EBADMSG, "no storyfs archive");
	archive_close(fx->archive);
	fx->archive = NULL;
	run_sql(fx->path, "PRAGMA user_version = 99");
	expect_refusal(fx->path, ARCHIVE_EXISTING, -EBADMSG, "newer");
}

/* A wrong name on the command line must not cost anybody a file. */
static void what_is_refused_stays_as_it_was(void **state)
{
	struct fixture *fx = *state;
	scoped(free_ptr) char *other = xasprintf("%s/other.db", fx->dir);
	scoped(free_ptr) char *text = xasprintf("%s/text", fx->dir);
	scoped(buf_fini) struct buf before = BUF_INIT;
	scoped(buf_fini) struct buf after = BUF_INIT;

	run_sql(other, "CREATE TABLE t(a)");
	assert_int_equal(file_read(other, 1 << 20, &before), 0);
	expect_refusal(other, ARCHIVE_EXISTING, -EBADMSG, "no storyfs archive");
	expect_refusal(other, ARCHIVE_CREATE, -EBADMSG, "no storyfs archive");
	assert_int_equal(file_read(other, 1 << 20, &after), 0);
	assert_int_equal(after.len, before.len);
	assert_memory_equal(after.data, before.data, before.len);
	for (size_t len = 0; len <= 1; len++) {
		buf_reset(&after);
		assert_int_equal(file_write_atomic(text, "\n", len, 0600), 0);
		expect_refusal(text, ARCHIVE_EXISTING, -EBADMSG, "is empty, no storyfs archive");
		assert_int_equal(file_read(text, 1 << 20, &after), 0);
		assert_int_equal(after.len, len);
	}
}

static void an_older_file_keeps_its_accounts_and_tokens(void **state)
{
	struct fixture *fx = *state;
	scoped(record_unref) struct record *account = NULL;
	int64_t person_id = 0;

	archive_close(fx->archive);
	run_sql(fx->path,
		"CREATE TABLE account_summary(id INTEGER PRIMARY KEY, name TEXT, status TEXT,"
		" plan TEXT, _extra TEXT);"
		"INSERT INTO account_summary VALUES(7, 'Works', 'active', 'Free', NULL);"
		"DROP TABLE token;"
		"CREATE TABLE token(sha256 TEXT PRIMARY KEY, person_id INTEGER NOT NULL)"
		" WITHOUT ROWID;"
		"INSERT INTO token VALUES('abc', 12)");
	open_archive(fx, ARCHIVE_EXISTING);
	archive_close(fx->archive);
	open_archive(fx, ARCHIVE_EXISTING);
	struct tx *tx = begin(fx, TX_READ);

	assert_int_equal(tx_get(tx, KIND_account, 7, &account), 0);
	assert_string_equal(record_text(account, F_account_name), "Works");
	assert_int_equal(tx_find_token(tx, "abc", &person_id), 0);
	assert_int_equal(person_id, 12);
	tx_abort(tx);
}

static void a_field_that_the_file_lacks_becomes_a_column(void **state)
{
	struct fixture *fx = *state;

	archive_close(fx->archive);
	run_sql(fx->path, "ALTER TABLE story DROP COLUMN deadline");
	open_archive(fx, ARCHIVE_EXISTING);
	struct tx *tx = begin(fx, TX_WRITE);
	scoped(record_unref) struct record *got = NULL;
	struct record *r = make_story(1, "x", 1);

	record_set_int(r, F_story_deadline, 2);
	put(tx, r);
	assert_int_equal(tx_get(tx, KIND_story, 1, &got), 0);
	assert_int_equal(record_int(got, F_story_deadline, 0), 2);
	tx_abort(tx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			put_then_get_returns_the_same_record, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_nested_object_is_kept_by_its_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			queries_find_by_condition_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_query_begins_after_a_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_tally_follows_what_is_put_and_deleted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_number_can_be_put_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_record_that_is_put_again_is_the_new_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_replaced_list_is_no_longer_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ids_are_never_used_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			readers_keep_their_view_while_one_writes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_aborted_transaction_leaves_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(writers_take_turns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(facts_and_tokens_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_older_file_keeps_its_accounts_and_tokens, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_archive_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_refused_stays_as_it_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_field_that_the_file_lacks_becomes_a_column, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
