/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Import: dumps into an archive, whole, once, and explained. */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "storyfs/alloc.h"
#include "storyfs/archive.h"
#include "storyfs/file.h"
#include "storyfs/identity.h"
#include "storyfs/import.h"
#include "storyfs/json.h"

struct fixture {
	char dir[64];
	struct archive *archive;
	struct import_report report;
	struct buf reason;
	struct import_config config;
};

static void *set_up(struct fixture *x)
{
	scoped(free_ptr) char *path = NULL;

	*x = (struct fixture){ .dir = "/tmp/storyfs-test-XXXXXX" };
	assert_non_null(mkdtemp(x->dir));
	path = xasprintf("%s/a.db", x->dir);
	assert_int_equal(archive_open(path, ARCHIVE_CREATE, &x->archive, &x->reason), 0);
	return x;
}

static void tear_down(struct fixture *x)
{
	scoped(free_ptr) char *rm = xasprintf("rm -r '%s'", x->dir);

	archive_close(x->archive);
	import_report_fini(&x->report);
	buf_fini(&x->reason);
	assert_int_equal(system(rm), 0);
}

SCOPED_VALUE(struct fixture, tear_down);

#define FIXTURE(x)                                     \
	scoped(tear_down) struct fixture x##_ = { 0 }; \
	struct fixture *x = set_up(&x##_)

static void put_file(const struct fixture *x, const char *name, const char *text)
{
	scoped(free_ptr) char *path = xasprintf("%s/%s", x->dir, name);
	scoped(free_ptr) char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	assert_int_equal(file_make_dirs(folder), 0);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600), 0);
}

/* Import the folder of this name; what the last import said is forgotten. */
static int import_folder(struct fixture *x, const char *name)
{
	scoped(free_ptr) char *path = xasprintf("%s/%s", x->dir, name);
	const char *folders[] = { path };

	import_report_fini(&x->report);
	buf_reset(&x->reason);
	x->config.folders = folders;
	x->config.n_folders = 1;
	return import_dumps(x->archive, &x->config, &x->report, &x->reason);
}

static void import_well(struct fixture *x, const char *name)
{
	if (import_folder(x, name) < 0)
		fail_msg("%s", buf_str(&x->reason));
}

static struct tx *begin(const struct fixture *x, enum tx_mode mode)
{
	struct tx *tx;

	assert_int_equal(tx_begin(x->archive, mode, &tx), 0);
	return tx;
}

static struct record *get(const struct fixture *x, enum kind kind, int64_t id)
{
	scoped(tx_abort) struct tx *tx = begin(x, TX_READ);
	struct record *r = NULL;

	assert_true(tx_get(tx, kind, id, &r) >= 0);
	return r;
}

/* Everything in the archive, as text. */
static char *write_all(const struct fixture *x)
{
	scoped(tx_abort) struct tx *tx = begin(x, TX_READ);
	struct buf all = BUF_INIT;

	for (int kind = KIND_none + 1; kind < N_KINDS; kind++) {
		const struct query q = { .kind = (enum kind)kind, .limit = -1 };
		scoped(records_fini) struct records list = { 0 };

		if (!(schema_field((enum kind)kind, 0)->flags & FIELD_KEEP))
			continue;
		assert_int_equal(tx_list(tx, &q, &list), 0);
		each_record(r, &list) {
			json_write_record(r, NULL, JSON_AS_PATCH, &all);
			buf_add_fmt(&all, " %s\n", record_extra(r) ? record_extra(r) : "");
		}
	}
	buf_add_char(&all, '\n');
	return buf_take(&all);
}

static void assert_field(
	const struct fixture *x, enum kind kind, int64_t id, int f, const char *expected)
{
	scoped(record_unref) struct record *r = get(x, kind, id);
	scoped(buf_fini) struct buf text = BUF_INIT;

	assert_non_null(r);
	json_t *json = json_from_value(schema_field(kind, f), record_get(r, f), NULL, 0);

	json_write(json, &text);
	json_decref(json);
	assert_string_equal(buf_str(&text), expected);
}

static const char project[] =
	"[{\"kind\":\"project\",\"id\":99,\"name\":\"Star\",\"version\":42,\"surprise\":[1],"
	"\"created_at\":\"2020-01-01T00:00:00Z\",\"account\":{\"kind\":\"account_summary\","
	"\"id\":5,\"name\":\"Empire\"},\"labels\":[{\"id\":1,\"name\":\"a\"},{\"id\":3,"
	"\"name\":\"c\",\"project_id\":99}]}]";
static const char people[] =
	"[{\"kind\":\"person\",\"id\":7,\"name\":\"Darth\",\"username\":\"vader\"},"
	"{\"kind\":\"person\",\"id\":8,\"name\":\"Luke\",\"email\":\"l@example.com\"}]";
static const char stories[] =
	"[{\"id\":20,\"project_id\":99,\"name\":\"second\",\"story_type\":\"bug\",\"estimate\":0.5,"
	"\"labels\":[{\"id\":2,\"name\":\"b\",\"project_id\":99},{\"id\":1,\"name\":\"a\","
	"\"created_at\":\"2020-02-02T00:00:00Z\"},\"by name\"],\"requested_by\":{\"id\":7,"
	"\"name\":\"Darth\"},\"owner_ids\":[8,1000],\"owned_by_id\":8,"
	"\"tasks\":[{\"id\":31,\"description\":\"t\"}],\"comments\":[{\"id\":41,\"text\":\"hm\","
	"\"person\":{\"id\":9,\"name\":\"Leia\"},\"file_attachments\":[{\"id\":51,"
	"\"filename\":\"f\"}]}]},"
	"{\"id\":10,\"project_id\":99,\"name\":\"first\",\"odd\":1,\"owned_by\":{\"id\":7,"
	"\"name\":\"Darth\"}},"
	"{\"id\":11,\"project_id\":99,\"name\":\"third\",\"odd\":2,\"estimate\":\"x\"}]";

static void put_star(const struct fixture *x)
{
	put_file(x, "star/project.json", project);
	put_file(x, "star/person.json", people);
	put_file(x, "star/story.json", stories);
	put_file(x, "star/label.json",
		"[{\"id\":1,\"name\":\"a\",\"project_id\":99,\"updated_at\":\"2020-03-03T00:00:00Z\"}]");
	put_file(x, "star/task.json",
		"[{\"id\":31,\"story_id\":20,\"description\":\"newer\",\"complete\":true}]");
	put_file(x, "star/epic.json",
		"[{\"id\":60,\"project_id\":99,\"name\":\"e\",\"label\":{\"id\":2,\"name\":\"b\"}}]");
	put_file(x, "star/activity.json",
		"[{\"kind\":\"story_update_activity\",\"guid\":\"99_42\",\"project_version\":42,"
		"\"message\":\"m\",\"changes\":[],\"project\":{\"id\":99},"
		"\"performed_by\":{\"id\":7,\"name\":\"Darth\"}}]");
	put_file(x, "star/membership_summary.json",
		"[{\"id\":70,\"project_id\":99,\"role\":\"owner\",\"favorite\":true}]");
	put_file(x, "star/review.json", "[{\"id\":1,\"story_id\":20},{\"story_id\":20}]");
}

static void resources_are_kept_as_they_were_dumped(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	import_well(x, "star");
	assert_field(x, KIND_project, 99, F_project_version, "42");
	assert_field(x, KIND_story, 20, F_story_estimate, "0.5");
	assert_field(x, KIND_story, 20, F_story_owner_ids, "[8,1000]");
	assert_field(x, KIND_story, 20, F_story_rank, "65536");
	assert_field(x, KIND_story, 10, F_story_rank, "131072");
	assert_field(x, KIND_epic, 60, F_epic_rank, "65536");
	scoped(record_unref) struct record *p = get(x, KIND_project, 99);

	assert_string_equal(record_extra(p), "{\"surprise\":[1]}");
}

static void nested_resources_become_their_own(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	import_well(x, "star");
	assert_field(x, KIND_account_summary, 5, F_account_summary_name, "\"Empire\"");
	assert_field(x, KIND_project, 99, F_project_account_id, "5");
	assert_field(x, KIND_label, 2, F_label_name, "\"b\"");
	assert_field(x, KIND_label, 3, F_label_project_id, "99");
	assert_field(x, KIND_label, 4, F_label_name, "\"by name\"");
	assert_field(x, KIND_label, 4, F_label_project_id, "99");
	assert_field(x, KIND_story, 20, F_story_label_ids, "[2,1,4]");
	assert_field(x, KIND_story, 20, F_story_requested_by_id, "7");
	assert_field(x, KIND_story, 10, F_story_owner_ids, "[7]");
	assert_field(x, KIND_task, 31, F_task_story_id, "20");
	assert_field(x, KIND_comment, 41, F_comment_story_id, "20");
	assert_field(x, KIND_comment, 41, F_comment_person_id, "9");
	assert_field(x, KIND_comment, 41, F_comment_file_attachment_ids, "[51]");
	assert_field(x, KIND_file_attachment, 51, F_file_attachment_filename, "\"f\"");
	assert_field(x, KIND_person, 9, F_person_name, "\"Leia\"");
	assert_field(x, KIND_epic, 60, F_epic_label_id, "2");
	assert_field(x, KIND_activity, 1, F_activity_project_id, "99");
	assert_field(x, KIND_activity, 1, F_activity_performed_by_id, "7");
}

static void a_file_of_its_own_counts_and_nested_ones_fill_it(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	import_well(x, "star");
	assert_field(x, KIND_task, 31, F_task_description, "\"newer\"");
	assert_field(x, KIND_task, 31, F_task_complete, "true");
	assert_field(x, KIND_label, 1, F_label_created_at, "\"2020-02-02T00:00:00Z\"");
	assert_field(x, KIND_label, 1, F_label_updated_at, "\"2020-03-03T00:00:00Z\"");
}

static void importing_twice_changes_nothing(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	import_well(x, "star");
	assert_true(x->report.changed[KIND_story] == 3 && x->report.read[KIND_story] == 3);
	scoped(free_ptr) char *before = write_all(x);

	import_well(x, "star");
	for (int kind = 0; kind < N_KINDS; kind++) {
		if (x->report.changed[kind])
			fail_msg("%s changed", schema_resource((enum kind)kind)->name);
	}
	scoped(free_ptr) char *after = write_all(x);

	assert_string_equal(before, after);
}

static void what_is_odd_is_reported_once(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	put_file(x, "star/README", "hello");
	import_well(x, "star");
	static const char *const expected[] = {
		"/star/story.json: 2 with the unknown key 'odd'; kept as it is\n",
		"/star/story.json: [2].estimate: expected number, got \"x\"\n",
		"/star/project.json: 1 with the unknown key 'surprise'; kept as it is\n",
		"/star/review.json: 2 of the kind review, which is not served yet; kept as they are\n",
		"/star/README: not a <kind>.json file; left out\n",
		"project 99: 1 of the people its stories name are known by their ids alone\n",
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		const char *at = strstr(x->report.notes.data, expected[i]);

		if (!at || strstr(at + 1, expected[i]))
			fail_msg("not once: %sin:\n%s", expected[i], x->report.notes.data);
	}
	assert_int_equal(x->report.n_unknown, 2);
	scoped(record_unref) struct record *story = get(x, KIND_story, 11);

	assert_string_equal(record_extra(story), "{\"odd\":2,\"estimate\":\"x\"}");
}

static int64_t get_owner(const struct fixture *x)
{
	scoped(tx_abort) struct tx *tx = begin(x, TX_READ);
	int64_t id = 0;

	assert_true(identity_get_owner(tx, &id) >= 0);
	return id;
}

static void the_owner_is_who_did_most(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	import_well(x, "star");
	assert_int_equal(get_owner(x), 7);
}

static void the_owner_can_be_named(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	x->config.owner = "L@Example.com";
	import_well(x, "star");
	assert_int_equal(get_owner(x), 8);
	x->config.owner = NULL;
	import_well(x, "star");
	assert_int_equal(get_owner(x), 8);
	x->config.owner = "Jar Jar";
	assert_int_equal(import_folder(x, "star"), -ENOENT);
	assert_non_null(strstr(x->reason.data, "nobody called 'Jar Jar'"));
	assert_non_null(strstr(x->reason.data, "Darth (vader), id 7"));
	assert_int_equal(get_owner(x), 8);
}

static void an_archive_of_no_known_people_gets_an_owner(void **state)
{
	(void)state;
	FIXTURE(x);

	setenv("USER", "kenobi", 1);
	put_file(x, "d/project.json", "[{\"id\":1,\"name\":\"p\"}]");
	import_well(x, "d");
	assert_non_null(strstr(x->report.notes.data, "'kenobi' was made and owns the archive"));
	assert_field(x, KIND_person, get_owner(x), F_person_username, "\"kenobi\"");
	import_well(x, "d");
	assert_null(x->report.notes.data);
}

static void whoever_made_the_dump_owns_it(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	put_file(x, "star/me.json",
		"[{\"kind\":\"me\",\"id\":12,\"name\":\"Han\",\"api_token\":\"secret\","
		"\"time_zone\":{\"olson_name\":\"UTC\"},\"projects\":[]}]");
	import_well(x, "star");
	assert_int_equal(get_owner(x), 12);
	scoped(free_ptr) char *all = write_all(x);

	assert_null(strstr(all, "secret"));
}

static void people_may_see_the_projects_that_name_them(void **state)
{
	(void)state;
	FIXTURE(x);
	struct query q = { .kind = KIND_project_membership, .limit = -1 };
	scoped(records_fini) struct records list = { 0 };

	put_star(x);
	import_well(x, "star");
	scoped(tx_abort) struct tx *tx = begin(x, TX_READ);

	q.order = F_project_membership_person_id;
	assert_int_equal(tx_list(tx, &q, &list), 0);
	assert_int_equal(list.n, 3);
	assert_int_equal(record_id(list.items[0]), 70);
	assert_string_equal(record_word(list.items[0], F_project_membership_role), "owner");
	assert_int_equal(record_int(list.items[0], F_project_membership_favorite, 0), 1);
	assert_int_equal(record_int(list.items[1], F_project_membership_person_id, 0), 8);
	assert_string_equal(record_word(list.items[1], F_project_membership_role), "member");
	assert_string_equal(
		record_text(list.items[1], F_project_membership_project_color), "b8b8b8");
}

static void dumped_memberships_are_all_there_are(void **state)
{
	(void)state;
	FIXTURE(x);
	const struct query q = { .kind = KIND_project_membership, .limit = -1 };
	scoped(records_fini) struct records list = { 0 };

	put_star(x);
	put_file(x, "star/project_membership.json",
		"[{\"id\":71,\"project_id\":99,\"role\":\"viewer\",\"person\":{\"id\":8}}]");
	import_well(x, "star");
	scoped(tx_abort) struct tx *tx = begin(x, TX_READ);

	assert_int_equal(tx_list(tx, &q, &list), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(record_int(list.items[0], F_project_membership_person_id, 0), 8);
}

static void a_project_changed_since_is_not_set_back(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	import_well(x, "star");
	scoped(record_unref) struct record *p = get(x, KIND_project, 99);
	scoped(record_unref) struct record *story = get(x, KIND_story, 20);
	struct tx *tx = begin(x, TX_WRITE);

	record_set_int(p, F_project_version, 43);
	record_set_text(story, F_story_name, "edited");
	assert_int_equal(tx_put(tx, p), 0);
	assert_int_equal(tx_put(tx, story), 0);
	assert_int_equal(tx_commit(tx), 0);
	import_well(x, "star");
	assert_field(x, KIND_project, 99, F_project_version, "43");
	assert_field(x, KIND_story, 20, F_story_name, "\"edited\"");
	assert_non_null(strstr(x->report.notes.data, "newer than the dump's 42; left as it is"));
}

static void a_newer_dump_brings_the_project_forward(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	import_well(x, "star");
	put_file(x, "star/project.json", "[{\"id\":99,\"name\":\"Star\",\"version\":50}]");
	put_file(x, "star/story.json", "[{\"id\":20,\"project_id\":99,\"name\":\"renamed\"}]");
	import_well(x, "star");
	assert_int_equal(x->report.changed[KIND_story], 1);
	assert_field(x, KIND_project, 99, F_project_version, "50");
	assert_field(x, KIND_story, 20, F_story_name, "\"renamed\"");
	assert_field(x, KIND_story, 20, F_story_estimate, "null");
}

static void stories_without_their_project_get_one(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "d/story.json", "[{\"id\":1,\"project_id\":4,\"name\":\"s\"}]");
	import_well(x, "d");
	assert_field(x, KIND_project, 4, F_project_name, "\"Project 4\"");
	assert_non_null(strstr(x->report.notes.data, "no project.json"));
}

static void without_a_version_nothing_is_replaced(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	import_well(x, "star");
	put_file(x, "more/story.json",
		"[{\"id\":20,\"project_id\":99,\"name\":\"older\"},{\"id\":21,"
		"\"project_id\":99,\"name\":\"one more\"}]");
	import_well(x, "more");
	assert_int_equal(x->report.changed[KIND_story], 1);
	assert_field(x, KIND_story, 20, F_story_name, "\"second\"");
	assert_field(x, KIND_story, 21, F_story_name, "\"one more\"");
}

static void what_is_no_dump_is_refused_whole(void **state)
{
	(void)state;
	static const struct {
		const char *text, *reason;
	} rows[] = {
		{ "[{\"id\":1,\"name\":\"a\"},\n  {\"id\":2,]", "line 2, column 11: " },
		{ "[{\"id\":1,\"name\":\"a\"}", "the file ends within the list" },
		{ "[{\"id\":1,\"name\":\"a\"},", "line 1, column " },
		{ "[{\"id\":1,\"name\":\"a\"} {\"id\":2}]",
			"line 1, column 22: expected ',' or ']'" },
		{ "[] x", "something follows the list" },
		{ " <!DOCTYPE html><html>", "this is HTML, not JSON" },
		{ "", "the file is empty; expected a list of label resources" },
		{ "  \n", "the file is empty" },
		{ "{\"id\":1}", "expected a list of label resources, found one object" },
		{ "{\"code\":\"unfound_resource\",\"kind\":\"error\",\"error\":\"gone away\"}",
			"this is an error the server answered: gone away" },
		{ "7", "line 1, column 1: expected '['" },
		{ "[7]", "[0]: expected an object, got 7" },
		{ "[{\"id\":1,\"name\":\"a\"},{\"project_id\":3}]", "[1].id: missing" },
		{ "[{\"name\":\"no id\"}]", "[0].id: missing or no positive number" },
		{ "[{\"id\":\"7\",\"name\":\"a\"}]", "[0].id: missing" },
		{ "[{\"id\":0,\"name\":\"a\"}]", "[0].id: missing or no positive number" },
		{ "[{\"id\":7,\"name\":\"a\"},{\"id\":7,\"name\":\"b\"}]",
			"[1]: the label 7 stands twice in this file" },
		{ "[{\"id\":1,\"name\":\"\xff\"}]", "line 1, column " },
		{ "[{\"id\":1,\"name\":\"a\\u0000b\"}]", "line 1, column " },
		{ "\xef\xbb\xbf nonsense", "expected '['" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		FIXTURE(x);
		scoped(free_ptr) char *before = write_all(x);

		put_file(x, "d/person.json", people);
		put_file(x, "d/label.json", rows[i].text);
		assert_true(import_folder(x, "d") < 0);
		if (!strstr(x->reason.data, rows[i].reason) ||
			!strstr(x->reason.data, "/d/label.json: "))
			fail_msg("%s gave: %s", rows[i].text, x->reason.data);
		assert_ptr_equal(strchr(x->reason.data, '\n'), x->reason.data + x->reason.len - 1);
		scoped(free_ptr) char *after = write_all(x);

		assert_string_equal(before, after);
	}
}

static void folders_that_are_no_dump_are_refused(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "empty/.hidden", "");
	put_file(x, "other/readme.txt", "");
	assert_true(import_folder(x, "none") < 0);
	assert_non_null(strstr(x->reason.data, "/none: No such file or directory"));
	assert_true(import_folder(x, "other/readme.txt") < 0);
	assert_non_null(strstr(x->reason.data, "is a file; expected the folder of a V5 dump"));
	assert_true(import_folder(x, "empty") < 0);
	assert_non_null(strstr(x->reason.data, "is no V5 dump"));
	assert_true(import_folder(x, "other") < 0);
	assert_non_null(strstr(x->reason.data, "is no V5 dump"));
}

static void a_byte_order_mark_and_blanks_do_no_harm(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "d/person.json",
		"\xef\xbb\xbf \r\n[ {\"id\":1,\"name\":\"a\"} , {\"id\":2,"
		"\"name\":\"b\"} ]\r\n");
	put_file(x, "d/label.json", " [ ] ");
	import_well(x, "d");
	assert_int_equal(x->report.read[KIND_person], 2);
}

struct seen {
	int64_t last;
	int64_t total;
	int calls;
};

static void see_progress(void *data, const char *what, int64_t done, int64_t total)
{
	struct seen *seen = data;

	assert_non_null(what);
	assert_true(done >= seen->last && done <= total);
	*seen = (struct seen){ .last = done, .total = total, .calls = seen->calls + 1 };
}

static void a_million_resources_come_with_progress(void **state)
{
	(void)state;
	FIXTURE(x);
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct seen seen = { 0 };
	const int n = getenv("STORYFS_TEST_BIG") ? 1000000 : 50000;

	for (int i = 1; i <= n; i++)
		buf_add_fmt(&text, "%s{\"id\":%d,\"project_id\":1,\"name\":\"label %d\"}",
			i == 1 ? "[" : ",\n", i, i);
	buf_add_char(&text, ']');
	put_file(x, "d/label.json", text.data);
	put_file(x, "d/project.json", "[{\"id\":1,\"name\":\"p\"}]");
	x->config.progress = see_progress;
	x->config.data = &seen;
	import_well(x, "d");
	assert_int_equal(x->report.changed[KIND_label], n);
	assert_true(seen.calls > 10 && seen.last == seen.total && seen.total > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resources_are_kept_as_they_were_dumped),
		cmocka_unit_test(nested_resources_become_their_own),
		cmocka_unit_test(a_file_of_its_own_counts_and_nested_ones_fill_it),
		cmocka_unit_test(importing_twice_changes_nothing),
		cmocka_unit_test(what_is_odd_is_reported_once),
		cmocka_unit_test(the_owner_is_who_did_most),
		cmocka_unit_test(the_owner_can_be_named),
		cmocka_unit_test(an_archive_of_no_known_people_gets_an_owner),
		cmocka_unit_test(whoever_made_the_dump_owns_it),
		cmocka_unit_test(people_may_see_the_projects_that_name_them),
		cmocka_unit_test(dumped_memberships_are_all_there_are),
		cmocka_unit_test(a_project_changed_since_is_not_set_back),
		cmocka_unit_test(a_newer_dump_brings_the_project_forward),
		cmocka_unit_test(stories_without_their_project_get_one),
		cmocka_unit_test(without_a_version_nothing_is_replaced),
		cmocka_unit_test(what_is_no_dump_is_refused_whole),
		cmocka_unit_test(folders_that_are_no_dump_are_refused),
		cmocka_unit_test(a_byte_order_mark_and_blanks_do_no_harm),
		cmocka_unit_test(a_million_resources_come_with_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
