/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Iterations in time: numbers, midnights, overrides, velocity. */
#include "served.h"

#define DAY INT64_C(86400000)
#define WEEK (7 * DAY)

/* The clock as a person reads it. */
static void set_clock(const char *iso)
{
	int64_t now;

	assert_true(clock_parse_iso(iso, &now));
	clock_set_fixed(now);
}

/* A story accepted at an instant. */
static int64_t accept(struct served *s, const char *at, int points)
{
	scoped(free_ptr) char *body = xasprintf(
		"{\"name\":\"done\",\"current_state\":\"accepted\",\"estimate\":%d,\"accepted_at\":\"%s\"}",
		points, at);

	return make_story(s, body);
}

static void expect_time(struct served *s, const char *start, int64_t current)
{
	expect(s, "GET /projects/1", NULL, 200);
	assert_string_equal(text_at(s, "start_time"), start);
	assert_int_equal(number_at(s, "current_iteration_number"), current);
}

static void a_project_begins_with_its_first_accepted_story(void **state)
{
	struct served *s = *state;

	/* Recorded of project 1991595: with nothing accepted, this week is the first one. */
	expect_time(s, "2024-05-06T00:00:00Z", 1);
	clock_set_fixed(NOW_MS + 3 * WEEK);
	expect_time(s, "2024-05-27T00:00:00Z", 1);
	accept(s, "2024-05-29T12:00:00Z", 1);
	clock_set_fixed(NOW_MS + 5 * WEEK);
	expect_time(s, "2024-05-27T00:00:00Z", 3);
	accept(s, "2024-05-12T23:59:59Z", 1);
	expect_time(s, "2024-05-06T00:00:00Z", 6);
}

static void a_start_date_counts_unless_a_story_was_accepted_earlier(void **state)
{
	struct served *s = *state;

	expect(s, "PUT /projects/1", "{\"start_date\":\"2024-04-01\",\"iteration_length\":2}", 200);
	expect_time(s, "2024-04-01T00:00:00Z", 3);
	accept(s, "2024-05-07T00:00:00Z", 1);
	expect_time(s, "2024-04-01T00:00:00Z", 3);
	/* Pulled back by whole iterations. */
	accept(s, "2024-03-31T12:00:00Z", 1);
	expect_time(s, "2024-03-18T00:00:00Z", 4);
	expect(s, "PUT /projects/1", "{\"start_date\":\"2024-06-03\"}", 200);
	expect_time(s, "2024-03-25T00:00:00Z", 4);
}

static void a_start_in_the_future_is_the_current_iteration(void **state)
{
	struct served *s = *state;

	expect(s, "PUT /projects/1", "{\"start_date\":\"2024-06-03\"}", 200);
	expect_time(s, "2024-06-03T00:00:00Z", 1);
	set_clock("2024-06-10T00:00:00Z");
	expect_time(s, "2024-06-03T00:00:00Z", 2);
}

/* A zone, the week in which its clocks change, and what the instants are there. */
static void expect_change(
	struct served *s, const char *zone, const char *monday, const char *start, const char *next)
{
	scoped(free_ptr) char *body = xasprintf(
		"{\"time_zone\":{\"olson_name\":\"%s\"},\"start_date\":\"%s\"}", zone, monday);
	int64_t turn;

	assert_true(clock_parse_iso(next, &turn));
	expect(s, "PUT /projects/1", body, 200);
	clock_set_fixed(turn - 1000);
	expect_time(s, start, 1);
	clock_set_fixed(turn);
	expect_time(s, start, 2);
	expect(s, "GET /projects/1/iterations?limit=2", NULL, 200);
	assert_string_equal(text_at(s, "0.start"), start);
	assert_string_equal(text_at(s, "0.finish"), next);
	assert_string_equal(text_at(s, "1.start"), next);
}

static void midnights_follow_the_clocks_of_the_zone(void **state)
{
	struct served *s = *state;

	/* Recorded: 2017-03-06T08:00Z to 2017-03-13T07:00Z. */
	expect_change(s, "America/Los_Angeles", "2017-03-06", "2017-03-06T08:00:00Z",
		"2017-03-13T07:00:00Z");
	expect_change(s, "America/Los_Angeles", "2014-10-27", "2014-10-27T07:00:00Z",
		"2014-11-03T08:00:00Z");
	expect_change(
		s, "Europe/Berlin", "2024-03-25", "2024-03-24T23:00:00Z", "2024-03-31T22:00:00Z");
	expect_change(
		s, "Europe/Berlin", "2024-10-21", "2024-10-20T22:00:00Z", "2024-10-27T23:00:00Z");
	/* Clocks put forward at midnight: the day begins at one. */
	expect(s, "PUT /projects/1", "{\"start_date\":null,\"week_start_day\":\"Sunday\"}", 200);
	expect_change(s, "America/Sao_Paulo", "2018-10-28", "2018-10-28T03:00:00Z",
		"2018-11-04T03:00:00Z");
	/* And back at midnight: the evening before is long. */
	expect_change(s, "America/Sao_Paulo", "2018-02-11", "2018-02-11T02:00:00Z",
		"2018-02-18T03:00:00Z");
	/* A day that never was: the islands crossed the date line. */
	expect(s, "PUT /projects/1", "{\"start_date\":null,\"week_start_day\":\"Friday\"}", 200);
	expect_change(
		s, "Pacific/Apia", "2011-12-23", "2011-12-23T10:00:00Z", "2011-12-30T10:00:00Z");
}

static int64_t velocity(struct served *s)
{
	expect(s, "GET /projects/1?fields=current_velocity", NULL, 200);
	return number_at(s, "current_velocity");
}

static void velocity_is_that_of_the_last_done_iterations(void **state)
{
	struct served *s = *state;

	assert_int_equal(velocity(s), 10);
	accept(s, "2024-05-07T00:00:00Z", 3);
	/* What is accepted in the current iteration does not count yet. */
	assert_int_equal(velocity(s), 10);
	clock_set_fixed(NOW_MS + WEEK);
	assert_int_equal(velocity(s), 3);
	accept(s, "2024-05-13T00:00:00Z", 2);
	accept(s, "2024-05-13T00:00:00Z", 2);
	clock_set_fixed(NOW_MS + 2 * WEEK);
	assert_int_equal(velocity(s), 3);
	clock_set_fixed(NOW_MS + 3 * WEEK);
	assert_int_equal(velocity(s), 2);
	clock_set_fixed(NOW_MS + 4 * WEEK);
	assert_int_equal(velocity(s), 1);
	/* Three without any: as in the beginning. */
	clock_set_fixed(NOW_MS + 5 * WEEK);
	assert_int_equal(velocity(s), 10);
}

static void velocity_has_its_spread(void **state)
{
	struct served *s = *state;

	accept(s, "2024-05-07T00:00:00Z", 1);
	clock_set_fixed(NOW_MS + WEEK);
	accept(s, "2024-05-14T00:00:00Z", 3);
	clock_set_fixed(NOW_MS + 2 * WEEK);
	expect(s, "GET /projects/1?fields=current_standard_deviation,current_volatility", NULL,
		200);
	assert_int_equal(number_at(s, "current_standard_deviation"), 1);
	assert_int_equal(number_at(s, "current_volatility"), 50);
}

static void projects_list_the_shown_done_stories_alone(void **state)
{
	struct served *s = *state;

	accept(s, "2024-05-07T00:00:00Z", 1);
	clock_set_fixed(NOW_MS + 4 * WEEK);
	accept(s, "2024-06-03T08:00:00Z", 1);
	make(s, "todo", "unstarted");
	make(s, "ice", "unscheduled");
	expect(s, "GET /projects/1?fields=stories(name),story_ids,shown_iterations_start_time",
		NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "stories")), 4);
	assert_int_equal(json_array_size(find_at(s->json, "story_ids")), 4);
	assert_string_equal(text_at(s, "shown_iterations_start_time"), "2024-05-06T00:00:00Z");
	assert_string_equal(text_at(s, "stories.2.name"), "todo");
	clock_set_fixed(NOW_MS + 5 * WEEK);
	expect(s, "GET /projects?fields=stories(name),shown_iterations_start_time", NULL, 200);
	assert_string_equal(text_at(s, "0.shown_iterations_start_time"), "2024-05-13T00:00:00Z");
	assert_int_equal(json_array_size(find_at(s->json, "0.stories")), 3);
	assert_int_equal(number_at(s, "0.stories.0.id"), 2);
	/* The list of stories has them all. */
	expect(s, "GET /projects/1/stories", NULL, 200);
	assert_int_equal(json_array_size(s->json), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(a_project_begins_with_its_first_accepted_story),
		served_test(a_start_date_counts_unless_a_story_was_accepted_earlier),
		served_test(a_start_in_the_future_is_the_current_iteration),
		served_test(midnights_follow_the_clocks_of_the_zone),
		served_test(velocity_is_that_of_the_last_done_iterations),
		served_test(velocity_has_its_spread),
		served_test(projects_list_the_shown_done_stories_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
