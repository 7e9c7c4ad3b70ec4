/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accounts and who is in them, workspaces, and the person who asks. */
#include "served.h"

#define DEEP "fields=:default,projects(:default,stories(name),memberships(person))"

/* ---- accounts ---- */

static void a_project_is_in_its_makers_account(void **state)
{
	struct served *s = *state;

	expect(s, "GET /projects/1?fields=account_id,account", NULL, 200);
	assert_int_equal(number_at(s, "account_id"), 1);
	assert_string_equal(text_at(s, "account.kind"), "account_summary");
	assert_string_equal(text_at(s, "account.name"), "Ada");
	assert_string_equal(text_at(s, "account.status"), "active");
	assert_string_equal(text_at(s, "account.plan"), "Free");
	expect(s, "POST /projects", "{\"name\":\"Two\"}", 200);
	assert_int_equal(number_at(s, "account_id"), 1);
	expect(s, "POST /projects", "{\"name\":\"Three\",\"new_account_name\":\"Works\"}", 200);
	assert_int_equal(number_at(s, "account_id"), 2);
	expect(s, "GET /accounts", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	assert_string_equal(text_at(s, "1.kind"), "account");
	assert_string_equal(text_at(s, "1.name"), "Works");
	assert_string_equal(text_at(s, "1.created_at"), NOW_TEXT);
	assert_false(has_at(s, "1.over_the_limit"));
	expect_problem(s, "POST /projects",
		"{\"name\":\"Four\",\"new_account_name\":\"W\",\"account_id\":1}",
		"account_id and new_account_name cannot be given together");
}

static void a_sample_project_has_stories(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects", "{\"name\":\"Shop\",\"create_sample\":true}", 200);
	assert_int_equal(number_at(s, "id"), 2);
	int64_t version = number_at(s, "version");

	expect(s, "GET /projects/2/stories", NULL, 200);
	assert_int_equal(json_array_size(s->json), 8);
	assert_string_equal(text_at(s, "0.current_state"), "started");
	assert_string_equal(text_at(s, "7.current_state"), "unscheduled");
	expect(s, "GET /projects/2/labels", NULL, 200);
	assert_int_equal(json_array_size(s->json), 2);
	expect(s, "GET /projects/2/activity", NULL, 200);
	assert_int_equal(json_array_size(s->json), version);
	expect(s, "POST /projects", "{\"name\":\"None\",\"create_sample\":false}", 200);
	expect(s, "GET /projects/3/stories", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
}

static void an_account_is_for_its_admins(void **state)
{
	struct served *s = *state;

	expect(s, "GET /accounts/1?fields=:default,days_left,over_the_limit,project_ids", NULL,
		200);
	assert_int_equal(number_at(s, "project_ids.0"), 1);
	assert_true(json_is_false(find_at(s->json, "over_the_limit")));
	assert_false(has_at(s, "days_left"));
	expect_code(s, "GET /accounts/0", NULL, "unfound_resource");
	expect_code(s, "GET /accounts/77", NULL, "unfound_resource");
	expect_problem(s, "GET /accounts/abc", NULL, "The id isn't valid");
	expect_problem(s, "GET /accounts/1.5/memberships", NULL, "The id isn't valid");
	s->who = BEN;
	expect_code(s, "GET /accounts/1", NULL, "unauthorized_operation");
	expect(s, "GET /accounts", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
	s->who = DAN;
	expect_code(s, "GET /accounts/1/memberships", NULL, "unauthorized_operation");
	s->who = NOBODY;
	expect_code(s, "GET /accounts/1", NULL, "invalid_authentication");
	expect_code(s, "GET /accounts", NULL, "invalid_authentication");
}

static void account_memberships_are_kept_by_person(void **state)
{
	struct served *s = *state;

	expect(s, "GET /accounts/1/memberships?fields=:default,person_id", NULL, 200);
	assert_int_equal(json_array_size(s->json), 3);
	assert_true(json_is_true(find_at(s->json, "0.owner")));
	assert_true(json_is_false(find_at(s->json, "1.project_creator")));
	assert_int_equal(number_at(s, "1.person_id"), BEN);
	assert_string_equal(text_at(s, "1.person.name"), "Ben");
	expect(s, "POST /accounts/1/memberships", "{\"person_id\":4,\"project_creator\":true}",
		200);
	assert_string_equal(text_at(s, "kind"), "account_membership");
	assert_string_equal(text_at(s, "person.name"), "Dan");
	assert_true(json_is_true(find_at(s->json, "project_creator")));
	assert_int_equal(number_at(s, "account_id"), 1);
	expect_problem(
		s, "POST /accounts/1/memberships", "{\"person_id\":4}", "Member already exists.");
	expect_problem(s, "POST /accounts/1/memberships", "{}",
		"this endpoint requires at least one of the following parameters: admin, "
		"created_at, email, initials, name, person_id, project_creator, time_enterer, "
		"timekeeper");
	expect_requirement(s, "POST /accounts/1/memberships", "{\"email\":\"nobody\"}",
		"nobody is not a valid email address.");
	assert_string_equal(text_at(s, "general_problem"),
		"One or more consistency checks failed on the supplied Person.");
	expect(s, "POST /accounts/1/memberships",
		"{\"email\":\"eve@example.org\",\"name\":\"Eve Moon\"}", 200);
	assert_int_equal(number_at(s, "person.id"), 5);
	assert_string_equal(text_at(s, "person.initials"), "EM");
	expect(s, "PUT /accounts/1/memberships/5", "{\"admin\":true}", 200);
	assert_true(json_is_true(find_at(s->json, "admin")));
	expect(s, "GET /accounts/1/memberships/5?fields=person(name)", NULL, 200);
	assert_string_equal(text_at(s, "person.name"), "Eve Moon");
	expect_problem(s, "PUT /accounts/1/memberships/5", "{}",
		"this endpoint requires at least one of the following parameters: admin, "
		"project_creator, time_enterer, timekeeper");
	expect(s, "DELETE /accounts/1/memberships/5", NULL, 204);
	expect_code(s, "GET /accounts/1/memberships/5", NULL, "unfound_resource");
	expect_problem(s, "DELETE /accounts/1/memberships/1", NULL,
		"The account's owner cannot be removed.");
}

static void who_leaves_an_account_leaves_its_projects(void **state)
{
	struct served *s = *state;
	int64_t version = version_of(s);

	expect(s, "DELETE /accounts/1/memberships/2", NULL, 204);
	assert_null(header_of(s, "X-Tracker-Project-Version"));
	assert_int_equal(version_of(s), version + 1);
	last_activity(s);
	assert_string_equal(text_at(s, "0.kind"), "project_membership_delete_activity");
	s->who = BEN;
	expect_code(s, "GET /projects/1", NULL, "unauthorized_operation");
	s->who = ADA;
	expect(s, "POST /projects/1/memberships", "{\"person_id\":4,\"role\":\"owner\"}", 200);
	expect(s, "DELETE /projects/1/memberships/1", NULL, 204);
	s->who = DAN;
	expect_code(s, "DELETE /accounts/1/memberships/4", NULL, "unauthorized_operation");
	s->who = ADA;
	expect_problem(s, "DELETE /accounts/1/memberships/4", NULL,
		"A project must have at least one owner.");
}

/* Ben is a member of project 1 and nothing in project 2. */
static void an_accounts_admins_own_its_projects(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects", "{\"name\":\"Two\"}", 200);
	s->who = BEN;
	expect_code(s, "PUT /projects/1", "{\"name\":\"b\"}", "unauthorized_operation");
	expect_code(s, "GET /projects/2", NULL, "unauthorized_operation");
	s->who = ADA;
	expect(s, "PUT /accounts/1/memberships/2", "{\"admin\":true}", 200);
	s->who = BEN;
	expect(s, "PUT /projects/1", "{\"name\":\"b\"}", 200);
	expect(s, "GET /projects/2?fields=name,stories(name)", NULL, 200);
	assert_string_equal(text_at(s, "name"), "Two");
	expect(s, "POST /projects/2/stories", "{\"name\":\"s\"}", 200);
	assert_int_equal(number_at(s, "requested_by_id"), BEN);
	expect(s, "POST /projects/2/memberships", "{\"person_id\":3,\"role\":\"member\"}", 200);
	expect(s, "GET /projects", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	/* Other flags of an account give nothing in its projects. */
	s->who = ADA;
	expect(s, "PUT /accounts/1/memberships/2", "{\"admin\":false,\"project_creator\":true}",
		200);
	s->who = BEN;
	expect_code(s, "PUT /projects/1", "{\"name\":\"c\"}", "unauthorized_operation");
	expect_code(s, "GET /projects/2", NULL, "unauthorized_operation");
}

static void projects_move_to_accounts_of_ones_own(void **state)
{
	struct served *s = *state;

	s->who = DAN;
	expect(s, "POST /projects", "{\"name\":\"Dan's\"}", 200);
	assert_int_equal(number_at(s, "account_id"), 2);
	expect_requirement(s, "PUT /projects/2", "{\"account_id\":1}",
		"You must be a project creator on the destination account.");
	expect_requirement(s, "PUT /projects/2", "{\"account_id\":99}",
		"You must be a project creator on the destination account.");
	expect_requirement(s, "POST /projects", "{\"name\":\"X\",\"account_id\":1}",
		"You must be a project creator on the destination account.");
	s->who = ADA;
	expect(s, "POST /accounts/1/memberships", "{\"person_id\":4,\"project_creator\":true}",
		200);
	s->who = DAN;
	expect(s, "PUT /projects/2", "{\"account_id\":1}", 200);
	assert_int_equal(number_at(s, "account_id"), 1);
	s->who = BEN;
	expect(s, "POST /projects", "{\"name\":\"Ben's\"}", 200);
	assert_int_equal(number_at(s, "account_id"), 3);
}

static void summaries_tell_what_one_may_do(void **state)
{
	struct served *s = *state;

	expect(s,
		"GET /account_summaries?fields=:default,owner_id,owner(name),admin_ids,admins,"
		"permissions,number_of_projects,number_of_private_projects,project_limit",
		NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_string_equal(text_at(s, "0.kind"), "account_summary");
	assert_int_equal(number_at(s, "0.owner_id"), ADA);
	assert_string_equal(text_at(s, "0.owner.name"), "Ada");
	assert_int_equal(json_array_size(find_at(s->json, "0.admins")), 0);
	assert_int_equal(json_array_size(find_at(s->json, "0.permissions")), 4);
	assert_int_equal(number_at(s, "0.number_of_private_projects"), 1);
	expect(s, "PUT /accounts/1/memberships/2", "{\"admin\":true}", 200);
	expect(s, "GET /account_summaries?fields=admins(name)", NULL, 200);
	assert_string_equal(text_at(s, "0.admins.0.name"), "Ben");
	s->who = CLEO;
	expect(s, "GET /account_summaries?with_permission=none", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	expect(s, "GET /account_summaries?with_permission=project_creation", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
	expect_problem(s, "GET /account_summaries?with_permission=all", NULL,
		"'with_permission' must be one of: none, project_creation, time_keeping, "
		"time_entering, administration");
	s->who = DAN;
	expect(s, "GET /account_summaries", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
}

static void a_project_may_be_a_favorite(void **state)
{
	struct served *s = *state;

	expect(s, "GET /me?fields=projects(favorite)", NULL, 200);
	assert_true(json_is_false(find_at(s->json, "projects.0.favorite")));
	expect(s, "PUT /projects/1/memberships/1", "{\"favorite\":true}", 200);
	assert_true(json_is_true(find_at(s->json, "favorite")));
	assert_false(has_at(s, "last_viewed_at"));
	expect(s, "GET /me?fields=projects(favorite)", NULL, 200);
	assert_true(json_is_true(find_at(s->json, "projects.0.favorite")));
	expect(s, "POST /projects/1/memberships",
		"{\"person_id\":4,\"role\":\"member\",\"favorite\":true}", 200);
	assert_true(json_is_true(find_at(s->json, "favorite")));
}

/* ---- workspaces ---- */

static void workspaces_hold_projects_of_ones_own(void **state)
{
	struct served *s = *state;

	expect(s, "POST /my/workspaces", "{\"name\":\"All\",\"project_ids\":[1,1]}", 200);
	assert_string_equal(text_at(s, "kind"), "workspace");
	assert_int_equal(number_at(s, "person_id"), ADA);
	assert_int_equal(json_array_size(find_at(s->json, "project_ids")), 1);
	expect_problem(s, "POST /my/workspaces", "{\"name\":\"All\",\"project_ids\":[0]}",
		"You cannot add project id 0 to your workspace, either you are not a member or the "
		"project doesn't exist.");
	expect_problem(s, "POST /my/workspaces", "{}",
		"this endpoint requires at least one of the following parameters: name, "
		"project_ids");
	expect_problem(s, "PUT /my/workspaces/1", "{}",
		"this endpoint requires at least one of the following parameters: name, "
		"project_ids");
	expect_problem(s, "POST /my/workspaces", "{\"name\":\" \"}", "Name can't be blank");
	expect_problem(s, "PUT /my/workspaces/1", "{\"name\":null}", "Name can't be blank");
	expect_requirement(s, "PUT /my/workspaces/1", "{\"name\":\"12345678901234567890123456\"}",
		"'name' parameter must be 25 characters or less.");
	expect(s, "PUT /my/workspaces/1", "{\"name\":\"Moon\"}", 200);
	assert_string_equal(text_at(s, "name"), "Moon");
	assert_int_equal(number_at(s, "project_ids.0"), 1);
	expect(s, "GET /my/workspaces?fields=:default,projects(id,name)", NULL, 200);
	assert_string_equal(text_at(s, "0.projects.0.name"), "Moon");
	assert_int_equal(number_at(s, "0.project_ids.0"), 1);
	expect(s, "GET /my/workspaces/1?fields=projects(name)", NULL, 200);
	assert_false(has_at(s, "project_ids"));
	assert_string_equal(text_at(s, "projects.0.name"), "Moon");
	expect_code(s, "DELETE /my/workspaces", NULL, "route_not_found");
	expect_code(s, "GET /my/workspaces/0", NULL, "unfound_resource");
	s->who = BEN;
	expect_code(s, "GET /my/workspaces/1", NULL, "unauthorized_operation");
	expect_code(s, "PUT /my/workspaces/1", "{\"name\":\"b\"}", "unauthorized_operation");
	expect_code(s, "DELETE /my/workspaces/1", NULL, "unauthorized_operation");
	expect_code(s, "GET /workspaces/1/activity", NULL, "unauthorized_operation");
	expect(s, "GET /my/workspaces", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
	s->who = ADA;
	expect(s, "DELETE /my/workspaces/1", NULL, 204);
	expect_code(s, "GET /my/workspaces/1", NULL, "unfound_resource");
}

static void a_workspace_tells_no_more_than_its_projects_would(void **state)
{
	struct served *s = *state;

	make(s, "secret", "unstarted");
	s->who = BEN;
	expect(s, "POST /my/workspaces", "{\"name\":\"All\",\"project_ids\":[1]}", 200);
	expect(s, "GET /my/workspaces/1?" DEEP, NULL, 200);
	assert_string_equal(text_at(s, "projects.0.stories.0.name"), "secret");
	expect(s, "GET /workspaces/1/activity?limit=2", NULL, 200);
	assert_string_equal(text_at(s, "0.kind"), "story_create_activity");
	assert_string_equal(header_of(s, "X-Tracker-Pagination-Returned"), "2");
	expect(s, "POST /projects/1/stories", "{\"name\":\"by ben\"}", 200);
	s->who = ADA;
	expect(s, "DELETE /projects/1/memberships/2", NULL, 204);
	s->who = BEN;
	expect(s, "GET /my/workspaces/1?" DEEP, NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "projects")), 0);
	assert_int_equal(json_array_size(find_at(s->json, "project_ids")), 0);
	expect(s, "GET /workspaces/1/activity", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
	expect(s, "GET /my/activity", NULL, 200);
	assert_int_equal(json_array_size(s->json), 0);
	expect(s,
		"GET /me?fields=project_ids,projects,"
		"workspaces(:default,projects(:default,stories))",
		NULL, 200);
	assert_int_equal(json_array_size(find_at(s->json, "project_ids")), 0);
	assert_int_equal(json_array_size(find_at(s->json, "workspaces.0.projects")), 0);
}

/* ---- me ---- */

static void me_is_all_that_v5_told(void **state)
{
	struct served *s = *state;

	expect(s, "POST /my/workspaces", "{\"name\":\"All\",\"project_ids\":[1]}", 200);
	expect(s,
		"GET /me?fields=:default,account_ids,project_ids,workspace_ids,workspaces,"
		"personal_settings",
		NULL, 200);
	assert_string_equal(text_at(s, "accounts.0.kind"), "account_summary");
	assert_int_equal(number_at(s, "account_ids.0"), 1);
	assert_int_equal(number_at(s, "project_ids.0"), 1);
	assert_int_equal(number_at(s, "workspace_ids.0"), 1);
	assert_string_equal(text_at(s, "workspaces.0.name"), "All");
	assert_string_equal(text_at(s, "personal_settings.kind"), "personal_settings");
	assert_string_equal(text_at(s, "personal_settings.header_display_mode"), "expanded");
	assert_true(json_is_true(find_at(s->json, "personal_settings.reports_autorefresh")));
	assert_string_equal(text_at(s, "time_zone.olson_name"), "UTC");
	assert_string_equal(text_at(s, "projects.0.project_name"), "Moon");
	expect(s, "GET /me", NULL, 200);
	assert_true(has_at(s, "accounts"));
	assert_false(has_at(s, "account_ids"));
	assert_false(has_at(s, "personal_settings"));
}

static void me_is_changed_by_oneself(void **state)
{
	struct served *s = *state;

	expect(s, "PUT /me?fields=:default,personal_settings",
		"{\"name\":\"Ada L\",\"initials\":\"AL\",\"username\":\"adal\","
		"\"email\":\"ada@l.org\",\"time_zone\":{\"olson_name\":\"Europe/Berlin\"},"
		"\"personal_settings\":{\"header_display_mode\":\"collapsed\"}}",
		200);
	assert_string_equal(text_at(s, "name"), "Ada L");
	assert_string_equal(text_at(s, "username"), "adal");
	assert_string_equal(text_at(s, "email"), "ada@l.org");
	assert_string_equal(text_at(s, "time_zone.offset"), "+02:00");
	assert_string_equal(text_at(s, "personal_settings.header_display_mode"), "collapsed");
	assert_true(json_is_true(find_at(s->json, "personal_settings.reports_autorefresh")));
	assert_string_equal(text_at(s, "updated_at"), NOW_TEXT);
	expect(s, "GET /projects/1/memberships?fields=person", NULL, 200);
	assert_string_equal(text_at(s, "0.person.name"), "Ada L");
	expect_problem(s, "PUT /me", "{}",
		"this endpoint requires at least one of the following parameters: email, initials, "
		"name, personal_settings, time_zone, username");
	expect_problem(s, "PUT /me", "{\"name\":\"\"}", "Name can't be blank");
	expect_problem(s, "PUT /me", "{\"username\":\"bEN\"}", "Username has already been taken");
	expect_problem(
		s, "PUT /me", "{\"email\":\"BEN@example.org\"}", "Email has already been taken");
	expect_problem(s, "PUT /me", "{\"username\":\"ben@example.org\"}",
		"Username can't contain blanks, colons or at signs.");
	expect_requirement(s, "PUT /me", "{\"email\":\"x\"}", "x is not a valid email address.");
	expect_problem(s, "PUT /me", "{\"time_zone\":{\"olson_name\":\"Mars/Base\"}}",
		"'time_zone' names no time zone: Mars/Base");
	expect_problem(s, "PUT /me", "{\"api_key\":\"x\"}",
		"this endpoint cannot accept the parameter: api_key");
	expect(s, "PUT /me", "{\"api_token\":\"x\",\"initials\":\"A\"}", 200);
	assert_string_equal(text_at(s, "initials"), "A");
}

/* ---- what older archives lack ---- */

static void put_number(struct tx *tx, enum kind kind, int64_t id, int f, int64_t value)
{
	scoped(record_unref) struct record *r = NULL;

	assert_int_equal(tx_get(tx, kind, id, &r), 0);
	record_clear(r, f);
	if (value)
		record_set_int(r, f, value);
	assert_int_equal(tx_put(tx, r), 0);
}

/* As it was before there were accounts: two projects, one of which names an account. */
static void forget_accounts(struct served *s)
{
	struct tx *tx;

	assert_int_equal(tx_begin(s->archive, TX_WRITE, &tx), 0);
	for (int64_t id = 1; id <= 4; id++)
		tx_delete(tx, KIND_account_membership, id);
	assert_int_equal(tx_delete(tx, KIND_account, 1), 0);
	put_number(tx, KIND_project, 1, F_project_account_id, 0);
	put_number(tx, KIND_project, 2, F_project_account_id, 77);
	assert_int_equal(tx_put_meta(tx, "upgrade_steps", "0"), 0);
	assert_int_equal(tx_put_meta(tx, "owner", "1"), 0);
	assert_int_equal(tx_commit(tx), 0);
}

static void archives_without_accounts_get_them(void **state)
{
	struct served *s = *state;

	expect(s, "POST /projects", "{\"name\":\"Sun\"}", 200);
	forget_accounts(s);
	server_free(s->server);
	assert_int_equal(server_new(s->archive, NULL, &s->server), 0);
	expect(s, "GET /accounts?fields=name,project_ids", NULL, 200);
	assert_int_equal(json_array_size(s->json), 1);
	assert_string_equal(text_at(s, "0.name"), "Ada");
	assert_int_equal(number_at(s, "0.id"), 77);
	assert_int_equal(json_array_size(find_at(s->json, "0.project_ids")), 2);
	expect(s, "GET /accounts/77/memberships", NULL, 200);
	assert_int_equal(json_array_size(s->json), 3);
	assert_true(json_is_true(find_at(s->json, "0.owner")));
	expect(s, "GET /projects/1?fields=account(name)", NULL, 200);
	assert_string_equal(text_at(s, "account.name"), "Ada");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(a_project_is_in_its_makers_account),
		served_test(a_sample_project_has_stories),
		served_test(an_account_is_for_its_admins),
		served_test(account_memberships_are_kept_by_person),
		served_test(who_leaves_an_account_leaves_its_projects),
		served_test(an_accounts_admins_own_its_projects),
		served_test(projects_move_to_accounts_of_ones_own),
		served_test(summaries_tell_what_one_may_do),
		served_test(a_project_may_be_a_favorite),
		served_test(workspaces_hold_projects_of_ones_own),
		served_test(a_workspace_tells_no_more_than_its_projects_would),
		served_test(me_is_all_that_v5_told),
		served_test(me_is_changed_by_oneself),
		served_test(archives_without_accounts_get_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
