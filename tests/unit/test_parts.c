/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reviews and their types, pull requests, branches and CI/CD events over the server. */
#include "served.h"

static void expect_activity(struct served *s, const char *kind, const char *message)
{
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), kind);
	assert_string_equal(text_at(s, "0.message"), message);
	assert_string_equal(text_at(s, "0.primary_resources.0.kind"), "story");
}

/* ---- review types ---- */

static void a_new_project_has_four_review_types(void **state)
{
	struct served *s = *state;
	static const char *const names[] = { "Test (QA)", "Design", "Code", "Security" };

	expect(s, "GET /projects/1/review_types", NULL, 200);
	assert_int_equal(json_array_size(s->json), 4);
	for (int i = 0; i < 4; i++) {
		json_t *type = json_array_get(s->json, (size_t)i);

		assert_string_equal(json_string_value(json_object_get(type, "name")), names[i]);
		assert_true(json_is_false(json_object_get(type, "hidden")));
		assert_int_equal(json_integer_value(json_object_get(type, "project_id")), 1);
	}
	expect(s, "GET /projects/1?fields=review_types(name)", NULL, 200);
	assert_string_equal(text_at(s, "review_types.1.name"), "Design");
}

static void review_types_are_renamed_and_hidden_and_never_deleted(void **state)
{
	struct served *s = *state;

	expect(s, "PUT /projects/1/review_types/2", "{\"name\":\"Looks\",\"hidden\":true}", 200);
	assert_string_equal(text_at(s, "name"), "Looks");
	assert_true(json_is_true(find_at(s->json, "hidden")));
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "review_type_update_activity");
	assert_string_equal(text_at(s, "0.changes.0.original_values.name"), "Design");
	assert_string_equal(text_at(s, "0.primary_resources.0.kind"), "review_type");
	int64_t version = version_of(s);

	expect(s, "PUT /projects/1/review_types/2", "{\"name\":\"Looks\"}", 200);
	assert_int_equal(version_of(s), version);
	expect(s, "POST /projects/1/review_types", "{\"name\":\"Legal\"}", 200);
	assert_int_equal(number_at(s, "id"), 5);
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "review_type_create_activity");
	expect_problem(s, "POST /projects/1/review_types", "{}",
		"this endpoint requires the parameter: name");
	expect_problem(
		s, "PUT /projects/1/review_types/2", "{\"name\":\" \"}", "Name can't be blank");
	expect_code(s, "DELETE /projects/1/review_types/2", NULL, "route_not_found");
	s->who = BEN;
	expect_code(
		s, "PUT /projects/1/review_types/2", "{\"name\":\"x\"}", "unauthorized_operation");
}

/* ---- reviews ---- */

static void a_review_lives_as_v5s_did(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	expect(s, "POST /projects/1/stories/1/reviews",
		"{\"review_type_id\":1,\"reviewer_id\":2,\"status\":\"in_review\"}", 200);
	assert_string_equal(text_at(s, "kind"), "review");
	assert_string_equal(text_at(s, "status"), "in_review");
	assert_int_equal(number_at(s, "reviewer_id"), BEN);
	assert_false(has_at(s, "review_type"));
	expect_activity(s, "review_create_activity", "Ada added review: \"Test (QA)\"");
	assert_string_equal(text_at(s, "0.changes.0.kind"), "review");
	assert_int_equal(number_at(s, "0.changes.0.new_values.story_id"), 1);
	expect(s, "PUT /projects/1/stories/1/reviews/1",
		"{\"status\":\"pass\",\"reviewer_id\":null}", 200);
	assert_string_equal(text_at(s, "status"), "pass");
	assert_false(has_at(s, "reviewer_id"));
	expect_activity(s, "review_update_activity", "Ada edited review: \"Test (QA)\"");
	expect(s, "GET /projects/1/stories/1/reviews?fields=:default,review_type", NULL, 200);
	assert_string_equal(text_at(s, "0.review_type.name"), "Test (QA)");
	assert_int_equal(number_at(s, "0.review_type_id"), 1);
	expect(s, "GET /stories/1?fields=review_ids,reviews", NULL, 200);
	assert_int_equal(number_at(s, "review_ids.0"), 1);
	assert_string_equal(text_at(s, "reviews.0.status"), "pass");
	expect(s, "DELETE /projects/1/stories/1/reviews/1", NULL, 204);
	expect_activity(s, "review_delete_activity", "Ada deleted review: \"Test (QA)\"");
	expect_code(s, "GET /projects/1/stories/1/reviews/1", NULL, "unfound_resource");
}

static void what_a_review_names_must_be_there(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect_problem(s, "POST /projects/1/stories/1/reviews", "{\"status\":\"pass\"}",
		"this endpoint requires the parameter: review_type_id");
	expect_problem(s, "POST /projects/1/stories/1/reviews", "{\"review_type_id\":5}",
		"'review_type_id' names no review_type of this project: 5");
	expect_problem(s, "POST /projects/1/stories/1/reviews",
		"{\"review_type_id\":1,\"reviewer_id\":77}", "'reviewer_id' names no person: 77");
	expect_problem(s, "POST /projects/1/stories/1/reviews",
		"{\"review_type_id\":1,\"status\":\"done\"}",
		"'status' must be one of: unstarted, in_review, pass, revise");
	expect(s, "POST /projects/1/stories/1/reviews", "{\"review_type_id\":1}", 200);
	assert_string_equal(text_at(s, "status"), "unstarted");
	expect_problem(s, "PUT /projects/1/stories/1/reviews/1", "{}",
		"this endpoint requires at least one of the following parameters: "
		"review_type_id, reviewer_id, status");
	expect_problem(s, "PUT /projects/1/stories/1/reviews/1", "{\"review_type_id\":null}",
		"Review type id can't be blank");
	s->who = CLEO;
	expect_code(s, "POST /projects/1/stories/1/reviews", "{\"review_type_id\":1}",
		"unauthorized_operation");
}

/* ---- with a story, and without it ---- */

static void a_story_is_made_with_its_parts(void **state)
{
	struct served *s = *state;
	int64_t version = version_of(s);

	make_story(s, "{\"name\":\"a\",\"reviews\":[{\"review_type_id\":3}],"
		      "\"pull_requests\":[{\"owner\":\"o\",\"repo\":\"r\",\"number\":7,"
		      "\"host_url\":\"https://github.com/\","
		      "\"original_url\":\"https://github.com/o/r/pull/7\"}],"
		      "\"branches\":[{\"name\":\"fix\"},{\"name\":\"more\"}]}");
	assert_int_equal(version_of(s), version + 1);
	expect(s, "GET /stories/1?fields=:default,reviews,pull_requests,branches,cicd_event_ids",
		NULL, 200);
	assert_string_equal(text_at(s, "reviews.0.status"), "unstarted");
	assert_string_equal(text_at(s, "pull_requests.0.kind"), "pull_request");
	assert_string_equal(text_at(s, "pull_requests.0.status"), "unknown");
	assert_int_equal(number_at(s, "pull_requests.0.number"), 7);
	assert_int_equal(number_at(s, "pull_requests.0.story_id"), 1);
	assert_string_equal(text_at(s, "branches.1.name"), "more");
	assert_int_equal(json_array_size(find_at(s->json, "cicd_event_ids")), 0);
	expect_problem(s, "POST /projects/1/stories", "{\"name\":\"b\",\"branches\":[{}]}",
		"this endpoint requires the parameter: name");
	expect(s, "DELETE /stories/1", NULL, 204);
	struct tx *tx;

	assert_int_equal(tx_begin(s->archive, TX_READ, &tx), 0);
	static const enum kind kinds[] = { KIND_review, KIND_pull_request, KIND_branch };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct query q = { .kind = kinds[i], .limit = -1 };
		int64_t n = -1;

		assert_int_equal(tx_count(tx, &q, &n), 0);
		assert_int_equal(n, 0);
	}
	assert_int_equal(tx_commit(tx), 0);
}

static void a_moved_story_keeps_its_parts(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\",\"branches\":[{\"name\":\"fix\"}]}");
	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect(s, "PUT /stories/1", "{\"project_id\":2}", 200);
	expect(s, "GET /projects/2/stories/1/branches", NULL, 200);
	assert_string_equal(text_at(s, "0.name"), "fix");
}

/* ---- pull requests, branches, events ---- */

static void pull_requests_branches_and_events_are_resources(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	expect(s, "POST /projects/1/stories/1/pull_requests", "{\"original_url\":\"u\"}", 200);
	expect_activity(s, "pull_request_create_activity", "Ada added pull request: \"u\"");
	expect(s, "PUT /projects/1/stories/1/pull_requests/1", "{\"status\":\"merged\"}", 200);
	assert_string_equal(text_at(s, "status"), "merged");
	expect_activity(s, "pull_request_update_activity", "Ada edited pull request: \"u\"");
	expect(s, "DELETE /projects/1/stories/1/pull_requests/1", NULL, 204);
	expect_activity(s, "pull_request_delete_activity", "Ada deleted pull request: \"u\"");
	expect(s, "POST /projects/1/stories/1/branches", "{\"name\":\"b\"}", 200);
	expect_activity(s, "branch_create_activity", "Ada added branch: \"b\"");
	expect_code(s, "PUT /projects/1/stories/1/branches/1", "{}", "route_not_found");
	expect(s, "DELETE /projects/1/stories/1/branches/1", NULL, 204);
	expect_activity(s, "branch_delete_activity", "Ada deleted branch: \"b\"");
	expect(s, "POST /projects/1/stories/1/cicd_events",
		"{\"name\":\"build\",\"status\":\"passed\"}", 200);
	expect_activity(s, "cicd_event_create_activity", "Ada added cicd event: \"build\"");
	expect(s, "GET /stories/1?fields=cicd_event_ids", NULL, 200);
	assert_int_equal(number_at(s, "cicd_event_ids.0"), 1);
}

static void epics_have_pull_requests_and_branches(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects/1/epics",
		"{\"name\":\"e\",\"branches\":[{\"name\":\"b\"}],"
		"\"pull_requests\":[{\"number\":1}]}",
		200);
	expect(s, "GET /epics/1?fields=branch_ids,pull_requests", NULL, 200);
	assert_int_equal(number_at(s, "branch_ids.0"), 1);
	assert_int_equal(number_at(s, "pull_requests.0.epic_id"), 1);
	assert_false(has_at(s, "pull_requests.0.story_id"));
	expect(s, "DELETE /projects/1/epics/1/branches/1", NULL, 204);
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "branch_delete_activity");
	assert_string_equal(text_at(s, "0.primary_resources.0.kind"), "epic");
	make_story(s, "{\"name\":\"a\"}");
	expect_code(s, "GET /projects/1/stories/1/pull_requests/1", NULL, "unfound_resource");
	expect(s, "DELETE /projects/1/epics/1", NULL, 204);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(a_new_project_has_four_review_types),
		served_test(review_types_are_renamed_and_hidden_and_never_deleted),
		served_test(a_review_lives_as_v5s_did),
		served_test(what_a_review_names_must_be_there),
		served_test(a_story_is_made_with_its_parts),
		served_test(a_moved_story_keeps_its_parts),
		served_test(pull_requests_branches_and_events_are_resources),
		served_test(epics_have_pull_requests_and_branches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
