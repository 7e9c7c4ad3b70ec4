/* SPDX-License-Identifier: GPL-2.0-or-later */
/* V5's refusals word for word (reference 1.7). */
#include "error_rows.h"
#include "reference_texts.h"

#define FIX_TOKEN \
	"Verify that your token value matches what's shown on your Profile page in Tracker."
#define COMMENT_PUT                                                                  \
	"this endpoint requires at least one of the following parameters: "          \
	"attachment_ids_to_remove, attachments_to_add, file_attachment_ids_to_add, " \
	"file_attachment_ids_to_remove, google_attachment_ids_to_remove, text"
#define PROJECT_PUT                                                                              \
	"this endpoint requires at least one of the following parameters: account_id, "          \
	"accounting_type, atom_enabled, automatic_planning, bugs_and_chores_are_estimatable, "   \
	"description, enable_incoming_emails, enable_tasks, featured, initial_velocity, "        \
	"iteration_length, name, number_of_done_iterations_to_show, point_scale, "               \
	"profile_content, project_type, public, start_date, time_zone, velocity_averaged_over, " \
	"week_start_day"
#define ACCOUNT_MEMBERSHIP_POST                                                         \
	"this endpoint requires at least one of the following parameters: admin, "      \
	"created_at, email, initials, name, person_id, project_creator, time_enterer, " \
	"timekeeper"
#define X50 "01234567890123456789012345678901234567890123456789"
#define X500 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50

/* Project 1 with story 1 (task 1, comment 1, label 1 "x"), epic 1 with label 2 "project epic";
 * story 2 and project 2 are deleted; project 3 is somebody else's. */
static void fill(struct served *s)
{
	make_story(s, "{\"name\":\"a\",\"labels\":[\"x\"],\"tasks\":[{\"description\":\"t\"}],"
		      "\"comments\":[{\"text\":\"c\"}]}");
	make_story(s, "{\"name\":\"gone\"}");
	expect(s, "DELETE /stories/2", NULL, 204);
	expect(s, "POST /projects/1/epics", "{\"name\":\"Project Epic\"}", 200);
	expect(s, "POST /projects", "{\"name\":\"Gone\"}", 200);
	expect(s, "DELETE /projects/2", NULL, 204);
	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	s->who = DAN;
	expect(s, "POST /projects", "{\"name\":\"Venus\"}", 200);
	s->who = ADA;
}

static void routes_and_places(void **state)
{
	static const struct row rows[] = {
		{ "DELETE /my/workspaces", NULL, NO_ROUTE },
		{ "GET /Projects", NULL, NO_ROUTE },
		{ "POST /projects/1/stories/1", "{}", NO_ROUTE },
		{ "GET /projects/0", NULL, UNFOUND },
		{ "GET /projects/99", NULL, UNFOUND },
		{ "GET /stories/2", NULL, UNFOUND },
		{ "PUT /projects/1/stories/2", "{\"name\":\"b\"}", UNFOUND },
		{ "DELETE /projects/1/stories/0", NULL, UNFOUND },
		{ "GET /projects/1/epics/1/comments/1", NULL, UNFOUND },
		{ "GET /projects/3/stories/1", NULL, UNFOUND },
		{ "GET /projects/1/labels/9", NULL, UNFOUND },
		{ "GET /projects/1/stories/1/tasks/9", NULL, UNFOUND },
		{ "GET /projects/2", NULL, UNAUTHORIZED },
		{ "GET /projects/4", NULL, UNAUTHORIZED },
		{ "GET /projects/4/stories", NULL, UNAUTHORIZED },
		{ "POST /projects/1/stories", "{\"name\":", BROKEN_BODY },
		{ "PUT /projects/1", "[1]", BROKEN_BODY },
	};
	struct served *s = *state;

	fill(s);
	EXPECT_ROWS(s, rows);
}

static void who_may(void **state)
{
	static const struct row no_token[] = {
		{ "GET /me", NULL, CREDENTIALS, .fix = FIX_TOKEN },
		{ "GET /projects/1", NULL, CREDENTIALS, .fix = FIX_TOKEN },
		{ "GET /me?token=0123456789abcdef0123456789abcdef", NULL, CREDENTIALS,
			.fix = FIX_TOKEN },
	};
	static const struct row viewer[] = {
		{ "POST /projects/1/stories", "{\"name\":\"b\"}", UNAUTHORIZED },
		{ "PUT /projects/1/stories/1", "{\"name\":\"b\"}", UNAUTHORIZED },
		{ "DELETE /stories/1", NULL, UNAUTHORIZED },
		{ "POST /projects/1/labels", "{\"name\":\"b\"}", UNAUTHORIZED },
		{ "POST /projects/1/epics", "{\"name\":\"b\"}", UNAUTHORIZED },
		{ "POST /projects/1/stories/1/tasks", "{\"description\":\"b\"}", UNAUTHORIZED },
		{ "POST /projects/1/stories/1/comments", "{\"text\":\"b\"}", UNAUTHORIZED },
	};
	static const struct row member[] = {
		{ "PUT /projects/1", "{\"name\":\"b\"}", UNAUTHORIZED },
		{ "DELETE /projects/1", NULL, UNAUTHORIZED },
		{ "POST /projects/1/memberships", "{\"person_id\":4,\"role\":\"member\"}",
			UNAUTHORIZED },
		{ "PUT /projects/1/memberships/2", "{\"role\":\"owner\"}", UNAUTHORIZED },
		{ "PUT /projects/1/stories/1/comments/1", "{\"text\":\"b\"}", UNAUTHORIZED },
	};
	static const struct row password[] = {
		{ "GET /me", NULL, CREDENTIALS,
			.fix = "Recheck your name (email address or Tracker username) and "
			       "password." },
	};
	struct served *s = *state;

	fill(s);
	s->who = CLEO;
	EXPECT_ROWS(s, viewer);
	s->who = BEN;
	EXPECT_ROWS(s, member);
	s->who = NOBODY;
	EXPECT_ROWS(s, no_token);
	served_send(s, "GET /me", NULL, "Authorization: Basic YTpi");
	expect_text(s, password, "possible_fix", password->fix);
	expect_text(s, password, "error", password->error);
}

static void presence(void **state)
{
	static const struct row rows[] = {
		{ "POST /projects", "{}", PARAMETER, "this endpoint requires the parameter: name" },
		{ "POST /projects/1/stories", "{\"description\":\"d\"}", PARAMETER,
			"this endpoint requires the parameter: name" },
		{ "POST /projects/1/epics", "{}", PARAMETER,
			"this endpoint requires the parameter: name" },
		{ "POST /projects/1/labels", "{}", PARAMETER,
			"this endpoint requires the parameter: name" },
		{ "POST /projects/1/stories/1/tasks", "{}", PARAMETER,
			"this endpoint requires the parameter: description" },
		{ "POST /projects/1/memberships", "{\"person_id\":4}", PARAMETER,
			"this endpoint requires the parameter: role" },
		{ "GET /projects/1/stories/bulk", NULL, PARAMETER,
			"this endpoint requires the parameter: ids" },
		{ "GET /projects/1/search", NULL, PARAMETER,
			"this endpoint requires the parameter: query" },
		{ "POST /projects/1/my/searches", "{\"query\":\"a\"}", PARAMETER,
			"this endpoint requires the parameter: name" },
		{ "GET /projects/1/stories?filter=a&with_state=started", NULL, PARAMETER,
			"this endpoint cannot accept the parameter: with_state" },
		{ "PUT /projects/1/stories/1/comments/1", "{}", PARAMETER, COMMENT_PUT },
		{ "PUT /projects/1/stories/1/comments/1", NULL, PARAMETER, COMMENT_PUT },
		{ "PUT /projects/1", "{}", PARAMETER, PROJECT_PUT },
		{ "POST /projects", "{\"name\":\"N\",\"nonsense\":1}", PARAMETER,
			"this endpoint cannot accept the parameter: nonsense" },
		{ "GET /projects/1/stories/1/comments?limit=2", NULL, PARAMETER,
			"this endpoint cannot accept the parameter: limit" },
	};
	struct served *s = *state;

	fill(s);
	EXPECT_ROWS(s, rows);
}

static void types(void **state)
{
	static const struct row rows[] = {
		{ "POST /projects/1/stories", "{\"name\":7}", PARAMETER,
			"'name' must be an extended_string" },
		{ "PUT /projects/1", "{\"description\":true}", PARAMETER,
			"'description' must be an extended_string" },
		{ "PUT /projects/1", "{\"point_scale\":1}", PARAMETER,
			"'point_scale' must be a string" },
		{ "PUT /projects/1", "{\"iteration_length\":\"1\"}", PARAMETER,
			"'iteration_length' must be an integer value" },
		{ "PUT /projects/1", "{\"iteration_length\":1.5}", PARAMETER,
			"'iteration_length' must be an integer value" },
		{ "PUT /projects/1", "{\"enable_tasks\":\"true\"}", PARAMETER,
			"'enable_tasks' must be a non-string boolean true or false value" },
		{ "PUT /projects/1/stories/1/tasks/1", "{\"complete\":1}", PARAMETER,
			"'complete' must be a non-string boolean true or false value" },
		{ "PUT /projects/1", "{\"week_start_day\":\"day\"}", PARAMETER,
			"'week_start_day' must be one of: sunday, monday, tuesday, wednesday, "
			"thursday, friday, saturday" },
		{ "PUT /projects/1", "{\"project_type\":\"x\"}", PARAMETER,
			"'project_type' must be one of: demo, private, public, shared" },
		{ "PUT /stories/1", "{\"story_type\":\"epic\"}", PARAMETER,
			"'story_type' must be one of: feature, bug, chore, release" },
		{ "POST /projects/1/memberships", "{\"person_id\":4,\"role\":\"inactive\"}",
			PARAMETER, "'role' must be one of: owner, member, viewer" },
		{ "PUT /projects/1", "{\"start_date\":\"4/20/2019\"}", PARAMETER,
			"'start_date' must be a date value represented as iso 8601 date" },
		{ "POST /projects/1/stories", "{\"name\":\"a\",\"created_at\":\"soon\"}", PARAMETER,
			"'created_at' must be a time value represented as milliseconds/iso 8601 "
			"date" },
		{ "PUT /stories/1", "{\"accepted_at\":9223372036854775807}", PARAMETER,
			"'accepted_at' must be a time value represented as milliseconds/iso 8601 "
			"date" },
		{ "PUT /stories/1", "{\"accepted_at\":-9223372036854775808}", PARAMETER,
			"'accepted_at' must be a time value represented as milliseconds/iso 8601 "
			"date" },
		{ "PUT /projects/1", "{\"initial_velocity\":99999999999999999999}", PARAMETER,
			"'initial_velocity' must be an integer value" },
		{ "POST /projects/1/epics", "{\"name\":\"e\",\"label\":{\"name\":true}}", PARAMETER,
			"Can't use content of 'label' parameter.",
			"The 'name' parameter value was 'true' but must be of type "
			"'extended_string'" },
		{ "POST /projects/1/stories", "{\"name\":\"e\",\"comments\":[{\"text\":true}]}",
			PARAMETER, "Can't use content of 'comments' parameter.",
			"The 'text' parameter value was 'true' but must be of type "
			"'extended_string'" },
	};
	struct served *s = *state;

	fill(s);
	EXPECT_ROWS(s, rows);
}

static void blanks_and_lengths(void **state)
{
	static const struct row rows[] = {
		{ "POST /projects/1/stories", "{\"name\":\"\"}", PARAMETER, "Name can't be blank",
			.field = "name" },
		{ "PUT /stories/1", "{\"name\":\" \\t\"}", PARAMETER, "Name can't be blank",
			.field = "name" },
		{ "PUT /stories/1", "{\"name\":null}", PARAMETER, "Name can't be blank",
			.field = "name" },
		{ "POST /projects", "{\"name\":null}", PARAMETER, "Name can't be blank",
			.field = "name" },
		{ "PUT /projects/1/epics/1", "{\"name\":\"\"}", PARAMETER, "Name can't be blank",
			.field = "name" },
		{ "POST /projects/1/stories/1/tasks", "{\"description\":\"  \"}", PARAMETER,
			"Description can't be blank", .field = "description" },
		{ "PUT /projects/1", "{\"name\":\"" X50 "x\"}", PARAMETER,
			"This extended_string is too long:  '" X50 "x'",
			"'name' parameter must be 50 characters or less." },
		{ "PUT /projects/1", "{\"description\":\"" X50 X50 X50 "\"}", PARAMETER,
			"This extended_string is too long:  '" X50 X50 X50 "'",
			"'description' parameter must be 140 characters or less." },
		{ "POST /projects/1/stories/1/tasks", "{\"description\":\"" X500 X500 "x\"}",
			PARAMETER, "This extended_string is too long:  '" X500 X500 "x'",
			"'description' parameter must be 1000 characters or less." },
		{ "PUT /stories/1", "{\"external_id\":\"" X50 X50 X50 X50 X50 X50 "\"}", PARAMETER,
			"This string is too long:  '" X50 X50 X50 X50 X50 X50 "'",
			"'external_id' parameter must be 255 characters or less." },
		{ "POST /projects/1/labels", "{\"name\":\"" X50 X50 X50 X50 X50 X50 "\"}",
			PARAMETER,
			"This extended_string is too long:  '" X50 X50 X50 X50 X50 X50 "'",
			"'name' parameter must be 255 characters or less." },
		{ "POST /projects/1/labels", "{\"name\":\"\"}", PARAMETER,
			"Please enter a name for the label." },
		{ "POST /projects/1/epics", "{\"name\":\"e\",\"label\":{\"name\":\" \"}}",
			PARAMETER, "Please enter a name for the label." },
		{ "PUT /stories/1", "{\"labels\":[{}]}", PARAMETER,
			"Please enter a name for the label." },
		{ "POST /projects/1/epics", "{\"name\":\"PROJECT Epic\"}", PARAMETER,
			"The label 'project epic' is already used by another epic." },
		{ "POST /projects/1/epics", "{\"name\":\"e\",\"label_id\":2}", PARAMETER,
			"The label 'project epic' is already used by another epic." },
	};
	struct served *s = *state;

	fill(s);
	EXPECT_ROWS(s, rows);
}

static void project_settings(void **state)
{
	static const struct row rows[] = {
		{ "POST /projects", "{\"name\":\"Mars\"}", PARAMETER,
			"The project name you entered is already taken." },
		{ "PUT /projects/1", "{\"iteration_length\":0}", PARAMETER,
			"iteration_length can only be between 1 and 4." },
		{ "PUT /projects/1", "{\"iteration_length\":5}", PARAMETER,
			"iteration_length can only be between 1 and 4." },
		{ "PUT /projects/1", "{\"initial_velocity\":0}", PARAMETER,
			"You must specify a value of 1 or greater." },
		{ "PUT /projects/1", "{\"initial_velocity\":1000}", PARAMETER,
			"Initial velocity can't exceed 999." },
		{ "PUT /projects/1", "{\"velocity_averaged_over\":5}", PARAMETER,
			"is not a valid velocity scheme" },
		{ "PUT /projects/1", "{\"number_of_done_iterations_to_show\":2}", PARAMETER,
			"Your project must load enough done iterations to calculate your velocity "
			"according to your settings." },
		{ "PUT /projects/1", "{\"point_scale\":\"-1,2\"}", PARAMETER,
			"You can't use negative values for points." },
		{ "PUT /projects/1", "{\"point_scale\":\"2,1\"}", PARAMETER,
			"Point values must be provided in ascending order." },
		{ "PUT /projects/1", "{\"point_scale\":\"1,1\"}", PARAMETER,
			"You can't have duplicate point values." },
		{ "PUT /projects/1", "{\"point_scale\":\"0,1,2,3,4,5,6,7,8,9,10,11,12\"}",
			PARAMETER,
			"There are too many values in this point scale. Please use 12 or fewer "
			"values." },
		{ "PUT /projects/1", "{\"point_scale\":\"one\"}", PARAMETER,
			"This is not a valid custom point scale." },
		{ "PUT /projects/1", "{\"point_scale\":null}", PARAMETER,
			"Projects require a point scale., This is not a valid custom point "
			"scale." },
		{ "PUT /projects/1",
			"{\"start_date\":\"2019-04-20\",\"week_start_day\":\"Sunday\"}", PARAMETER,
			"4/20/2019 is a Saturday and Iterations in this project start on "
			"Sundays." },
		{ "POST /projects/1/memberships", "{\"person_id\":2,\"role\":\"member\"}",
			PARAMETER, "Ben is already a project member" },
		{ "POST /projects/1/memberships", "{\"email\":\"ben\",\"role\":\"member\"}",
			PARAMETER, "One or more consistency checks failed on the supplied Person.",
			"ben is not a valid email address." },
		{ "PUT /projects/3", "{\"account_id\":2}", PARAMETER,
			.requirement =
				"You must be a project creator on the destination account." },
	};
	struct served *s = *state;

	fill(s);
	EXPECT_ROWS(s, rows);
}

static void stories_and_tasks(void **state)
{
	static const struct row rows[] = {
		{ "POST /projects/1/stories",
			"{\"name\":\"a\",\"created_at\":\"2000-01-01T00:00:00Z\"}", PARAMETER,
			"The date you entered 2000-01-01T00:00:00Z, is too far in the past. Please "
			"enter a date after 2005-01-01T00:00:00Z." },
		{ "POST /projects/1/stories",
			"{\"name\":\"a\",\"created_at\":\"2030-01-01T00:00:00Z\"}", PARAMETER,
			.requirement = "Story created_at cannot be in the future." },
		{ "PUT /stories/1", "{\"current_state\":\"started\"}", PARAMETER,
			"Stories in the started state must be estimated." },
		{ "POST /projects/1/stories", "{\"name\":\"a\",\"current_state\":\"accepted\"}",
			PARAMETER, "Stories in the accepted state must be estimated." },
		{ "PUT /stories/1", "{\"current_state\":\"planned\"}", PARAMETER,
			.requirement =
				"Project must have 'Automatic Planning' off for 'planned' to be an "
				"acceptable value for 'current_state'.",
			.fix = "Remove the 'current_state' parameter from your request or turn off "
			       "'Automatic Planning' for this project." },
		{ "POST /projects/1/stories/1/tasks", "{\"description\":\"d\",\"position\":3}",
			PARAMETER,
			.requirement = "Task position can not be greater than the number of tasks "
				       "in the story plus 1" },
		{ "PUT /projects/1/stories/1/tasks/1", "{\"position\":2}", PARAMETER,
			.requirement = "Task position can not be greater than the number of tasks "
				       "in the story" },
		{ "POST /projects/1/stories/1/tasks", "{\"description\":\"d\",\"position\":0}",
			INTERNAL },
		{ "PUT /projects/1/stories/1/tasks/1", "{\"position\":-1}", INTERNAL },
	};
	struct served *s = *state;

	fill(s);
	EXPECT_ROWS(s, rows);
}

static void accounts_and_workspaces(void **state)
{
	static const struct row rows[] = {
		{ "GET /accounts/0", NULL, UNFOUND },
		{ "GET /accounts/2", NULL, UNAUTHORIZED },
		{ "GET /accounts/abc", NULL, PARAMETER, "The id isn't valid" },
		{ "POST /accounts/1/memberships", "{}", PARAMETER, ACCOUNT_MEMBERSHIP_POST },
		{ "POST /accounts/1/memberships", "{\"person_id\":2}", PARAMETER,
			"Member already exists." },
		{ "POST /accounts/1/memberships", "{\"email\":\"ben\"}", PARAMETER,
			"One or more consistency checks failed on the supplied Person.",
			"ben is not a valid email address." },
		{ "POST /my/workspaces", "{}", PARAMETER,
			"this endpoint requires at least one of the following parameters: name, "
			"project_ids" },
		{ "POST /my/workspaces", "{\"name\":\" \"}", PARAMETER, "Name can't be blank",
			.field = "name" },
		{ "POST /my/workspaces", "{\"name\":\"01234567890123456789012345\"}", PARAMETER,
			"This extended_string is too long:  '01234567890123456789012345'",
			"'name' parameter must be 25 characters or less." },
		{ "POST /my/workspaces", "{\"name\":\"w\",\"project_ids\":[0]}", PARAMETER,
			"You cannot add project id 0 to your workspace, either you are not a "
			"member or the project doesn't exist." },
		{ "GET /my/workspaces/0", NULL, UNFOUND },
	};
	struct served *s = *state;

	fill(s);
	EXPECT_ROWS(s, rows);
}

static void searching(void **state)
{
	static const struct row rows[] = {
		{ "GET /projects/1/stories?filter=created:-5days..now", NULL, PARAMETER,
			"The date you requested could not be parsed. See FAQ for valid formats.",
			.fix = "'-5days..now' is not a date at character 9. Dates are 1/31/2015, "
			       "2015-01-31, today, yesterday, -3d, -2w, -5h, and behind created, "
			       "updated and accepted also ranges of two, with .. between." },
	};

	EXPECT_ROWS(*state, rows);
}

/* ---- the reference's own list ---- */

static size_t n_listed, n_missing;

static void look_for_text(const char *pattern)
{
	n_listed++;
	if (error_rows_has(pattern))
		return;
	n_missing++;
	print_error("no request is answered with: %s\n", pattern);
}

/* After the tests above, whose requests these are. */
static void each_text_of_the_reference_is_answered(void **state)
{
	(void)state;
	scoped(buf_fini) struct buf reference = BUF_INIT;

	assert_true(reference_load(&reference));
	reference_each_text(&reference, look_for_text);
	assert_int_equal(n_missing, 0);
	assert_true(n_listed > 60);
}

#define TESTS                                                                        \
	served_test(routes_and_places), served_test(who_may), served_test(presence), \
		served_test(types), served_test(blanks_and_lengths),                 \
		served_test(project_settings), served_test(stories_and_tasks),       \
		served_test(accounts_and_workspaces), served_test(searching)

int main(void)
{
	static const struct CMUnitTest all[] = {
		TESTS,
		cmocka_unit_test(each_text_of_the_reference_is_answered),
	};
	static const struct CMUnitTest without_reference[] = { TESTS };
	scoped(buf_fini) struct buf reference = BUF_INIT;
	bool is_there = reference_load(&reference);

	if (!is_there)
		printf("# SKIP no reference to hold the texts against\n");
	int r = is_there ? cmocka_run_group_tests(all, NULL, NULL)
			 : cmocka_run_group_tests(without_reference, NULL, NULL);

	error_rows_forget();
	return r;
}
