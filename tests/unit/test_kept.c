/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a store kept for the next one: it is there without the host, and made true with it. */
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "kept.h"

static const struct place tasks_501 = { .kind = KIND_task, .parent = KIND_story, .parent_id = 501 };
static const struct place memberships = {
	.kind = KIND_project_membership, .parent = KIND_project, .parent_id = 99
};

static const struct place epics = { .kind = KIND_epic, .parent = KIND_project, .parent_id = 99 };

static void load_all(struct kept *k)
{
	struct record *me;

	assert_int_equal(store_get_me(k->world.store, &k->world.call, &me), 0);
	record_unref(me);
	list_all(&k->world);
	assert_int_equal(list(&k->world, &tasks_501), 2);
}

/* In the order of the host. */
static void assert_ids(struct kept *k, const struct place *place, const char *expected)
{
	scoped(records_fini) struct records found = { 0 };
	scoped(buf_fini) struct buf ids = BUF_INIT;

	assert_int_equal(store_list(k->world.store, place, &k->world.call, &found), 0);
	each_record(r, &found)
		buf_add_fmt(&ids, "%s%d", ids.len ? " " : "", (int)record_id(r));
	assert_string_equal(buf_str(&ids), expected);
}

/* What a query says of the file, which nobody has open. */
static int64_t ask(struct kept *k, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;

	assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	int64_t n = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;

	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

/* ---- without the host ---- */

static void what_was_loaded_is_there_without_the_host(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;
	scoped(record_unref) struct record *before = NULL;
	scoped(record_unref) struct record *after = NULL;
	scoped(record_unref) struct record *me = NULL;

	kept_begin(&k);
	load_all(&k);
	before = peek(&k.world, KIND_story, 501);
	kept_close(&k);
	kept_part(&k);
	kept_again(&k);
	assert_int_equal(store_get_me(k.world.store, &k.world.call, &me), 0);
	assert_string_equal(record_text(me, F_me_username), "ann");
	assert_ids(&k, &projects, "99 100");
	assert_ids(&k, &stories, "501 502 503 504 505");
	assert_ids(&k, &labels, "301 302");
	assert_ids(&k, &comments_501, "601 602");
	assert_ids(&k, &comments_503, "");
	assert_ids(&k, &epics, "401 402");
	assert_ids(&k, &comments_401, "604");
	assert_ids(&k, &tasks_501, "701 702");
	assert_ids(&k, &memberships, "201 202 203");
	after = peek(&k.world, KIND_story, 501);
	assert_true(record_same(before, after));
	assert_int_equal(mtime(&k.world, -1), SAMPLE_TIME_NS);
}

static void what_was_not_loaded_fails_as_it_does(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	assert_int_equal(list(&k.world, &projects), 2);
	assert_int_equal(list(&k.world, &stories), 5);
	kept_close(&k);
	kept_part(&k);
	kept_again(&k);
	assert_int_equal(list(&k.world, &projects), 2);
	assert_int_equal(list(&k.world, &epics), -EHOSTUNREACH);
	assert_int_equal(list(&k.world, &stories), 5);
}

static void a_save_fails_and_changes_nothing(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	load_all(&k);
	kept_close(&k);
	kept_part(&k);
	kept_again(&k);
	assert_int_equal(list(&k.world, &projects), 2);
	assert_int_equal(list(&k.world, &stories), 5);
	assert_int_equal(save_name(&k.world, "Another"), -EHOSTUNREACH);
	assert_name(&k.world, "Paint it");
}

static void the_status_tells_of_when_it_is(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	load_all(&k);
	clock_set_fixed(INT64_C(1700000000000));
	refresh(&k.world);
	kept_close(&k);
	clock_set_fixed(INT64_C(1800000000000));
	kept_part(&k);
	kept_again(&k);
	assert_int_equal(list(&k.world, &projects), 2);
	kept_wait(&k, "host: does not answer\nfailing_since: 2027-01-15T08:00:00Z\n");
	assert_true(kept_says(&k, "looked_at: never\n"));
	assert_true(kept_says(&k, "shown_is_of: 2023-11-14T22:13:20Z\n"));
	host_heal(&k.world.host);
	refresh(&k.world);
	assert_true(kept_says(&k, "looked_at: 2027-01-15T08:00:00Z\n"));
	assert_false(kept_says(&k, "shown_is_of"));
	assert_false(kept_says(&k, "host"));
	clock_set_fixed(-1);
}

static void a_refused_token_is_told(void **state)
{
	(void)state;
	static const struct host_fault refused = { .method = HTTP_GET,
		.status = 401,
		.body = "{\"code\":\"invalid_authentication\",\"error\":\"No.\"}" };
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	load_all(&k);
	kept_close(&k);
	host_fail(&k.world.host, &refused);
	kept_again(&k);
	assert_int_equal(list(&k.world, &projects), 2);
	kept_wait(&k, "host: refuses the token\n");
	assert_true(kept_says(&k, "shown_is_of: "));
}

/* ---- with it ---- */

static void what_moved_meanwhile_is_corrected(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	load_all(&k);
	kept_close(&k);
	host_change(&k.world.host, "/projects/99/stories/502", "name", "'Moved'");
	host_remove(&k.world.host, "/projects/99/stories/504");
	host_change(&k.world.host, "/me", "name", "'Ann the Second'");
	host_move(&k.world.host, 99, 11);
	kept_again(&k);
	assert_int_equal(list(&k.world, &projects), 2);
	kept_wait(&k, "looked_at: 2");
	assert_ids(&k, &stories, "501 502 503 505");
	kept_wait(&k, "cache: ");
	refresh(&k.world);
	scoped(record_unref) struct record *story = peek(&k.world, KIND_story, 502);
	scoped(record_unref) struct record *me = NULL;

	assert_string_equal(record_text(story, F_story_name), "Moved");
	assert_int_equal(store_get_me(k.world.store, &k.world.call, &me), 0);
	assert_string_equal(record_text(me, F_me_name), "Ann the Second");
	assert_false(kept_says(&k, "shown_is_of"));
}

static void what_did_not_move_is_not_asked_for(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	load_all(&k);
	kept_again(&k);
	load_all(&k);
	refresh(&k.world);
	assert_int_equal(host_count(&k.world.host, "/stories"), 0);
	assert_int_equal(host_count(&k.world.host, "/labels"), 0);
	assert_int_equal(host_count(&k.world.host, "/epics"), 0);
}

static void what_the_host_gives_no_more_is_not_shown_for_ever(void **state)
{
	(void)state;
	static const struct host_fault denied = { .path = "/my/notifications",
		.status = 403,
		.body = "{\"code\":\"unauthorized_operation\",\"error\":\"No.\"}" };
	const struct place notifications = { .kind = KIND_notification };
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	host_set(&k.world.host, "/my/notifications", "[{'id':1,'message':'Hello'}]");
	load_all(&k);
	assert_int_equal(list(&k.world, &notifications), 1);
	kept_close(&k);
	host_fail(&k.world.host, &denied);
	kept_again(&k);
	assert_int_equal(list(&k.world, &projects), 2);
	kept_wait(&k, "looked_at: 2");
	list(&k.world, &notifications);
	refresh(&k.world);
	assert_int_equal(list(&k.world, &notifications), -EACCES);
	assert_false(kept_says(&k, "shown_is_of"));
}

/* Of a host that does not nest, lists of one parent at a time. */
static void lists_of_one_parent_are_kept(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	k.world.host.without_nesting = true;
	host_set(&k.world.host, "/projects/99/stories/501/comments", "[{'id':601,'text':'Yes'}]");
	host_set(&k.world.host, "/projects/99/stories/503/comments", "[]");
	assert_int_equal(list(&k.world, &projects), 2);
	assert_int_equal(list(&k.world, &stories), 5);
	assert_int_equal(list(&k.world, &comments_501), 1);
	kept_close(&k);
	kept_part(&k);
	kept_again(&k);
	assert_int_equal(list(&k.world, &projects), 2);
	assert_int_equal(list(&k.world, &stories), 5);
	assert_ids(&k, &comments_501, "601");
	assert_int_equal(list(&k.world, &comments_503), -EHOSTUNREACH);
	host_heal(&k.world.host);
	host_set(&k.world.host, "/projects/99/stories/501/comments", "[]");
	host_move(&k.world.host, 99, 11);
	refresh(&k.world);
	assert_ids(&k, &comments_501, "");
	assert_false(kept_says(&k, "shown_is_of"));
}

/* Whoever read the ids was told of what was true then. */
static void ids_are_there_before_the_records(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;
	scoped(ids_fini) struct ids ids = { 0 };
	struct record *none = NULL;

	kept_begin(&k);
	load_all(&k);
	kept_close(&k);
	kept_part(&k);
	kept_again(&k);
	assert_int_equal(list(&k.world, &projects), 2);
	assert_int_equal(store_list_ids(k.world.store, &stories, &k.world.call, &ids), 0);
	assert_int_equal(ids.n, 5);
	assert_int_equal(ids.v[0], 501);
	/* The look, which fails, brought them. */
	kept_wait(&k, "host: does not answer");
	for (int i = 0; i < 500 && store_peek(k.world.store, KIND_story, 505, &none); i++)
		usleep(10 * 1000);
	assert_non_null(none);
	record_unref(none);
}

static void no_other_name_finds_it(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	load_all(&k);
	kept_close(&k);
	k.world.store = kept_open(&k, "another");
	kept_part(&k);
	assert_int_equal(list(&k.world, &projects), -EHOSTUNREACH);
}

/* ---- what is written ---- */

static void watch(struct kept *k)
{
	ask(k, "CREATE TABLE seen(what, id)");
	ask(k, "CREATE TRIGGER r AFTER INSERT ON record BEGIN"
	       " INSERT INTO seen VALUES('record', new.kind * 1000 + new.id); END");
	ask(k, "CREATE TRIGGER l AFTER INSERT ON list BEGIN"
	       " INSERT INTO seen VALUES('list', new.kind * 1000 + new.parent_id); END");
}

static void a_change_writes_what_changed(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;
	scoped(free_ptr) char *sql =
		xasprintf("SELECT count(*) FROM seen WHERE what = 'record' AND id = %d",
			KIND_story * 1000 + 501);

	kept_begin(&k);
	load_all(&k);
	kept_close(&k);
	watch(&k);
	kept_again(&k);
	load_all(&k);
	refresh(&k.world);
	kept_close(&k);
	assert_int_equal(ask(&k, "SELECT count(*) FROM seen"), 0);
	kept_again(&k);
	load_all(&k);
	assert_int_equal(save_name(&k.world, "Another"), 0);
	kept_close(&k);
	/* The save, and the project's version that the look told. */
	assert_int_equal(ask(&k, sql), 1);
	assert_int_equal(ask(&k, "SELECT count(*) FROM seen WHERE what = 'list'"), 0);
	assert_in_range(ask(&k, "SELECT count(*) FROM seen"), 1, 2);
}

static void what_went_goes(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;

	kept_begin(&k);
	load_all(&k);
	host_remove(&k.world.host, "/projects/99/stories/501");
	host_move(&k.world.host, 99, 11);
	refresh(&k.world);
	kept_close(&k);
	assert_int_equal(
		ask(&k, "SELECT count(*) FROM record WHERE id IN (501, 601, 602, 701)"), 0);
	assert_int_equal(ask(&k, "SELECT count(*) FROM record WHERE id IN (502, 603)"), 2);
	kept_again(&k);
	/* A project that went is not even looked into. */
	assert_int_equal(list(&k.world, &projects), 2);
	host_set(&k.world.host, "/projects", "[{'id':100,'name':'Other','version':1}]");
	kept_wait(&k, "looked_at: 2");
	refresh(&k.world);
	kept_close(&k);
	assert_int_equal(ask(&k, "SELECT count(*) FROM record WHERE project = 99"), 0);
	assert_int_equal(ask(&k, "SELECT count(*) FROM list WHERE project = 99"), 0);
	assert_int_equal(ask(&k, "SELECT count(*) FROM load WHERE project = 99"), 0);
	assert_int_equal(ask(&k, "SELECT count(*) FROM load WHERE project = 100"), 2);
}

static void two_at_once_do_no_harm(void **state)
{
	(void)state;
	scoped(kept_end) struct kept k;
	scoped(store_free) struct store *other = NULL;
	scoped(records_fini) struct records found = { 0 };

	kept_begin(&k);
	load_all(&k);
	kept_again(&k);
	assert_int_equal(list(&k.world, &projects), 2);
	other = kept_open(&k, KEPT_NAME);
	/* It reads, and does not write while somebody else may. */
	assert_int_equal(store_list(other, &projects, &k.world.call, &found), 0);
	assert_int_equal(found.n, 2);
	load_all(&k);
	assert_int_equal(save_name(&k.world, "By the first"), 0);
	kept_close(&k);
	assert_int_equal(store_refresh(other, &k.world.call), 0);
	k.world.store = take_ptr(other);
	load_all(&k);
	assert_name(&k.world, "By the first");
	assert_int_equal(save_name(&k.world, "By the second"), 0);
	kept_close(&k);
	kept_part(&k);
	kept_again(&k);
	load_all(&k);
	assert_name(&k.world, "By the second");
}

/* ---- a process that is killed ---- */

static void name_all(struct kept *k, int n)
{
	scoped(free_ptr) char *name = xasprintf("'%d'", n);

	for (int id = 501; id <= 505; id++) {
		scoped(free_ptr) char *path = xasprintf("/projects/99/stories/%d", id);

		host_change(&k->world.host, path, "name", name);
	}
	host_move(&k->world.host, 99, 100 + n);
}

static void change_for_ever(struct kept *k, int from)
{
	for (int n = from;; n++) {
		name_all(k, n);
		store_refresh(k->world.store, &k->world.call);
	}
}

/* Whenever it is killed: what is there is of one moment. */
static void a_killed_process_leaves_what_was_true_once(void **state)
{
	(void)state;
	scoped(free_ptr) char *version =
		xasprintf("SELECT version FROM load WHERE kind = %d", KIND_story);

	for (int round = 0; round < 4; round++) {
		scoped(kept_end) struct kept k;

		kept_begin(&k);
		name_all(&k, 0);
		load_all(&k);
		kept_close(&k);
		pid_t pid = fork();

		if (pid == 0) {
			kept_again(&k);
			load_all(&k);
			change_for_ever(&k, 1);
		}
		for (int i = 0; i < 1000 && ask(&k, version) < 101 + round; i++)
			usleep(10 * 1000);
		usleep((useconds_t)round * 97 * 1000);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		kept_part(&k);
		kept_again(&k);
		assert_int_equal(list(&k.world, &projects), 2);
		assert_int_equal(list(&k.world, &stories), 5);
		scoped(record_unref) struct record *first = peek(&k.world, KIND_story, 501);

		for (int id = 502; id <= 505; id++) {
			scoped(record_unref) struct record *r = peek(&k.world, KIND_story, id);

			assert_string_equal(
				record_text(r, F_story_name), record_text(first, F_story_name));
		}
		assert_true(atoi(record_text(first, F_story_name)) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_loaded_is_there_without_the_host),
		cmocka_unit_test(what_was_not_loaded_fails_as_it_does),
		cmocka_unit_test(a_save_fails_and_changes_nothing),
		cmocka_unit_test(the_status_tells_of_when_it_is),
		cmocka_unit_test(a_refused_token_is_told),
		cmocka_unit_test(what_moved_meanwhile_is_corrected),
		cmocka_unit_test(what_did_not_move_is_not_asked_for),
		cmocka_unit_test(what_the_host_gives_no_more_is_not_shown_for_ever),
		cmocka_unit_test(lists_of_one_parent_are_kept),
		cmocka_unit_test(ids_are_there_before_the_records),
		cmocka_unit_test(no_other_name_finds_it),
		cmocka_unit_test(a_change_writes_what_changed),
		cmocka_unit_test(what_went_goes),
		cmocka_unit_test(two_at_once_do_no_harm),
		cmocka_unit_test(a_killed_process_leaves_what_was_true_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
