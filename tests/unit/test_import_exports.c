/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exports that are none, or odd, and what their files are called. */
#include <errno.h>

#include "import_fixture.h"

static void put_bytes(const struct fixture *x, const char *name, const char *bytes, size_t len)
{
	scoped(free_ptr) char *path = xasprintf("%s/%s", x->dir, name);

	assert_int_equal(file_write_atomic(path, bytes, len, 0600), 0);
}

static void assert_refused(struct fixture *x, const char *name, const char *reason)
{
	scoped(free_ptr) char *line = xasprintf("%s/%s: %s\n", x->dir, name, reason);

	assert_true(import_folder(x, name) < 0);
	assert_string_equal(x->reason.data, line);
}

static void files_that_are_no_export_are_refused(void **state)
{
	static const struct {
		const char *text, *reason;
	} rows[] = {
		{ "", "the file is empty" },
		{ "\n\n", "the file is empty" },
		{ "Id,Name\n1,x\n",
			"its first line has no column Title (or Story), as exports do" },
		{ "Id;Title\n1;x\n", "its cells have ';' between them: save it with commas" },
		{ "\xff\xfeI", "this is no UTF-8 text; is it UTF-16? Save it as UTF-8" },
		{ "Id,Title\n1,\"x\n2,y\n",
			"line 2: the quote that begins cell 2 is never closed" },
		{ "PK\x03\x04 rubbish",
			"the ZIP cannot be read: Not a zip archive; if it was cut off, fetch it again" },
	};
	(void)state;
	FIXTURE(x);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put_file(x, "a.csv", rows[i].text);
		assert_refused(x, "a.csv", rows[i].reason);
	}
}

static void hostile_files_are_refused(void **state)
{
	(void)state;
	FIXTURE(x);
	scoped(buf_fini) struct buf text = BUF_INIT;

	for (int i = 0; i < 2000000; i++)
		buf_add_char(&text, ',');
	put_bytes(x, "a.csv", text.data, text.len);
	assert_refused(x, "a.csv", "more columns than any export has");
	memset(text.data, 0, text.len);
	put_bytes(x, "a.csv", text.data, 100000);
	assert_refused(x, "a.csv", "this is no UTF-8 text; is it UTF-16? Save it as UTF-8");
	memset(text.data, 'x', text.len);
	memcpy(text.data, "Title\n\"", 7);
	put_bytes(x, "a.csv", text.data, text.len);
	assert_refused(
		x, "a.csv", "line 2: a cell of more than 1048576 bytes; is a quote missing?");
}

static void a_project_needs_a_name(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "_20250401_1200.csv", "Title\nx\n");
	assert_true(import_folder(x, "_20250401_1200.csv") < 0);
	assert_string_equal(
		x->reason.data, "the file's name tells no project: give its name with --project\n");
	x->config.project = "Shop";
	import_well(x, "_20250401_1200.csv");
	assert_int_equal(x->report.changed[KIND_project], 1);
	/* By its name, whatever the case, and with `_` for blanks. */
	x->config.project = NULL;
	put_file(x, "shop_20250401_1200.csv", "Title\nx\n");
	import_well(x, "shop_20250401_1200.csv");
	assert_int_equal(x->report.read[KIND_project], 1);
	assert_int_equal(x->report.changed[KIND_project], 0);
	assert_int_equal(x->report.changed[KIND_story], 0);
}

static void only_so_many_notes_are_shown(void **state)
{
	(void)state;
	FIXTURE(x);
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add_str(&text, "Id,Title,Created at\n");
	for (int i = 1; i <= 150; i++)
		buf_add_fmt(&text, "%d,x,never\n", i);
	put_bytes(x, "a.csv", text.data, text.len);
	import_well(x, "a.csv");
	assert_non_null(strstr(x->report.notes.data, "line 101, Created at: 'never' is no day"));
	assert_null(strstr(x->report.notes.data, "line 102, "));
	assert_non_null(strstr(x->report.notes.data, "a.csv: 50 more of these\n"));
}

static void a_project_is_planned_as_its_rows_were(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "a.csv",
		"Id,Title,Type,Estimate,Iteration,Iteration Start,Iteration End,Created at\n"
		"1,x,feature,7,3,\"Feb 3, 2016\",\"Feb 16, 2016\",\"Jan 2, 2016\"\n"
		"2,y,bug,0.5,4,\"Feb 17, 2016\",\"Mar 1, 2016\",\"Jan 1, 2016\"\n");
	import_well(x, "a.csv");
	scoped(tx_abort) struct tx *tx = begin(x, TX_READ);
	const struct query q = { .kind = KIND_project, .limit = -1 };
	scoped(records_fini) struct records list = { 0 };

	assert_int_equal(tx_list(tx, &q, &list), 0);
	const struct record *p = list.items[0];

	assert_int_equal(record_int(p, F_project_iteration_length, 0), 2);
	assert_string_equal(record_word(p, F_project_week_start_day), "Wednesday");
	assert_int_equal(record_int(p, F_project_start_date, 0), 16806); /* 2016-01-06 */
	assert_string_equal(record_text(p, F_project_point_scale), "0.5,7");
	assert_true(record_int(p, F_project_bugs_and_chores_are_estimatable, 0));
	assert_int_equal(record_int(p, F_project_created_at, 0), INT64_C(1451606400000));
}

/* ---- older and newer ---- */

enum { MAX_TASKS = 6, N_LETTERS = 8, TRIALS = 25 };

/* Up to MAX_TASKS letters, each once, in any order. */
static void make_tasks(unsigned *seed, char ret[MAX_TASKS + 1])
{
	size_t n = (size_t)rand_r(seed) % (MAX_TASKS + 1);

	ret[0] = '\0';
	for (size_t i = 0; i < n;) {
		char letter = (char)('a' + rand_r(seed) % N_LETTERS);

		if (strchr(ret, letter))
			continue;
		ret[i++] = letter;
		ret[i] = '\0';
	}
}

static void import_tasks(struct fixture *x, int story, const char *tasks)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add_str(&text, "Id,Title");
	for (size_t i = 0; i < MAX_TASKS; i++)
		buf_add_str(&text, ",Task");
	buf_add_fmt(&text, "\n%d,x", story);
	for (const char *p = tasks; *p; p++)
		buf_add_fmt(&text, ",%c", *p);
	buf_add_char(&text, '\n');
	put_bytes(x, "shop.csv", text.data, text.len);
	import_well(x, "shop.csv");
}

/* The story's tasks as letters, in their order. */
static void read_tasks(const struct fixture *x, int story, char ret[2 * MAX_TASKS + 1])
{
	scoped(tx_abort) struct tx *tx = begin(x, TX_READ);
	struct query q = { .kind = KIND_task, .limit = -1, .order = F_task_position };
	scoped(records_fini) struct records list = { 0 };

	query_where(&q, F_task_story_id, OP_EQ, story);
	assert_int_equal(tx_list(tx, &q, &list), 0);
	assert_true(list.n <= 2 * MAX_TASKS);
	for (size_t i = 0; i < list.n; i++)
		ret[i] = record_text(list.items[i], F_task_description)[0];
	ret[list.n] = '\0';
}

static void assert_kept(const char *older, const char *newer, const char *now)
{
	size_t n = strlen(newer);

	assert_true(strncmp(now, newer, n) == 0);
	for (const char *p = now; *p; p++) {
		assert_null(strchr(p + 1, *p));
		assert_true(strchr(newer, *p) || strchr(older, *p));
	}
	for (size_t i = 0; older[i]; i++) {
		bool is_edited = i < n && !strchr(older, newer[i]);

		if (!strchr(now, older[i]) && !is_edited)
			fail_msg("%s, then %s: %s lost %c", older, newer, now, older[i]);
	}
}

static void an_older_and_a_newer_list_are_the_newer_and_the_rest(void **state)
{
	unsigned seed = 1;
	(void)state;
	FIXTURE(x);

	for (int story = 1; story <= TRIALS; story++) {
		char older[MAX_TASKS + 1], newer[MAX_TASKS + 1];
		char now[2 * MAX_TASKS + 1], again[2 * MAX_TASKS + 1];

		make_tasks(&seed, older);
		make_tasks(&seed, newer);
		import_tasks(x, story, older);
		import_tasks(x, story, newer);
		read_tasks(x, story, now);
		assert_kept(older, newer, now);
		import_tasks(x, story, newer);
		assert_int_equal(x->report.changed[KIND_task], 0);
		read_tasks(x, story, again);
		assert_string_equal(now, again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_that_are_no_export_are_refused),
		cmocka_unit_test(hostile_files_are_refused),
		cmocka_unit_test(a_project_needs_a_name),
		cmocka_unit_test(only_so_many_notes_are_shown),
		cmocka_unit_test(a_project_is_planned_as_its_rows_were),
		cmocka_unit_test(an_older_and_a_newer_list_are_the_newer_and_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
