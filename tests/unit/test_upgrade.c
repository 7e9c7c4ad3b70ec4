/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Archives of earlier versions, opened by this one. */
#include <sqlite3.h>

#include "import_fixture.h"
#include "storyfs/server.h"

static void run_sql(const struct fixture *x, const char *sql)
{
	scoped(free_ptr) char *path = xasprintf("%s/a.db", x->dir);
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Close it, make it what an earlier version left behind, and have a server over it. */
static void age(struct fixture *x, const char *sql)
{
	scoped(free_ptr) char *path = xasprintf("%s/a.db", x->dir);
	scoped(server_free) struct server *server = NULL;

	archive_close(x->archive);
	x->archive = NULL;
	run_sql(x, sql);
	assert_int_equal(archive_open(path, ARCHIVE_EXISTING, &x->archive, &x->reason), 0);
	assert_int_equal(server_new(x->archive, NULL, &server), 0);
}

static int64_t count(struct fixture *x, enum kind kind)
{
	struct query q = { .kind = kind, .limit = -1 };
	int64_t n = -1;
	struct tx *tx;

	assert_int_equal(tx_begin(x->archive, TX_READ, &tx), 0);
	assert_int_equal(tx_count(tx, &q, &n), 0);
	tx_abort(tx);
	return n;
}

static const char story[] =
	"DELETE FROM meta WHERE name IN ('kinds', 'upgrade_steps');"
	"INSERT INTO story(id, project_id, name, current_state) VALUES(20, 1, 's', 'accepted');";

static void kinds_that_were_unknown_become_resources(void **state)
{
	(void)state;
	FIXTURE(x);
	scoped(free_ptr) char *sql = xasprintf("%s%s", story,
		"INSERT INTO unknown VALUES(1, 'review', '4', '{\"kind\":\"review\",\"id\":4,"
		"\"story_id\":20,\"status\":\"pass\",\"review_type\":{\"id\":9,"
		"\"name\":\"Code\"}}');"
		"INSERT INTO unknown VALUES(1, 'review', 'x', '{\"story_id\":20}');"
		"INSERT INTO unknown VALUES(1, 'star_map', '1', '{\"id\":1}');"
		"INSERT INTO unknown VALUES(1, 'story_transition', 'd', '{\"state\":\"started\","
		"\"story_id\":20,\"project_id\":1,\"project_version\":3}')");

	age(x, sql);
	scoped(record_unref) struct record *review = get(x, KIND_review, 4);
	scoped(record_unref) struct record *type = get(x, KIND_review_type, 9);

	assert_string_equal(record_word(review, F_review_status), "pass");
	assert_int_equal(record_int(review, F_review_review_type_id, 0), 9);
	assert_string_equal(record_text(type, F_review_type_name), "Code");
	assert_int_equal(record_int(type, F_review_type_project_id, 0), 1);
	assert_int_equal(count(x, KIND_story_transition), 1);
	scoped(unknown_resources_fini) struct unknown_resources left = { 0 };
	struct tx *tx;

	assert_int_equal(tx_begin(x->archive, TX_READ, &tx), 0);
	assert_int_equal(tx_list_unknown(tx, "review", &left), 0);
	assert_int_equal(left.n, 1);
	assert_string_equal(left.items[0].key, "x");
	assert_int_equal(tx_list_unknown(tx, "star_map", &left), 0);
	assert_int_equal(left.n, 2);
	tx_abort(tx);
}

static void pull_requests_leave_their_column(void **state)
{
	(void)state;
	FIXTURE(x);
	scoped(free_ptr) char *sql = xasprintf("%s%s", story,
		"ALTER TABLE story ADD COLUMN pull_requests TEXT;"
		"UPDATE story SET pull_requests = '[{\"kind\":\"pull_request\",\"id\":7,"
		"\"owner\":\"o\",\"number\":148},{\"id\":8,\"story_id\":20}]'");

	age(x, sql);
	scoped(record_unref) struct record *r = get(x, KIND_pull_request, 7);

	assert_int_equal(record_int(r, F_pull_request_story_id, 0), 20);
	assert_int_equal(record_int(r, F_pull_request_number, 0), 148);
	assert_int_equal(count(x, KIND_pull_request), 2);
	age(x, "DELETE FROM meta WHERE name = 'kinds'");
	assert_int_equal(count(x, KIND_pull_request), 2);
}

/* A story made, started, moved here and renamed: the first two are transitions. */
static void transitions_are_found_in_activity(void **state)
{
	(void)state;
	FIXTURE(x);
	scoped(free_ptr) char *sql = xasprintf("%s%s", story,
		"INSERT INTO activity(id, project_id, performed_by_id, project_version, guid,"
		" occurred_at, changes) VALUES"
		"(1, 1, 5, 2, '1_2', 1000, '[{\"kind\":\"story\",\"id\":20,\"new_values\":"
		"{\"current_state\":\"unstarted\",\"created_at\":\"1970-01-01T00:00:01Z\"}}]'),"
		"(2, 1, 5, 3, '1_3', 2000, '[{\"kind\":\"label\",\"id\":20},{\"kind\":\"story\","
		"\"id\":20,\"original_values\":{\"current_state\":\"unstarted\"},"
		"\"new_values\":{\"current_state\":\"started\"}}]'),"
		"(3, 1, 5, 4, '1_4', 3000, '[{\"kind\":\"story\",\"id\":20,\"new_values\":"
		"{\"current_state\":\"started\",\"created_at\":\"1970-01-01T00:00:01Z\"}}]'),"
		"(4, 1, 5, 5, '1_5', 4000, '[{\"kind\":\"story\",\"id\":20,"
		"\"original_values\":{\"name\":\"a\"},\"new_values\":{\"name\":\"s\"}}]'),"
		"(5, 1, 5, 6, '1_6', 5000, '[{\"kind\":\"story\",\"id\":21,\"original_values\":"
		"{\"current_state\":\"started\"},\"new_values\":{\"current_state\":"
		"\"accepted\"}}]')");

	age(x, sql);
	assert_int_equal(count(x, KIND_story_transition), 2);
	scoped(record_unref) struct record *r = get(x, KIND_story_transition, 2);

	assert_int_equal(record_int(r, F_story_transition_state, STATE_UNSCHEDULED), STATE_STARTED);
	assert_int_equal(record_int(r, F_story_transition_story_id, 0), 20);
	assert_int_equal(record_int(r, F_story_transition_project_id, 0), 1);
	assert_int_equal(record_int(r, F_story_transition_project_version, 0), 3);
	assert_int_equal(record_int(r, F_story_transition_performed_by_id, 0), 5);
	assert_int_equal(record_int(r, F_story_transition_occurred_at, 0), 2000);
	age(x, "DELETE FROM meta WHERE name = 'upgrade_steps'");
	assert_int_equal(count(x, KIND_story_transition), 2);
}

static void a_dump_brings_its_transitions(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "d/project.json", "[{\"id\":1,\"name\":\"Moon\",\"version\":9}]");
	put_file(x, "d/story.json",
		"[{\"id\":20,\"project_id\":1,\"name\":\"s\",\"current_state\":\"started\","
		"\"transitions\":[{\"kind\":\"story_transition\",\"state\":\"unstarted\","
		"\"project_id\":1,\"project_version\":2,\"occurred_at\":\"2017-01-01T00:00:00Z\"}]"
		",\"reviews\":[{\"id\":3,\"review_type_id\":9}],"
		"\"pull_requests\":[{\"id\":7,\"number\":148}]}]");
	put_file(x, "d/story_transition.json",
		"[{\"state\":\"started\",\"story_id\":20,\"project_id\":1,\"project_version\":3,"
		"\"occurred_at\":\"2017-01-03T23:44:24Z\",\"performed_by_id\":5}]");
	put_file(x, "d/activity.json",
		"[{\"kind\":\"story_update_activity\",\"guid\":\"1_3\",\"project_version\":3,"
		"\"changes\":[{\"kind\":\"story\",\"id\":20,\"original_values\":"
		"{\"current_state\":\"unstarted\"},\"new_values\":{\"current_state\":"
		"\"started\"}}],\"occurred_at\":\"2017-01-03T23:44:25Z\","
		"\"project\":{\"id\":1}}]");
	import_well(x, "d");
	assert_int_equal(count(x, KIND_story_transition), 2);
	scoped(record_unref) struct record *review = get(x, KIND_review, 3);
	scoped(record_unref) struct record *pull_request = get(x, KIND_pull_request, 7);

	assert_int_equal(record_int(review, F_review_story_id, 0), 20);
	assert_int_equal(record_int(pull_request, F_pull_request_story_id, 0), 20);
	import_well(x, "d");
	assert_int_equal(count(x, KIND_story_transition), 2);
	for (int kind = 0; kind < N_KINDS; kind++)
		assert_int_equal(x->report.changed[kind], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_that_were_unknown_become_resources),
		cmocka_unit_test(pull_requests_leave_their_column),
		cmocka_unit_test(transitions_are_found_in_activity),
		cmocka_unit_test(a_dump_brings_its_transitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
