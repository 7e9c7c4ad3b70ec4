/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Import: what dumps become in the archive, and whose it is. */
#include <errno.h>

#include "import_fixture.h"
#include "storyfs/clock.h"
#include "storyfs/identity.h"

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
	assert_field(x, KIND_account, 5, F_account_name, "\"Empire\"");
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
	assert_field(x, KIND_activity, 1, F_activity_story_ids, "[20]");
}

static int64_t count(struct fixture *x, enum kind kind)
{
	struct query q = { .kind = kind };
	struct tx *tx;
	int64_t n;

	assert_int_equal(tx_begin(x->archive, TX_READ, &tx), 0);
	assert_int_equal(tx_count(tx, &q, &n), 0);
	tx_abort(tx);
	return n;
}

static void iterations_that_are_unusual_become_overrides(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	put_file(x, "star/iteration.json",
		"[{\"kind\":\"iteration\",\"number\":1,\"project_id\":99,\"length\":1,"
		"\"team_strength\":1,\"stories\":[]},"
		"{\"number\":2,\"project_id\":99,\"length\":3,\"team_strength\":1,\"stories\":[20]},"
		"{\"number\":3,\"project_id\":99,\"team_strength\":0.5}]");
	put_file(x, "star/iteration_override.json",
		"[{\"number\":7,\"project_id\":99,\"length\":2}]");
	import_well(x, "star");
	assert_int_equal(count(x, KIND_iteration_override), 3);
	assert_field(x, KIND_iteration_override, 1, F_iteration_override_number, "2");
	assert_field(x, KIND_iteration_override, 1, F_iteration_override_length, "3");
	assert_field(x, KIND_iteration_override, 2, F_iteration_override_number, "3");
	assert_field(x, KIND_iteration_override, 2, F_iteration_override_team_strength, "0.5");
	assert_field(x, KIND_iteration_override, 3, F_iteration_override_length, "2");
	/* Again, they are the same. */
	import_well(x, "star");
	assert_int_equal(count(x, KIND_iteration_override), 3);
	assert_int_equal(x->report.changed[KIND_iteration_override], 0);
}

/* V5 sends them always; dumps of 2013 lack some, and those of few fields most. */
static void projects_get_what_every_project_has(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "old/project.json",
		"[{\"id\":98,\"name\":\"Old\",\"point_scale\":\"0,1,2,4,8\"}]");
	import_well(x, "old");
	assert_field(x, KIND_project, 98, F_project_automatic_planning, "true");
	assert_field(x, KIND_project, 98, F_project_project_type, "\"private\"");
	assert_field(x, KIND_project, 98, F_project_point_scale, "\"0,1,2,4,8\"");
	import_well(x, "old");
	assert_int_equal(x->report.changed[KIND_project], 0);
}

/* An old export may lack it, and no iteration would hold the story. */
static void what_is_accepted_was_accepted_once(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	put_file(x, "star/story.json",
		"[{\"id\":20,\"project_id\":99,\"name\":\"n\",\"current_state\":\"accepted\","
		"\"updated_at\":\"2020-02-02T00:00:00Z\"}]");
	import_well(x, "star");
	assert_field(x, KIND_story, 20, F_story_accepted_at, "\"2020-02-02T00:00:00Z\"");
}

static void what_has_no_time_was_accepted_as_its_project_began(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "old/project.json",
		"[{\"id\":7,\"name\":\"p\",\"created_at\":\"2019-01-02T00:00:00Z\"},"
		"{\"id\":8,\"name\":\"q\"}]");
	put_file(x, "old/story.json",
		"[{\"id\":20,\"project_id\":7,\"name\":\"n\",\"current_state\":\"accepted\"},"
		"{\"id\":21,\"project_id\":8,\"name\":\"n\",\"current_state\":\"accepted\"}]");
	clock_set_fixed(1588550400000);
	import_well(x, "old");
	assert_field(x, KIND_story, 20, F_story_accepted_at, "\"2019-01-02T00:00:00Z\"");
	assert_field(x, KIND_story, 21, F_story_accepted_at, "\"2020-05-04T00:00:00Z\"");
	clock_set_fixed(1688550400000);
	import_well(x, "old");
	clock_set_fixed(-1);
	assert_int_equal(x->report.changed[KIND_story], 0);
}

static void releases_are_stories(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	put_file(x, "star/release.json",
		"[{\"kind\":\"release\",\"id\":20,\"name\":\"another name\",\"project_id\":99},"
		"{\"kind\":\"release\",\"id\":77,\"name\":\"1.0\",\"project_id\":99,"
		"\"current_state\":\"unstarted\",\"labels\":[]}]");
	import_well(x, "star");
	assert_field(x, KIND_story, 77, F_story_story_type, "\"release\"");
	assert_field(x, KIND_story, 77, F_story_name, "\"1.0\"");
	/* What the stories' own file says counts. */
	scoped(record_unref) struct record *own = get(x, KIND_story, 20);

	assert_string_not_equal(record_text(own, F_story_name), "another name");
	assert_int_equal(record_int(own, F_story_story_type, -1), STORY_TYPE_BUG);
}

static void another_owned_by_than_the_first_owner_is_kept(void **state)
{
	(void)state;
	FIXTURE(x);

	put_star(x);
	put_file(x, "star/story.json",
		"[{\"id\":1,\"project_id\":99,\"name\":\"a\",\"owner_ids\":[7,8],\"owned_by_id\":8},"
		"{\"id\":2,\"project_id\":99,\"name\":\"b\",\"owner_ids\":[7,8],\"owned_by_id\":7},"
		"{\"id\":3,\"project_id\":99,\"name\":\"c\",\"owned_by_id\":7}]");
	import_well(x, "star");
	assert_field(x, KIND_story, 1, F_story_owned_by_id, "8");
	assert_field(x, KIND_story, 1, F_story_owner_ids, "[7,8]");
	assert_field(x, KIND_story, 2, F_story_owned_by_id, "null");
	assert_field(x, KIND_story, 3, F_story_owned_by_id, "null");
	assert_field(x, KIND_story, 3, F_story_owner_ids, "[7]");
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

static void blockers_are_linked_as_the_server_links_them(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "d/project.json", "[{\"id\":99,\"name\":\"P\",\"version\":1}]");
	put_file(x, "d/story.json",
		"[{\"id\":20,\"project_id\":99,\"name\":\"a\",\"blockers\":[{\"id\":1,"
		"\"description\":\"#21, #22\"}]},{\"id\":21,\"project_id\":99,\"name\":"
		"\"b\"},{\"id\":22,\"project_id\":99,\"name\":\"c\",\"current_state\":"
		"\"accepted\"}]");
	put_file(x, "d/blocker.json",
		"[{\"id\":2,\"story_id\":21,\"description\":\"#20\",\"resolved\":true}]");
	import_well(x, "d");
	assert_field(x, KIND_blocker, 1, F_blocker_story_id, "20");
	assert_field(x, KIND_blocker, 1, F_blocker_blocking_ids, "[21]");
	assert_field(x, KIND_blocker, 2, F_blocker_blocking_ids, "[]");
	assert_field(x, KIND_story, 21, F_story_blocked_story_ids, "[20]");
	import_well(x, "d");
	assert_int_equal(x->report.changed[KIND_blocker], 0);
	assert_int_equal(x->report.changed[KIND_story], 0);
}

static void notifications_are_of_whoever_made_the_dump(void **state)
{
	(void)state;
	FIXTURE(x);

	put_file(x, "d/project.json", "[{\"id\":99,\"name\":\"P\",\"version\":1}]");
	put_file(x, "d/me.json", "[{\"id\":7,\"name\":\"Luke\"}]");
	put_file(x, "d/notification.json",
		"[{\"kind\":\"notification\",\"id\":5,\"project\":{\"kind\":\"project\",\"id\":"
		"99,\"name\":\"P\"},\"message\":\"m\",\"story\":{\"kind\":\"story\",\"id\":20,"
		"\"name\":\"a\"},\"created_at\":\"2017-05-03T23:34:05Z\"}]");
	import_well(x, "d");
	assert_field(x, KIND_notification, 5, F_notification_person_id, "7");
	assert_field(x, KIND_notification, 5, F_notification_project_id, "99");
	assert_field(x, KIND_notification, 5, F_notification_message, "\"m\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resources_are_kept_as_they_were_dumped),
		cmocka_unit_test(nested_resources_become_their_own),
		cmocka_unit_test(iterations_that_are_unusual_become_overrides),
		cmocka_unit_test(projects_get_what_every_project_has),
		cmocka_unit_test(what_is_accepted_was_accepted_once),
		cmocka_unit_test(what_has_no_time_was_accepted_as_its_project_began),
		cmocka_unit_test(releases_are_stories),
		cmocka_unit_test(another_owned_by_than_the_first_owner_is_kept),
		cmocka_unit_test(a_file_of_its_own_counts_and_nested_ones_fill_it),
		cmocka_unit_test(importing_twice_changes_nothing),
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
		cmocka_unit_test(blockers_are_linked_as_the_server_links_them),
		cmocka_unit_test(notifications_are_of_whoever_made_the_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
