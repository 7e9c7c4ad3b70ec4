/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Estimates follow their project's point scale. */
#include <math.h>

#include "served.h"
#include "storyfs/scale.h"

static void the_nearest_point_of_a_scale(void **state)
{
	static const struct {
		const char *scale;
		double points, nearest;
	} rows[] = {
		{ "0,1,2,3", 8, 3 },
		{ "0,1,2,3", 0.25, 0 },
		{ "0,1,2,4,8", 5, 4 },
		{ "0,1,2,4,8", 3, 4 }, /* the greater of two */
		{ "0,1,2,3,5,8", 4, 5 },
		{ "0,1,2,3,5,8", 100, 8 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_true(scale_has(rows[i].scale, rows[i].nearest) &&
			    fabs(scale_nearest(rows[i].scale, rows[i].points) - rows[i].nearest) <
				    1e-9);
}

static void set_scale(struct served *s, const char *scale)
{
	scoped(free_ptr) char *body = xasprintf("{\"point_scale\":\"%s\"}", scale);

	expect(s, "PUT /projects/1", body, 200);
}

/* 0: none. */
static int64_t estimate_of(struct served *s, int64_t id)
{
	scoped(free_ptr) char *request = xasprintf("GET /stories/%lld", (long long)id);

	expect(s, request, NULL, 200);
	return has_at(s, "estimate") ? number_at(s, "estimate") : 0;
}

/* Stories 1 to 5: 8 points, 5 points and accepted, 2 points, none, a bug; the first two and the
 * third have the label "x". */
static void fill(struct served *s)
{
	set_scale(s, "0,1,2,3,5,8");
	make_story(s, "{\"name\":\"a\",\"estimate\":8,\"labels\":[\"x\"]}");
	make_story(s, "{\"name\":\"b\",\"estimate\":5,\"current_state\":\"accepted\","
		      "\"labels\":[\"x\"]}");
	make_story(s, "{\"name\":\"c\",\"estimate\":2,\"labels\":[\"x\"]}");
	make_story(s, "{\"name\":\"d\"}");
	make_story(s, "{\"name\":\"e\",\"story_type\":\"bug\"}");
	clock_set_fixed(NOW_MS + 60000);
}

static void one_that_is_offered_moves_them(void **state)
{
	struct served *s = *state;

	fill(s);
	int64_t version = version_of(s);

	set_scale(s, "0,1,2,3");
	assert_int_equal(version_of(s), version + 1);
	assert_int_equal(estimate_of(s, 1), 3);
	assert_string_equal(text_at(s, "updated_at"), "2024-05-06T07:09:09Z");
	assert_int_equal(estimate_of(s, 2), 3);
	assert_string_equal(text_at(s, "current_state"), "accepted");
	assert_string_equal(text_at(s, "accepted_at"), NOW_TEXT);
	assert_int_equal(estimate_of(s, 3), 2);
	assert_string_equal(text_at(s, "updated_at"), NOW_TEXT);
	assert_int_equal(estimate_of(s, 4), 0);
	assert_int_equal(estimate_of(s, 5), 0);
}

/* One command: the project, each story that changed, and each label once. */
static void activity_tells_of_it(void **state)
{
	struct served *s = *state;
	size_t n_stories = 0, n_labels = 0, i;
	json_t *change;

	fill(s);
	set_scale(s, "0,1,2,3");
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "project_update_activity");
	json_array_foreach(find_at(s->json, "0.changes"), i, change)
	{
		const char *kind = json_string_value(json_object_get(change, "kind"));

		n_stories += strcmp(kind, "story") == 0;
		if (strcmp(kind, "label") != 0)
			continue;
		n_labels++;
		assert_int_equal(json_integer_value(find_at(change,
					 "original_values.counts.sum_of_story_estimates_by_state."
					 "accepted")),
			5);
		assert_int_equal(json_integer_value(find_at(change,
					 "new_values.counts.sum_of_story_estimates_by_state."
					 "accepted")),
			3);
	}
	assert_int_equal(n_stories, 2);
	assert_int_equal(n_labels, 1);
}

static void a_custom_one_leaves_them(void **state)
{
	struct served *s = *state;

	fill(s);
	set_scale(s, "0,10,20");
	assert_int_equal(estimate_of(s, 1), 8);
	assert_int_equal(estimate_of(s, 2), 5);
	assert_string_equal(text_at(s, "updated_at"), NOW_TEXT);
	/* And back: what was left is moved now. */
	set_scale(s, "0,1,2,4,8");
	assert_int_equal(estimate_of(s, 1), 8);
	assert_int_equal(estimate_of(s, 2), 4);
	assert_int_equal(estimate_of(s, 3), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_point_of_a_scale),
		served_test(one_that_is_offered_moves_them),
		served_test(activity_tells_of_it),
		served_test(a_custom_one_leaves_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
