/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blockers: made, resolved, linked to the stories that their texts name. */
#include "served.h"

#define BLOCKERS "/projects/1/stories/1/blockers"

/* Stories 1 and 2, and 1 waits for 2. */
static void make_blocked(struct served *s)
{
	make(s, "blocked", "unstarted");
	make(s, "blocking", "started");
	expect(s, "POST " BLOCKERS, "{\"description\":\"needs #2 first\"}", 200);
}

static void assert_blocking(struct served *s, const char *want)
{
	expect(s, "GET /stories/2?fields=blocked_story_ids", NULL, 200);
	scoped(free_ptr) char *have =
		json_dumps(find_at(s->json, "blocked_story_ids"), JSON_COMPACT);

	assert_string_equal(have, want);
}

static void assert_resolved(struct served *s, bool want)
{
	expect(s, "GET " BLOCKERS "/1", NULL, 200);
	assert_int_equal(json_is_true(find_at(s->json, "resolved")), want);
}

static void a_blocker_is_made_changed_and_deleted(void **state)
{
	struct served *s = *state;

	make(s, "a", "unstarted");
	int64_t version = version_of(s);

	s->who = BEN;
	expect(s, "POST " BLOCKERS, "{\"description\":\"no design\"}", 200);
	assert_int_equal(json_object_size(s->json), 8);
	assert_string_equal(text_at(s, "kind"), "blocker");
	assert_int_equal(number_at(s, "id"), 1);
	assert_int_equal(number_at(s, "story_id"), 1);
	assert_int_equal(number_at(s, "person_id"), BEN);
	assert_true(json_is_false(find_at(s->json, "resolved")));
	assert_string_equal(text_at(s, "created_at"), NOW_TEXT);
	clock_set_fixed(NOW_MS + 60000);
	expect(s, "PUT " BLOCKERS "/1", "{\"description\":\"no design yet\"}", 200);
	assert_string_equal(text_at(s, "updated_at"), "2024-05-06T07:09:09Z");
	assert_int_equal(version_of(s), version + 2);
	expect(s, "PUT " BLOCKERS "/1", "{\"description\":\"no design yet\"}", 200);
	assert_int_equal(version_of(s), version + 2);
	expect(s, "GET " BLOCKERS, NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	expect(s, "GET /stories/1?fields=blocker_ids,updated_at", NULL, 200);
	assert_int_equal(number_at(s, "blocker_ids.0"), 1);
	assert_string_equal(text_at(s, "updated_at"), "2024-05-06T07:09:09Z");
	expect(s, "GET /stories/1?fields=blockers(description,person(name))", NULL, 200);
	assert_string_equal(text_at(s, "blockers.0.person.name"), "Ben");
	expect(s, "DELETE " BLOCKERS "/1", NULL, 204);
	expect_code(s, "GET " BLOCKERS "/1", NULL, "unfound_resource");
	assert_int_equal(version_of(s), version + 3);
}

static void what_is_no_blocker_is_refused(void **state)
{
	struct served *s = *state;
	scoped(buf_fini) struct buf body = BUF_INIT;

	make_blocked(s);
	expect_problem(
		s, "POST " BLOCKERS, "{}", "this endpoint requires the parameter: description");
	expect_problem(
		s, "POST " BLOCKERS, "{\"description\":\" \"}", "Description can't be blank");
	expect_problem(s, "PUT " BLOCKERS "/1", "{}",
		"this endpoint requires at least one of the following parameters: description, "
		"resolved");
	expect_problem(s, "PUT " BLOCKERS "/1", "{\"resolved\":\"yes\"}",
		"'resolved' must be a non-string boolean true or false value");
	buf_add_str(&body, "{\"description\":\"");
	for (int i = 0; i < 1001; i++)
		buf_add_char(&body, 'x');
	buf_add_str(&body, "\"}");
	expect_requirement(s, "POST " BLOCKERS, body.data,
		"'description' parameter must be 1000 characters or less.");
	expect_code(s, "GET /projects/1/stories/2/blockers/1", NULL, "unfound_resource");
	s->who = CLEO;
	expect_code(s, "POST " BLOCKERS, "{\"description\":\"x\"}", "unauthorized_operation");
	expect(s, "GET " BLOCKERS, NULL, 200);
}

static void activity_tells_of_both_ends(void **state)
{
	struct served *s = *state;

	make_blocked(s);
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "blocker_create_activity");
	assert_string_equal(text_at(s, "0.message"), "Ada added a blocker: \"needs #2 first\"");
	assert_string_equal(text_at(s, "0.highlight"), "added a blocker");
	assert_string_equal(text_at(s, "0.changes.0.kind"), "blocker");
	assert_int_equal(json_object_size(find_at(s->json, "0.changes.0.new_values")), 7);
	assert_int_equal(number_at(s, "0.changes.1.id"), 2);
	assert_int_equal(number_at(s, "0.changes.1.new_values.blocked_story_ids.0"), 1);
	assert_int_equal(
		json_array_size(find_at(s->json, "0.changes.1.original_values.blocked_story_ids")),
		0);
	assert_int_equal(number_at(s, "0.primary_resources.0.id"), 1);
	assert_int_equal(json_array_size(find_at(s->json, "0.primary_resources")), 1);
	assert_string_equal(text_at(s, "0.secondary_resources.0.kind"), "secondary_resource");
	assert_string_equal(text_at(s, "0.secondary_resources.0.message"),
		"This story is blocking #1: \"needs #2 first\"");
	assert_string_equal(text_at(s, "0.secondary_resources.0.highlight"), "is blocking");
	assert_string_equal(text_at(s, "0.secondary_resources.0.resource.name"), "blocking");
	assert_string_equal(text_at(s, "0.secondary_resources.0.resource.story_type"), "feature");
	expect(s, "GET /projects/1/stories/2/activity", NULL, 200);
	assert_string_equal(text_at(s, "0.kind"), "blocker_create_activity");
}

static void updates_say_what_became_of_it(void **state)
{
	struct served *s = *state;
	static const struct {
		const char *request, *body, *kind, *highlight;
	} rows[] = {
		{ "PUT " BLOCKERS "/1", "{\"resolved\":true}", "blocker_update_activity",
			"resolved a blocker" },
		{ "PUT " BLOCKERS "/1", "{\"resolved\":false}", "blocker_update_activity",
			"unresolved a blocker" },
		{ "PUT " BLOCKERS "/1", "{\"description\":\"x\"}", "blocker_update_activity",
			"edited a blocker" },
		{ "DELETE " BLOCKERS "/1", NULL, "blocker_delete_activity", "deleted a blocker" },
	};

	make_blocked(s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		served_send(s, rows[i].request, rows[i].body, NULL);
		assert_in_range(s->response.status, 200, 204);
		last_activity(s);
		assert_string_equal(text_at(s, "0.kind"), rows[i].kind);
		assert_string_equal(text_at(s, "0.highlight"), rows[i].highlight);
	}
	assert_string_equal(text_at(s, "0.message"), "Ada deleted a blocker: \"x\"");
}

static void links_follow_the_text_and_the_state(void **state)
{
	struct served *s = *state;
	static const struct {
		const char *body, *blocking;
	} rows[] = {
		{ "{\"resolved\":true}", "[]" },
		{ "{\"resolved\":false}", "[1]" },
		{ "{\"description\":\"nothing\"}", "[]" },
		{ "{\"description\":\"https://www.pivotaltracker.com/story/show/2\"}", "[1]" },
		{ "{\"description\":\"a#2 and #2b and #22 and #1\"}", "[]" },
		{ "{\"description\":\"https://x.example/n/projects/1/stories/2.\"}", "[1]" },
		{ "{\"description\":\"(#2)\"}", "[1]" },
	};

	make_blocked(s);
	assert_blocking(s, "[1]");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect(s, "PUT " BLOCKERS "/1", rows[i].body, 200);
		assert_blocking(s, rows[i].blocking);
	}
	expect(s, "POST " BLOCKERS, "{\"description\":\"#2 again\"}", 200);
	expect(s, "DELETE " BLOCKERS "/1", NULL, 204);
	assert_blocking(s, "[1]");
	expect(s, "DELETE " BLOCKERS "/2", NULL, 204);
	assert_blocking(s, "[]");
}

static void accepting_what_it_waits_for_resolves_it(void **state)
{
	struct served *s = *state;

	make_blocked(s);
	int64_t version = version_of(s);

	clock_set_fixed(NOW_MS + 60000);
	put(s, 2, "{\"current_state\":\"accepted\"}");
	assert_int_equal(version_of(s), version + 1);
	assert_resolved(s, true);
	assert_blocking(s, "[]");
	expect(s, "GET /stories/1", NULL, 200);
	assert_string_equal(text_at(s, "updated_at"), "2024-05-06T07:09:09Z");
	last_activity(s);
	assert_string_equal(text_at(s, "0.message"), "Ada accepted this feature");
	assert_string_equal(text_at(s, "0.changes.0.kind"), "blocker");
	assert_true(json_is_true(find_at(s->json, "0.changes.0.new_values.resolved")));
	put(s, 2, "{\"current_state\":\"started\"}");
	assert_resolved(s, true);
}

static void one_that_waits_for_several_waits_for_the_last(void **state)
{
	struct served *s = *state;

	make_blocked(s);
	make(s, "third", "started");
	expect(s, "PUT " BLOCKERS "/1", "{\"description\":\"#2 and #3\"}", 200);
	put(s, 2, "{\"current_state\":\"accepted\"}");
	assert_resolved(s, false);
	expect(s, "DELETE /stories/3", NULL, 204);
	assert_resolved(s, true);
}

static void deleting_a_story_frees_both_ends(void **state)
{
	struct served *s = *state;

	make_blocked(s);
	expect(s, "DELETE /stories/1", NULL, 204);
	assert_blocking(s, "[]");
	last_activity(s);
	assert_int_equal(number_at(s, "0.changes.0.id"), 2);
	assert_int_equal(
		json_array_size(find_at(s->json, "0.changes.0.new_values.blocked_story_ids")), 0);
	make_story(s, "{\"name\":\"b\",\"blockers\":[{\"description\":\"#2\"},"
		      "{\"description\":\"done\",\"resolved\":true}]}");
	assert_string_equal(header_of(s, "X-Tracker-Project-Version"), "8");
	assert_blocking(s, "[3]");
	expect(s, "GET /stories/3?fields=blockers", NULL, 200);
	assert_true(json_is_true(find_at(s->json, "blockers.1.resolved")));
	expect(s, "DELETE /stories/2", NULL, 204);
	expect(s, "GET /stories/3?fields=blockers", NULL, 200);
	assert_true(json_is_true(find_at(s->json, "blockers.0.resolved")));
}

static void a_story_that_moves_away_blocks_and_waits_no_longer(void **state)
{
	struct served *s = *state;

	make_blocked(s);
	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect(s, "POST /projects/1/stories/2/blockers", "{\"description\":\"#1\"}", 200);
	put(s, 2, "{\"project_id\":2}");
	assert_blocking(s, "[]");
	assert_resolved(s, false);
	expect(s, "GET /stories/1?fields=blocked_story_ids", NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "blocked_story_ids")), 0);
	/* Another project's story is no link. */
	expect(s, "PUT " BLOCKERS "/1", "{\"description\":\"still #2\"}", 200);
	assert_blocking(s, "[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(a_blocker_is_made_changed_and_deleted),
		served_test(what_is_no_blocker_is_refused),
		served_test(activity_tells_of_both_ends),
		served_test(updates_say_what_became_of_it),
		served_test(links_follow_the_text_and_the_state),
		served_test(accepting_what_it_waits_for_resolves_it),
		served_test(one_that_waits_for_several_waits_for_the_last),
		served_test(deleting_a_story_frees_both_ends),
		served_test(a_story_that_moves_away_blocks_and_waits_no_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
