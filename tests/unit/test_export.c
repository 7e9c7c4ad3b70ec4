/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stories as CSV. */
#include "served.h"

#include "storyfs/csv.h"

static void expect_csv(struct served *s, const char *request, const char *body, const char *csv)
{
	expect(s, request, body, 200);
	assert_string_equal(header_of(s, "Content-Type"), "text/csv; charset=utf-8");
	assert_string_equal(buf_str(&s->response.body), csv);
}

static void cells_are_quoted_where_they_must_be(void **state)
{
	scoped(buf_fini) struct buf b = BUF_INIT;

	(void)state;
	csv_add_cell(&b, "");
	csv_add_cell(&b, "plain");
	csv_add_cell(&b, "");
	csv_add_cell(&b, "a,b");
	csv_add_cell(&b, "say \"x\"");
	csv_add_cell(&b, "two\nlines");
	csv_add_cell(&b, " blank");
	csv_end_line(&b);
	csv_add_cell(&b, "=1+1");
	csv_end_line(&b);
	assert_string_equal(b.data,
		"\"\",plain,,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\" blank\"\n"
		"=1+1\n");
}

#define TITLES                                                                            \
	"Id,Title,Labels,Iteration,Iteration Start,Iteration End,Type,Estimate,Priority," \
	"Current State,Created at,Accepted at,Deadline,Requested By,Description,URL,"

static void each_column_says_what_v5_said(void **state)
{
	struct served *s = *state;

	make_story(s,
		"{\"name\":\"First, of all\",\"labels\":[\"b\",\"a\"],\"current_state\":"
		"\"unstarted\",\"estimate\":2,\"description\":\"say \\\"x\\\"\",\"owner_ids\":[1,2],"
		"\"tasks\":[{\"description\":\"t1\"},{\"description\":\"t2\",\"complete\":true}],"
		"\"comments\":[{\"text\":\"hello\"}],\"story_priority\":\"p1\"}");
	expect(s, "POST /projects/1/stories/1/blockers", "{\"description\":\"stuck\"}", 200);
	expect(s, "POST /projects/1/stories/1/branches", "{\"name\":\"topic\"}", 200);
	expect(s, "POST /projects/1/stories/1/pull_requests",
		"{\"original_url\":\"https://example.com/o/r/pull/1\"}", 200);
	make_story(s, "{\"name\":\"Iced\",\"story_type\":\"bug\"}");
	expect_csv(s, "POST /projects/1/export", NULL,
		TITLES
		"Owned By,Owned By,Blocker,Blocker Status,Comment,Task,Task Status,Task,"
		"Task Status,Pull Request,Git Branch\n"
		"1,\"First, of all\",\"a, b\",1,\"May 6, 2024\",\"May 12, 2024\",feature,2,p1,"
		"unstarted,\"May 6, 2024\",,,Ada,\"say \"\"x\"\"\","
		"https://www.pivotaltracker.com/story/show/1,Ada,Ben,stuck,blocked,"
		"\"hello (Ada - May 6, 2024)\",t1,not completed,t2,completed,"
		"https://example.com/o/r/pull/1,topic\n"
		"2,Iced,,,,,bug,,,unscheduled,\"May 6, 2024\",,,Ada,,"
		"https://www.pivotaltracker.com/story/show/2,,,,,,,,,,,\n");
}

static void stories_come_in_the_order_asked_for(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	make_story(s, "{\"name\":\"b\"}");
	expect(s, "POST /projects/1/export", "{\"story_ids\":[2,99,1]}", 200);
	const char *b = strstr(buf_str(&s->response.body), "\n2,b,");
	const char *a = strstr(buf_str(&s->response.body), "\n1,a,");

	assert_true(a && b && b < a);
	assert_non_null(header_of(s, "X-Tracker-Project-Version"));
	expect_csv(s, "POST /projects/1/export", "{\"story_ids\":[]}",
		TITLES "Owned By,Blocker,Blocker Status,Comment,Task,Task Status,Pull Request,"
		       "Git Branch\n");
}

static void exports_hold_what_one_may_see(void **state)
{
	struct served *s = *state;
	int64_t version = version_of(s);

	make_story(s, "{\"name\":\"mine\"}");
	s->who = DAN;
	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect(s, "POST /projects/2/stories", "{\"name\":\"theirs\"}", 200);
	expect(s, "POST /stories/export", "{\"ids\":[1,2,3]}", 200);
	assert_non_null(strstr(buf_str(&s->response.body), "\n2,theirs,"));
	assert_null(strstr(buf_str(&s->response.body), "mine"));
	assert_null(header_of(s, "X-Tracker-Project-Version"));
	expect(s, "POST /projects/2/export", "{\"story_ids\":[1]}", 200);
	assert_null(strstr(buf_str(&s->response.body), "mine"));
	expect_code(s, "POST /projects/1/export", "{}", "unauthorized_operation");
	s->who = CLEO;
	expect(s, "POST /stories/export", "ids[]=1&ids[]=2", 200);
	assert_non_null(strstr(buf_str(&s->response.body), "\n1,mine,"));
	assert_null(strstr(buf_str(&s->response.body), "theirs"));
	expect_problem(
		s, "POST /stories/export", "{}", "this endpoint requires the parameter: ids");
	s->who = NOBODY;
	expect_code(s, "POST /stories/export", "{\"ids\":[1]}", "invalid_authentication");
	s->who = ADA;
	assert_int_equal(version_of(s), version + 1);
}

/* More than one batch, and lists of different lengths in them. */
static void many_stories_have_the_same_columns(void **state)
{
	struct served *s = *state;
	size_t lines = 0, commas = 0;

	for (int i = 0; i < 510; i++)
		make_story(
			s, i == 3 ? "{\"name\":\"a\",\"owner_ids\":[1,2,3]}" : "{\"name\":\"a\"}");
	expect(s, "POST /projects/1/export", "", 200);
	const char *csv = buf_str(&s->response.body);

	assert_non_null(strstr(csv, "Owned By,Owned By,Owned By,Blocker,"));
	for (const char *p = csv; *p; p++) {
		lines += *p == '\n';
		commas += *p == ',' && p[1] != ' ' && strncmp(p, ", 2024", 6) != 0;
	}
	assert_int_equal(lines, 511);
	assert_int_equal(commas, 511 * 25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_quoted_where_they_must_be),
		served_test(each_column_says_what_v5_said),
		served_test(stories_come_in_the_order_asked_for),
		served_test(exports_hold_what_one_may_see),
		served_test(many_stories_have_the_same_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
