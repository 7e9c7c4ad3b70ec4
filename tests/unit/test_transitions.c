/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transitions of stories, and the cycle times that follow from them. */
#include "served.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS };

/* Put the state so long after the day began. */
static void put_state(struct served *s, int64_t id, const char *state, int64_t after_ms)
{
	scoped(free_ptr) char *body = xasprintf("{\"current_state\":\"%s\",\"estimate\":1}", state);

	clock_set_fixed(NOW_MS + after_ms);
	put(s, id, body);
}

static void each_change_of_state_leaves_a_transition(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	int64_t first = version_of(s);

	put_state(s, 1, "started", HOUR_MS);
	put(s, 1, "{\"name\":\"b\"}");
	s->who = BEN;
	put(s, 1, "{\"current_state\":\"finished\"}");
	expect(s, "GET /projects/1/stories/1/transitions", NULL, 200);
	assert_int_equal(json_array_size(s->json), 3);
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Total"), "3");
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Limit"), "100");
	assert_string_equal(text_at(s, "0.state"), "unscheduled");
	assert_int_equal(number_at(s, "0.project_version"), first);
	assert_string_equal(text_at(s, "0.occurred_at"), NOW_TEXT);
	assert_string_equal(text_at(s, "1.state"), "started");
	assert_string_equal(text_at(s, "1.kind"), "story_transition");
	assert_int_equal(number_at(s, "1.project_version"), first + 1);
	assert_int_equal(number_at(s, "1.performed_by_id"), ADA);
	assert_int_equal(number_at(s, "1.story_id"), 1);
	assert_int_equal(number_at(s, "1.project_id"), 1);
	assert_string_equal(text_at(s, "1.occurred_at"), "2024-05-06T08:08:09Z");
	assert_int_equal(number_at(s, "2.performed_by_id"), BEN);
	assert_int_equal(number_at(s, "2.project_version"), first + 3);
	assert_false(has_at(s, "0.id"));
	expect(s, "GET /projects/1/stories/1/transitions?limit=1&offset=1", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_string_equal(text_at(s, "0.state"), "started");
	expect(s, "GET /stories/1?fields=transitions(state)", NULL, 200);
	assert_string_equal(text_at(s, "transitions.2.state"), "finished");
	assert_false(has_at(s, "transitions.2.story_id"));
}

/* Moving between the lists changes the state, too. */
static void a_move_into_the_icebox_is_a_transition(void **state)
{
	struct served *s = *state;
	int64_t id = make(s, "a", "unstarted");

	put(s, id, "{\"group\":\"unscheduled\"}");
	expect(s, "GET /projects/1/stories/1/transitions", NULL, 200);
	assert_string_equal(text_at(s, "1.state"), "unscheduled");
}

static void a_project_lists_its_transitions_by_time(void **state)
{
	struct served *s = *state;
	int64_t a = make(s, "a", "unstarted"), b = make(s, "b", "unstarted");

	put_state(s, a, "started", HOUR_MS);
	put_state(s, b, "started", 2 * HOUR_MS);
	expect(s, "GET /projects/1/story_transitions", NULL, 200);
	assert_int_equal(json_array_size(s->json), 4);
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Returned"), "4");
	expect(s,
		"GET /projects/1/story_transitions?occurred_after=2024-05-06T07:30:00Z"
		"&occurred_before=2024-05-06T09:00:00Z",
		NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_int_equal(number_at(s, "0.story_id"), a);
	expect(s, "GET /projects/1/story_transitions?occurred_after=1714982889000", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_int_equal(number_at(s, "0.story_id"), b);
	s->who = DAN;
	expect_code(s, "GET /projects/1/story_transitions", NULL, "unauthorized_operation");
}

static void transitions_go_with_their_story_and_move_with_it(void **state)
{
	struct served *s = *state;
	int64_t a = make(s, "a", "started"), b = make(s, "b", "started");

	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	put(s, b, "{\"project_id\":2}");
	expect(s, "GET /projects/2/stories/2/transitions", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_int_equal(number_at(s, "0.project_id"), 1);
	expect(s, "DELETE /stories/1", NULL, 204);
	expect(s, "GET /projects/1/story_transitions", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_int_equal(number_at(s, "0.story_id"), b);
	assert_int_equal(a, 1);
}

static void cycle_time_is_the_time_in_work(void **state)
{
	struct served *s = *state;
	int64_t id = make(s, "a", "unstarted");

	expect(s, "GET /stories/1?fields=cycle_time_details", NULL, 200);
	assert_false(has_at(s, "cycle_time_details.total_cycle_time"));
	assert_int_equal(number_at(s, "cycle_time_details.started_count"), 0);
	assert_int_equal(number_at(s, "cycle_time_details.story_id"), 1);
	put_state(s, id, "started", 1 * HOUR_MS);
	put_state(s, id, "unstarted", 2 * HOUR_MS);
	put_state(s, id, "started", 10 * HOUR_MS);
	put_state(s, id, "finished", 13 * HOUR_MS);
	put_state(s, id, "delivered", 13 * HOUR_MS + MINUTE_MS);
	put_state(s, id, "rejected", 20 * HOUR_MS);
	put_state(s, id, "accepted", 21 * HOUR_MS);
	clock_set_fixed(NOW_MS + 100 * HOUR_MS);
	expect(s, "GET /stories/1?fields=:default,cycle_time_details", NULL, 200);
	assert_string_equal(text_at(s, "cycle_time_details.kind"), "cycle_time_details");
	assert_int_equal(number_at(s, "cycle_time_details.started_time"), 4 * HOUR_MS);
	assert_int_equal(number_at(s, "cycle_time_details.started_count"), 2);
	assert_int_equal(number_at(s, "cycle_time_details.finished_time"), MINUTE_MS);
	assert_int_equal(number_at(s, "cycle_time_details.finished_count"), 1);
	assert_int_equal(
		number_at(s, "cycle_time_details.delivered_time"), 7 * HOUR_MS - MINUTE_MS);
	assert_int_equal(number_at(s, "cycle_time_details.rejected_time"), HOUR_MS);
	assert_int_equal(number_at(s, "cycle_time_details.rejected_count"), 1);
	assert_int_equal(number_at(s, "cycle_time_details.total_cycle_time"), 12 * HOUR_MS);
	put_state(s, id, "rejected", 100 * HOUR_MS);
	clock_set_fixed(NOW_MS + 101 * HOUR_MS);
	expect(s, "GET /stories/1?fields=cycle_time_details", NULL, 200);
	assert_int_equal(number_at(s, "cycle_time_details.rejected_time"), 2 * HOUR_MS);
	assert_int_equal(number_at(s, "cycle_time_details.total_cycle_time"), 13 * HOUR_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(each_change_of_state_leaves_a_transition),
		served_test(a_move_into_the_icebox_is_a_transition),
		served_test(a_project_lists_its_transitions_by_time),
		served_test(transitions_go_with_their_story_and_move_with_it),
		served_test(cycle_time_is_the_time_in_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
