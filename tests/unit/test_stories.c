/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stories: made, changed, moved, deleted, and what each leaves behind. */
#include "served.h"

/* ---- making ---- */

static void a_new_story_is_as_recorded(void **state)
{
	struct served *s = *state;
	static const char *const keys[] = { "kind", "id", "project_id", "name", "story_type",
		"current_state", "requested_by_id", "owner_ids", "labels", "created_at",
		"updated_at", "url" };

	expect(s, "POST /projects/1/stories", "{\"name\":\"Test story\"}", 200);
	assert_int_equal(json_object_size(s->json), sizeof(keys) / sizeof(*keys));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_true(has_at(s, keys[i]));
	assert_string_equal(text_at(s, "story_type"), "feature");
	assert_string_equal(text_at(s, "current_state"), "unscheduled");
	assert_string_equal(text_at(s, "created_at"), NOW_TEXT);
	assert_int_equal(number_at(s, "requested_by_id"), ADA);
	assert_string_equal(text_at(s, "url"), "https://www.pivotaltracker.com/story/show/1");
	assert_string_equal(header_of(s, "X-Tracker-Project-Version"), "4");
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "story_create_activity");
	assert_string_equal(text_at(s, "0.guid"), "1_4");
	assert_int_equal(number_at(s, "0.project_version"), 4);
	assert_string_equal(text_at(s, "0.message"), "Ada added this feature");
	assert_string_equal(text_at(s, "0.highlight"), "added");
	assert_string_equal(text_at(s, "0.changes.0.change_type"), "create");
	assert_int_equal(json_array_size(find_at(s->json, "0.changes.0.new_values.labels")), 0);
	assert_false(has_at(s, "0.changes.0.new_values.url"));
	assert_string_equal(text_at(s, "0.primary_resources.0.story_type"), "feature");
	assert_true(has_at(s, "0.primary_resources.0.url"));
	assert_string_equal(text_at(s, "0.performed_by.initials"), "XX");
	assert_string_equal(text_at(s, "0.project.name"), "Moon");
}

static void a_name_is_needed(void **state)
{
	struct served *s = *state;

	expect_problem(
		s, "POST /projects/1/stories", "{}", "this endpoint requires the parameter: name");
	expect_problem(s, "POST /projects/1/stories", "{\"name\":\" \"}", "Name can't be blank");
	assert_string_equal(text_at(s, "validation_errors.0.field"), "name");
	expect_problem(s, "POST /projects/1/stories", "{\"name\":null}", "Name can't be blank");
	scoped(buf_fini) struct buf body = BUF_INIT;

	buf_add_str(&body, "{\"name\":\"");
	for (int i = 0; i < 5001; i++)
		buf_add_char(&body, 'x');
	buf_add_str(&body, "\"}");
	expect_requirement(s, "POST /projects/1/stories", body.data,
		"'name' parameter must be 5000 characters or less.");
	assert_non_null(
		strstr(text_at(s, "general_problem"), "This extended_string is too long:  'xxx"));
}

static void types_states_and_estimates_have_rules(void **state)
{
	struct served *s = *state;
	static const struct {
		const char *body;
		int status;
	} rows[] = {
		{ "{\"name\":\"a\",\"current_state\":\"started\",\"estimate\":2}", 200 },
		{ "{\"name\":\"a\",\"current_state\":\"started\"}", 400 },
		{ "{\"name\":\"a\",\"current_state\":\"unstarted\"}", 200 },
		{ "{\"name\":\"a\",\"current_state\":\"planned\"}", 400 },
		{ "{\"name\":\"a\",\"estimate\":7}", 400 },
		{ "{\"name\":\"a\",\"estimate\":2.0}", 200 },
		{ "{\"name\":\"a\",\"estimate\":null}", 200 },
		{ "{\"name\":\"a\",\"story_type\":\"bug\",\"current_state\":\"delivered\"}", 200 },
		{ "{\"name\":\"a\",\"story_type\":\"bug\",\"estimate\":1}", 400 },
		{ "{\"name\":\"a\",\"story_type\":\"chore\",\"current_state\":\"started\"}", 200 },
		{ "{\"name\":\"a\",\"story_type\":\"chore\",\"current_state\":\"finished\"}", 400 },
		{ "{\"name\":\"a\",\"story_type\":\"release\",\"current_state\":\"started\"}",
			400 },
		{ "{\"name\":\"a\",\"story_type\":\"release\",\"deadline\":\"2024-07-01\"}", 200 },
		{ "{\"name\":\"a\",\"deadline\":\"2024-07-01\"}", 400 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect(s, "POST /projects/1/stories", rows[i].body, rows[i].status);
	expect_problem(s, "POST /projects/1/stories", rows[1].body,
		"Stories in the started state must be estimated.");
	expect_requirement(s, "POST /projects/1/stories", rows[3].body,
		"Project must have 'Automatic Planning' off for 'planned' to be an acceptable value "
		"for 'current_state'.");
	assert_string_equal(text_at(s, "possible_fix"),
		"Remove the 'current_state' parameter from your request or turn off 'Automatic "
		"Planning' for this project.");
	expect(s, "PUT /projects/1",
		"{\"automatic_planning\":false,\"bugs_and_chores_are_estimatable\":true}", 200);
	expect(s, "POST /projects/1/stories", rows[3].body, 200);
	expect(s, "POST /projects/1/stories", rows[8].body, 200);
}

static void times_of_creation_have_bounds(void **state)
{
	struct served *s = *state;

	expect_problem(s, "POST /projects/1/stories",
		"{\"name\":\"a\",\"created_at\":\"2000-01-01T00:00:00Z\"}",
		"The date you entered 2000-01-01T00:00:00Z, is too far in the past. Please enter a "
		"date after 2005-01-01T00:00:00Z.");
	expect_requirement(s, "POST /projects/1/stories",
		"{\"name\":\"a\",\"created_at\":\"2030-01-01T00:00:00Z\"}",
		"Story created_at cannot be in the future.");
	expect(s, "POST /projects/1/stories", "{\"name\":\"a\",\"created_at\":1367295915999}", 200);
	assert_string_equal(text_at(s, "created_at"), "2013-04-30T04:25:15Z");
}

static void nested_things_are_made_with_it(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\",\"tasks\":[{\"description\":\"one\"},{\"description\":"
		      "\"two\",\"complete\":true}],\"comments\":[{\"text\":\"hello\"}],"
		      "\"labels\":[\"L\"]}");
	assert_string_equal(header_of(s, "X-Tracker-Project-Version"), "5");
	expect(s, "GET /projects/1/stories/1/tasks", NULL, 200);
	assert_string_equal(text_at(s, "1.description"), "two");
	assert_true(json_is_true(find_at(s->json, "1.complete")));
	assert_int_equal(number_at(s, "1.position"), 2);
	expect(s, "GET /projects/1/stories/1/comments", NULL, 200);
	assert_string_equal(text_at(s, "0.text"), "hello");
	expect(s, "GET /projects/1/activity?limit=2", NULL, 200);
	assert_string_equal(text_at(s, "1.kind"), "label_create_activity");
	assert_string_equal(text_at(s, "1.message"), "Ada created labels: \"l\"");
	assert_string_equal(text_at(s, "0.kind"), "story_create_activity");
	assert_int_equal(json_array_size(find_at(s->json, "0.changes")), 5);
	expect_requirement(s, "POST /projects/1/stories",
		"{\"name\":\"a\",\"comments\":[{\"text\":true}]}",
		"The 'text' parameter value was 'true' but must be of type 'extended_string'");
}

/* ---- changing ---- */

static void only_what_differs_is_written(void **state)
{
	struct served *s = *state;
	int64_t id = make_story(s, "{\"name\":\"a\",\"labels\":[\"x\"],\"owner_ids\":[1]}");
	int64_t version = version_of(s);

	clock_set_fixed(NOW_MS + 60000);
	put(s, id, "{}");
	assert_string_equal(text_at(s, "updated_at"), NOW_TEXT);
	put(s, id,
		"{\"name\":\"a\",\"story_type\":\"feature\",\"owner_ids\":[1],\"labels\":[{\"name\":"
		"\"X\"}],\"follower_ids\":[],\"description\":null,\"current_state\":"
		"\"unscheduled\",\"requested_by_id\":1}");
	assert_string_equal(text_at(s, "updated_at"), NOW_TEXT);
	assert_int_equal(version_of(s), version);
	put(s, id, "{\"name\":\"b\"}");
	assert_string_equal(text_at(s, "updated_at"), "2024-05-06T07:09:09Z");
	assert_int_equal(version_of(s), version + 1);
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "story_update_activity");
	assert_string_equal(text_at(s, "0.message"), "Ada edited this feature");
	assert_int_equal(json_object_size(find_at(s->json, "0.changes.0.new_values")), 2);
	assert_string_equal(text_at(s, "0.changes.0.original_values.name"), "a");
	assert_string_equal(text_at(s, "0.changes.0.new_values.name"), "b");
}

static void a_new_label_costs_a_version_of_its_own(void **state)
{
	struct served *s = *state;
	int64_t id = make_story(s, "{\"name\":\"a\"}"), version = version_of(s);

	put(s, id, "{\"labels\":[{\"name\":\"New\"},{\"name\":\"newer\"}]}");
	assert_int_equal(version_of(s), version + 2);
	put(s, id, "{\"labels\":[{\"name\":\"new\"}]}");
	assert_int_equal(version_of(s), version + 3);
	expect(s, "GET /projects/1/activity?limit=3&sort_order=asc&offset=4", NULL, 200);
	assert_string_equal(text_at(s, "0.message"), "Ada created labels: \"new\", \"newer\"");
	assert_string_equal(text_at(s, "1.changes.0.kind"), "label");
	assert_int_equal(number_at(s, "1.changes.0.original_values.counts."
				      "number_of_stories_by_state.unscheduled"),
		0);
	assert_int_equal(number_at(s, "1.changes.0.new_values.counts.number_of_stories_by_state."
				      "unscheduled"),
		1);
	assert_string_equal(text_at(s, "1.changes.2.new_values.labels.1"), "newer");
	assert_int_equal(json_array_size(find_at(s->json, "2.changes.1.new_values.label_ids")), 1);
}

static void highlights_say_what_matters_most(void **state)
{
	struct served *s = *state;
	static const struct {
		const char *body, *highlight, *message;
	} rows[] = {
		{ "{\"estimate\":1}", "estimated", "Ada estimated this feature as 1 point" },
		{ "{\"estimate\":3,\"name\":\"b\"}", "estimated",
			"Ada estimated this feature as 3 points" },
		{ "{\"current_state\":\"started\",\"estimate\":2}", "started",
			"Ada started this feature" },
		{ "{\"current_state\":\"delivered\"}", "delivered", "Ada delivered this feature" },
		{ "{\"description\":\"d\"}", "edited", "Ada edited this feature" },
		{ "{\"current_state\":\"accepted\"}", "accepted", "Ada accepted this feature" },
		{ "{\"current_state\":\"rejected\"}", "rejected", "Ada rejected this feature" },
	};
	int64_t id = make_story(s, "{\"name\":\"a\"}");

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put(s, id, rows[i].body);
		last_activity(s);
		assert_string_equal(text_at(s, "0.highlight"), rows[i].highlight);
		assert_string_equal(text_at(s, "0.message"), rows[i].message);
		assert_string_equal(text_at(s, "0.kind"), "story_update_activity");
	}
	assert_true(json_is_null(find_at(s->json, "0.changes.0.new_values.accepted_at")));
}

static void values_can_be_taken_away(void **state)
{
	struct served *s = *state;
	int64_t id = make_story(s, "{\"name\":\"a\",\"description\":\"d\",\"estimate\":1,"
				   "\"owner_ids\":[1,2]}");

	put(s, id, "{\"description\":null,\"estimate\":null,\"owner_ids\":[]}");
	assert_false(has_at(s, "description"));
	assert_false(has_at(s, "estimate"));
	assert_false(has_at(s, "owned_by_id"));
	assert_int_equal(json_array_size(find_at(s->json, "owner_ids")), 0);
	put(s, id, "{\"description\":\"d\"}");
	put(s, id, "{\"description\":\"\"}");
	assert_false(has_at(s, "description"));
	put(s, id, "{\"owned_by_id\":2}");
	assert_int_equal(number_at(s, "owner_ids.0"), 2);
	put(s, id, "{\"owners\":[{\"id\":3},{\"id\":1}]}");
	assert_int_equal(number_at(s, "owned_by_id"), 3);
	expect(s, "PUT /stories/1?fields=owner_ids,follower_ids",
		"{\"owners\":[{\"id\":2},{\"id\":2}],\"follower_ids\":[1,3,1]}", 200);
	assert_int_equal(json_array_size(find_at(s->json, "owner_ids")), 1);
	assert_int_equal(json_array_size(find_at(s->json, "follower_ids")), 2);
	expect_problem(s, "PUT /stories/1", "{\"owners\":[{}]}", "'owner_ids' names no person: 0");
	expect_problem(
		s, "PUT /stories/1", "{\"owner_ids\":[77]}", "'owner_ids' names no person: 77");
	expect_problem(s, "PUT /stories/1", "{\"label_ids\":[77]}",
		"Label with id=77 does not exist within this project");
}

static void acceptance_has_a_time(void **state)
{
	struct served *s = *state;
	int64_t id = make(s, "a", "started");

	put(s, id, "{\"current_state\":\"accepted\"}");
	assert_string_equal(text_at(s, "accepted_at"), NOW_TEXT);
	put(s, id, "{\"current_state\":\"delivered\"}");
	assert_false(has_at(s, "accepted_at"));
	put(s, id, "{\"current_state\":\"accepted\",\"accepted_at\":\"2024-01-01T00:00:00Z\"}");
	assert_string_equal(text_at(s, "accepted_at"), "2024-01-01T00:00:00Z");
}

static void a_type_without_points_drops_them(void **state)
{
	struct served *s = *state;
	int64_t id = make(s, "a", "started");

	put(s, id, "{\"story_type\":\"bug\"}");
	assert_false(has_at(s, "estimate"));
	expect(s, "PUT /stories/1", "{\"story_type\":\"release\"}", 400);
}

static void a_comment_may_come_with_an_update(void **state)
{
	struct served *s = *state;
	int64_t id = make_story(s, "{\"name\":\"a\"}"), version = version_of(s);

	put(s, id, "{\"name\":\"b\",\"comment\":{\"text\":\"why\"}}");
	assert_int_equal(version_of(s), version + 2);
	expect(s, "GET /projects/1/stories/1/comments", NULL, 200);
	assert_string_equal(text_at(s, "0.text"), "why");
}

/* ---- order ---- */

static void a_story_finds_its_project(void **state)
{
	struct served *s = *state;

	make(s, "a", "unstarted");
	expect(s, "GET /stories/1", NULL, 200);
	assert_string_equal(header_of(s, "X-Tracker-Project-Version"), "4");
	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect_code(s, "GET /projects/2/stories/1", NULL, "unfound_resource");
	s->who = DAN;
	expect_code(s, "GET /stories/1", NULL, "unauthorized_operation");
}

/* ---- the rest ---- */

static void deletion_takes_what_belongs_to_it(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\",\"labels\":[\"x\"],\"tasks\":[{\"description\":\"t\"}],"
		      "\"comments\":[{\"text\":\"c\"}]}");
	expect(s, "DELETE /projects/1/stories/1/", NULL, 204);
	assert_int_equal(s->response.body.len, 0);
	assert_string_equal(header_of(s, "X-Tracker-Project-Version"), "6");
	assert_null(header_of(s, "Content-Type"));
	expect_code(s, "GET /stories/1", NULL, "unfound_resource");
	last_activity(s);
	assert_string_equal(text_at(s, "0.message"), "Ada deleted this feature");
	assert_string_equal(text_at(s, "0.changes.1.change_type"), "delete");
	assert_int_equal(make_story(s, "{\"name\":\"b\"}"), 2);
}

static void owners_come_and_go(void **state)
{
	struct served *s = *state;

	make(s, "a", "unstarted");
	expect(s, "POST /projects/1/stories/1/owners", "{\"id\":2}", 200);
	assert_string_equal(text_at(s, "0.name"), "Ben");
	expect(s, "POST /projects/1/stories/1/owners", "{\"id\":1}", 200);
	expect(s, "GET /projects/1/stories/1/owners", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	expect(s, "DELETE /projects/1/stories/1/owners/2", NULL, 204);
	expect(s, "GET /stories/1", NULL, 200);
	assert_int_equal(number_at(s, "owned_by_id"), 1);
	expect_code(s, "DELETE /projects/1/stories/1/owners/2", NULL, "unfound_resource");
	expect_problem(s, "POST /projects/1/stories/1/owners", "{}",
		"this endpoint requires the parameter: id");
}

static void labels_come_and_go(void **state)
{
	struct served *s = *state;

	make(s, "a", "unstarted");
	expect(s, "POST /projects/1/stories/1/labels", "{\"name\":\"Zoo\"}", 200);
	assert_string_equal(text_at(s, "name"), "zoo");
	expect(s, "POST /projects/1/stories/1/labels?name=ant", NULL, 200);
	expect(s, "POST /projects/1/stories/1/labels", "{\"id\":1}", 200);
	assert_string_equal(text_at(s, "name"), "zoo");
	expect(s, "GET /projects/1/stories/1/labels", NULL, 200);
	assert_string_equal(text_at(s, "0.name"), "ant");
	expect(s, "DELETE /projects/1/stories/1/labels/1", NULL, 204);
	expect(s, "GET /stories/1", NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "labels")), 1);
	expect(s, "GET /projects/1/labels", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	expect_problem(s, "POST /projects/1/stories/1/labels", "{}",
		"this endpoint requires at least one of the following parameters: id, name");
	expect_problem(s, "POST /projects/1/stories/1/labels", "{\"name\":\"\"}",
		"Please enter a name for the label.");
}

static void a_story_can_move_to_another_project(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\",\"labels\":[\"x\"]}");
	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect(s, "PUT /projects/1/stories/1", "{\"project_id\":2,\"name\":\"b\"}", 200);
	assert_int_equal(number_at(s, "project_id"), 2);
	assert_string_equal(text_at(s, "name"), "b");
	assert_int_equal(number_at(s, "labels.0.project_id"), 2);
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "story_move_from_project_activity");
	assert_string_equal(text_at(s, "0.message"), "Ada moved \"a\" from this project to Mars");
	expect(s, "GET /projects/2/activity?sort_order=asc&offset=2&limit=1", NULL, 200);
	assert_string_equal(text_at(s, "0.kind"), "story_move_into_project_activity");
	expect(s, "GET /projects/1/labels?fields=counts", NULL, 200);
	assert_int_equal(number_at(s, "0.counts.number_of_stories_by_state.unscheduled"), 0);
	s->who = BEN;
	make_story(s, "{\"name\":\"c\"}");
	expect_problem(s, "PUT /stories/2", "{\"project_id\":2}",
		"You do not have access to the destination project.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(a_new_story_is_as_recorded),
		served_test(a_name_is_needed),
		served_test(types_states_and_estimates_have_rules),
		served_test(times_of_creation_have_bounds),
		served_test(nested_things_are_made_with_it),
		served_test(only_what_differs_is_written),
		served_test(a_new_label_costs_a_version_of_its_own),
		served_test(highlights_say_what_matters_most),
		served_test(values_can_be_taken_away),
		served_test(acceptance_has_a_time),
		served_test(a_type_without_points_drops_them),
		served_test(a_comment_may_come_with_an_update),
		served_test(a_story_finds_its_project),
		served_test(deletion_takes_what_belongs_to_it),
		served_test(owners_come_and_go),
		served_test(labels_come_and_go),
		served_test(a_story_can_move_to_another_project),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
