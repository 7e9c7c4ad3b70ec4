/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Day histories and analytics over the server. */
#include "served.h"

enum { COLUMNS = 8 }; /* states */

static void set_clock(const char *iso)
{
	int64_t now;

	assert_true(clock_parse_iso(iso, &now));
	clock_set_fixed(now);
}

static void put_at(struct served *s, const char *iso, int64_t id, const char *body)
{
	set_clock(iso);
	put(s, id, body);
}

/* A row: its date, and what is not 0 as `state points/count`, in the header's order. */
static char *row_text(const struct served *s, size_t i)
{
	json_t *row = json_array_get(find_at(s->json, "data"), i);
	json_t *header = find_at(s->json, "header");
	struct buf b = BUF_INIT;

	assert_int_equal(json_array_size(row), 1 + 2 * COLUMNS);
	buf_add_str(&b, json_string_value(json_array_get(row, 0)));
	for (size_t k = 1; k <= COLUMNS; k++) {
		json_t *points = json_array_get(row, k), *count = json_array_get(row, k + COLUMNS);
		const char *name = json_string_value(json_array_get(header, k));

		assert_true(json_is_real(points));
		assert_true(json_is_integer(count));
		if (json_integer_value(count))
			buf_add_fmt(&b, " %s %g/%d", name + strlen("points_"),
				json_real_value(points), (int)json_integer_value(count));
		else
			assert_true(json_real_value(points) < 0.1);
	}
	return buf_take(&b);
}

/* The answer's rows, `;` between them. */
static void expect_rows(struct served *s, const char *request, const char *want)
{
	scoped(buf_fini) struct buf all = BUF_INIT;

	expect(s, request, NULL, 200);
	for (size_t i = 0; i < json_array_size(find_at(s->json, "data")); i++) {
		scoped(free_ptr) char *row = row_text(s, i);

		buf_add_fmt(&all, "%s%s", i ? "; " : "", row);
	}
	assert_string_equal(buf_str(&all), want);
}

/* The week of two stories. */
static void live_a_week(struct served *s)
{
	make_story(s, "{\"name\":\"a\",\"current_state\":\"unstarted\",\"estimate\":2,"
		      "\"labels\":[\"x\"]}");
	make_story(s, "{\"name\":\"b\",\"current_state\":\"unstarted\",\"estimate\":1}");
	put_at(s, "2024-05-07T12:00:00Z", 1, "{\"current_state\":\"started\"}");
	put_at(s, "2024-05-08T12:00:00Z", 1, "{\"estimate\":3}");
	put_at(s, "2024-05-09T12:00:00Z", 1, "{\"current_state\":\"finished\"}");
	put_at(s, "2024-05-09T12:00:00Z", 2, "{\"current_state\":\"unscheduled\"}");
	put_at(s, "2024-05-10T00:00:00Z", 1, "{\"name\":\"A\"}");
	set_clock("2024-05-10T10:00:00Z");
}

static void the_header_is_as_recorded(void **state)
{
	struct served *s = *state;
	static const char *const header[] = { "date", "points_accepted", "points_delivered",
		"points_finished", "points_started", "points_rejected", "points_planned",
		"points_unstarted", "points_unscheduled", "counts_accepted", "counts_delivered",
		"counts_finished", "counts_started", "counts_rejected", "counts_planned",
		"counts_unstarted", "counts_unscheduled" };

	expect(s, "GET /projects/1/history/iterations/1/days", NULL, 200);
	assert_string_equal(text_at(s, "kind"), "daily_history_container");
	assert_int_equal(json_array_size(find_at(s->json, "header")), 17);
	for (size_t i = 0; i < 17; i++)
		assert_string_equal(
			json_string_value(json_array_get(find_at(s->json, "header"), i)),
			header[i]);
}

static void an_iteration_s_days_show_its_stories(void **state)
{
	struct served *s = *state;

	live_a_week(s);
	expect_rows(s, "GET /projects/1/history/iterations/1/days",
		"2024-05-06 unstarted 2/1; 2024-05-07 started 2/1; 2024-05-08 started 3/1; "
		"2024-05-09 finished 3/1; 2024-05-10 finished 3/1");
	expect_rows(s, "GET /projects/1/history/iterations/1/days?label=y",
		"2024-05-06; 2024-05-07; 2024-05-08; 2024-05-09; 2024-05-10");
	expect_code(s, "GET /projects/1/history/iterations/9/days", NULL, "unfound_resource");
}

static void a_project_s_days_show_all_stories(void **state)
{
	struct served *s = *state;

	live_a_week(s);
	expect_rows(s, "GET /projects/1/history/days",
		"2024-05-06 unstarted 3/2; 2024-05-07 started 2/1 unstarted 1/1; "
		"2024-05-08 started 3/1 unstarted 1/1; 2024-05-09 finished 3/1 unscheduled 1/1; "
		"2024-05-10 finished 3/1 unscheduled 1/1");
	expect_rows(s, "GET /projects/1/history/days?start_date=2024-05-08&end_date=2024-05-09",
		"2024-05-08 started 3/1 unstarted 1/1; 2024-05-09 finished 3/1 unscheduled 1/1");
	expect_rows(s, "GET /projects/1/history/days?label=X&start_date=2024-05-09",
		"2024-05-09 finished 3/1; 2024-05-10 finished 3/1");
	expect_rows(s, "GET /projects/1/history/days?start_date=2024-05-11", "");
	expect_rows(s, "GET /projects/1/history/days?start_date=0001-01-01&end_date=2024-05-06",
		"2024-05-06 unstarted 3/2");
	expect_problem(s, "GET /projects/1/history/days?start_date=May", NULL,
		"'start_date' must be a date value represented as iso 8601 date");
}

/* It is still Monday in Los Angeles when it is Tuesday in Greenwich. */
static void days_are_those_of_the_projects_zone(void **state)
{
	struct served *s = *state;

	expect(s, "PUT /projects/1", "{\"time_zone\":{\"olson_name\":\"America/Los_Angeles\"}}",
		200);
	make_story(s, "{\"name\":\"a\",\"current_state\":\"unstarted\",\"estimate\":1}");
	put_at(s, "2024-05-07T06:59:59Z", 1, "{\"current_state\":\"started\"}");
	put_at(s, "2024-05-07T07:00:00Z", 1, "{\"current_state\":\"finished\"}");
	set_clock("2024-05-08T06:00:00Z");
	expect_rows(s, "GET /projects/1/history/days",
		"2024-05-06 started 1/1; 2024-05-07 finished 1/1");
}

static void a_release_s_days_show_what_it_waits_for(void **state)
{
	struct served *s = *state;

	live_a_week(s);
	make_story(
		s, "{\"name\":\"r\",\"story_type\":\"release\",\"current_state\":\"unstarted\"}");
	expect_rows(s, "GET /projects/1/history/releases/3/days",
		"2024-05-06 unstarted 2/1; 2024-05-07 started 2/1; 2024-05-08 started 3/1; "
		"2024-05-09 finished 3/1; 2024-05-10 finished 3/1");
	expect_code(s, "GET /projects/1/history/releases/1/days", NULL, "unfound_resource");
}

/* ---- what an import does not tell ---- */

static void put_story(struct served *s, int64_t id, const char *created, enum story_state now,
	const char *accepted)
{
	scoped(record_unref) struct record *r = record_new(KIND_story);
	int64_t at;
	struct tx *tx;

	record_set_int(r, F_story_id, id);
	record_set_int(r, F_story_project_id, 1);
	record_set_text(r, F_story_name, "old");
	record_set_int(r, F_story_current_state, now);
	assert_true(clock_parse_iso(created, &at));
	record_set_int(r, F_story_created_at, at);
	record_set_int(r, F_story_updated_at, at);
	if (accepted) {
		assert_true(clock_parse_iso(accepted, &at));
		record_set_int(r, F_story_accepted_at, at);
	}
	assert_int_equal(tx_begin(s->archive, TX_WRITE, &tx), 0);
	assert_int_equal(tx_put(tx, r), 0);
	assert_int_equal(tx_commit(tx), 0);
}

static void what_nothing_tells_of_is_not_made_up(void **state)
{
	struct served *s = *state;

	put_story(s, 11, "2024-05-02T00:00:00Z", STATE_DELIVERED, NULL);
	put_story(s, 12, "2024-05-01T00:00:00Z", STATE_ACCEPTED, "2024-05-04T00:00:00Z");
	expect_rows(s, "GET /projects/1/history/days?start_date=2024-05-01",
		"2024-05-01; 2024-05-02 delivered 0/1; 2024-05-03 delivered 0/1; "
		"2024-05-04 accepted 0/1 delivered 0/1; 2024-05-05 accepted 0/1 delivered 0/1; "
		"2024-05-06 accepted 0/1 delivered 0/1");
	/* From here on it is known, and what it was before, too. */
	put_at(s, "2024-05-06T12:00:00Z", 11, "{\"current_state\":\"rejected\",\"estimate\":1}");
	expect_rows(s, "GET /projects/1/history/days?start_date=2024-05-05",
		"2024-05-05 accepted 0/1 delivered 0/1; 2024-05-06 accepted 0/1 rejected 1/1");
}

/* Brought here by a client that knows when they were accepted. */
static void stories_may_have_been_accepted_before_they_were_made_here(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\",\"current_state\":\"accepted\",\"estimate\":2,"
		      "\"created_at\":\"2024-05-03T00:00:00Z\","
		      "\"accepted_at\":\"2024-05-04T12:00:00Z\"}");
	expect_rows(s, "GET /projects/1/history/days",
		"2024-05-03; 2024-05-04 accepted 2/1; 2024-05-05 accepted 2/1; "
		"2024-05-06 accepted 2/1");
}

/* ---- analytics ---- */

static void analytics_sum_an_iteration_up(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\",\"current_state\":\"started\",\"estimate\":2}");
	make_story(s, "{\"name\":\"b\",\"current_state\":\"started\",\"estimate\":1}");
	make_story(s, "{\"name\":\"c\",\"current_state\":\"accepted\",\"estimate\":1}");
	make_story(s, "{\"name\":\"d\",\"story_type\":\"bug\",\"current_state\":\"unstarted\"}");
	expect(s, "GET /projects/1/iterations/1/analytics", NULL, 200);
	assert_string_equal(text_at(s, "kind"), "analytics");
	assert_int_equal(number_at(s, "stories_accepted"), 1);
	assert_int_equal(number_at(s, "bugs_created"), 1);
	assert_false(has_at(s, "cycle_time"));
	put_at(s, "2024-05-06T09:08:09Z", 1, "{\"current_state\":\"accepted\"}");
	put_at(s, "2024-05-06T09:08:09Z", 2, "{\"current_state\":\"rejected\"}");
	put_at(s, "2024-05-06T11:08:09Z", 2, "{\"current_state\":\"accepted\"}");
	set_clock("2024-05-14T00:00:00Z");
	expect(s, "GET /projects/1/iterations/1/analytics", NULL, 200);
	assert_int_equal(number_at(s, "stories_accepted"), 3);
	/* Two hours and four; the third one never was in work. */
	assert_int_equal(number_at(s, "cycle_time"), 3 * 3600 * 1000);
	assert_true(json_number_value(find_at(s->json, "rejection_rate")) > 33.3);
	assert_true(json_number_value(find_at(s->json, "rejection_rate")) < 33.4);
	expect(s, "GET /projects/1/iterations?limit=1&fields=analytics", NULL, 200);
	assert_int_equal(number_at(s, "0.analytics.stories_accepted"), 3);
	expect(s, "GET /projects/1/iterations/2/analytics", NULL, 200);
	assert_int_equal(number_at(s, "stories_accepted"), 0);
	assert_int_equal(number_at(s, "rejection_rate"), 0);
	expect_code(s, "GET /projects/1/iterations/99/analytics", NULL, "unfound_resource");
}

static void cycle_times_are_listed_in_the_iteration_s_order(void **state)
{
	struct served *s = *state;

	live_a_week(s);
	make(s, "c", "started");
	expect(s, "GET /projects/1/iterations/1/analytics/cycle_time_details", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	assert_null(header_of(s, "X-Tracker-Pagination-Total"));
	assert_int_equal(number_at(s, "0.story_id"), 1);
	assert_int_equal(number_at(s, "0.started_count"), 1);
	assert_int_equal(number_at(s, "0.started_time"), 2 * 86400 * 1000);
	assert_int_equal(number_at(s, "1.story_id"), 3);
}

static void an_iteration_tells_what_was_created_and_accepted_on_its_days(void **state)
{
	struct served *s = *state;

	live_a_week(s);
	put_at(s, "2024-05-11T00:00:00Z", 1, "{\"current_state\":\"accepted\"}");
	expect(s, "GET /projects/1/iterations/1?fields=accepted,created", NULL, 200);
	assert_string_equal(text_at(s, "accepted.header.1"), "points_feature");
	assert_string_equal(text_at(s, "accepted.header.6"), "counts_bug");
	assert_int_equal(json_array_size(find_at(s->json, "accepted.data")), 6);
	assert_string_equal(text_at(s, "accepted.data.5.0"), "2024-05-11");
	assert_true(json_real_value(find_at(s->json, "accepted.data.5.1")) > 2.9);
	assert_int_equal(number_at(s, "accepted.data.5.5"), 1);
	assert_int_equal(number_at(s, "created.data.0.5"), 2);
	assert_int_equal(number_at(s, "created.data.5.5"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(the_header_is_as_recorded),
		served_test(an_iteration_s_days_show_its_stories),
		served_test(a_project_s_days_show_all_stories),
		served_test(days_are_those_of_the_projects_zone),
		served_test(a_release_s_days_show_what_it_waits_for),
		served_test(what_nothing_tells_of_is_not_made_up),
		served_test(stories_may_have_been_accepted_before_they_were_made_here),
		served_test(analytics_sum_an_iteration_up),
		served_test(cycle_times_are_listed_in_the_iteration_s_order),
		served_test(an_iteration_tells_what_was_created_and_accepted_on_its_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
