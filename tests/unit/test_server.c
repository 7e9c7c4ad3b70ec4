/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server as such: routes, who may what, headers, shapes. */
#include <pthread.h>

#include "served.h"

#include "storyfs/transport.h"

static void a_path_without_endpoint_is_no_route(void **state)
{
	struct served *s = *state;
	static const char *const paths[] = { "GET /nothing", "DELETE /me", "GET /Projects",
		"POST /projects/1/stories/1", "GET /projects/1/stories/1/tasks/1/x",
		"GET /projects/1/nothing", "GET /a/b/c/d/e/f/g/h/i/j/k/l/m/n", "GET /" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		expect_code(s, paths[i], NULL, "route_not_found");
		assert_int_equal(s->response.status, 404);
	}
	assert_string_equal(text_at(s, "error"), "The path you requested has no valid endpoint.");
}

static void slashes_may_be_doubled_or_trail(void **state)
{
	struct served *s = *state;

	expect(s, "GET //projects//1/", NULL, 200);
	expect(s, "GET /projects/1/?fields=name", NULL, 200);
	/* Recorded: with the id left out, the last segment is taken for one. */
	expect_code(s, "GET /projects//epics", NULL, "unfound_resource");
}

static void what_is_not_there_is_unfound(void **state)
{
	struct served *s = *state;
	int64_t id = make_story(s, "{\"name\":\"a\"}");
	scoped(free_ptr) char *path =
		xasprintf("GET /projects/1/stories/%lld/tasks/1", (long long)id);
	static const char *const paths[] = { "GET /projects/99", "GET /projects/0",
		"GET /projects/1/stories/99", "GET /stories/x", "GET /projects/1/stories/1e3",
		"GET /projects/1/epics/1", "GET /projects/99999999999999999999" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		expect_code(s, paths[i], NULL, "unfound_resource");
		assert_int_equal(s->response.status, 404);
		assert_null(header_of(s, "X-Tracker-Project-Version"));
	}
	expect_code(s, path, NULL, "unfound_resource");
}

static void credentials_are_checked(void **state)
{
	struct served *s = *state;

	s->who = NOBODY;
	expect_code(s, "GET /me", NULL, "invalid_authentication");
	assert_int_equal(s->response.status, 403);
	expect_code(s, "GET /projects/1", NULL, "invalid_authentication");
	expect_error(s, "GET /me?token=0123456789abcdef0123456789abcdef", NULL,
		(const char *[3]){ "invalid_authentication", "possible_fix",
			"Verify that your token value matches what's shown on your Profile page in "
			"Tracker." });
	served_send(s, "GET /me", NULL, "Authorization: Basic YTpi");
	assert_string_equal(text_at(s, "possible_fix"),
		"Recheck your name (email address or Tracker username) and password.");
	char token[TOKEN_SIZE];

	served_token(BEN, token);
	scoped(free_ptr) char *with = xasprintf("GET /me?token=%s", token);

	expect(s, with, NULL, 200);
	assert_string_equal(text_at(s, "name"), "Ben");
	assert_string_equal(text_at(s, "api_token"), token);
}

static void roles_decide_who_may_write(void **state)
{
	struct served *s = *state;
	int64_t id = make_story(s, "{\"name\":\"a\"}");
	scoped(free_ptr) char *story = xasprintf("/projects/1/stories/%lld", (long long)id);
	scoped(free_ptr) char *get = xasprintf("GET %s", story);
	scoped(free_ptr) char *put = xasprintf("PUT %s", story);

	s->who = CLEO;
	expect(s, get, NULL, 200);
	expect_code(s, put, "{\"name\":\"b\"}", "unauthorized_operation");
	assert_int_equal(s->response.status, 403);
	s->who = BEN;
	expect(s, put, "{\"name\":\"b\"}", 200);
	expect_code(s, "PUT /projects/1", "{\"name\":\"b\"}", "unauthorized_operation");
	expect_code(s, "POST /projects/1/memberships", "{}", "unauthorized_operation");
	s->who = DAN;
	expect_error(s, get, NULL,
		(const char *[3]){ "unauthorized_operation", "general_problem",
			"You aren't authorized to access the requested resource." });
	expect(s, "GET /projects", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
}

static void anybody_reads_a_public_project(void **state)
{
	struct served *s = *state;

	expect(s, "PUT /projects/1", "{\"public\":true}", 200);
	assert_string_equal(text_at(s, "project_type"), "public");
	make_story(s, "{\"name\":\"a\"}");
	s->who = NOBODY;
	expect(s, "GET /projects/1/stories?fields=requested_by", NULL, 200);
	assert_string_equal(text_at(s, "0.requested_by.name"), "Ada");
	assert_false(has_at(s, "0.requested_by.email"));
	expect_code(s, "POST /projects/1/stories", "{\"name\":\"b\"}", "invalid_authentication");
	s->who = DAN;
	expect(s, "GET /projects/1/stories?fields=requested_by", NULL, 200);
	assert_false(has_at(s, "0.requested_by.email"));
	expect_code(s, "POST /projects/1/stories", "{\"name\":\"b\"}", "unauthorized_operation");
}

static void names_of_others_projects_are_free(void **state)
{
	struct served *s = *state;

	s->who = DAN;
	expect(s, "POST /projects", "{\"name\":\"Moon\",\"create_sample\":false}", 200);
	expect_problem(s, "POST /projects", "{\"name\":\"Moon\"}",
		"The project name you entered is already taken.");
}

static void every_answer_has_the_headers_of_cors(void **state)
{
	struct served *s = *state;
	static const char *const requests[] = { "OPTIONS /projects/1/stories", "GET /projects",
		"GET /nothing", "DELETE /projects/1/labels/1" };

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		served_send(s, requests[i], NULL, NULL);
		assert_string_equal(header_of(s, "Access-Control-Allow-Origin"), "*");
		assert_string_equal(header_of(s, "Access-Control-Allow-Methods"),
			"GET, POST, PUT, DELETE, OPTIONS");
		assert_non_null(
			strstr(header_of(s, "Access-Control-Allow-Headers"), "X-TrackerToken"));
		assert_string_equal(header_of(s, "X-Tracker-Client-Pinger-Interval"), "20");
		assert_non_null(header_of(s, "X-Request-Id"));
		assert_non_null(header_of(s, "X-Runtime"));
	}
	expect(s, "OPTIONS /projects", NULL, 204);
}

static void headers_tell_what_they_told(void **state)
{
	struct served *s = *state;

	expect(s, "GET /projects/1", NULL, 200);
	assert_string_equal(header_of(s, "Cache-Control"), "max-age=0, private, must-revalidate");
	assert_string_equal(header_of(s, "Content-Type"), "application/json; charset=utf-8");
	assert_string_equal(header_of(s, "X-Tracker-Project-Version"), "3");
	expect(s, "GET /projects", NULL, 200);
	assert_null(header_of(s, "X-Tracker-Project-Version"));
	expect(s, "GET /me", NULL, 200);
	assert_null(header_of(s, "X-Tracker-Project-Version"));
	expect(s, "GET /projects/9", NULL, 404);
	assert_string_equal(header_of(s, "Cache-Control"), "no-cache");
	assert_null(header_of(s, "ETag"));
}

static void an_etag_saves_the_body(void **state)
{
	struct served *s = *state;

	expect(s, "GET /projects/1", NULL, 200);
	scoped(free_ptr) char *known = xasprintf("If-None-Match: %s", header_of(s, "ETag"));

	assert_non_null(strstr(known, "W/\""));
	served_send(s, "GET /projects/1", NULL, known);
	assert_int_equal(s->response.status, 304);
	assert_int_equal(s->response.body.len, 0);
	assert_non_null(header_of(s, "ETag"));
	expect(s, "PUT /projects/1", "{\"description\":\"x\"}", 200);
	served_send(s, "GET /projects/1", NULL, known);
	assert_int_equal(s->response.status, 200);
	served_send(s, "PUT /projects/1", "{\"description\":\"x\"}", "If-None-Match: *");
	assert_int_equal(s->response.status, 200);
}

static void head_is_get_without_a_body(void **state)
{
	struct served *s = *state;

	expect(s, "HEAD /projects/1", NULL, 200);
	assert_int_equal(s->response.body.len, 0);
	assert_non_null(header_of(s, "ETag"));
}

static void an_envelope_repeats_the_headers(void **state)
{
	struct served *s = *state;

	expect(s, "GET /projects/1/stories?envelope=true&limit=5", NULL, 200);
	assert_string_equal(text_at(s, "http_status"), "200");
	assert_int_equal(number_at(s, "project_version"), 3);
	assert_int_equal(number_at(s, "pagination.total"), 0);
	assert_int_equal(number_at(s, "pagination.limit"), 5);
	assert_int_equal(number_at(s, "pagination.returned"), 0);
	assert_true(json_is_array(find_at(s->json, "data")));
	expect(s, "GET /projects?envelope=true", NULL, 200);
	assert_false(has_at(s, "pagination"));
	assert_false(has_at(s, "project_version"));
	served_send(s, "GET /projects/9?envelope=true", NULL, NULL);
	assert_int_equal(s->response.status, 404);
	assert_string_equal(text_at(s, "http_status"), "404");
	assert_string_equal(text_at(s, "data.code"), "unfound_resource");
	served_send(s, "GET /nothing?envelope=true", NULL, NULL);
	assert_string_equal(text_at(s, "data.code"), "route_not_found");
	served_send(s, "GET /projects?envelope=true", "{\"fields\":1}", NULL);
	assert_string_equal(text_at(s, "data.code"), "invalid_parameter");
	expect_problem(s, "GET /projects?envelope=yes", NULL,
		"'envelope' must be a non-string boolean true or false value");
}

static void times_can_be_milliseconds(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	expect(s, "GET /projects/1/stories?date_format=millis", NULL, 200);
	assert_int_equal(number_at(s, "0.created_at"), NOW_MS);
	expect(s, "GET /projects/1/activity?limit=1&date_format=millis", NULL, 200);
	assert_int_equal(number_at(s, "0.occurred_at"), NOW_MS);
	assert_int_equal(number_at(s, "0.changes.0.new_values.created_at"), NOW_MS);
	expect(s, "GET /projects/1/activity?limit=1", NULL, 200);
	assert_string_equal(text_at(s, "0.changes.0.new_values.created_at"), NOW_TEXT);
}

static void fields_narrow_and_widen(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\",\"labels\":[\"Zoo\",{\"name\":\"ant\"}],\"owner_ids\":[2,1],"
		      "\"tasks\":[{\"description\":\"t\"}],\"comments\":[{\"text\":\"c\"}]}");
	expect(s, "GET /projects/1/stories?fields=name,labels(name)", NULL, 200);
	assert_int_equal(json_object_size(find_at(s->json, "0")), 3);
	assert_int_equal(json_object_size(find_at(s->json, "0.labels.0")), 2);
	assert_string_equal(text_at(s, "0.labels.0.name"), "ant");
	assert_string_equal(text_at(s, "0.labels.1.name"), "zoo");
	expect(s, "GET /projects/1/stories?fields=:default,owners,owned_by,comments(person(name))",
		NULL, 200);
	assert_string_equal(text_at(s, "0.kind"), "story");
	assert_string_equal(text_at(s, "0.owners.0.name"), "Ben");
	assert_int_equal(number_at(s, "0.owner_ids.1"), 1);
	assert_string_equal(text_at(s, "0.owned_by.name"), "Ben");
	assert_false(has_at(s, "0.owned_by_id"));
	assert_string_equal(text_at(s, "0.comments.0.person.name"), "Ada");
	assert_false(has_at(s, "0.comments.0.text"));
	expect(s, "GET /projects/1/stories?fields=task_ids,comment_ids,follower_ids,before_id",
		NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "0.task_ids")), 1);
	assert_int_equal(json_array_size(find_at(s->json, "0.comment_ids")), 1);
	assert_false(has_at(s, "0.before_id"));
	assert_false(has_at(s, "0.kind"));
	expect(s, "GET /projects/1?fields=stories(name,tasks(description)),memberships(role)", NULL,
		200);
	assert_string_equal(text_at(s, "stories.0.tasks.0.description"), "t");
	assert_string_equal(text_at(s, "memberships.0.role"), "owner");
	expect(s, "GET /projects/1/labels?fields=counts", NULL, 200);
	assert_int_equal(number_at(s, "0.counts.number_of_stories_by_state.unscheduled"), 1);
	expect_problem(s, "GET /projects?fields=a(", NULL,
		"the 'fields' parameter is not well-formed at character 3");
}

static void what_one_parameter_holds_is_bounded(void **state)
{
	struct served *s = *state;
	scoped(buf_fini) struct buf fields = BUF_INIT;
	scoped(buf_fini) struct buf labels = BUF_INIT;

	buf_add_str(&fields, "{\"fields\":\"name");
	for (int i = 0; i < 4096; i++)
		buf_add_str(&fields, ",a");
	buf_add_str(&fields, "\"}");
	expect_requirement(s, "GET /projects", buf_str(&fields),
		"'fields' parameter must be 4096 characters or less.");
	buf_add_str(&labels, "{\"name\":\"a\",\"labels\":[\"x\"");
	for (int i = 0; i < 500; i++)
		buf_add_str(&labels, ",\"x\"");
	buf_add_str(&labels, "]}");
	expect_requirement(s, "POST /projects/1/stories", buf_str(&labels),
		"'labels' parameter must have 500 items or less.");
}

static void writes_take_fields_too(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects/1/stories?fields=name", "{\"name\":\"a\"}", 200);
	assert_int_equal(json_object_size(s->json), 2);
}

static void a_broken_body_is_refused(void **state)
{
	struct served *s = *state;
	static const char *const bodies[] = { "{\"name\":", "[1]", "{\"name\":\"\xff\"}" };

	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		expect_code(s, "POST /projects/1/stories", bodies[i], "unhandled_condition");
		assert_int_equal(s->response.status, 500);
	}
	expect_problem(s, "GET /projects?a=%ff", NULL,
		"parameters must be well-formed and encoded as UTF-8");
}

static void parameters_come_in_any_way(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects/1/stories?name=Test+st%6Fry%2B", NULL, 200);
	assert_string_equal(text_at(s, "name"), "Test story+");
	expect(s, "POST /projects/1/stories",
		"name=a%26b&story_type=bug&owner_ids[]=1&owner_ids[]=2", 200);
	assert_string_equal(text_at(s, "name"), "a&b");
	assert_int_equal(number_at(s, "owner_ids.1"), 2);
	expect(s, "POST /projects/1/stories",
		"name=x&labels[][name]=one&labels[][name]=two&tasks[][description]=t&tasks[][complete]"
		"=true",
		200);
	assert_string_equal(text_at(s, "labels.1.name"), "two");
	expect(s, "GET /projects/1/stories", "{\"limit\":1,\"fields\":\"name\"}", 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_int_equal(json_object_size(find_at(s->json, "0")), 2);
}

static void unknown_parameters_are_refused(void **state)
{
	struct served *s = *state;

	expect_problem(s, "POST /projects", "{\"name\":\"x\",\"nonsense\":1}",
		"this endpoint cannot accept the parameter: nonsense");
	expect_problem(s, "GET /projects/1/labels?limit=1", NULL,
		"this endpoint cannot accept the parameter: limit");
	expect_problem(s, "GET /projects/1/stories?sort=x", NULL,
		"this endpoint cannot accept the parameter: sort");
	expect(s, "POST /projects",
		"{\"name\":\"x\",\"kind\":\"project\",\"has_google_domain\":true,"
		"\"point_scale_is_custom\":true,\"enable_following\":false}",
		200);
	assert_true(json_is_false(find_at(s->json, "has_google_domain")));
	assert_true(json_is_false(find_at(s->json, "point_scale_is_custom")));
}

static void types_are_strict(void **state)
{
	struct served *s = *state;
	static const struct {
		const char *request, *body, *problem;
	} rows[] = {
		{ "POST /projects/1/stories", "{\"name\":5}", "'name' must be an extended_string" },
		{ "PUT /projects/1", "{\"point_scale\":5}", "'point_scale' must be a string" },
		{ "PUT /projects/1", "{\"iteration_length\":\"1\"}",
			"'iteration_length' must be an integer value" },
		{ "PUT /projects/1", "{\"public\":\"true\"}",
			"'public' must be a non-string boolean true or false value" },
		{ "PUT /projects/1", "{\"public\":null}",
			"'public' must be a non-string boolean true or false value" },
		{ "PUT /projects/1", "{\"week_start_day\":\"Doomsday\"}",
			"'week_start_day' must be one of: sunday, monday, tuesday, wednesday, "
			"thursday, friday, saturday" },
		{ "PUT /projects/1", "{\"project_type\":1}",
			"'project_type' must be one of: demo, private, public, shared" },
		{ "PUT /projects/1", "{\"start_date\":\"yesterday\"}",
			"'start_date' must be a date value represented as iso 8601 date" },
		{ "POST /projects/1/stories", "{\"name\":\"a\",\"created_at\":\"yesterday\"}",
			"'created_at' must be a time value represented as milliseconds/iso 8601 date" },
		{ "POST /projects/1/stories", "{\"name\":\"a\",\"owner_ids\":[\"1\"]}",
			"'owner_ids' must be an array of integer values" },
		{ "GET /projects/1/stories?limit=x", NULL, "'limit' must be an integer value" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect_problem(s, rows[i].request, rows[i].body, rows[i].problem);
	expect_problem(s, "POST /projects/1/epics", "{\"name\":\"e\",\"label\":{\"name\":true}}",
		"Can't use content of 'label' parameter.");
	assert_string_equal(text_at(s, "requirement"),
		"The 'name' parameter value was 'true' but must be of type 'extended_string'");
	expect(s, "PUT /projects/1", "{\"week_start_day\":\"tuesday \"}", 200);
	assert_string_equal(text_at(s, "week_start_day"), "Tuesday");
}

static void in_process_there_is_no_token(void **state)
{
	struct served *s = *state;
	scoped(transport_free) struct transport *t = server_transport_new(s->server, DAN);
	struct http_request req = { .target = xstrdup("/services/v5/me") };
	struct http_response resp = { 0 };
	struct call_limit limit = { 0 };

	assert_int_equal(transport_perform(t, &req, &limit, &resp), 0);
	assert_int_equal(resp.status, 200);
	assert_null(strstr(resp.body.data, "api_token"));
	http_response_fini(&resp);
	free(req.target);
	req.target = xstrdup("/services/v5/projects");
	assert_int_equal(transport_perform(t, &req, &limit, &resp), 0);
	assert_non_null(strstr(resp.body.data, "Moon"));
	http_response_fini(&resp);
	limit.deadline_ms = clock_monotonic_ms() - 1;
	assert_true(transport_perform(t, &req, &limit, &resp) < 0);
	http_request_fini(&req);
}

static void me_sums_up_memberships(void **state)
{
	struct served *s = *state;

	expect(s, "GET /me", NULL, 200);
	assert_string_equal(text_at(s, "kind"), "me");
	assert_string_equal(text_at(s, "time_zone.offset"), "+00:00");
	assert_string_equal(text_at(s, "projects.0.kind"), "membership_summary");
	assert_string_equal(text_at(s, "projects.0.project_name"), "Moon");
	assert_string_equal(text_at(s, "projects.0.role"), "owner");
}

enum { THREADS = 4, WRITES = 20 };

static void *write_and_read(void *data)
{
	struct served *s = data;

	for (int i = 0; i < WRITES; i++) {
		struct http_request post = { .method = HTTP_POST,
			.target = xstrdup("/services/v5/projects/1/stories?name=x") };
		struct http_request get = { .target = xstrdup("/services/v5/projects/1/stories") };
		struct http_response posted = { 0 }, got = { 0 };

		server_handle_as(s->server, ADA, &post, &posted);
		server_handle_as(s->server, ADA, &get, &got);
		bool ok = posted.status == 200 && got.status == 200;

		http_request_fini(&post);
		http_request_fini(&get);
		http_response_fini(&posted);
		http_response_fini(&got);
		if (!ok)
			return NULL;
	}
	return data;
}

static void requests_may_come_at_once(void **state)
{
	struct served *s = *state;
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_and_read, s), 0);
	for (int i = 0; i < THREADS; i++) {
		void *done;

		assert_int_equal(pthread_join(threads[i], &done), 0);
		assert_non_null(done);
	}
	assert_int_equal(version_of(s), 3 + THREADS * WRITES);
	expect(s, "GET /projects/1/activity?sort_order=asc&offset=3", NULL, 200);
	for (int i = 0; i < THREADS * WRITES; i++) {
		json_t *item = json_array_get(s->json, (size_t)i);

		assert_int_equal(
			json_integer_value(json_object_get(item, "project_version")), 4 + i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(a_path_without_endpoint_is_no_route),
		served_test(slashes_may_be_doubled_or_trail),
		served_test(what_is_not_there_is_unfound),
		served_test(credentials_are_checked),
		served_test(roles_decide_who_may_write),
		served_test(anybody_reads_a_public_project),
		served_test(names_of_others_projects_are_free),
		served_test(every_answer_has_the_headers_of_cors),
		served_test(headers_tell_what_they_told),
		served_test(an_etag_saves_the_body),
		served_test(head_is_get_without_a_body),
		served_test(an_envelope_repeats_the_headers),
		served_test(times_can_be_milliseconds),
		served_test(fields_narrow_and_widen),
		served_test(what_one_parameter_holds_is_bounded),
		served_test(writes_take_fields_too),
		served_test(a_broken_body_is_refused),
		served_test(parameters_come_in_any_way),
		served_test(unknown_parameters_are_refused),
		served_test(types_are_strict),
		served_test(in_process_there_is_no_token),
		served_test(me_sums_up_memberships),
		served_test(requests_may_come_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
