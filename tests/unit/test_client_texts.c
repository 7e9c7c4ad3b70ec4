/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refusals word for word that the reference does not have: what public suites of clients, run
 * against V5 in 2019, expected of it. */
#include "error_rows.h"

#define ONE_MEMBER_PARAMETER                                                            \
	"this endpoint requires at least one of the following parameters: created_at, " \
	"email, favorite, initials, name, person_id, project_color, role"
#define STATES                                                                               \
	"'current_state' must be one of: accepted, delivered, finished, started, rejected, " \
	"planned, unstarted, unscheduled"
#define NO_PERSON_AND "Do not send person_id with email, initials, or name in the same request."
#define OUT_OF_RANGE "Couldn't find Person with an out of range value for 'id'"
#define PERSON_CHECK "One or more consistency checks failed on the supplied Person."
#define WEBHOOK_CHECK \
	"One or more consistency checks failed on the supplied WebhookActivityChannel."
#define NO_DESTINATION "You do not have access to the destination project."
#define NO_PLACE "This epic can no longer be moved to that position"
#define NOT_ACCEPTED "Only stories in accepted state may have accepted_at dates"
#define NO_LABEL "Label with id=77 does not exist within this project"
#define NOT_SHARED "Cannot make a project's type shared on non-enterprise accounts"

/* Project 1 with story 1 and epic 1; project 2 is Dan's. */
static void fill(struct served *s)
{
	make_story(s, "{\"name\":\"a\",\"labels\":[\"x\"]}");
	expect(s, "POST /projects/1/epics", "{\"name\":\"E\"}", 200);
	s->who = DAN;
	expect(s, "POST /projects", "{\"name\":\"Venus\"}", 200);
	s->who = ADA;
}

static void labels_and_epics(void **state)
{
	static const struct row rows[] = {
		{ "PUT /stories/1", "{\"label_ids\":[77]}", PARAMETER, NO_LABEL },
		{ "PUT /stories/1", "{\"labels\":[{\"id\":77}]}", PARAMETER, NO_LABEL },
		{ "POST /projects/1/epics", "{\"name\":\"e\",\"label_id\":77}", PARAMETER,
			NO_LABEL },
		{ "POST /projects/1/epics", "{\"name\":\"e\",\"label_id\":\"1\"}", PARAMETER,
			"'label_id' must be an integer value" },
		{ "POST /projects/1/epics", "{\"name\":\"test\",\"after_id\":10}", PARAMETER,
			NO_PLACE },
		{ "PUT /projects/1/epics/1", "{\"before_id\":10}", PARAMETER, NO_PLACE },
		{ "PUT /projects/1/epics/1", "{\"before_id\":1}", PARAMETER, NO_PLACE },
	};

	fill(*state);
	EXPECT_ROWS((struct served *)*state, rows);
}

static void stories(void **state)
{
	static const struct row rows[] = {
		{ "POST /projects/1/stories",
			"{\"name\":\"s\",\"accepted_at\":\"2013-04-30T04:25:15Z\"}", PARAMETER,
			NOT_ACCEPTED },
		{ "PUT /stories/1", "{\"accepted_at\":\"2013-04-30T04:25:15Z\"}", PARAMETER,
			NOT_ACCEPTED },
		{ "POST /projects/1/stories",
			"{\"name\":\"s\",\"deadline\":\"2020-04-30T04:25:15Z\"}", PARAMETER,
			"Deadline can only be set on releases." },
		{ "PUT /stories/1", "{\"deadline\":1588220715000}", PARAMETER,
			"Deadline can only be set on releases." },
		{ "POST /projects/1/stories", "{\"name\":\"s\",\"estimate\":\"a\"}", PARAMETER,
			"'estimate' must be a number value" },
		{ "POST /projects/1/stories", "{\"name\":\"s\",\"current_state\":null}", PARAMETER,
			STATES },
		{ "PUT /stories/1", "{\"current_state\":\"\"}", PARAMETER, STATES },
		{ "PUT /stories/1", "{\"story_type\":2}", PARAMETER,
			"'story_type' must be one of: feature, bug, chore, release" },
		{ "PUT /stories/1", "{\"project_id\":2}", PARAMETER, NO_DESTINATION },
		{ "PUT /stories/1", "{\"project_id\":99}", PARAMETER, NO_DESTINATION },
		{ "POST /projects/1/my/searches", "{}", PARAMETER,
			"this endpoint requires the parameters: name, query" },
	};
	static const struct row viewer_there[] = {
		{ "PUT /stories/1", "{\"project_id\":2}", PARAMETER, NO_DESTINATION },
	};
	struct served *s = *state;

	fill(s);
	EXPECT_ROWS(s, rows);
	s->who = DAN;
	expect(s, "POST /projects/2/memberships", "{\"person_id\":1,\"role\":\"viewer\"}", 200);
	s->who = ADA;
	EXPECT_ROWS(s, viewer_there);
	/* It is in neither project's history that somebody tried. */
	expect(s, "GET /stories/1", NULL, 200);
	assert_int_equal(number_at(s, "project_id"), 1);
}

/* An estimate that a request did not give for a release is none; dates of acceptance may be given
 * with the state, and taken away with nothing said. */
static void what_is_no_refusal(void **state)
{
	struct served *s = *state;

	fill(s);
	make_story(s, "{\"name\":\"s\",\"current_state\":\"accepted\",\"estimate\":1,"
		      "\"accepted_at\":\"2024-05-01T00:00:00Z\"}");
	assert_string_equal(text_at(s, "accepted_at"), "2024-05-01T00:00:00Z");
	put(s, 2, "{\"accepted_at\":\"2024-05-02T00:00:00Z\"}");
	assert_string_equal(text_at(s, "accepted_at"), "2024-05-02T00:00:00Z");
	put(s, 1, "{\"accepted_at\":null,\"deadline\":null}");
	make_story(s, "{\"name\":\"r\",\"story_type\":\"release\","
		      "\"deadline\":\"2024-06-01T00:00:00Z\"}");
	assert_string_equal(text_at(s, "deadline"), "2024-06-01T00:00:00Z");
	expect(s, "PUT /projects/1", "{\"point_scale\":\"0,999\"}", 200);
}

static void projects(void **state)
{
	static const struct row rows[] = {
		{ "PUT /projects/1", "{\"point_scale\":\"0,1,1000\"}", PARAMETER,
			"You can't have point values above 999" },
		{ "PUT /projects/1", "{\"project_type\":\"shared\"}", PARAMETER, NOT_SHARED },
		{ "POST /projects", "{\"name\":\"N\",\"project_type\":\"shared\"}", PARAMETER,
			NOT_SHARED },
	};

	EXPECT_ROWS((struct served *)*state, rows);
}

static void an_enterprise_account_has_shared_projects(void **state)
{
	struct served *s = *state;
	scoped(record_unref) struct record *account = NULL;
	struct tx *tx;

	assert_int_equal(tx_begin(s->archive, TX_WRITE, &tx), 0);
	assert_int_equal(tx_get(tx, KIND_account, 1, &account), 0);
	record_set_text(account, F_account_plan, "Enterprise");
	assert_int_equal(tx_put(tx, account), 0);
	assert_int_equal(tx_commit(tx), 0);
	expect(s, "PUT /projects/1", "{\"project_type\":\"shared\"}", 200);
	assert_string_equal(text_at(s, "project_type"), "shared");
	assert_int_equal(tx_begin(s->archive, TX_WRITE, &tx), 0);
	record_set_text(account, F_account_plan, "Free");
	assert_int_equal(tx_put(tx, account), 0);
	assert_int_equal(tx_commit(tx), 0);
	/* What it is already is no change. */
	expect(s, "PUT /projects/1", "{\"project_type\":\"shared\",\"name\":\"Other\"}", 200);
	assert_string_equal(text_at(s, "project_type"), "shared");
}

static void members(void **state)
{
	static const struct row rows[] = {
		{ "POST /projects/1/memberships", "{}", PARAMETER, ONE_MEMBER_PARAMETER },
		{ "POST /projects/1/memberships", "{\"role\":\"viewer\"}", PARAMETER,
			"Email can't be blank., Name can't be blank" },
		{ "POST /projects/1/memberships", "{\"role\":\"viewer\",\"name\":\"Eve\"}",
			PARAMETER, "Email can't be blank." },
		{ "POST /projects/1/memberships", "{\"role\":\"viewer\",\"person_id\":10000012}",
			PARAMETER, "Couldn't find Person with 'id'=10000012" },
		{ "POST /projects/1/memberships", "{\"role\":\"viewer\",\"person_id\":0}",
			PARAMETER, "Couldn't find Person with 'id'=0" },
		{ "POST /projects/1/memberships", "{\"role\":\"viewer\",\"person_id\":3143922226}",
			PARAMETER, OUT_OF_RANGE },
		{ "POST /projects/1/memberships", "{\"role\":\"viewer\",\"person_id\":2}",
			PARAMETER, "Ben is already a project member" },
		{ "POST /projects/1/memberships",
			"{\"role\":\"viewer\",\"email\":\"ben@example.org\"}", PARAMETER,
			"Ben is already a project member" },
		{ "POST /projects/1/memberships",
			"{\"role\":\"viewer\",\"person_id\":4,\"name\":\"Dan\"}", PARAMETER,
			NO_PERSON_AND },
		{ "POST /projects/1/memberships", "{\"role\":\"viewerw\",\"person_id\":4}",
			PARAMETER, "'role' must be one of: owner, member, viewer" },
		{ "POST /projects/1/memberships", "{\"role\":null,\"person_id\":4}", PARAMETER,
			"'role' must be one of: owner, member, viewer" },
		{ "POST /accounts/1/memberships", "{\"person_id\":4,\"email\":\"dan@example.org\"}",
			PARAMETER, NO_PERSON_AND },
		{ "POST /accounts/1/memberships", "{\"person_id\":4,\"initials\":\"D\"}", PARAMETER,
			NO_PERSON_AND },
		{ "POST /accounts/1/memberships", "{\"person_id\":53143926}", UNFOUND },
		{ "POST /accounts/1/memberships", "{\"person_id\":\"new id\"}", PARAMETER,
			"'person_id' must be an integer value" },
		{ "POST /accounts/1/memberships", "{\"person_id\":4,\"my\":\"hache\"}", PARAMETER,
			"this endpoint cannot accept the parameter: my" },
		{ "POST /accounts/1/memberships", "{\"email\":\"NeatImp\"}", PARAMETER,
			PERSON_CHECK, "NeatImp is not a valid email address." },
	};

	EXPECT_ROWS((struct served *)*state, rows);
}

static void webhooks(void **state)
{
	static const struct row rows[] = {
		{ "POST /projects/1/webhooks", "{\"webhook_url\":\"\"}", PARAMETER, WEBHOOK_CHECK,
			"Webhook url can't be blank, Webhook must be a valid URL." },
		{ "POST /projects/1/webhooks", "{\"webhook_url\":null}", PARAMETER, WEBHOOK_CHECK,
			"Webhook url can't be blank, Webhook must be a valid URL." },
		{ "POST /projects/1/webhooks", "{\"webhook_url\":\"facebook\"}", PARAMETER,
			WEBHOOK_CHECK, "Webhook must be a valid URL." },
		{ "POST /projects/1/webhooks",
			"{\"webhook_url\":\"https://a.b/\",\"webhook_version\":\"v3\"}", PARAMETER,
			"'webhook_version' must be one of: v5" },
		{ "POST /projects/1/webhooks",
			"{\"webhook_url\":\"https://a.b/\",\"webhook_version\":5}", PARAMETER,
			"'webhook_version' must be one of: v5" },
	};
	struct served *s = *state;

	EXPECT_ROWS(s, rows);
	expect(s, "POST /projects/1/webhooks",
		"{\"webhook_url\":\"https://a.b/\",\"webhook_version\":\"v5\"}", 200);
	assert_string_equal(text_at(s, "webhook_version"), "v5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(labels_and_epics),
		served_test(stories),
		served_test(what_is_no_refusal),
		served_test(projects),
		served_test(an_enterprise_account_has_shared_projects),
		served_test(members),
		served_test(webhooks),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	error_rows_forget();
	return r;
}
