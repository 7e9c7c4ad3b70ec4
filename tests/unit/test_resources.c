/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Labels, epics, tasks, comments, projects, memberships and activity over the server. */
#include "served.h"

static void expect_activity(
	struct served *s, const char *kind, const char *highlight, const char *message)
{
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), kind);
	assert_string_equal(text_at(s, "0.highlight"), highlight);
	assert_string_equal(text_at(s, "0.message"), message);
}

/* An attachment, as if it had been uploaded. */
static void add_file(struct served *s, int64_t id)
{
	scoped(record_unref) struct record *r = record_new(KIND_file_attachment);
	struct tx *tx;

	record_set_int(r, F_file_attachment_id, id);
	record_set_text(r, F_file_attachment_filename, "Gemfile");
	record_set_int(r, F_file_attachment_uploader_id, ADA);
	assert_int_equal(tx_begin(s->archive, TX_WRITE, &tx), 0);
	assert_int_equal(tx_put(tx, r), 0);
	assert_int_equal(tx_commit(tx), 0);
}

/* ---- labels ---- */

static void labels_are_lower_case_and_sorted(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects/1/labels",
		"{\"name\":\" \xc3\x9c"
		"BER \"}",
		200);
	assert_string_equal(text_at(s, "name"), "\xc3\xbc"
						"ber");
	assert_string_equal(text_at(s, "kind"), "label");
	expect(s, "POST /projects/1/labels?name=dumbo", NULL, 200);
	expect(s, "GET /projects/1/labels", NULL, 200);
	assert_string_equal(text_at(s, "0.name"), "dumbo");
	assert_null(header_of(s, "X-Tracker-Pagination-Total"));
	expect_activity(s, "label_create_activity", "created", "Ada created labels: \"dumbo\"");
	assert_true(has_at(s, "0.changes.0.new_values.counts"));
	expect_problem(s, "POST /projects/1/labels", "{\"name\":\"Dumbo\"}",
		"The label 'dumbo' already exists.");
	expect_problem(s, "POST /projects/1/labels", "{\"name\":\"  \"}",
		"Please enter a name for the label.");
	expect_problem(
		s, "POST /projects/1/labels", "{}", "this endpoint requires the parameter: name");
}

static void a_label_can_be_renamed(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects/1/labels", "{\"name\":\"a\"}", 200);
	expect(s, "POST /projects/1/labels", "{\"name\":\"b\"}", 200);
	int64_t version = version_of(s);

	expect(s, "PUT /projects/1/labels/1", "{\"name\":\"A\"}", 200);
	assert_int_equal(version_of(s), version);
	expect(s, "PUT /projects/1/labels/1", "{\"name\":\"C\"}", 200);
	assert_string_equal(text_at(s, "name"), "c");
	expect_activity(s, "label_update_activity", "edited", "Ada renamed label: \"a\" to \"c\"");
	expect_problem(
		s, "PUT /projects/1/labels/1", "{\"name\":\"b\"}", "The label 'b' already exists.");
	expect_problem(s, "PUT /projects/1/labels/1", "{\"name\":null}",
		"Please enter a name for the label.");
	expect_problem(
		s, "PUT /projects/1/labels/1", "{}", "this endpoint requires the parameter: name");
}

static void a_deleted_label_leaves_its_stories(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\",\"labels\":[\"x\",\"y\"]}");
	expect(s, "POST /projects/1/epics", "{\"name\":\"X\"}", 200);
	expect(s, "DELETE /projects/1/labels/1", NULL, 204);
	expect_activity(s, "label_delete_activity", "deleted", "Ada deleted label: \"x\"");
	assert_string_equal(text_at(s, "0.changes.0.kind"), "story");
	assert_int_equal(
		json_array_size(find_at(s->json, "0.changes.0.original_values.labels")), 2);
	assert_string_equal(text_at(s, "0.changes.1.kind"), "epic");
	assert_string_equal(text_at(s, "0.changes.2.change_type"), "delete");
	expect(s, "GET /stories/1", NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "labels")), 1);
	expect(s, "GET /epics/1", NULL, 200);
	assert_false(has_at(s, "label"));
}

/* ---- epics ---- */

static void an_epic_brings_its_label(void **state)
{
	struct served *s = *state;
	int64_t version = version_of(s);

	expect(s, "POST /projects/1/epics",
		"{\"name\":\"Admin Users\",\"description\":\"d\",\"comments\":[{\"text\":\"c\"}]}",
		200);
	assert_string_equal(text_at(s, "kind"), "epic");
	assert_string_equal(text_at(s, "label.name"), "admin users");
	assert_string_equal(text_at(s, "url"), "https://www.pivotaltracker.com/epic/show/1");
	assert_false(has_at(s, "label_id"));
	assert_int_equal(version_of(s), version + 2);
	expect(s, "GET /epics/1?fields=:default,label_id,comments", NULL, 200);
	assert_int_equal(number_at(s, "label_id"), 1);
	assert_true(has_at(s, "label"));
	assert_string_equal(text_at(s, "comments.0.text"), "c");
	expect_problem(s, "POST /projects/1/epics", "{\"name\":\"ADMIN users\"}",
		"The label 'admin users' is already used by another epic.");
	expect_problem(s, "POST /projects/1/epics", "{\"name\":\"z\",\"label\":{\"name\":\"\"}}",
		"Please enter a name for the label.");
	expect_problem(
		s, "POST /projects/1/epics", "{}", "this endpoint requires the parameter: name");
	expect(s, "POST /projects/1/labels", "{\"name\":\"chosen\"}", 200);
	expect(s, "POST /projects/1/epics", "{\"name\":\"Two\",\"label_id\":2}", 200);
	assert_string_equal(text_at(s, "label.name"), "chosen");
}

static void epics_are_changed_and_ordered(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects/1/epics", "{\"name\":\"a\"}", 200);
	expect(s, "POST /projects/1/epics", "{\"name\":\"b\"}", 200);
	expect(s, "POST /projects/1/epics", "{\"name\":\"c\",\"before_id\":2}", 200);
	expect(s, "GET /projects/1/epics?fields=name,before_id,after_id", NULL, 200);
	assert_string_equal(text_at(s, "1.name"), "c");
	assert_int_equal(number_at(s, "1.before_id"), 2);
	assert_int_equal(number_at(s, "1.after_id"), 1);
	int64_t version = version_of(s);

	expect(s, "PUT /projects/1/epics/1", "{\"name\":\"a\"}", 200);
	expect(s, "PUT /projects/1/epics/1", "{}", 200);
	assert_int_equal(version_of(s), version);
	expect(s, "PUT /projects/1/epics/1", "{\"name\":\"A\",\"follower_ids\":[2]}", 200);
	expect_activity(s, "epic_update_activity", "edited", "Ada edited this epic");
	expect(s, "PUT /projects/1/epics/1", "{\"after_id\":2}", 200);
	expect_activity(s, "epic_move_activity", "moved", "Ada moved this epic");
	expect(s, "PUT /projects/1/epics/1", "{\"label\":{\"name\":\"other\"}}", 200);
	assert_string_equal(text_at(s, "label.name"), "other");
	expect(s, "DELETE /projects/1/epics/1", NULL, 204);
	expect_activity(s, "epic_delete_activity", "deleted", "Ada deleted this epic");
	expect_code(s, "GET /epics/1", NULL, "unfound_resource");
	expect(s, "GET /projects/1/labels", NULL, 200);
	assert_int_equal(json_array_size(s->json), 4);
}

/* ---- tasks ---- */

static void tasks_keep_their_positions(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	expect(s, "POST /projects/1/stories/1/tasks", "{\"description\":\"one\"}", 200);
	assert_true(json_is_false(find_at(s->json, "complete")));
	assert_int_equal(number_at(s, "position"), 1);
	expect(s, "POST /projects/1/stories/1/tasks", "{\"description\":\"two\"}", 200);
	expect(s, "POST /projects/1/stories/1/tasks", "{\"description\":\"zero\",\"position\":1}",
		200);
	expect_activity(s, "task_create_activity", "added task:", "Ada added task: \"zero\"");
	assert_int_equal(json_array_size(find_at(s->json, "0.changes")), 3);
	expect(s, "GET /projects/1/stories/1/tasks", NULL, 200);
	assert_string_equal(text_at(s, "0.description"), "zero");
	assert_int_equal(number_at(s, "2.position"), 3);
	expect(s, "PUT /projects/1/stories/1/tasks/3", "{\"position\":3}", 200);
	expect(s, "GET /projects/1/stories/1/tasks", NULL, 200);
	assert_string_equal(text_at(s, "0.description"), "one");
	assert_string_equal(text_at(s, "2.description"), "zero");
	expect(s, "DELETE /projects/1/stories/1/tasks/1", NULL, 204);
	expect(s, "GET /projects/1/stories/1/tasks", NULL, 200);
	assert_int_equal(number_at(s, "0.position"), 1);
	assert_int_equal(number_at(s, "1.position"), 2);
	expect_activity(
		s, "task_delete_activity", "deleted a task", "Ada deleted a task on this story");
}

static void tasks_have_rules(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\",\"tasks\":[{\"description\":\"t\"}]}");
	expect_problem(s, "POST /projects/1/stories/1/tasks", "{}",
		"this endpoint requires the parameter: description");
	expect_problem(s, "POST /projects/1/stories/1/tasks", "{\"description\":\"\"}",
		"Description can't be blank");
	expect_code(s, "POST /projects/1/stories/1/tasks", "{\"description\":\"x\",\"position\":0}",
		"api_internal_error");
	assert_int_equal(s->response.status, 500);
	expect_requirement(s, "POST /projects/1/stories/1/tasks",
		"{\"description\":\"x\",\"position\":3}",
		"Task position can not be greater than the number of tasks in the story plus 1");
	expect_requirement(s, "PUT /projects/1/stories/1/tasks/1", "{\"position\":2}",
		"Task position can not be greater than the number of tasks in the story");
	expect_problem(s, "PUT /projects/1/stories/1/tasks/1", "{}",
		"this endpoint requires at least one of the following parameters: complete, "
		"description, position");
	int64_t version = version_of(s);

	expect(s, "PUT /projects/1/stories/1/tasks/1", "{\"complete\":false}", 200);
	assert_int_equal(version_of(s), version);
	expect(s, "PUT /projects/1/stories/1/tasks/1", "{\"complete\":true}", 200);
	expect_activity(s, "task_update_activity", "completed task:", "Ada completed task: \"t\"");
	expect(s, "PUT /projects/1/stories/1/tasks/1", "{\"description\":\"u\"}", 200);
	expect_activity(s, "task_update_activity", "rewrote task:", "Ada rewrote task: \"u\"");
}

static void tasks_and_comments_touch_their_story(void **state)
{
	struct served *s = *state;
	static const char *const requests[] = { "POST /projects/1/stories/1/tasks",
		"POST /projects/1/stories/1/comments" };

	make_story(s, "{\"name\":\"a\"}");
	for (int i = 0; i < 2; i++) {
		clock_set_fixed(NOW_MS + (i + 1) * 1000);
		expect(s, requests[i], i ? "{\"text\":\"c\"}" : "{\"description\":\"t\"}", 200);
		expect(s, "GET /stories/1", NULL, 200);
		assert_string_equal(text_at(s, "updated_at"),
			i ? "2024-05-06T07:08:11Z" : "2024-05-06T07:08:10Z");
	}
	last_activity(s);
	assert_string_equal(text_at(s, "0.changes.0.kind"), "comment");
	assert_string_equal(text_at(s, "0.changes.1.kind"), "story");
	assert_string_equal(
		text_at(s, "0.changes.1.original_values.updated_at"), "2024-05-06T07:08:10Z");
	assert_int_equal(number_at(s, "0.changes.1.new_values.follower_ids.0"), ADA);
	expect(s, "GET /stories/1?fields=follower_ids", NULL, 200);
	assert_int_equal(number_at(s, "follower_ids.0"), ADA);
}

/* ---- comments ---- */

static void comments_are_as_recorded(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	expect(s, "POST /projects/1/stories/1/comments", "{\"text\":\"Hi\"}", 200);
	assert_int_equal(json_object_size(s->json), 7);
	assert_int_equal(number_at(s, "person_id"), ADA);
	assert_int_equal(number_at(s, "story_id"), 1);
	expect_activity(
		s, "comment_create_activity", "added comment:", "Ada added comment: \"Hi\"");
	assert_true(has_at(s, "0.changes.0.new_values.file_attachment_ids"));
	assert_true(has_at(s, "0.changes.0.new_values.google_attachments"));
	expect_problem(s, "PUT /projects/1/stories/1/comments/1", "{}",
		"this endpoint requires at least one of the following parameters: "
		"attachment_ids_to_remove, attachments_to_add, file_attachment_ids_to_add, "
		"file_attachment_ids_to_remove, google_attachment_ids_to_remove, text");
	expect(s, "PUT /projects/1/stories/1/comments/1", "{\"text\":\"Ho\"}", 200);
	expect_activity(s, "comment_update_activity", "edited", "Ada edited this comment");
	expect(s, "GET /projects/1/stories/1/comments/1", NULL, 200);
	assert_string_equal(text_at(s, "text"), "Ho");
	expect_problem(s, "POST /projects/1/stories/1/comments", "{\"text\":\" \"}",
		"Text can't be blank");
	expect(s, "POST /projects/1/stories/1/comments", "{}", 400);
	expect(s, "DELETE /projects/1/stories/1/comments/1", NULL, 204);
	expect_activity(
		s, "comment_delete_activity", "deleted comment:", "Ada deleted comment: \"Ho\"");
	expect_code(s, "GET /projects/1/stories/1/comments/1", NULL, "unfound_resource");
}

static void comments_belong_to_their_authors(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	expect(s, "POST /projects/1/stories/1/comments", "{\"text\":\"Ada's\"}", 200);
	s->who = BEN;
	expect(s, "POST /projects/1/stories/1/comments", "{\"text\":\"Ben's\"}", 200);
	expect_code(s, "PUT /projects/1/stories/1/comments/1", "{\"text\":\"x\"}",
		"unauthorized_operation");
	expect_code(s, "DELETE /projects/1/stories/1/comments/1", NULL, "unauthorized_operation");
	s->who = ADA;
	expect_code(s, "PUT /projects/1/stories/1/comments/2", "{\"text\":\"x\"}",
		"unauthorized_operation");
	expect(s, "DELETE /projects/1/stories/1/comments/2", NULL, 204);
}

static void comments_hold_attachments(void **state)
{
	struct served *s = *state;

	add_file(s, 70);
	add_file(s, 71);
	make_story(s, "{\"name\":\"a\"}");
	expect(s, "POST /projects/1/stories/1/comments?fields=file_attachments",
		"{\"file_attachments\":[{\"id\":70}]}", 200);
	assert_string_equal(text_at(s, "file_attachments.0.filename"), "Gemfile");
	assert_false(has_at(s, "kind"));
	expect(s,
		"PUT /projects/1/stories/1/comments/1?fields=:default,file_attachments(:default,"
		"uploader)",
		"{\"file_attachment_ids_to_add\":[71]}", 200);
	assert_int_equal(number_at(s, "file_attachments.1.id"), 71);
	assert_string_equal(text_at(s, "file_attachments.1.uploader.name"), "Ada");
	expect(s, "PUT /projects/1/stories/1/comments/1?fields=file_attachments",
		"{\"file_attachment_ids_to_remove\":[70,71]}", 200);
	assert_int_equal(json_array_size(find_at(s->json, "file_attachments")), 0);
	expect_problem(s, "PUT /projects/1/stories/1/comments/1",
		"{\"file_attachment_ids_to_add\":[99]}",
		"The file attachment with id 99 does not exist.");
	/* What no comment holds is gone. */
	expect_problem(s, "PUT /projects/1/stories/1/comments/1",
		"{\"file_attachment_ids_to_add\":[70]}",
		"The file attachment with id 70 does not exist.");
	add_file(s, 70);
	expect(s, "PUT /projects/1/stories/1/comments/1", "{\"file_attachment_ids_to_add\":[70]}",
		200);
	make_story(s, "{\"name\":\"b\",\"comments\":[{\"file_attachment_ids\":[70]}]}");
	s->who = DAN;
	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect(s, "POST /projects/2/epics", "{\"name\":\"e\"}", 200);
	expect_problem(s, "POST /projects/2/epics/1/comments",
		"{\"file_attachments\":[{\"id\":70}]}",
		"The file attachment with id 70 does not exist.");
}

static void epics_have_comments_too(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	expect(s, "POST /projects/1/epics", "{\"name\":\"e\"}", 200);
	clock_set_fixed(NOW_MS + 5000);
	expect(s, "POST /projects/1/epics/1/comments", "{\"text\":\"c\"}", 200);
	assert_int_equal(number_at(s, "epic_id"), 1);
	assert_false(has_at(s, "story_id"));
	expect(s, "GET /epics/1", NULL, 200);
	assert_string_equal(text_at(s, "updated_at"), "2024-05-06T07:08:14Z");
	expect(s, "PUT /projects/1/epics/1/comments/1", "{\"text\":\"d\"}", 200);
	expect(s, "GET /projects/1/epics/1/comments", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	expect_code(s, "GET /projects/1/stories/1/comments/1", NULL, "unfound_resource");
	expect(s, "DELETE /projects/1/epics/1/comments/1", NULL, 204);
	expect(s, "GET /projects/1/epics/1/activity", NULL, 200);
	assert_int_equal(json_array_size(s->json), 4);
}

/* ---- projects ---- */

static void a_new_project_has_its_defaults(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	assert_int_equal(number_at(s, "version"), 1);
	assert_string_equal(text_at(s, "week_start_day"), "Monday");
	assert_string_equal(text_at(s, "project_type"), "private");
	assert_string_equal(text_at(s, "point_scale"), "0,1,2,3");
	assert_string_equal(text_at(s, "time_zone.olson_name"), "UTC");
	assert_string_equal(text_at(s, "time_zone.offset"), "+00:00");
	assert_string_equal(text_at(s, "start_time"), "2024-05-06T00:00:00Z");
	assert_int_equal(number_at(s, "initial_velocity"), 10);
	assert_string_equal(header_of(s, "X-Tracker-Project-Version"), "1");
	expect(s, "GET /projects/2/memberships", NULL, 200);
	assert_string_equal(text_at(s, "0.role"), "owner");
	expect(s, "GET /projects", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
}

static void project_settings_have_rules(void **state)
{
	struct served *s = *state;
	static const struct {
		const char *body, *problem;
	} rows[] = {
		{ "{\"name\":\"\"}", "Name can't be blank" },
		{ "{\"name\":null}", "Name can't be blank" },
		{ "{\"name\":\"Mars\"}", "The project name you entered is already taken." },
		{ "{\"iteration_length\":5}", "iteration_length can only be between 1 and 4." },
		{ "{\"initial_velocity\":0}", "You must specify a value of 1 or greater." },
		{ "{\"initial_velocity\":1000}", "Initial velocity can't exceed 999." },
		{ "{\"velocity_averaged_over\":5}", "is not a valid velocity scheme" },
		{ "{\"number_of_done_iterations_to_show\":2}",
			"Your project must load enough done iterations to calculate your velocity "
			"according to your settings." },
		{ "{\"point_scale\":\"-1,2\"}", "You can't use negative values for points." },
		{ "{\"point_scale\":\"2,1\"}",
			"Point values must be provided in ascending order." },
		{ "{\"point_scale\":\"1,1\"}", "You can't have duplicate point values." },
		{ "{\"point_scale\":\"0,1,2,3,4,5,6,7,8,9,10,11,12\"}",
			"There are too many values in this point scale. Please use 12 or fewer "
			"values." },
		{ "{\"point_scale\":\"a,b\"}", "This is not a valid custom point scale." },
		{ "{\"point_scale\":null}",
			"Projects require a point scale., This is not a valid custom point scale." },
		{ "{\"start_date\":\"2019-04-20\",\"week_start_day\":\"Sunday\"}",
			"4/20/2019 is a Saturday and Iterations in this project start on Sundays." },
		{ "{\"time_zone\":{\"olson_name\":\"Moon/Base\"}}",
			"'time_zone' names no time zone: Moon/Base" },
		{ "{}", "this endpoint requires at least one of the following parameters: "
			"account_id, accounting_type, atom_enabled, automatic_planning, "
			"bugs_and_chores_are_estimatable, description, enable_incoming_emails, "
			"enable_tasks, featured, initial_velocity, iteration_length, name, "
			"number_of_done_iterations_to_show, point_scale, profile_content, "
			"project_type, public, start_date, time_zone, velocity_averaged_over, "
			"week_start_day" },
	};

	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect_problem(s, "PUT /projects/1", rows[i].body, rows[i].problem);
	expect_requirement(s, "PUT /projects/1",
		"{\"name\":\"123456789012345678901234567890123456789012345678901\"}",
		"'name' parameter must be 50 characters or less.");
	expect_problem(s, "POST /projects", "{}", "this endpoint requires the parameter: name");
}

static void public_is_said_in_two_ways(void **state)
{
	struct served *s = *state;
	static const struct {
		const char *body, *type;
	} rows[] = {
		{ "{\"public\":true}", "public" },
		{ "{\"project_type\":\"private\"}", "private" },
		{ "{\"project_type\":\"public\"}", "public" },
		{ "{\"public\":false}", "private" },
		{ "{\"public\":true,\"project_type\":\"private\"}", "public" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		expect(s, "PUT /projects/1", rows[i].body, 200);
		assert_string_equal(text_at(s, "project_type"), rows[i].type);
		assert_int_equal(json_is_true(find_at(s->json, "public")),
			strcmp(rows[i].type, "public") == 0);
	}
}

static void project_settings_follow_each_other(void **state)
{
	struct served *s = *state;
	int64_t version = version_of(s);

	clock_set_fixed(NOW_MS + 1000);
	expect(s, "PUT /projects/1", "{\"name\":\"Moon\"}", 200);
	assert_int_equal(number_at(s, "version"), version);
	expect(s, "PUT /projects/1",
		"{\"point_scale\":\"0,0.5,1\",\"time_zone\":{\"olson_name\":\"America/Los_Angeles\"},"
		"\"start_date\":\"2024-03-04\",\"description\":\"d\"}",
		200);
	assert_int_equal(number_at(s, "version"), version + 1);
	assert_true(json_is_true(find_at(s->json, "point_scale_is_custom")));
	assert_string_equal(text_at(s, "time_zone.offset"), "-07:00");
	assert_string_equal(text_at(s, "start_time"), "2024-03-04T08:00:00Z");
	assert_string_equal(text_at(s, "updated_at"), "2024-05-06T07:08:10Z");
	expect(s, "PUT /projects/1", "{\"description\":null}", 200);
	assert_false(has_at(s, "description"));
	assert_int_equal(number_at(s, "version"), version + 2);
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "project_update_activity");
	assert_true(json_is_null(find_at(s->json, "0.changes.0.new_values.description")));
}

static void a_deleted_project_is_not_unfound(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\",\"labels\":[\"x\"],\"tasks\":[{\"description\":\"t\"}]}");
	s->who = BEN;
	expect_code(s, "DELETE /projects/1", NULL, "unauthorized_operation");
	s->who = ADA;
	expect(s, "DELETE /projects/1", NULL, 204);
	expect_code(s, "GET /projects/1", NULL, "unauthorized_operation");
	assert_int_equal(s->response.status, 403);
	expect_code(s, "GET /stories/1", NULL, "unfound_resource");
	expect(s, "GET /projects", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
	expect(s, "POST /projects", "{\"name\":\"Moon\"}", 200);
	assert_int_equal(number_at(s, "id"), 2);
}

/* ---- memberships ---- */

static void members_are_added_and_changed(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects/1/memberships", "{\"person_id\":4,\"role\":\"viewer\"}", 200);
	assert_string_equal(text_at(s, "kind"), "project_membership");
	assert_string_equal(text_at(s, "person.name"), "Dan");
	assert_false(has_at(s, "person_id"));
	expect_activity(
		s, "project_membership_create_activity", "added", "Ada added Dan as a viewer");
	expect(s, "PUT /projects/1/memberships/4", "{\"role\":\"member\"}", 200);
	assert_string_equal(text_at(s, "role"), "member");
	expect(s, "DELETE /projects/1/memberships/4", NULL, 204);
	expect_code(s, "GET /projects/1/memberships/4", NULL, "unfound_resource");
	expect(s, "POST /projects/1/memberships",
		"{\"email\":\"eve@example.org\",\"name\":\"Eve\",\"initials\":\"E\",\"role\":"
		"\"owner\"}",
		200);
	assert_string_equal(text_at(s, "person.initials"), "E");
	expect(s, "GET /projects/1/memberships?sort_by=name", NULL, 200);
	assert_string_equal(text_at(s, "3.person.name"), "Eve");
}

static void memberships_have_rules(void **state)
{
	struct served *s = *state;

	expect_problem(s, "POST /projects/1/memberships", "{\"person_id\":2,\"role\":\"member\"}",
		"Ben is already a project member");
	expect_problem(s, "POST /projects/1/memberships", "{\"person_id\":4}",
		"this endpoint requires the parameter: role");
	expect_requirement(s, "POST /projects/1/memberships",
		"{\"email\":\"nonsense\",\"role\":\"member\"}",
		"nonsense is not a valid email address.");
	assert_string_equal(text_at(s, "general_problem"),
		"One or more consistency checks failed on the supplied Person.");
	expect_problem(s, "POST /projects/1/memberships", "{\"role\":\"member\"}",
		"Email can't be blank., Name can't be blank");
	expect_problem(s, "PUT /projects/1/memberships/1", "{\"role\":\"viewer\"}",
		"A project must have at least one owner.");
	expect_problem(s, "DELETE /projects/1/memberships/1", NULL,
		"A project must have at least one owner.");
	expect_problem(s, "PUT /projects/1/memberships/2", "{}",
		"this endpoint requires at least one of the following parameters: favorite, "
		"project_color, role");
}

/* ---- activity ---- */

static void activity_is_listed_from_any_side(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\"}");
	make_story(s, "{\"name\":\"b\"}");
	clock_set_fixed(NOW_MS + 60000);
	s->who = BEN;
	expect(s, "PUT /stories/1", "{\"name\":\"c\"}", 200);
	expect(s, "GET /projects/1/activity", NULL, 200);
	assert_int_equal(json_array_size(s->json), 6);
	for (size_t i = 0; i < 6; i++) {
		char path[32];

		snprintf(path, sizeof(path), "%zu.project_version", i);
		assert_int_equal(number_at(s, path), 6 - i);
	}
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Total"), "6");
	expect(s, "GET /projects/1/activity?since_version=4&sort_order=asc", NULL, 200);
	assert_int_equal(number_at(s, "0.project_version"), 5);
	assert_int_equal(json_array_size(s->json), 2);
	expect(s, "GET /projects/1/stories/1/activity", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	expect(s, "GET /projects/1/activity?occurred_after=2024-05-06T07:08:10Z", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	expect(s, "GET /projects/1/activity?occurred_before=2024-05-06T07:08:10Z&limit=2&offset=1",
		NULL, 200);
	assert_int_equal(number_at(s, "0.project_version"), 4);
	expect(s, "GET /my/activity", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_string_equal(text_at(s, "0.message"), "Ben edited this feature");
	expect(s, "GET /projects/1/activity?fields=message&limit=1", NULL, 200);
	assert_int_equal(json_object_size(find_at(s->json, "0")), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(labels_are_lower_case_and_sorted),
		served_test(a_label_can_be_renamed),
		served_test(a_deleted_label_leaves_its_stories),
		served_test(an_epic_brings_its_label),
		served_test(epics_are_changed_and_ordered),
		served_test(tasks_keep_their_positions),
		served_test(tasks_have_rules),
		served_test(tasks_and_comments_touch_their_story),
		served_test(comments_are_as_recorded),
		served_test(comments_belong_to_their_authors),
		served_test(comments_hold_attachments),
		served_test(epics_have_comments_too),
		served_test(a_new_project_has_its_defaults),
		served_test(project_settings_have_rules),
		served_test(public_is_said_in_two_ways),
		served_test(project_settings_follow_each_other),
		served_test(a_deleted_project_is_not_unfound),
		served_test(members_are_added_and_changed),
		served_test(memberships_have_rules),
		served_test(activity_is_listed_from_any_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
