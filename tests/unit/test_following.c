/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Following, mentions, and what people are told. */
#include "served.h"

#define STORY "/projects/1/stories/1"

/* Ada's story, which Ben owns. */
static void make_bens(struct served *s)
{
	make_story(s, "{\"name\":\"a\",\"owner_ids\":[2],\"estimate\":1}");
}

static void assert_followers(struct served *s, const char *path, const char *want)
{
	scoped(free_ptr) char *request = xasprintf("GET %s?fields=follower_ids", path);

	expect(s, request, NULL, 200);
	scoped(free_ptr) char *have = json_dumps(find_at(s->json, "follower_ids"), JSON_COMPACT);

	assert_string_equal(have, want);
}

/* What somebody is told, newest first, as one text. */
static void assert_told(struct served *s, enum who_asks who, const char *want)
{
	enum who_asks was = s->who;
	scoped(buf_fini) struct buf have = BUF_INIT;
	size_t i;
	json_t *item;

	s->who = who;
	expect(s, "GET /my/notifications", NULL, 200);
	json_array_foreach(s->json, i, item)
	{
		buf_add_fmt(&have, "%s%s/%s: %s", i ? "; " : "",
			json_string_value(json_object_get(item, "notification_type")),
			json_string_value(json_object_get(item, "action")),
			json_string_value(json_object_get(item, "message")));
	}
	s->who = was;
	assert_string_equal(buf_str(&have), want);
}

static void comment(struct served *s, enum who_asks who, const char *text)
{
	enum who_asks was = s->who;
	scoped(free_ptr) char *body = xasprintf("{\"text\":\"%s\"}", text);

	s->who = who;
	expect(s, "POST " STORY "/comments", body, 200);
	s->who = was;
}

/* ---- following ---- */

static void who_comments_or_is_mentioned_follows(void **state)
{
	struct served *s = *state;

	make_bens(s);
	assert_followers(s, "/stories/1", "[]");
	comment(s, BEN, "done?");
	assert_followers(s, "/stories/1", "[2]");
	comment(s, BEN, "see @ada");
	assert_followers(s, "/stories/1", "[2,1]");
	last_activity(s);
	assert_int_equal(number_at(s, "0.changes.1.new_values.follower_ids.1"), ADA);
	expect(s, "POST /projects/1/epics", "{\"name\":\"e\"}", 200);
	expect(s, "POST /projects/1/epics/1/comments", "{\"text\":\"@Ben\"}", 200);
	assert_followers(s, "/epics/1", "[1,2]");
	expect(s, "POST /projects/1/epics",
		"{\"name\":\"f\",\"comments\":[{\"text\":\"x\"},{\"text\":\"@Ben\"}]}", 200);
	assert_followers(s, "/epics/2", "[1,2]");
	make_story(s, "{\"name\":\"b\",\"follower_ids\":[3],\"comments\":[{\"text\":\"x\"}],"
		      "\"blockers\":[{\"description\":\"@ben\"}]}");
	assert_followers(s, "/stories/2", "[3,1,2]");
}

static void names_are_found_where_they_stand(void **state)
{
	struct served *s = *state;
	static const struct {
		const char *text, *followers;
	} rows[] = {
		{ "@ben", "[1,2]" }, { "(@BEN).", "[1,2]" }, { "thanks, @ben. Bye", "[1,2]" },
		{ "@\\\"Ben\\\" and @ben-", "[1,2]" }, { "ben@ben.example", "[1]" },
		{ "@benny @@ben @", "[1]" }, { "@\\\"ben", "[1]" },
		{ "@cleo and @dan", "[1]" }, /* a viewer, and nobody here */
		{ "@xx", "[1]" },	     /* everybody's */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		make_story(s, "{\"name\":\"a\"}");
		scoped(free_ptr) char *body = xasprintf("{\"text\":\"%s\"}", rows[i].text);
		scoped(free_ptr) char *path = xasprintf("/stories/%zu", i + 1);
		scoped(free_ptr) char *request = xasprintf("POST /projects/1%s/comments", path);

		expect(s, request, body, 200);
		assert_followers(s, path, rows[i].followers);
	}
}

static void a_text_of_many_names_is_read_so_far(void **state)
{
	struct served *s = *state;
	scoped(buf_fini) struct buf body = BUF_INIT;

	make_story(s, "{\"name\":\"a\"}");
	buf_add_str(&body, "{\"text\":\"");
	for (int i = 0; i < 3000; i++)
		buf_add_str(&body, "@none ");
	buf_add_str(&body, "@ben\"}");
	expect(s, "POST " STORY "/comments", body.data, 200);
	assert_followers(s, "/stories/1", "[1]");
}

static void people_follow_and_stop(void **state)
{
	struct served *s = *state;

	make_bens(s);
	int64_t version = version_of(s);

	s->who = CLEO;
	expect(s, "POST " STORY "/followers", "{}", 200);
	assert_string_equal(text_at(s, "0.kind"), "person");
	assert_string_equal(text_at(s, "0.name"), "Cleo");
	expect(s, "POST " STORY "/followers", NULL, 200);
	assert_int_equal(version_of(s), version + 1);
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "follower_create_activity");
	assert_string_equal(text_at(s, "0.message"), "Cleo added follower: \"Cleo\"");
	assert_int_equal(number_at(s, "0.changes.0.new_values.follower_ids.0"), CLEO);
	expect_code(s, "POST " STORY "/followers", "{\"id\":2}", "unauthorized_operation");
	s->who = ADA;
	expect(s, "POST " STORY "/followers", "{\"person_id\":2}", 200);
	assert_int_equal(json_array_size(s->json), 2);
	expect_problem(s, "POST " STORY "/followers", "{\"id\":4}",
		"The person with id 4 is not a member of this project.");
	expect(s, "GET " STORY "/followers?fields=name", NULL, 200);
	assert_string_equal(text_at(s, "1.name"), "Ben");
	s->who = CLEO;
	expect_code(s, "DELETE " STORY "/followers/2", NULL, "unauthorized_operation");
	expect(s, "DELETE " STORY "/followers/3", NULL, 204);
	expect_code(s, "DELETE " STORY "/followers/3", NULL, "unfound_resource");
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "follower_delete_activity");
	assert_followers(s, "/stories/1", "[2]");
	s->who = ADA;
	expect(s, "PUT /projects/1", "{\"public\":true}", 200);
	s->who = DAN;
	expect_code(s, "POST " STORY "/followers", NULL, "unauthorized_operation");
	s->who = ADA;
	expect(s, "POST /projects/1/epics", "{\"name\":\"e\"}", 200);
	expect(s, "POST /projects/1/epics/1/followers", NULL, 200);
	expect(s, "DELETE /projects/1/epics/1/followers/1", NULL, 204);
	assert_followers(s, "/epics/1", "[]");
}

static void followers_come_by_id_or_as_objects(void **state)
{
	struct served *s = *state;

	make_story(s, "{\"name\":\"a\",\"followers\":[{\"id\":2},{\"id\":3}]}");
	assert_followers(s, "/stories/1", "[2,3]");
	put(s, 1, "{\"follower_ids\":[1]}");
	assert_followers(s, "/stories/1", "[1]");
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "story_update_activity");
	put(s, 1, "{\"followers\":[]}");
	assert_followers(s, "/stories/1", "[]");
	expect_problem(s, "PUT /stories/1", "{\"followers\":[{\"id\":77}]}",
		"'follower_ids' names no person: 77");
}

/* ---- being told ---- */

static void owners_and_requesters_are_told_of_their_stories(void **state)
{
	struct served *s = *state;

	make_bens(s);
	assert_told(s, BEN, "story/create: You were made an owner by Ada");
	assert_told(s, ADA, "");
	s->who = BEN;
	put(s, 1, "{\"name\":\"b\",\"estimate\":2}");
	assert_told(s, ADA, "");
	put(s, 1, "{\"current_state\":\"started\"}");
	assert_told(s, ADA, "story/update: Ben started this feature");
	s->who = ADA;
	put(s, 1, "{\"owner_ids\":[]}");
	put(s, 1, "{\"owner_ids\":[2,3,4],\"current_state\":\"finished\"}");
	assert_told(s, BEN,
		"story/update: You were made an owner by Ada; "
		"story/create: You were made an owner by Ada");
	assert_told(s, CLEO, "story/update: You were made an owner by Ada");
	assert_told(s, DAN, "");
	s->who = BEN;
	expect(s, "DELETE /stories/1", NULL, 204);
	assert_told(s, ADA,
		"story/delete: Ben deleted this feature; "
		"story/update: Ben started this feature");
}

static void a_mention_is_told_as_recorded(void **state)
{
	struct served *s = *state;
	/* `link` came after the recording. */
	static const char *const keys[] = { "kind", "id", "project", "performer", "message",
		"context", "notification_type", "new_attachment_count", "action", "story",
		"comment_id", "created_at", "updated_at", "link" };

	make_story(s, "{\"name\":\"a\"}");
	comment(s, ADA, "@ben yo.");
	s->who = BEN;
	expect(s, "GET /my/notifications", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_int_equal(
		json_object_size(json_array_get(s->json, 0)), sizeof(keys) / sizeof(*keys));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_non_null(json_object_get(json_array_get(s->json, 0), keys[i]));
	assert_string_equal(text_at(s, "0.message"), "You were mentioned by Ada");
	assert_string_equal(text_at(s, "0.context"), "@ben yo.");
	assert_string_equal(text_at(s, "0.notification_type"), "comment_with_mention");
	assert_string_equal(text_at(s, "0.action"), "create");
	assert_int_equal(json_object_size(find_at(s->json, "0.performer")), 3);
	assert_string_equal(text_at(s, "0.performer.kind"), "person");
	assert_string_equal(text_at(s, "0.project.name"), "Moon");
	assert_string_equal(text_at(s, "0.story.name"), "a");
	assert_string_equal(text_at(s, "0.link"), "https://www.pivotaltracker.com/story/show/1");
	assert_int_equal(number_at(s, "0.comment_id"), 1);
	assert_string_equal(header_of(s, "X-Tracker-Last-Notification-Timestamp"), "1714979289000");
	assert_null(header_of(s, "X-Tracker-Project-Version"));
}

static void comments_are_told_to_followers_once(void **state)
{
	struct served *s = *state;

	make_bens(s);
	s->who = CLEO;
	expect(s, "POST " STORY "/followers", NULL, 200);
	s->who = ADA;
	comment(s, BEN, "hi @ada");
	assert_told(s, ADA, "comment_with_mention/create: You were mentioned by Ben");
	assert_told(s, CLEO, "comment/create: Ben added comment: \"hi @ada\"");
	s->who = BEN;
	expect(s, "PUT " STORY "/comments/1", "{\"text\":\"hi @ada!\"}", 200);
	assert_told(s, ADA, "comment_with_mention/create: You were mentioned by Ben");
	expect(s, "PUT " STORY "/comments/1", "{\"text\":\"hi\"}", 200);
	expect(s, "PUT " STORY "/comments/1", "{\"text\":\"hi @ada\"}", 200);
	assert_told(s, ADA,
		"comment_with_mention/update: You were mentioned by Ben; "
		"comment_with_mention/create: You were mentioned by Ben");
}

static void blockers_are_told_at_both_ends(void **state)
{
	struct served *s = *state;

	make_bens(s);
	s->who = BEN;
	make(s, "other", "started");
	s->who = ADA;
	expect(s, "POST " STORY "/blockers", "{\"description\":\"#2\"}", 200);
	assert_told(s, BEN,
		"blocker/create: Ada added a blocker: \"#2\"; "
		"story/create: You were made an owner by Ada");
	expect(s, "POST /projects/1/stories/2/blockers", "{\"description\":\"@ben\"}", 200);
	put(s, 2, "{\"current_state\":\"accepted\"}");
	s->who = BEN;
	expect(s, "GET /my/notifications", NULL, 200);
	assert_string_equal(text_at(s, "0.message"), "Ada resolved a blocker: \"#2\"");
	assert_string_equal(text_at(s, "1.message"), "You were mentioned by Ada");
	assert_string_equal(text_at(s, "1.notification_type"), "blocker");
	assert_followers(s, "/stories/2", "[2]");
	/* Who follows the blocking story alone. */
	make(s, "third", "started");
	s->who = ADA;
	expect(s, "POST /projects/1/stories",
		"{\"name\":\"b\",\"blockers\":[{\"description\":"
		"\"#3\"}]}",
		200);
	s->who = BEN;
	expect(s, "GET /my/notifications", NULL, 200);
	assert_string_equal(text_at(s, "0.message"), "This story is blocking #4: \"#3\"");
	assert_int_equal(number_at(s, "0.story.id"), 3);
}

static void epics_are_told_to_who_follows(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects/1/epics", "{\"name\":\"e\",\"follower_ids\":[2]}", 200);
	expect(s, "POST /projects/1/epics/1/comments", "{\"text\":\"x\"}", 200);
	s->who = BEN;
	expect(s, "GET /my/notifications", NULL, 200);
	assert_string_equal(text_at(s, "0.epic.name"), "e");
	assert_false(has_at(s, "0.story"));
	s->who = ADA;
	expect(s, "DELETE /projects/1/epics/1", NULL, 204);
	assert_told(s, BEN,
		"epic/delete: Ada deleted this epic; "
		"comment/create: Ada added comment: \"x\"; "
		"epic/create: Ada added this epic");
}

static void nothing_is_told_without_following(void **state)
{
	struct served *s = *state;
	scoped(record_unref) struct record *project = NULL;
	struct tx *tx;

	assert_int_equal(tx_begin(s->archive, TX_WRITE, &tx), 0);
	assert_int_equal(tx_get(tx, KIND_project, 1, &project), 0);
	record_set_int(project, F_project_enable_following, 0);
	assert_int_equal(tx_put(tx, project), 0);
	assert_int_equal(tx_commit(tx), 0);
	make_bens(s);
	comment(s, ADA, "@ben");
	assert_told(s, BEN, "");
	assert_followers(s, "/stories/1", "[]");
}

/* ---- reading ---- */

static void notifications_are_read(void **state)
{
	struct served *s = *state;

	make_bens(s);
	comment(s, ADA, "one");
	clock_set_fixed(NOW_MS + 1000);
	comment(s, ADA, "two");
	clock_set_fixed(NOW_MS + 60000);
	s->who = BEN;
	expect_problem(s, "PUT /my/notifications/1", "{}",
		"this endpoint requires at least one of the following parameters: read_at");
	expect(s, "PUT /my/notifications/1", "{\"read_at\":\"2024-05-06T07:09:00Z\"}", 200);
	assert_string_equal(text_at(s, "read_at"), "2024-05-06T07:09:00Z");
	assert_string_equal(text_at(s, "updated_at"), "2024-05-06T07:09:09Z");
	expect(s, "PUT /my/notifications/1", "{\"read_at\":null}", 200);
	assert_false(has_at(s, "read_at"));
	expect_problem(s, "PUT /my/notifications/mark_read", "{}",
		"this endpoint requires the parameter: before");
	expect(s, "PUT /my/notifications/mark_read", "{\"before\":2}", 204);
	expect(s, "GET /my/notifications", NULL, 200);
	assert_int_equal(json_array_size(s->json), 3);
	assert_string_equal(text_at(s, "0.context"), "two");
	assert_false(has_at(s, "0.read_at"));
	assert_string_equal(text_at(s, "1.read_at"), "2024-05-06T07:09:09Z");
	assert_string_equal(text_at(s, "2.read_at"), "2024-05-06T07:09:09Z");
	s->who = ADA;
	expect_code(s, "PUT /my/notifications/1", "{\"read_at\":0}", "unauthorized_operation");
	s->who = NOBODY;
	expect_code(s, "GET /my/notifications", NULL, "invalid_authentication");
}

static void clients_ask_for_what_came_since(void **state)
{
	struct served *s = *state;

	make_bens(s);
	clock_set_fixed(NOW_MS + 5000);
	comment(s, ADA, "one");
	s->who = BEN;
	expect(s, "GET /people/2/notifications/since/0", NULL, 200);
	assert_string_equal(text_at(s, "http_status"), "200");
	assert_int_equal(json_array_size(find_at(s->json, "data")), 2);
	assert_int_equal(number_at(s, "data.0.updated_at"), NOW_MS + 5000);
	expect(s, "GET /people/2/notifications/since/1714979289000", NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "data")), 1);
	assert_string_equal(text_at(s, "data.0.context"), "one");
	expect(s, "GET /people/2/notifications/since/1714979290000", NULL, 400);
	assert_string_equal(text_at(s, "data.code"), "invalid_parameter");
	expect(s, "GET /people/1/notifications/since/0", NULL, 403);
	expect_code(s, "GET /people/2/notifications/since/x", NULL, "unfound_resource");
	/* Read, it is new to the client again. */
	clock_set_fixed(NOW_MS + 9000);
	expect(s, "PUT /my/notifications/1", "{\"read_at\":1714979298000}", 200);
	expect(s, "GET /people/2/notifications/since/1714979294000", NULL, 200);
	assert_int_equal(number_at(s, "data.0.id"), 1);
}

static void lists_reach_ten_days_back_and_old_ones_go(void **state)
{
	struct served *s = *state;
	const int64_t day = INT64_C(86400000);

	make_bens(s);
	clock_set_fixed(NOW_MS + 11 * day);
	assert_told(s, BEN, "");
	s->who = BEN;
	expect(s, "GET /my/notifications?created_after=2024-05-01T00:00:00Z", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	clock_set_fixed(NOW_MS + 91 * day);
	comment(s, ADA, "late");
	expect(s, "GET /my/notifications?created_after=2024-05-01T00:00:00Z", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_string_equal(text_at(s, "0.context"), "late");
}

static void who_left_a_project_hears_of_it_no_more(void **state)
{
	struct served *s = *state;

	make_bens(s);
	comment(s, ADA, "secret");
	expect(s, "DELETE /projects/1/memberships/2", NULL, 204);
	comment(s, ADA, "more");
	assert_told(s, BEN, "");
	expect(s, "POST /projects/1/memberships", "{\"person_id\":2,\"role\":\"member\"}", 200);
	assert_told(s, BEN,
		"comment/create: Ada added comment: \"secret\"; "
		"story/create: You were made an owner by Ada");
}

static void the_people_one_works_with_are_listed(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects", "{\"name\":\"Mars\"}", 200);
	expect(s, "GET /my/people", NULL, 200);
	assert_int_equal(json_array_size(s->json), 3);
	assert_string_equal(text_at(s, "1.person.name"), "Ben");
	expect(s, "GET /my/people?project_id=2", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_null(header_of(s, "X-Tracker-Project-Version"));
	s->who = BEN;
	expect_code(s, "GET /my/people?project_id=2", NULL, "unauthorized_operation");
	expect_code(s, "GET /my/people?project_id=9", NULL, "unfound_resource");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(who_comments_or_is_mentioned_follows),
		served_test(names_are_found_where_they_stand),
		served_test(a_text_of_many_names_is_read_so_far),
		served_test(people_follow_and_stop),
		served_test(followers_come_by_id_or_as_objects),
		served_test(owners_and_requesters_are_told_of_their_stories),
		served_test(a_mention_is_told_as_recorded),
		served_test(comments_are_told_to_followers_once),
		served_test(blockers_are_told_at_both_ends),
		served_test(epics_are_told_to_who_follows),
		served_test(nothing_is_told_without_following),
		served_test(notifications_are_read),
		served_test(clients_ask_for_what_came_since),
		served_test(lists_reach_ten_days_back_and_old_ones_go),
		served_test(who_left_a_project_hears_of_it_no_more),
		served_test(the_people_one_works_with_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
