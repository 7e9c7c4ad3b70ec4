/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of stories: their order, pages and filters. */
#include "served.h"

/* The names of the project's stories in order, with blanks between. */
static void expect_order(struct served *s, const char *names)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	expect(s, "GET /projects/1/stories?fields=name", NULL, 200);
	for (size_t i = 0; i < json_array_size(s->json); i++) {
		json_t *name = json_object_get(json_array_get(s->json, i), "name");

		buf_add_fmt(&text, "%s%s", i ? " " : "", json_string_value(name));
	}
	assert_string_equal(buf_str(&text), names);
}

static void new_stories_go_where_their_state_belongs(void **state)
{
	struct served *s = *state;

	make(s, "ice1", "unscheduled");
	make(s, "ice2", "unscheduled");
	make(s, "todo1", "unstarted");
	make(s, "todo2", "unstarted");
	make(s, "done1", "accepted");
	make(s, "done2", "accepted");
	expect_order(s, "done1 done2 todo1 todo2 ice2 ice1");
	make(s, "busy", "started");
	expect_order(s, "done1 done2 busy todo1 todo2 ice2 ice1");
}

static void states_move_stories_between_the_lists(void **state)
{
	struct served *s = *state;
	int64_t a = make(s, "a", "unstarted"), b = make(s, "b", "unstarted");
	int64_t c = make(s, "c", "unscheduled");

	make(s, "d", "unscheduled");
	expect_order(s, "a b d c");
	put(s, b, "{\"current_state\":\"accepted\"}");
	expect_order(s, "b a d c");
	last_activity(s);
	assert_int_equal(number_at(s, "0.changes.0.original_values.after_id"), a);
	assert_true(json_is_null(find_at(s->json, "0.changes.0.new_values.after_id")));
	put(s, a, "{\"current_state\":\"accepted\"}");
	expect_order(s, "b a d c");
	put(s, c, "{\"current_state\":\"unstarted\"}");
	expect_order(s, "b a c d");
	put(s, b, "{\"current_state\":\"rejected\"}");
	expect_order(s, "a b c d");
	put(s, b, "{\"current_state\":\"unscheduled\"}");
	expect_order(s, "a c b d");
	put(s, b, "{\"current_state\":\"started\"}");
	expect_order(s, "a b c d");
	put(s, c, "{\"current_state\":\"started\"}");
	expect_order(s, "a b c d");
}

static void places_can_be_asked_for(void **state)
{
	struct served *s = *state;
	int64_t a = make(s, "a", "unstarted"), b = make(s, "b", "unstarted");
	int64_t c = make(s, "c", "unstarted"), i = make(s, "i", "unscheduled");
	scoped(free_ptr) char *before_a = xasprintf("{\"before_id\":%lld}", (long long)a);
	scoped(free_ptr) char *after_b = xasprintf("{\"after_id\":%lld}", (long long)b);
	scoped(free_ptr) char *after_i = xasprintf("{\"after_id\":%lld}", (long long)i);

	put(s, c, before_a);
	expect_order(s, "c a b i");
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "story_move_activity");
	assert_string_equal(text_at(s, "0.highlight"), "moved");
	assert_string_equal(text_at(s, "0.message"), "Ada moved this story before 'a'");
	put(s, c, after_b);
	expect_order(s, "a b c i");
	last_activity(s);
	assert_string_equal(text_at(s, "0.message"), "Ada moved this story after 'b'");
	int64_t version = version_of(s);

	put(s, c, after_b);
	assert_int_equal(version_of(s), version);
	put(s, a, after_i);
	assert_string_equal(text_at(s, "current_state"), "unscheduled");
	expect_order(s, "b c i a");
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "story_move_activity");
	put(s, a, "{\"after_id\":null}");
	assert_string_equal(text_at(s, "current_state"), "unstarted");
	expect_order(s, "a b c i");
	put(s, a, "{\"before_id\":null}");
	expect_order(s, "b c i a");
	put(s, a, "{\"group\":\"scheduled\"}");
	assert_string_equal(text_at(s, "current_state"), "unstarted");
	expect_order(s, "b c a i");
	put(s, b, "{\"group\":\"unscheduled\"}");
	expect_order(s, "c a b i");
	expect(s, "GET /stories/1?fields=before_id,after_id", NULL, 200);
	assert_int_equal(number_at(s, "before_id"), b);
	assert_int_equal(number_at(s, "after_id"), c);
}

static void wrong_places_are_refused(void **state)
{
	struct served *s = *state;

	make(s, "a", "unstarted");
	make(s, "b", "unstarted");
	make(s, "c", "unstarted");
	expect_requirement(s, "PUT /stories/1", "{\"after_id\":1}",
		"'after_id' must be the id of another story in this project.");
	expect_requirement(s, "PUT /stories/1", "{\"before_id\":99}",
		"'before_id' must be the id of another story in this project.");
	expect_requirement(s, "PUT /stories/1", "{\"before_id\":2,\"after_id\":3}",
		"'before_id' and 'after_id' must be neighbours.");
	expect_problem(s, "PUT /stories/1", "{\"group\":\"nowhere\"}",
		"'group' must be one of: scheduled, unscheduled, current");
	/* A place among stories of other states: the nearest end of its own list. */
	put(s, 3, "{\"current_state\":\"accepted\"}");
	put(s, 1, "{\"before_id\":3}");
	expect_order(s, "c a b");
}

static void many_moves_leave_one_order(void **state)
{
	struct served *s = *state;

	for (int i = 0; i < 6; i++)
		make(s, (const char *[]){ "a", "b", "c", "d", "e", "f" }[i], "unstarted");
	/* Between the same two again and again, until their ranks have no room. */
	for (int i = 0; i < 60; i++)
		put(s, 3 + i % 3, "{\"after_id\":1}");
	expect_order(s, "a e d c b f");
	for (int i = 0; i < 40; i++)
		put(s, 3 + i % 4, "{\"after_id\":null}");
	expect_order(s, "f e d c a b");
}

/* ---- reading ---- */

static void lists_are_paged(void **state)
{
	struct served *s = *state;

	for (int i = 0; i < 5; i++)
		make(s, (const char *[]){ "a", "b", "c", "d", "e" }[i], "unstarted");
	expect(s, "GET /projects/1/stories?limit=2&offset=1", NULL, 200);
	assert_string_equal(text_at(s, "0.name"), "b");
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Total"), "5");
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Limit"), "2");
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Offset"), "1");
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Returned"), "2");
	expect(s, "GET /projects/1/stories", NULL, 200);
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Limit"), "100");
	expect(s, "GET /projects/1/stories?limit=9999&offset=50", NULL, 200);
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Limit"), "500");
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Returned"), "0");
	expect(s, "GET /projects/1/stories?limit=0", NULL, 200);
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Total"), "5");
	expect_problem(s, "GET /projects/1/stories?limit=-1", NULL,
		"'limit' must be an integer value of 0 or greater");
}

static void filters_narrow_the_list(void **state)
{
	struct served *s = *state;
	static const struct {
		const char *query, *first;
		size_t n;
	} rows[] = {
		{ "with_state=started", "b", 1 },
		{ "with_story_type=bug", "c", 1 },
		{ "with_label=ONE", "c", 1 },
		{ "with_label=none", NULL, 0 },
		{ "with_story_priority=p1", "c", 1 },
		{ "after_story_id=2", "c", 2 },
		{ "before_story_id=2", NULL, 0 },
		{ "before_story_id=1", "b", 2 },
		{ "created_before=2024-01-01T00:00:00Z", "c", 1 },
		{ "created_after=1704067200000", "b", 2 },
		{ "updated_after=2024-01-01", "b", 3 },
		{ "updated_before=2024-01-01", NULL, 0 },
		{ "accepted_after=2024-01-01", NULL, 0 },
		{ "deadline_before=2030-01-01", NULL, 0 },
		{ "with_state=started&with_story_type=feature", "b", 1 },
	};

	make(s, "a", "unscheduled");
	make(s, "b", "started");
	make_story(s, "{\"name\":\"c\",\"story_type\":\"bug\",\"labels\":[\"One\"],"
		      "\"story_priority\":\"p1\",\"current_state\":\"unstarted\","
		      "\"created_at\":\"2020-01-01T00:00:00Z\"}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		scoped(free_ptr) char *request =
			xasprintf("GET /projects/1/stories?%s", rows[i].query);

		expect(s, request, NULL, 200);
		if (json_array_size(s->json) != rows[i].n)
			fail_msg("%s: %s", rows[i].query, buf_str(&s->response.body));
		if (rows[i].first)
			assert_string_equal(text_at(s, "0.name"), rows[i].first);
	}
	expect_problem(s, "GET /projects/1/stories?with_state=gone", NULL,
		"'with_state' must be one of: accepted, delivered, finished, started, rejected, "
		"planned, unstarted, unscheduled");
	expect_code(s, "GET /projects/1/stories?after_story_id=99", NULL, "unfound_resource");
}

static void bulk_skips_what_is_missing(void **state)
{
	struct served *s = *state;

	make(s, "a", "unstarted");
	make(s, "b", "unstarted");
	expect(s, "GET /projects/1/stories/bulk?ids=2,77,1", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	assert_string_equal(text_at(s, "0.name"), "b");
	expect(s, "POST /projects/1/stories/1/tasks", "{\"description\":\"t\"}", 200);
	expect(s, "GET /projects/1/stories/bulk?ids=1,2,1&fields=tasks,task_ids", NULL, 200);
	assert_string_equal(text_at(s, "0.tasks.0.description"), "t");
	assert_int_equal(number_at(s, "2.task_ids.0"), 1);
	expect_problem(s, "GET /projects/1/stories/bulk", NULL,
		"this endpoint requires the parameter: ids");
}

/* Two stories take turns behind a third until there is no number left between ranks. */
static void moves_are_told_truly_when_ranks_run_out(void **state)
{
	struct served *s = *state;

	for (int i = 0; i < 4; i++)
		make_story(s, "{\"name\":\"a\"}");
	put(s, 2, "{\"after_id\":1}");
	put(s, 3, "{\"after_id\":1}");
	for (int i = 0; i < 60; i++) {
		int64_t id = 2 + i % 2;

		put(s, id, "{\"after_id\":1}");
		last_activity(s);
		assert_string_equal(text_at(s, "0.kind"), "story_move_activity");
		assert_int_equal(number_at(s, "0.changes.0.original_values.after_id"), 5 - id);
		assert_int_equal(number_at(s, "0.changes.0.new_values.after_id"), 1);
		assert_int_equal(number_at(s, "0.changes.0.new_values.before_id"), 5 - id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(new_stories_go_where_their_state_belongs),
		served_test(states_move_stories_between_the_lists),
		served_test(places_can_be_asked_for),
		served_test(wrong_places_are_refused),
		served_test(many_moves_leave_one_order),
		served_test(lists_are_paged),
		served_test(filters_narrow_the_list),
		served_test(bulk_skips_what_is_missing),
		served_test(moves_are_told_truly_when_ranks_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
