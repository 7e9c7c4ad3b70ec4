/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iterations hold, and the endpoints that show it. */
#include "served.h"

#define WEEK INT64_C(604800000)

/* Stories in order, one a word: a letter for the state (u unstarted, s started, f finished, d
 * delivered, r rejected, a accepted, p planned, i unscheduled) and the points; `-` is a chore, `R`
 * a release. The name is the word. */
static void make_all(struct served *s, const char *words)
{
	static const char *const states[] = { ['u'] = "unstarted",
		['s'] = "started",
		['f'] = "finished",
		['d'] = "delivered",
		['r'] = "rejected",
		['a'] = "accepted",
		['p'] = "planned",
		['i'] = "unscheduled" };
	scoped(free_ptr) char *copy = xstrdup(words);
	char *rest = copy, *word;
	int64_t last = 0;

	while ((word = strsep(&rest, " "))) {
		scoped(buf_fini) struct buf body = BUF_INIT;

		buf_add_fmt(&body, "{\"name\":\"%s\",\"current_state\":\"%s\"", word,
			states[(unsigned char)word[0]]);
		if (word[1] == '-')
			buf_add_str(&body, ",\"story_type\":\"chore\"");
		else if (word[1] == 'R')
			buf_add_str(&body, ",\"story_type\":\"release\"");
		else if (word[1] != '?')
			buf_add_fmt(&body, ",\"estimate\":%s", word + 1);
		if (last)
			buf_add_fmt(&body, ",\"after_id\":%lld", (long long)last);
		buf_add_str(&body, "}");
		last = make_story(s, body.data);
	}
}

/* The stories' names of each iteration in the answer, iterations parted by bars. */
static void expect_iterations(struct served *s, const char *query, const char *want)
{
	scoped(free_ptr) char *request =
		xasprintf("GET /projects/1/iterations?fields=number,stories(name)%s%s",
			*query ? "&" : "", query);
	scoped(buf_fini) struct buf text = BUF_INIT;

	expect(s, request, NULL, 200);
	for (size_t i = 0; i < json_array_size(s->json); i++) {
		json_t *stories = json_object_get(json_array_get(s->json, i), "stories");

		buf_add_str(&text, i ? " |" : "");
		for (size_t k = 0; k < json_array_size(stories); k++)
			buf_add_fmt(&text, " %s",
				json_string_value(
					json_object_get(json_array_get(stories, k), "name")));
	}
	assert_string_equal(buf_str(&text), want);
}

static void set_project(struct served *s, const char *body)
{
	expect(s, "PUT /projects/1", body, 200);
}

/* As it was recorded on 3 May 2017, when the list had 172 iterations, 168 of them done. */
static void the_recorded_backlog_packs_as_it_did(void **state)
{
	struct served *s = *state;
	const int points[] = { 9, 10, 11, 10 };

	make_all(s,
		"r1 d2 f1 s- f1 s1 s2 u? u1 u- u3 uR u1 u- u3 u1 u1 u1 u2 u1 u- uR u2 u1 u1 u1 u1 "
		"u2 u1 u1 u- u3 u2 u1 u1 u1 u? u? u? u? u? u? u? u? u- uR");
	expect(s,
		"GET /projects/1/iterations?fields=points,velocity,accepted_points,effective_points",
		NULL, 200);
	assert_int_equal(json_array_size(s->json), 4);
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Total"), "4");
	for (int i = 0; i < 4; i++) {
		scoped(free_ptr) char *path = xasprintf("%d.points", i);

		assert_int_equal(number_at(s, path), points[i]);
	}
	assert_int_equal(number_at(s, "0.velocity"), 10);
	assert_int_equal(number_at(s, "0.accepted_points"), 0);
	/* Recorded: "points":9, "effective_points":9.0. */
	assert_true(json_is_integer(find_at(s->json, "0.points")));
	assert_true(json_is_real(find_at(s->json, "2.effective_points")));
	assert_int_equal((int)json_real_value(find_at(s->json, "2.effective_points")), 11);
	expect_iterations(s, "scope=current", " r1 d2 f1 s- f1 s1 s2 u? u1 u-");
}

static void what_is_left_unused_is_carried_over(void **state)
{
	struct served *s = *state;

	set_project(s, "{\"initial_velocity\":8,\"point_scale\":\"0,1,2,3,5,8,13\"}");
	/* Documented: velocity 8, then 7 and 9 points. */
	make_all(s, "u5 u2 u3 u5 u1 u8");
	expect_iterations(s, "", " u5 u2 | u3 u5 u1 | u8");
	/* An overfull Current leaves nothing, and takes what costs nothing. */
	make_all(s, "s13 u? u1");
	expect_iterations(s, "scope=current", " s13 u?");
	set_project(s, "{\"initial_velocity\":3}");
	expect_iterations(s, "scope=current_backlog", " s13 u? | u1 | u5 | u2 | u3 | u5 | u1 | u8");
}

static void what_is_free_is_taken_as_it_comes(void **state)
{
	struct served *s = *state;

	set_project(s, "{\"initial_velocity\":3}");
	make_all(s, "u3 u0 u? u- uR u1 u0");
	expect_iterations(s, "", " u3 u0 u? u- uR | u1 u0");
}

static void what_is_larger_than_an_iteration_takes_one_of_its_own(void **state)
{
	struct served *s = *state;

	set_project(s, "{\"initial_velocity\":2,\"point_scale\":\"0,1,2,8\"}");
	make_all(s, "u8 u1 u8 u0 u2");
	expect_iterations(s, "", " u8 | u1 | u8 u0 | u2");
}

static void work_is_current_wherever_it_stands(void **state)
{
	struct served *s = *state;

	set_project(s, "{\"initial_velocity\":3}");
	make_all(s, "u1 u1 s1 u1 d1 i1");
	expect_iterations(s, "", " u1 s1 d1 | u1 u1");
	/* What was accepted in the iteration is part of it, and counts. */
	put(s, 1, "{\"current_state\":\"accepted\"}");
	expect_iterations(s, "", " u1 s1 d1 | u1 u1");
	expect(s, "GET /projects/1/iterations/1?fields=accepted_points,points", NULL, 200);
	assert_int_equal(number_at(s, "accepted_points"), 1);
	assert_int_equal(number_at(s, "points"), 3);
	/* At midnight the accepted ones are done, the rest rolls on. */
	clock_set_fixed(NOW_MS + WEEK);
	expect_iterations(s, "", " u1 | s1 d1 | u1 | u1");
	expect_iterations(s, "scope=done", " u1");
	expect_iterations(s, "scope=backlog", " u1 | u1");
}

static void planned_stories_are_current_when_planned_by_hand(void **state)
{
	struct served *s = *state;

	set_project(s, "{\"initial_velocity\":2,\"automatic_planning\":false}");
	make_all(s, "u1 p1 u1 s1 u? u1");
	expect_iterations(s, "", " p1 s1 | u1 u1 u? | u1");
	/* Back to automatic: planned is as good as unstarted. */
	set_project(s, "{\"automatic_planning\":true}");
	expect_iterations(s, "", " u1 s1 | p1 u1 u? | u1");
}

static void pages_and_scopes_are_v5s(void **state)
{
	struct served *s = *state;

	make_all(s, "a1 u1");
	clock_set_fixed(NOW_MS + 12 * WEEK);
	expect(s, "GET /projects/1/iterations", NULL, 200);
	assert_int_equal(json_array_size(s->json), 10);
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Total"), "13");
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Limit"), "10");
	assert_false(has_at(s, "0.id"));
	assert_string_equal(text_at(s, "0.kind"), "iteration");
	assert_int_equal(number_at(s, "0.length"), 1);
	assert_int_equal(number_at(s, "0.team_strength"), 1);
	assert_int_equal(number_at(s, "0.stories.0.id"), 1);
	assert_string_equal(text_at(s, "0.finish"), text_at(s, "1.start"));
	assert_false(has_at(s, "0.points"));
	expect(s, "GET /projects/1/iterations?scope=done&offset=-2", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	assert_int_equal(number_at(s, "0.number"), 11);
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Offset"), "-2");
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Returned"), "2");
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Total"), "12");
	expect(s, "GET /projects/1/iterations?scope=done&offset=-99&limit=3", NULL, 200);
	assert_int_equal(number_at(s, "2.number"), 3);
	expect(s, "GET /projects/1/iterations?offset=9999", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Returned"), "0");
	expect(s, "GET /projects/1/iterations?scope=current", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_null(header_of(s, "X-Tracker-Pagination-Total"));
	expect(s, "GET /projects/1/iterations?scope=done_current&offset=11", NULL, 200);
	assert_int_equal(number_at(s, "0.number"), 12);
	assert_int_equal(number_at(s, "1.number"), 13);
	expect_problem(s, "GET /projects/1/iterations?offset=-1", NULL,
		"'offset' must be an integer value of 0 or greater");
	expect_problem(s, "GET /projects/1/iterations?scope=none", NULL,
		"'scope' must be one of: everything, done, current, backlog, current_backlog, "
		"done_current");
	expect(s, "GET /projects/1/iterations/1", NULL, 200);
	assert_int_equal(number_at(s, "number"), 1);
	expect_code(s, "GET /projects/1/iterations/14", NULL, "unfound_resource");
	expect_code(s, "GET /projects/1/iterations/0", NULL, "unfound_resource");
}

static void a_label_narrows_the_stories(void **state)
{
	struct served *s = *state;

	make_all(s, "a1 s1 u2");
	put(s, 1, "{\"labels\":[\"x\"]}");
	put(s, 3, "{\"labels\":[\"x\",\"y\"]}");
	expect_iterations(s, "label=X", " a1 u2");
	expect_iterations(s, "label=none", "");
	expect(s, "GET /projects/1/iterations/1?label=y&fields=story_ids", NULL, 200);
	assert_int_equal(number_at(s, "story_ids.0"), 3);
	expect(s,
		"GET /projects/1/iterations?fields=number,team_strength,stories(name,owners(name,email))",
		NULL, 200);
	assert_int_equal(json_object_size(find_at(s->json, "0.stories.0")), 3);
	assert_int_equal(json_object_size(find_at(s->json, "0")), 3);
}

/* ---- overrides ---- */

static void overrides_change_single_iterations(void **state)
{
	struct served *s = *state;

	set_project(s, "{\"initial_velocity\":4}");
	make_all(s, "a2 u2 u1 u2 u2");
	clock_set_fixed(NOW_MS + WEEK);
	/* Done: 2 points at half strength in two weeks are 4 a whole team's two weeks: 2 a week. */
	expect(s, "PUT /projects/1/iteration_overrides/1", "{\"team_strength\":0.5}", 200);
	assert_string_equal(text_at(s, "kind"), "iteration_override");
	assert_int_equal(json_object_size(s->json), 5);
	assert_int_equal(number_at(s, "length"), 1);
	expect(s, "GET /projects/1?fields=current_velocity,iteration_override_numbers", NULL, 200);
	assert_int_equal(number_at(s, "current_velocity"), 4);
	assert_int_equal(number_at(s, "iteration_override_numbers.0"), 1);
	expect(s, "PUT /projects/1/iteration_overrides/2", "{\"length\":2}", 200);
	assert_int_equal(number_at(s, "length"), 2);
	expect(s, "GET /projects/1/iterations/2", NULL, 200);
	assert_string_equal(text_at(s, "start"), "2024-05-13T00:00:00Z");
	assert_string_equal(text_at(s, "finish"), "2024-05-27T00:00:00Z");
	/* Twice as long, it holds twice as much. */
	expect_iterations(s, "scope=current_backlog", " u2 u1 u2 u2");
	expect(s, "PUT /projects/1/iteration_overrides/2",
		"{\"length\":null,\"team_strength\":0.5}", 200);
	expect_iterations(s, "scope=current_backlog", " u2 | u1 u2 | u2");
	expect(s, "PUT /projects/1/iteration_overrides/3", "{\"team_strength\":0}", 200);
	expect_iterations(s, "scope=current_backlog", " u2 | | u1 u2 | u2");
	expect(s, "GET /projects/1/iterations/3?fields=effective_points", NULL, 200);
	assert_false(has_at(s, "effective_points"));
}

static void overrides_have_rules(void **state)
{
	struct served *s = *state;

	expect_problem(s, "PUT /projects/1/iteration_overrides/1", "{}",
		"this endpoint requires at least one of the following parameters: length, "
		"team_strength");
	expect_problem(s, "PUT /projects/1/iteration_overrides/1", "{\"length\":100}",
		"length can only be between 1 and 99.");
	expect_problem(s, "PUT /projects/1/iteration_overrides/1", "{\"team_strength\":-1}",
		"team_strength can't be negative.");
	expect_requirement(s, "PUT /projects/1/iteration_overrides/2", "{\"length\":2}",
		"The length can be changed of done iterations and the current one only.");
	expect_code(
		s, "PUT /projects/1/iteration_overrides/0", "{\"length\":2}", "unfound_resource");
	expect_code(s, "PUT /projects/1/iteration_overrides/5202", "{\"team_strength\":0.5}",
		"unfound_resource");
	expect_code(s, "PUT /projects/1/iteration_overrides/9223372036854775807",
		"{\"team_strength\":0.5}", "unfound_resource");
	expect_code(s, "GET /projects/1/iterations/9223372036854775807", NULL, "unfound_resource");
	s->who = CLEO;
	expect_code(s, "PUT /projects/1/iteration_overrides/1", "{\"length\":2}",
		"unauthorized_operation");
}

static void overrides_are_told_and_dropped(void **state)
{
	struct served *s = *state;
	int64_t version = version_of(s);

	expect(s, "PUT /projects/1/iteration_overrides/1", "{\"team_strength\":1,\"length\":1}",
		200);
	assert_int_equal(version_of(s), version);
	expect(s, "PUT /projects/1/iteration_overrides/1", "{\"length\":3}", 200);
	assert_int_equal(version_of(s), version + 1);
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "iteration_update_activity");
	assert_string_equal(text_at(s, "0.changes.0.kind"), "iteration_override");
	assert_int_equal(number_at(s, "0.changes.0.number"), 1);
	assert_string_equal(text_at(s, "0.changes.0.original_values.length"), "default");
	assert_string_equal(
		text_at(s, "0.changes.0.original_values.finish"), "2024-05-13T00:00:00Z");
	assert_int_equal(number_at(s, "0.changes.0.new_values.length"), 3);
	assert_string_equal(text_at(s, "0.changes.0.new_values.finish"), "2024-05-27T00:00:00Z");
	expect(s, "GET /projects/1/activity?limit=1&date_format=millis", NULL, 200);
	assert_int_equal(number_at(s, "0.changes.0.new_values.finish"), INT64_C(1716768000000));
	set_project(s, "{\"week_start_day\":\"Tuesday\"}");
	last_activity(s);
	assert_string_equal(text_at(s, "0.changes.1.change_type"), "delete");
	assert_int_equal(number_at(s, "0.changes.1.number"), 1);
	expect(s, "GET /projects/1?fields=iteration_override_numbers", NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "iteration_override_numbers")), 0);
}

/* ---- releases and epics ---- */

static void releases_are_stories_seen_otherwise(void **state)
{
	struct served *s = *state;

	make_all(s, "a2 u3 uR u1 u2 uR iR");
	put(s, 3, "{\"deadline\":\"2024-06-01T00:00:00Z\",\"labels\":[\"x\"]}");
	expect(s, "GET /projects/1/releases", NULL, 200);
	assert_int_equal(json_array_size(s->json), 3);
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Limit"), "100");
	assert_string_equal(text_at(s, "0.kind"), "release");
	assert_int_equal(number_at(s, "0.id"), 3);
	assert_string_equal(text_at(s, "0.deadline"), "2024-06-01T00:00:00Z");
	assert_string_equal(text_at(s, "0.labels.0.name"), "x");
	assert_string_equal(text_at(s, "0.url"), "https://www.pivotaltracker.com/story/show/3");
	assert_false(has_at(s, "0.story_type"));
	expect(s, "GET /projects/1/releases?with_state=unscheduled&limit=1", NULL, 200);
	assert_int_equal(number_at(s, "0.id"), 7);
	expect(s, "GET /projects/1/releases/3/stories", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	assert_string_equal(text_at(s, "0.name"), "a2");
	assert_null(header_of(s, "X-Tracker-Pagination-Total"));
	expect(s, "GET /projects/1/releases/6/stories", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	assert_int_equal(number_at(s, "0.id"), 4);
	expect(s, "GET /projects/1/releases/3", NULL, 200);
	assert_string_equal(text_at(s, "name"), "uR");
	expect_code(s, "GET /projects/1/releases/4", NULL, "unfound_resource");
	expect_code(s, "GET /projects/1/releases/99", NULL, "unfound_resource");
}

static void releases_say_how_far_they_are(void **state)
{
	static const char fields[] = "projected_completion,points_accepted,points_total,"
				     "counts_accepted,counts_total";
	struct served *s = *state;

	set_project(s, "{\"initial_velocity\":5}");
	make_all(s, "a2 u3 uR u1 u2 uR iR");
	scoped(free_ptr) char *release =
		xasprintf("GET /projects/1/releases/3?fields=%s,stories(name)", fields);
	scoped(free_ptr) char *stories = xasprintf("GET /projects/1/stories?fields=%s", fields);

	expect(s, release, NULL, 200);
	assert_int_equal(number_at(s, "points_accepted"), 2);
	assert_int_equal(number_at(s, "points_total"), 5);
	assert_int_equal(number_at(s, "counts_accepted"), 1);
	assert_int_equal(number_at(s, "counts_total"), 2);
	assert_string_equal(text_at(s, "projected_completion"), "2024-05-13T00:00:00Z");
	assert_string_equal(text_at(s, "stories.1.name"), "u3");
	expect(s, stories, NULL, 200);
	assert_false(has_at(s, "0.points_total"));
	assert_int_equal(number_at(s, "5.points_total"), 3);
	assert_string_equal(text_at(s, "5.projected_completion"), "2024-05-20T00:00:00Z");
	assert_int_equal(number_at(s, "6.counts_total"), 0);
	assert_false(has_at(s, "6.projected_completion"));
}

static void epics_say_how_far_they_are(void **state)
{
	static const char epic[] = "GET /epics/1?fields=past_done_story_estimates,"
				   "past_done_stories_count,past_done_stories_no_point_count,"
				   "completed_at,projected_completion";
	struct served *s = *state;

	set_project(s, "{\"initial_velocity\":2}");
	expect(s, "POST /projects/1/epics", "{\"name\":\"E\"}", 200);
	expect(s, epic, NULL, 200);
	assert_int_equal(number_at(s, "past_done_stories_count"), 0);
	assert_false(has_at(s, "completed_at"));
	make_all(s, "a2 a- u2 u1");
	for (int64_t id = 1; id <= 4; id++)
		put(s, id, "{\"labels\":[\"e\"]}");
	clock_set_fixed(NOW_MS + WEEK);
	expect(s, epic, NULL, 200);
	assert_int_equal(number_at(s, "past_done_story_estimates"), 2);
	assert_int_equal(number_at(s, "past_done_stories_count"), 2);
	assert_int_equal(number_at(s, "past_done_stories_no_point_count"), 1);
	assert_string_equal(text_at(s, "projected_completion"), "2024-05-27T00:00:00Z");
	put(s, 3, "{\"current_state\":\"accepted\"}");
	put(s, 4, "{\"current_state\":\"accepted\"}");
	expect(s, epic, NULL, 200);
	assert_string_equal(text_at(s, "completed_at"), "2024-05-13T07:08:09Z");
	assert_false(has_at(s, "projected_completion"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(the_recorded_backlog_packs_as_it_did),
		served_test(what_is_left_unused_is_carried_over),
		served_test(what_is_free_is_taken_as_it_comes),
		served_test(what_is_larger_than_an_iteration_takes_one_of_its_own),
		served_test(work_is_current_wherever_it_stands),
		served_test(planned_stories_are_current_when_planned_by_hand),
		served_test(pages_and_scopes_are_v5s),
		served_test(a_label_narrows_the_stories),
		served_test(overrides_change_single_iterations),
		served_test(overrides_have_rules),
		served_test(overrides_are_told_and_dropped),
		served_test(releases_are_stories_seen_otherwise),
		served_test(releases_say_how_far_they_are),
		served_test(epics_say_how_far_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
