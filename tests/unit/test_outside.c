/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other programs use beside the resources: source commits, integrations, the aggregator. */
#include "served.h"

/* ---- source commits ---- */

/* Send a commit with a message; its author is nobody's name unless given. */
static void commit(struct served *s, const char *message, const char *author, int status)
{
	json_t *json = json_pack("{s{ss,ss,ss,ss}}", "source_commit", "commit_id", "abc123",
		"message", message, "url", "https://github.com/o/r/commit/abc123", "author",
		author ? author : "N. N.");
	char *body = json_dumps(json, 0);

	expect(s, "POST /source_commits", body, status);
	free(body);
	json_decref(json);
}

static void expect_state(struct served *s, int64_t id, const char *state)
{
	scoped(free_ptr) char *request = xasprintf("GET /stories/%lld", (long long)id);

	expect(s, request, NULL, 200);
	assert_string_equal(text_at(s, "current_state"), state);
}

static void a_commit_is_told_on_its_stories(void **state)
{
	struct served *s = *state;

	make(s, "a", "started");
	make(s, "b", "started");
	int64_t version = version_of(s);

	commit(s, "[#1] nothing else", "Ben", 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_int_equal(number_at(s, "0.id"), 1);
	assert_string_equal(text_at(s, "0.current_state"), "started");
	assert_int_equal(version_of(s), version + 1);
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "comment_create_activity");
	assert_int_equal(number_at(s, "0.performed_by.id"), BEN);
	expect(s, "GET /projects/1/stories/1/comments", NULL, 200);
	assert_string_equal(text_at(s, "0.text"),
		"Commit by Ben\nhttps://github.com/o/r/commit/abc123\n\n[#1] nothing else");
	assert_int_equal(number_at(s, "0.person_id"), BEN);
	assert_string_equal(text_at(s, "0.commit_identifier"), "abc123");
	assert_string_equal(text_at(s, "0.commit_type"), "github");
	commit(s, "[#1 #2] both", "ben", 200);
	assert_int_equal(json_array_size(s->json), 2);
	expect(s, "GET /projects/1/stories/2/comments", NULL, 200);
	assert_int_equal(number_at(s, "0.person_id"), ADA);
}

static void verbs_move_stories_on(void **state)
{
	struct served *s = *state;
	static const struct {
		const char *from, *message, *to;
	} rows[] = {
		{ "started", "[fixes #%d] x", "finished" },
		{ "started", "[Fixed #%d]", "finished" },
		{ "unstarted", "[finishes #%d]", "finished" },
		{ "unscheduled", "[completes #%d]", "finished" },
		{ "started", "[#%d state:fixed]", "finished" },
		{ "rejected", "text [Finished  #%d] text", "finished" },
		{ "started", "[delivers #%d]", "delivered" },
		{ "finished", "[DELIVERED #%d]", "delivered" },
		{ "delivered", "[fixes #%d]", "delivered" },
		{ "accepted", "[delivers #%d]", "accepted" },
		{ "started", "[#%d] fixes", "started" },
		{ "started", "fixes #%d", "started" },
		{ "started", "[fixes] [#%d]", "started" },
		{ "started", "[prefixes #%d]", "started" },
		{ "started", "[fixes #%dx] [#", "started" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t id = make(s, "a", rows[i].from);
		char message[100];
		scoped(free_ptr) char *number = xasprintf("%d", (int)id);
		const char *at = strstr(rows[i].message, "%d");

		snprintf(message, sizeof(message), "%.*s%s%s", (int)(at - rows[i].message),
			rows[i].message, number, at + 2);
		commit(s, message, NULL, 200);
		expect_state(s, id, rows[i].to);
	}
	int64_t chore = make_story(s, "{\"name\":\"c\",\"story_type\":\"chore\"}");
	scoped(free_ptr) char *message = xasprintf("[finishes #%lld]", (long long)chore);

	commit(s, message, NULL, 200);
	expect_state(s, chore, "accepted");
	/* A feature without an estimate cannot be finished, and the comment comes anyway. */
	int64_t feature = make_story(s, "{\"name\":\"f\"}");
	scoped(free_ptr) char *other = xasprintf("[finishes #%lld]", (long long)feature);

	commit(s, other, NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	expect_state(s, feature, "unscheduled");
}

static void commits_keep_to_the_callers_projects(void **state)
{
	struct served *s = *state;

	make(s, "a", "started");
	s->who = DAN;
	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect(s, "POST /projects/2/stories", "{\"name\":\"b\",\"story_type\":\"bug\"}", 200);
	commit(s, "[fixes #1 #2 #99]", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_int_equal(number_at(s, "0.id"), 2);
	expect_state(s, 2, "finished");
	commit(s, "[fixes #1]", NULL, 403);
	commit(s, "[fixes #99]", NULL, 404);
	commit(s, "no story", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
	s->who = CLEO;
	commit(s, "[#1]", NULL, 403);
	s->who = NOBODY;
	commit(s, "[#1]", NULL, 403);
	s->who = ADA;
	expect_state(s, 1, "started");
	expect(s, "POST /projects/2/memberships", NULL, 403);
	s->who = DAN;
	expect(s, "POST /projects/2/memberships", "{\"person_id\":1,\"role\":\"member\"}", 200);
	s->who = ADA;
	commit(s, "[#1 #2]", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	assert_null(header_of(s, "X-Tracker-Project-Version"));
}

static void hooks_send_forms_too(void **state)
{
	struct served *s = *state;
	scoped(buf_fini) struct buf many = BUF_INIT;

	make(s, "a", "started");
	expect(s, "POST /source_commits?fields=:default,comments",
		"source_commit[message]=%5Bfixes+%231%5D+done&source_commit[commit_id]=f00&"
		"source_commit[author]=Ada&source_commit[url]=http://x/f00",
		200);
	assert_string_equal(text_at(s, "0.current_state"), "finished");
	assert_string_equal(text_at(s, "0.comments.0.commit_identifier"), "f00");
	expect_problem(s, "POST /source_commits", "{}",
		"this endpoint requires the parameter: source_commit");
	for (int i = 0; i < 101; i++)
		buf_add_fmt(&many, "[#%d]", i + 1);
	commit(s, many.data, NULL, 400);
	buf_reset(&many);
	buf_add_str(&many, "[#1] ");
	for (int i = 0; i < 30000; i++)
		buf_add_str(&many, "\303\251");
	commit(s, many.data, NULL, 200);
}

/* ---- integrations ---- */

static void integrations_are_kept(void **state)
{
	struct served *s = *state;
	int64_t version = version_of(s);

	expect(s, "POST /projects/1/integrations",
		"{\"type\":\"jira\",\"name\":\"Issues\",\"base_url\":\"https://jira.example.com\","
		"\"api_username\":\"bot\",\"api_password\":\"s3cret\",\"update_comments\":true}",
		200);
	assert_string_equal(text_at(s, "kind"), "jira_integration");
	assert_string_equal(text_at(s, "api_username"), "bot");
	assert_true(json_is_true(find_at(s->json, "active")));
	assert_true(json_is_false(find_at(s->json, "is_other")));
	expect(s, "PUT /projects/1/integrations/1", "{\"active\":false,\"type\":\"other\"}", 200);
	assert_true(json_is_false(find_at(s->json, "active")));
	assert_string_equal(text_at(s, "type"), "jira");
	expect(s, "GET /projects/1/integrations?fields=:default,api_password", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_null(strstr(buf_str(&s->response.body), "s3cret"));
	expect(s, "GET /projects/1/integrations/1/stories?exclude_linked=true", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
	assert_int_equal(version_of(s), version);
	expect_problem(s, "POST /projects/1/integrations", "{\"name\":\"x\"}",
		"this endpoint requires the parameter: type");
	expect_problem(s, "POST /projects/1/integrations", "{\"name\":\"x\",\"type\":\"y\"}",
		"'type' must be one of: bugzilla, get_satisfaction, jira, lighthouse, other, zendesk");
	expect(s, "DELETE /projects/1/integrations/1", NULL, 204);
	expect_code(s, "GET /projects/1/integrations/1", NULL, "unfound_resource");
}

static void integrations_are_set_up_by_owners(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects/1/integrations",
		"{\"type\":\"other\",\"name\":\"Desk\",\"base_url\":\"https://desk.example.com\","
		"\"basic_auth_password\":\"s3cret\"}",
		200);
	assert_true(json_is_false(find_at(s->json, "can_import")));
	make_story(s, "{\"name\":\"a\",\"integration_id\":1,\"external_id\":\"T-1\"}");
	expect(s, "GET /stories/1?fields=:default,integration", NULL, 200);
	assert_string_equal(text_at(s, "integration.kind"), "other_integration");
	assert_string_equal(text_at(s, "integration.base_url"), "https://desk.example.com");
	assert_string_equal(text_at(s, "external_id"), "T-1");
	assert_false(has_at(s, "integration_id"));
	s->who = BEN;
	expect_code(s, "GET /projects/1/integrations", NULL, "unauthorized_operation");
	expect_code(s, "PUT /projects/1/integrations/1", "{\"active\":false}",
		"unauthorized_operation");
	expect(s, "GET /stories/1?fields=integration(name,base_url)", NULL, 200);
	assert_string_equal(text_at(s, "integration.name"), "Desk");
	assert_false(has_at(s, "integration.base_url"));
	expect(s, "GET /projects?fields=integrations", NULL, 200);
	assert_string_equal(text_at(s, "0.integrations.0.name"), "Desk");
	assert_false(has_at(s, "0.integrations.0.base_url"));
}

/* ---- the aggregator ---- */

static void several_questions_are_answered_at_once(void **state)
{
	struct served *s = *state;

	make(s, "a", "started");
	expect(s, "POST /aggregator",
		"[\"/services/v5/me?fields=username\",\"/services/v5/projects/1/stories?limit=1\","
		"\"/services/v5/stories/1?envelope=true\",\"/services/v5/stories/99\","
		"\"/services/v5/me?fields=username\",\"/elsewhere\",\"/services/v5/aggregator\","
		"\"/services/v5/stories/1?limit=x\"]",
		200);
	assert_int_equal(json_object_size(s->json), 7);
	json_t *me = json_object_get(s->json, "/services/v5/me?fields=username");

	assert_string_equal(json_string_value(json_object_get(me, "username")), "Ada");
	json_t *stories = json_object_get(s->json, "/services/v5/projects/1/stories?limit=1");

	assert_int_equal(json_array_size(stories), 1);
	json_t *story = json_object_get(s->json, "/services/v5/stories/1?envelope=true");

	assert_string_equal(json_string_value(find_at(story, "http_status")), "200");
	assert_string_equal(json_string_value(find_at(story, "data.name")), "a");
	static const struct {
		const char *path, *code;
	} failures[] = {
		{ "/services/v5/stories/99", "unfound_resource" },
		{ "/elsewhere", "route_not_found" },
		{ "/services/v5/aggregator", "route_not_found" },
		{ "/services/v5/stories/1?limit=x", "invalid_parameter" },
	};

	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		json_t *error = json_object_get(s->json, failures[i].path);

		assert_string_equal(
			json_string_value(json_object_get(error, "code")), failures[i].code);
	}
	assert_null(header_of(s, "X-Tracker-Project-Version"));
}

static void each_question_is_asked_as_the_caller(void **state)
{
	struct served *s = *state;

	s->who = DAN;
	expect(s, "POST /aggregator", "[\"/services/v5/projects/1\",\"/services/v5/me\"]", 200);
	json_t *project = json_object_get(s->json, "/services/v5/projects/1");

	assert_string_equal(
		json_string_value(json_object_get(project, "code")), "unauthorized_operation");
	json_t *me = json_object_get(s->json, "/services/v5/me");

	assert_string_equal(json_string_value(json_object_get(me, "username")), "Dan");
	s->who = NOBODY;
	expect_code(s, "POST /aggregator", "[\"/services/v5/projects\"]", "invalid_authentication");
}

static void an_aggregation_is_bounded(void **state)
{
	struct served *s = *state;
	scoped(buf_fini) struct buf body = BUF_INIT;

	expect(s, "POST /aggregator", "[]", 200);
	expect_code(s, "POST /aggregator", "{}", "unhandled_condition");
	expect_code(s, "POST /projects/1/stories", "[]", "unhandled_condition");
	expect_problem(
		s, "POST /aggregator", "[1]", "the body must be an array of paths, each a string");
	for (int i = 0; i < 21; i++)
		buf_add_fmt(&body, "%s\"/services/v5/stories/%d\"", i ? "," : "[", i);
	buf_add_char(&body, ']');
	expect_requirement(
		s, "POST /aggregator", body.data, "an aggregation must have 20 paths or less.");
}

static void a_storys_integration_is_one_of_its_project(void **state)
{
	struct served *s = *state;
	static const char missing[] = "The integration with id %d does not exist in this project.";

	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect(s, "POST /projects/1/integrations", "{\"type\":\"other\",\"name\":\"Desk\"}", 200);
	expect(s, "POST /projects/2/integrations", "{\"type\":\"other\",\"name\":\"Away\"}", 200);
	scoped(free_ptr) char *none = xasprintf(missing, 9);
	scoped(free_ptr) char *anothers = xasprintf(missing, 2);

	expect_requirement(
		s, "POST /projects/1/stories", "{\"name\":\"a\",\"integration_id\":9}", none);
	make_story(s, "{\"name\":\"a\",\"integration_id\":1}");
	expect_requirement(s, "PUT /stories/1", "{\"integration_id\":2}", anothers);
	/* What it came from may go; then the story can still be saved as it was read. */
	expect(s, "DELETE /projects/1/integrations/1", NULL, 204);
	expect(s, "PUT /stories/1", "{\"name\":\"b\",\"integration_id\":1}", 200);
	assert_int_equal(number_at(s, "integration_id"), 1);
	expect(s, "PUT /stories/1", "{\"integration_id\":null}", 200);
	assert_false(has_at(s, "integration_id"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(a_commit_is_told_on_its_stories),
		served_test(verbs_move_stories_on),
		served_test(commits_keep_to_the_callers_projects),
		served_test(hooks_send_forms_too),
		served_test(integrations_are_kept),
		served_test(integrations_are_set_up_by_owners),
		served_test(a_storys_integration_is_one_of_its_project),
		served_test(several_questions_are_answered_at_once),
		served_test(each_question_is_asked_as_the_caller),
		served_test(an_aggregation_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
