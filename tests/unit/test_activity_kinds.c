/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each command leaves in activity: its kind, its words, and which values of which resources
 * changed, in which order. Rows marked `recorded` are as the real service's answers have them.
 */
#include <stdlib.h>

#include "served.h"

#define STORY "/projects/1/stories/1"

/* What stands in the project: stories 1 (Ben's, with a label, tasks, comments, a blocker) and 2, an
 * epic with a comment, a label of its own. */
static void set_up_project(struct served *s)
{
	make_story(s, "{\"name\":\"a\",\"story_type\":\"bug\",\"labels\":[\"shop\"],\"owner_ids\":"
		      "[2],\"tasks\":[{\"description\":\"t1\"},{\"description\":\"t2\"}],"
		      "\"comments\":[{\"text\":\"c\"}],\"blockers\":[{\"description\":\"b\"}]}");
	make(s, "second", "unstarted");
	expect(s, "POST /projects/1/epics", "{\"name\":\"e\",\"comments\":[{\"text\":\"c\"}]}",
		200);
	expect(s, "POST /projects/1/epics", "{\"name\":\"f\"}", 200);
	expect(s, "POST /projects/1/labels", "{\"name\":\"lone\"}", 200);
	clock_set_fixed(NOW_MS + 60000);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_keys(struct buf *b, json_t *object)
{
	const char *keys[64], *key;
	size_t n = 0;
	json_t *value;

	json_object_foreach(object, key, value) keys[n++] = key;
	qsort(keys, n, sizeof(*keys), by_text);
	for (size_t i = 0; i < n; i++)
		buf_add_fmt(b, "%s%s", i ? "," : " ", keys[i]);
}

/* `task create: complete,created_at; story update: updated_at` */
static void describe(const struct served *s, struct buf *b)
{
	size_t i;
	json_t *change;

	json_array_foreach(find_at(s->json, "0.changes"), i, change)
	{
		json_t *now = json_object_get(change, "new_values");
		json_t *before = json_object_get(change, "original_values");

		buf_add_fmt(b, "%s%s %s:", i ? "; " : "",
			json_string_value(json_object_get(change, "kind")),
			json_string_value(json_object_get(change, "change_type")));
		add_keys(b, now);
		if (before)
			assert_int_equal(json_object_size(before), json_object_size(now));
	}
}

struct row {
	const char *request, *body;
	const char *kind, *highlight, *message;
	const char *changes;
};

static void check_row(struct served *s, const struct row *row)
{
	scoped(buf_fini) struct buf changes = BUF_INIT;

	served_send(s, row->request, row->body, NULL);
	if (s->response.status >= 300)
		fail_msg("%s answered %s", row->request, buf_str(&s->response.body));
	last_activity(s);
	describe(s, &changes);
	scoped(free_ptr) char *message = xasprintf("Ada %s", row->message);

	assert_string_equal(text_at(s, "0.kind"), row->kind);
	assert_string_equal(text_at(s, "0.highlight"), row->highlight);
	assert_string_equal(text_at(s, "0.message"), message);
	assert_string_equal(buf_str(&changes), row->changes);
}

static void check_rows(struct served *s, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_row(s, &rows[i]);
}

#define CHECK_ROWS(s, rows) check_rows(s, rows, sizeof(rows) / sizeof(*(rows)))

static void stories_are_told(void **state)
{
	static const struct row rows[] = {
		/* recorded */
		{ "POST /projects/1/stories", "{\"name\":\"n\"}", "story_create_activity", "added",
			"added this feature",
			"story create: after_id,before_id,blocked_story_ids,created_at,current_state,"
			"follower_ids,id,label_ids,labels,name,owner_ids,project_id,"
			"requested_by_id,story_type,updated_at" },
		{ "PUT " STORY, "{\"name\":\"b\",\"description\":\"d\"}", "story_update_activity",
			"edited", "edited this bug", "story update: description,name,updated_at" },
		{ "PUT " STORY, "{\"owner_ids\":[2,1]}", "story_update_activity", "edited",
			"edited this bug", "story update: owner_ids" },
		{ "PUT " STORY, "{\"current_state\":\"started\"}", "story_update_activity",
			"started", "started this bug",
			"label update: counts; story update: after_id,before_id,current_state" },
		{ "PUT " STORY, "{\"current_state\":\"finished\"}", "story_update_activity",
			"finished", "finished this bug",
			"label update: counts; story update: current_state" },
		{ "PUT " STORY, "{\"current_state\":\"accepted\"}", "story_update_activity",
			"accepted", "accepted this bug",
			"label update: counts; story update: accepted_at,current_state" },
		{ "PUT " STORY, "{\"labels\":[]}", "story_update_activity", "edited",
			"edited this bug", "label update: counts; story update: label_ids,labels" },
		{ "PUT /projects/1/stories/2", "{\"estimate\":2}", "story_update_activity",
			"estimated", "estimated this feature as 2 points",
			"story update: estimate,updated_at" },
		{ "PUT /projects/1/stories/2", "{\"group\":\"unscheduled\"}", "story_move_activity",
			"moved", "moved this story after 'b'", "story update: current_state" },
		/* not recorded */
		{ "POST " STORY "/followers", NULL, "follower_create_activity", "added follower:",
			"added follower: \"Ada\"", "story update: follower_ids" },
		{ "DELETE " STORY "/followers/1", NULL, "follower_delete_activity",
			"deleted follower:", "deleted follower: \"Ada\"",
			"story update: follower_ids" },
		{ "DELETE " STORY, NULL, "story_delete_activity", "deleted", "deleted this bug",
			"story delete:" },
	};
	struct served *s = *state;

	set_up_project(s);
	expect(s, "DELETE " STORY "/followers/1", NULL, 204);
	clock_set_fixed(NOW_MS + 120000);
	CHECK_ROWS(s, rows);
}

static void tasks_are_told(void **state)
{
	static const struct row rows[] = {
		/* recorded */
		{ "POST " STORY "/tasks", "{\"description\":\"t3\"}", "task_create_activity",
			"added task:", "added task: \"t3\"",
			"task create: complete,created_at,description,id,position,story_id,"
			"updated_at; story update: updated_at" },
		{ "PUT " STORY "/tasks/1", "{\"description\":\"t\"}", "task_update_activity",
			"rewrote task:", "rewrote task: \"t\"",
			"task update: description,updated_at" },
		/* not recorded */
		{ "PUT " STORY "/tasks/1", "{\"complete\":true}", "task_update_activity",
			"completed task:", "completed task: \"t\"", "task update: complete" },
		{ "PUT " STORY "/tasks/1", "{\"complete\":false}", "task_update_activity",
			"uncompleted task:", "uncompleted task: \"t\"", "task update: complete" },
		{ "PUT " STORY "/tasks/3", "{\"position\":2}", "task_move_activity", "moved task:",
			"moved task: \"t3\"", "task update: position; task update: position" },
		{ "PUT " STORY "/tasks/3", "{\"position\":1,\"complete\":true}",
			"task_update_activity", "completed task:", "completed task: \"t3\"",
			"task update: complete,position; task update: position" },
		/* recorded, the other tasks aside */
		{ "DELETE " STORY "/tasks/3", NULL, "task_delete_activity", "deleted a task",
			"deleted a task on this story",
			"task delete:; task update: position; task update: position" },
	};
	struct served *s = *state;

	set_up_project(s);
	CHECK_ROWS(s, rows);
}

static void comments_and_blockers_are_told(void **state)
{
	static const struct row rows[] = {
		/* recorded */
		{ "POST " STORY "/comments", "{\"text\":\"x\"}", "comment_create_activity",
			"added comment:", "added comment: \"x\"",
			"comment create: attachment_ids,created_at,file_attachment_ids,"
			"file_attachments,google_attachment_ids,google_attachments,id,person_id,"
			"story_id,text,updated_at; story update: updated_at" },
		{ "PUT " STORY "/comments/1", "{\"text\":\"y\"}", "comment_update_activity",
			"edited", "edited this comment", "comment update: text,updated_at" },
		{ "POST /projects/1/stories/2/comments", "{\"text\":\"x\"}",
			"comment_create_activity", "added comment:", "added comment: \"x\"",
			"comment create: attachment_ids,created_at,file_attachment_ids,"
			"file_attachments,google_attachment_ids,google_attachments,id,person_id,"
			"story_id,text,updated_at; story update: follower_ids,updated_at" },
		{ "POST " STORY "/blockers", "{\"description\":\"#2\"}", "blocker_create_activity",
			"added a blocker", "added a blocker: \"#2\"",
			"blocker create: created_at,description,id,person_id,resolved,story_id,"
			"updated_at; story update: blocked_story_ids" },
		/* not recorded */
		{ "DELETE " STORY "/comments/1", NULL, "comment_delete_activity",
			"deleted comment:", "deleted comment: \"y\"", "comment delete:" },
		{ "POST /projects/1/epics/1/comments", "{\"text\":\"x\"}",
			"comment_create_activity", "added comment:", "added comment: \"x\"",
			"comment create: attachment_ids,created_at,epic_id,file_attachment_ids,"
			"file_attachments,google_attachment_ids,google_attachments,id,person_id,"
			"text,updated_at; epic update: updated_at" },
		{ "POST /projects/1/stories/2/comments/4/reactions", "{\"emoji\":\"+1\"}",
			"reaction_create_activity", "added reaction:", "added reaction: \"+1\"",
			"reaction create: comment_id,created_at,emoji,id,person_id,updated_at" },
		{ "PUT /projects/1/stories/2/comments/4/reactions/1", "{\"emoji\":\"-1\"}",
			"reaction_update_activity", "changed reaction:", "changed reaction: \"-1\"",
			"reaction update: emoji" },
		{ "DELETE /projects/1/stories/2/comments/4/reactions/1", NULL,
			"reaction_delete_activity", "deleted reaction:", "deleted reaction: \"-1\"",
			"reaction delete:" },
		{ "PUT " STORY "/blockers/2", "{\"resolved\":true}", "blocker_update_activity",
			"resolved a blocker", "resolved a blocker: \"#2\"",
			"blocker update: resolved; story update: blocked_story_ids" },
		{ "DELETE " STORY "/blockers/2", NULL, "blocker_delete_activity",
			"deleted a blocker", "deleted a blocker: \"#2\"", "blocker delete:" },
	};
	struct served *s = *state;

	set_up_project(s);
	CHECK_ROWS(s, rows);
}

static void labels_and_epics_are_told(void **state)
{
	static const struct row rows[] = {
		/* recorded */
		{ "POST /projects/1/labels", "{\"name\":\"New\"}", "label_create_activity",
			"created", "created labels: \"new\"",
			"label create: counts,created_at,id,name,project_id,updated_at" },
		{ "DELETE /projects/1/labels/4", NULL, "label_delete_activity", "deleted",
			"deleted label: \"lone\"", "label delete:" },
		{ "DELETE /projects/1/labels/1", NULL, "label_delete_activity", "deleted",
			"deleted label: \"shop\"",
			"story update: label_ids,labels,updated_at; label delete:" },
		/* not recorded */
		{ "PUT /projects/1/labels/5", "{\"name\":\"newer\"}", "label_update_activity",
			"edited", "renamed label: \"new\" to \"newer\"", "label update: name" },
		{ "POST /projects/1/epics", "{\"name\":\"g\",\"label\":{\"name\":\"newer\"}}",
			"epic_create_activity", "added", "added this epic",
			"epic create: after_id,created_at,follower_ids,id,label_id,name,project_id,"
			"updated_at" },
		{ "PUT /projects/1/epics/1", "{\"name\":\"h\",\"description\":\"d\"}",
			"epic_update_activity", "edited", "edited this epic",
			"epic update: description,name,updated_at" },
		{ "PUT /projects/1/epics/3", "{\"after_id\":null}", "epic_move_activity", "moved",
			"moved this epic", "epic update: after_id,before_id" },
		{ "POST /projects/1/epics/1/followers", "{\"id\":2}", "follower_create_activity",
			"added follower:", "added follower: \"Ben\"", "epic update: follower_ids" },
		{ "DELETE /projects/1/epics/1", NULL, "epic_delete_activity", "deleted",
			"deleted this epic", "epic delete:" },
		{ "POST /projects/1/story_templates", "{\"name\":\"t\",\"description\":\"d\"}",
			"story_template_create_activity",
			"added story template:", "added story template: \"t\"",
			"story_template create: created_at,description,id,name,project_id,"
			"updated_at" },
	};
	struct served *s = *state;

	set_up_project(s);
	CHECK_ROWS(s, rows);
}

static void one_post_is_one_command_with_all_that_it_makes(void **state)
{
	static const struct row rows[] = {
		{ "POST /projects/1/stories",
			"{\"name\":\"n\",\"labels\":[{\"id\":1}],\"follower_ids\":[2],\"tasks\":"
			"[{\"description\":\"t\"}],\"comments\":[{\"text\":\"c\"}],\"blockers\":"
			"[{\"description\":\"#2\"}],\"reviews\":[{\"review_type_id\":1}]}",
			"story_create_activity", "added", "added this feature",
			"label update: counts; story create: after_id,before_id,blocked_story_ids,"
			"created_at,current_state,follower_ids,id,label_ids,labels,name,owner_ids,"
			"project_id,requested_by_id,story_type,updated_at; task create: complete,"
			"created_at,description,id,position,story_id,updated_at; comment create: "
			"attachment_ids,created_at,file_attachment_ids,file_attachments,"
			"google_attachment_ids,google_attachments,id,person_id,story_id,text,"
			"updated_at; blocker create: created_at,description,id,person_id,resolved,"
			"story_id,updated_at; story update: blocked_story_ids,updated_at; review "
			"create: created_at,id,review_type_id,status,story_id,updated_at" },
	};
	struct served *s = *state;

	set_up_project(s);
	int64_t version = version_of(s);

	CHECK_ROWS(s, rows);
	assert_int_equal(version_of(s), version + 1);
	expect(s,
		"GET /stories/3?fields=task_ids,tasks,comment_ids,comments(text,person(name),"
		"reactions),blocker_ids,blockers,follower_ids,followers(name),reviews(review_type),"
		"labels",
		NULL, 200);
	assert_int_equal(number_at(s, "task_ids.0"), 3);
	assert_string_equal(text_at(s, "tasks.0.description"), "t");
	assert_string_equal(text_at(s, "comments.0.person.name"), "Ada");
	assert_int_equal(json_array_size(find_at(s->json, "comments.0.reactions")), 0);
	assert_string_equal(text_at(s, "blockers.0.description"), "#2");
	assert_int_equal(number_at(s, "follower_ids.1"), ADA);
	assert_string_equal(text_at(s, "followers.0.name"), "Ben");
	assert_true(has_at(s, "reviews.0.review_type.name"));
	assert_string_equal(text_at(s, "labels.0.name"), "shop");
}

static void what_is_refused_leaves_nothing(void **state)
{
	struct served *s = *state;

	set_up_project(s);
	int64_t version = version_of(s);

	expect(s, "POST /projects/1/stories",
		"{\"name\":\"n\",\"labels\":[\"new\"],\"blockers\":[{\"description\":\"#2\"},{}]}",
		400);
	expect(s, "POST /projects/1/stories",
		"{\"name\":\"n\",\"comments\":[{\"text\":\"@ben\"},{\"text\":\" \"}]}", 400);
	assert_int_equal(version_of(s), version);
	expect(s, "GET /stories/2?fields=blocked_story_ids", NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "blocked_story_ids")), 0);
	s->who = BEN;
	expect(s, "GET /my/notifications", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
}

/* ---- reactions and story templates ---- */

static void a_person_has_one_reaction_to_a_comment(void **state)
{
	static const char path[] = "POST " STORY "/comments/1/reactions";
	struct served *s = *state;

	set_up_project(s);
	expect(s, path, "{\"emoji\":\"\xf0\x9f\x91\x8d\"}", 200);
	assert_int_equal(number_at(s, "person_id"), ADA);
	assert_int_equal(number_at(s, "comment_id"), 1);
	expect(s, path, "{\"emoji\":\"heart\"}", 200);
	assert_int_equal(number_at(s, "id"), 1);
	s->who = BEN;
	expect(s, path, "{\"emoji\":\"heart\"}", 200);
	expect_code(s, "PUT " STORY "/comments/1/reactions/1", "{\"emoji\":\"x\"}",
		"unauthorized_operation");
	expect_code(s, "DELETE " STORY "/comments/1/reactions/1", NULL, "unauthorized_operation");
	expect_problem(s, path, "{}", "this endpoint requires the parameter: emoji");
	expect(s, "GET " STORY "/comments?fields=reaction_ids,reactions(person,emoji)", NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "0.reactions")), 2);
	assert_string_equal(text_at(s, "0.reactions.0.emoji"), "heart");
	assert_string_equal(text_at(s, "0.reactions.1.person.name"), "Ben");
	expect(s, "DELETE " STORY "/comments/1/reactions/2", NULL, 204);
	expect(s, "GET " STORY "/comments/1/reactions", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	s->who = ADA;
	expect(s, "DELETE " STORY "/comments/1", NULL, 204);
	expect(s, "POST /projects/1/epics/1/comments/2/reactions", "{\"emoji\":\"a\"}", 200);
	assert_int_equal(number_at(s, "id"), 3);
}

static void story_templates_are_kept(void **state)
{
	static const char path[] = "/projects/1/story_templates";
	struct served *s = *state;
	scoped(free_ptr) char *post = xasprintf("POST %s", path);
	scoped(free_ptr) char *get = xasprintf("GET %s", path);
	scoped(free_ptr) char *put_one = xasprintf("PUT %s/1", path);
	scoped(free_ptr) char *delete_one = xasprintf("DELETE %s/1", path);

	expect_problem(s, post, "{}", "this endpoint requires the parameter: name");
	expect(s, post, "{\"name\":\"bug report\",\"description\":\"steps:\"}", 200);
	assert_int_equal(json_object_size(s->json), 7);
	expect(s, put_one, "{\"description\":null}", 200);
	assert_false(has_at(s, "description"));
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "story_template_update_activity");
	assert_string_equal(text_at(s, "0.primary_resources.0.name"), "bug report");
	expect(s, get, NULL, 200);
	assert_string_equal(text_at(s, "0.name"), "bug report");
	expect(s, "GET /projects/1?fields=story_template_ids,story_templates(name)", NULL, 200);
	assert_string_equal(text_at(s, "story_templates.0.name"), "bug report");
	s->who = CLEO;
	expect_code(s, put_one, "{\"name\":\"x\"}", "unauthorized_operation");
	s->who = BEN;
	expect(s, delete_one, NULL, 204);
	expect_code(s, put_one, "{\"name\":\"x\"}", "unfound_resource");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(stories_are_told),
		served_test(tasks_are_told),
		served_test(comments_and_blockers_are_told),
		served_test(labels_and_epics_are_told),
		served_test(one_post_is_one_command_with_all_that_it_makes),
		served_test(what_is_refused_leaves_nothing),
		served_test(a_person_has_one_reaction_to_a_comment),
		served_test(story_templates_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
