/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Searching: what each keyword finds, and how the endpoints tell it. */
#include "served.h"

/* The text percent-encoded, as a query holds it. */
static void add_encoded(struct buf *b, const char *text)
{
	for (const char *p = text; *p; p++)
		buf_add_fmt(b, "%%%02x", (unsigned)(unsigned char)*p);
}

static void send(struct served *s, const char *before, const char *text, int status)
{
	scoped(buf_fini) struct buf request = BUF_INIT;

	buf_add_str(&request, before);
	add_encoded(&request, text);
	expect(s, request.data, NULL, status);
}

static void add_names(struct served *s, const char *path, struct buf *ret)
{
	json_t *list = find_at(s->json, path);

	for (size_t i = 0; i < json_array_size(list); i++)
		buf_add_fmt(ret, "%s%s", i ? " " : "",
			json_string_value(json_object_get(json_array_get(list, i), "name")));
}

/* What a search finds: names of stories, and behind a bar of epics. */
static void expect_found(struct served *s, const char *text, const char *names)
{
	scoped(buf_fini) struct buf found = BUF_INIT;

	send(s, "GET /projects/1/search?query=", text, 200);
	add_names(s, "stories.stories", &found);
	if (json_array_size(find_at(s->json, "epics.epics")))
		buf_add_str(&found, "|");
	add_names(s, "epics.epics", &found);
	if (strcmp(buf_str(&found), names) != 0)
		fail_msg("%s finds \"%s\", not \"%s\"", text, buf_str(&found), names);
	assert_string_equal(text_at(s, "query"), text);
}

/* Stories by id: 1 tea (a started feature of 2 points, Ben's, labels hot and kitchen), 2 leak (an
 * unstarted bug, blocked by 3), 3 scrub (an accepted chore), 4 idea (in the Icebox). */
static void fill(struct served *s)
{
	make_story(s, "{\"name\":\"tea\",\"current_state\":\"started\",\"estimate\":2,"
		      "\"owner_ids\":[2],\"labels\":[\"hot\",\"kitchen\"],"
		      "\"description\":\"Boil \\u00dcber water\",\"external_id\":\"77\","
		      "\"tasks\":[{\"description\":\"fetch the kettle\"}],"
		      "\"comments\":[{\"text\":\"milk or lemon?\"}],\"follower_ids\":[1]}");
	make_story(s, "{\"name\":\"leak\",\"story_type\":\"bug\",\"current_state\":\"unstarted\","
		      "\"requested_by_id\":2,\"created_at\":\"2024-04-01T12:00:00Z\"}");
	make_story(s, "{\"name\":\"scrub\",\"story_type\":\"chore\","
		      "\"current_state\":\"accepted\",\"owner_ids\":[2,1]}");
	make_story(s, "{\"name\":\"idea\"}");
	expect(s, "POST /projects/1/stories/2/blockers", "{\"description\":\"see #4\"}", 200);
	expect(s, "POST /projects/1/epics", "{\"name\":\"Kitchen\"}", 200);
	expect(s, "POST /projects/1/stories/1/reviews",
		"{\"review_type_id\":1,\"reviewer_id\":2,\"status\":\"pass\"}", 200);
}

static const char *const finds[][2] = {
	{ "tea", "tea" },
	{ "TEA", "tea" },
	{ "te", "" },
	{ "te*", "tea" },
	{ "/^t.a$/", "tea" },
	{ "\xc3\xbc"
	  "ber",
		"tea" },
	{ "\"boil \xc3\xbc"
	  "ber\"",
		"tea" },
	{ "kettle", "tea" },
	{ "lemon", "tea" },
	{ "hot", "tea" },
	{ "kitchen", "tea|Kitchen" },
	{ "ben", "scrub tea leak" },
	{ "name:leak", "leak" },
	{ "name:kettle", "" },
	{ "label:hot", "tea" },
	{ "label:ho", "" },
	{ "label:h*", "tea" },
	{ "label:hot,nothing", "tea" },
	{ "label:kitchen", "tea|Kitchen" },
	{ "label:\"\"", "scrub leak idea" },
	{ "epic:kitchen", "tea|Kitchen" },
	{ "epic:\"\"", "scrub leak idea" },
	{ "type:bug,chore", "scrub leak" },
	{ "story_type:bug", "leak" },
	{ "state:started", "tea" },
	{ "state:unstarted,unscheduled", "leak idea" },
	{ "-state:started", "scrub leak idea" },
	{ "estimate:2", "tea" },
	{ "estimate:-1", "scrub leak idea" },
	{ "-estimate:-1", "tea" },
	{ "owner:ben", "scrub tea" },
	{ "owner:2", "scrub tea" },
	{ "owned_by:Ben,Ada", "scrub tea" },
	{ "owner:be", "scrub tea" },
	{ "owner:\"\"", "leak idea" },
	{ "owner:none", "leak idea" },
	{ "owner:nobody", "" },
	{ "requester:ben", "leak" },
	{ "requested_by:1", "scrub tea idea" },
	{ "mywork:2", "tea" },
	{ "is:blocked", "leak" },
	{ "has:blockers", "leak" },
	{ "no:blocked", "scrub tea idea" },
	{ "is:blocking", "idea" },
	{ "is:following", "scrub tea idea" },
	{ "has:label", "tea|Kitchen" },
	{ "no:labels", "scrub leak idea" },
	{ "has:owner", "scrub tea" },
	{ "no:owner", "leak idea" },
	{ "has:epic", "tea" },
	{ "no:epics", "scrub leak idea" },
	{ "has:external_id", "tea" },
	{ "has:attachment", "" },
	{ "id:1,4", "tea idea|Kitchen" },
	{ "id:4", "idea" },
	{ "external_id:77", "tea" },
	{ "external_id:7", "" },
	{ "review:\"Test (QA)\"", "tea" },
	{ "review:\"Test (QA)\"&pass", "tea" },
	{ "review:\"Test (QA)\"&revise", "" },
	{ "review:design", "" },
	{ "review_status:pass", "tea" },
	{ "reviewer:ben", "tea" },
	{ "created_before:5/1/2024", "leak" },
	{ "created:4/1/2024", "leak" },
	{ "created:3/1/2024..4/30/2024", "leak" },
	{ "created_since:today", "scrub tea idea|Kitchen" },
	{ "updated:-1h", "scrub tea leak idea|Kitchen" },
	{ "modified_since:5/7/2024", "" },
	{ "accepted_on:today", "scrub" },
	{ "tea OR leak", "tea leak" },
	{ "tea OR leak type:bug", "leak" },
	{ "tea OR (leak type:bug)", "tea leak" },
	{ "-(tea OR leak)", "scrub idea|Kitchen" },
	{ "integration:jira", "" },
};

static void each_keyword_finds_its_stories(void **state)
{
	struct served *s = *state;

	fill(s);
	for (size_t i = 0; i < sizeof(finds) / sizeof(*finds); i++)
		expect_found(s, finds[i][0], finds[i][1]);
}

static void the_container_is_as_recorded(void **state)
{
	struct served *s = *state;

	fill(s);
	send(s, "GET /projects/1/search?query=", "state:started,accepted", 200);
	assert_int_equal(json_object_size(s->json), 3);
	assert_int_equal(json_object_size(find_at(s->json, "stories")), 5);
	assert_int_equal(json_object_size(find_at(s->json, "epics")), 2);
	assert_int_equal(number_at(s, "stories.total_points"), 2);
	assert_int_equal(number_at(s, "stories.total_points_completed"), 0);
	assert_int_equal(number_at(s, "stories.total_hits"), 2);
	assert_int_equal(number_at(s, "stories.total_hits_with_done"), 2);
	assert_int_equal(number_at(s, "epics.total_hits"), 0);
	assert_string_equal(text_at(s, "stories.stories.0.kind"), "story");
	assert_non_null(header_of(s, "X-Tracker-Project-Version"));
	expect(s,
		"GET /projects/1/search?query=tea&fields=stories(total_hits,stories(name,owners(initials)))",
		NULL, 200);
	assert_int_equal(json_object_size(s->json), 1);
	assert_int_equal(json_object_size(find_at(s->json, "stories")), 2);
	assert_int_equal(json_object_size(find_at(s->json, "stories.stories.0")), 3);
	assert_string_equal(text_at(s, "stories.stories.0.owners.0.initials"), "XX");
	expect(s, "GET /projects/1/search", "{\"query\":\"tea\"}", 200);
	assert_int_equal(number_at(s, "stories.total_hits"), 1);
	expect_problem(
		s, "GET /projects/1/search", NULL, "this endpoint requires the parameter: query");
	expect_problem(s, "GET /projects/1/search?query=%20", NULL, "Query can't be blank");
	s->who = DAN;
	expect(s, "GET /projects/1/search?query=tea", NULL, 403);
}

static void old_done_stories_are_left_out_unless_asked_for(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"old\",\"current_state\":\"accepted\",\"estimate\":3,"
		      "\"accepted_at\":\"2023-01-02T00:00:00Z\"}");
	make_story(s, "{\"name\":\"recent\",\"current_state\":\"accepted\",\"estimate\":1,"
		      "\"accepted_at\":\"2024-04-30T00:00:00Z\"}");
	make_story(s, "{\"name\":\"new\",\"current_state\":\"accepted\",\"estimate\":1}");
	make_story(s, "{\"name\":\"todo\"}");
	expect_found(s, "state:accepted", "new recent");
	assert_int_equal(number_at(s, "stories.total_points_completed"), 2);
	assert_int_equal(number_at(s, "stories.total_hits_with_done"), 3);
	expect_found(s, "includedone:true type:feature", "new todo old recent");
	assert_int_equal(number_at(s, "stories.total_points"), 5);
}

static void filters_make_pages(void **state)
{
	struct served *s = *state;
	scoped(buf_fini) struct buf names = BUF_INIT;

	fill(s);
	send(s, "GET /projects/1/stories?limit=2&offset=1&envelope=true&date_format=millis&filter=",
		"-label:hot includedone:true", 200);
	add_names(s, "data", &names);
	assert_string_equal(buf_str(&names), "leak idea");
	assert_int_equal(number_at(s, "pagination.total"), 3);
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Total"), "3");
	send(s, "GET /projects/1/stories?offset=9&filter=", "tea", 200);
	assert_int_equal(json_array_size(s->json), 0);
	send(s, "GET /projects/1/stories?envelope=true&filter=", "name:none", 200);
	assert_true(json_is_null(find_at(s->json, "pagination.total")));
	assert_int_equal(number_at(s, "pagination.returned"), 0);
	expect(s, "GET /projects/1/stories?filter=", NULL, 200);
	assert_int_equal(json_array_size(s->json), 4);
	expect_problem(s, "GET /projects/1/stories?filter=tea&with_state=started", NULL,
		"this endpoint cannot accept the parameter: with_state");
	expect_problem(s, "GET /projects/1/stories?filter=created:-5days..now", NULL,
		"The date you requested could not be parsed. See FAQ for valid formats.");
	send(s, "GET /projects/1/epics?filter=", "created_before:02/28/2015", 200);
	assert_int_equal(json_array_size(s->json), 0);
	send(s, "GET /projects/1/epics?filter=", "name:kitchen", 200);
	assert_int_equal(json_array_size(s->json), 1);
}

static void dates_are_the_searchers(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"late\",\"created_at\":\"2024-05-05T05:00:00Z\"}");
	expect_found(s, "created:5/5/2024", "late");
	expect(s, "PUT /me", "{\"time_zone\":{\"olson_name\":\"America/Los_Angeles\"}}", 200);
	expect_found(s, "created:5/5/2024", "");
	expect_found(s, "created:5/4/2024", "late");
}

static void hostile_expressions_are_refused(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}");
	send(s, "GET /projects/1/search?query=", "/(a+)+$/", 400);
	assert_string_equal(text_at(s, "general_problem"),
		"The search takes too long: its regular expression tries too much.");
}

static void searches_are_saved_for_one_person(void **state)
{
	struct served *s = *state;
	int64_t version = version_of(s);

	expect(s, "POST /projects/1/my/searches",
		"{\"name\":\"mine\",\"query\":\"owner:ada -state:accepted\"}", 200);
	assert_int_equal(json_object_size(s->json), 5);
	assert_string_equal(text_at(s, "kind"), "saved_search");
	assert_int_equal(number_at(s, "project_id"), 1);
	assert_int_equal(version_of(s), version);
	expect(s, "GET /projects/1/my/searches", NULL, 200);
	assert_string_equal(text_at(s, "0.query"), "owner:ada -state:accepted");
	expect_problem(s, "POST /projects/1/my/searches", "{\"name\":\"x\",\"query\":\"lable:a\"}",
		"The search cannot be understood at character 1: 'lable' is not a keyword.");
	expect_problem(s, "POST /projects/1/my/searches", "{\"name\":\"x\"}",
		"this endpoint requires the parameter: query");
	expect_problem(s, "POST /projects/1/my/searches", "{\"name\":\"x\",\"query\":\" \"}",
		"Query can't be blank");
	s->who = CLEO;
	expect(s, "GET /projects/1/my/searches", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
	expect(s, "DELETE /projects/1/my/searches/1", NULL, 403);
	expect(s, "POST /projects/1/my/searches", "{\"name\":\"y\",\"query\":\"a\"}", 200);
	s->who = ADA;
	expect(s, "DELETE /projects/1/my/searches/1", NULL, 204);
	expect(s, "GET /projects/1/my/searches", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
}

static void workspaces_are_searched(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"tea\"}");
	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect(s, "POST /projects/2/stories", "{\"name\":\"tea\"}", 200);
	expect(s, "POST /projects/2/stories", "{\"name\":\"dust\"}", 200);
	expect(s, "POST /my/workspaces", "{\"name\":\"all\",\"project_ids\":[1,2]}", 200);
	expect(s, "GET /workspaces/1/search?query=tea", NULL, 200);
	assert_int_equal(number_at(s, "stories.total_hits"), 2);
	assert_int_equal(number_at(s, "stories.stories.1.project_id"), 2);
	s->who = BEN;
	expect(s, "GET /workspaces/1/search?query=tea", NULL, 403);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(each_keyword_finds_its_stories),
		served_test(the_container_is_as_recorded),
		served_test(old_done_stories_are_left_out_unless_asked_for),
		served_test(filters_make_pages),
		served_test(dates_are_the_searchers),
		served_test(hostile_expressions_are_refused),
		served_test(searches_are_saved_for_one_person),
		served_test(workspaces_are_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
