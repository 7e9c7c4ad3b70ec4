/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of resources against itself and against the reference. What a default response holds
 * is written down here a second time, by hand, from V5's recorded answers and documented samples:
 * client and server read the same table, so a wrong key in it would agree with itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/fields.h"
#include "storyfs/plain.h"
#include "storyfs/record.h"
#include "storyfs/schema.h"

#define each_kind(k) for (enum kind k = KIND_none + 1; k < N_KINDS; k++)

static bool has_id(enum kind kind)
{
	return schema_find_field(kind, "id") >= 0;
}

static void schema_has_ids_first(void **state)
{
	(void)state;
	each_kind(k)
	{
		if (!has_id(k)) {
			assert_true(schema_resource(k)->plain);
			continue;
		}
		assert_string_equal(schema_field(k, 0)->key, "id");
		assert_int_equal(schema_field(k, 0)->type, TYPE_INT);
		scoped(record_unref) struct record *r = record_new(k);

		assert_int_equal(record_id(r), 0);
		record_set_int(r, 0, 42);
		assert_int_equal(record_id(r), 42);
	}
}

static void names_lead_back_to_their_rows(void **state)
{
	(void)state;
	each_kind(k)
	{
		assert_int_equal(schema_find_kind(schema_resource(k)->name), k);
		each_field(f, k)
			assert_int_equal(schema_find_field(k, schema_field(k, f)->key), f);
	}
	assert_int_equal(schema_find_kind("none"), KIND_none);
	assert_int_equal(schema_find_kind("stories"), KIND_none);
	assert_int_equal(schema_find_field(KIND_story, ""), -1);
	assert_int_equal(schema_find_field(KIND_story, "Name"), -1);
}

static void each_object_form_has_an_id_form_of_its_kind(void **state)
{
	(void)state;
	each_kind(k)
	{
		each_field(f, k) {
			const struct field *row = schema_field(k, f);
			bool nested = row->type == TYPE_OBJECT || row->type == TYPE_OBJECTS;

			assert_true(!nested || row->of != KIND_none);
			assert_true(row->type != TYPE_IDS || row->of != KIND_none);
			if (!row->via)
				continue;
			int id = schema_find_field(k, row->via);

			assert_true(nested && id >= 0);
			assert_int_equal(schema_field(k, id)->type,
				row->type == TYPE_OBJECT ? TYPE_INT : TYPE_IDS);
			assert_int_equal(schema_field(k, id)->of, row->of);
		}
	}
}

static void enumerations_have_words_and_nothing_else_has(void **state)
{
	(void)state;
	each_kind(k)
	{
		each_field(f, k) {
			const struct field *row = schema_field(k, f);

			assert_int_equal(row->type == TYPE_ENUM, row->choices != NULL);
			if (row->choices)
				assert_true(choices_count(row->choices) > 1);
			assert_non_null(value_type_name(row->type));
		}
	}
}

static void flags_fit_the_types(void **state)
{
	(void)state;
	each_kind(k)
	{
		each_field(f, k) {
			const struct field *row = schema_field(k, f);
			bool text = row->type == TYPE_STRING || row->type == TYPE_XSTRING;

			assert_true(!row->max || text);
			assert_true(!(row->flags & FIELD_INSTEAD) || row->via);
			assert_true(!(row->flags & FIELD_REQ) || row->write);
			assert_true(!(row->flags & FIELD_HIDDEN) || !row->write ||
				    (row->flags & FIELD_SECRET));
			assert_false(row->flags & FIELD_HIDDEN &&
				     row->flags & (FIELD_DEF | FIELD_FILE | FIELD_IDENT));
			assert_true(!(row->flags & FIELD_LIST) || row->type == TYPE_IDS ||
				    row->type == TYPE_OBJECTS || row->type == TYPE_JSON);
		}
	}
}

static void labels_and_parents_are_fields(void **state)
{
	(void)state;
	each_kind(k)
	{
		const struct resource *res = schema_resource(k);

		assert_true(res->label >= 0 && res->label < res->n_fields);
		if (res->parent)
			assert_int_equal(schema_field(k, res->parent_key)->of, res->parent);
		if (res->parent2)
			assert_int_equal(schema_field(k, res->parent2_key)->of, res->parent2);
	}
}

static void initial_values_are_values(void **state)
{
	(void)state;
	each_kind(k)
	{
		each_field(f, k) {
			const char *initial = schema_field(k, f)->initial;
			scoped(buf_fini) struct buf text = BUF_INIT;
			scoped(buf_fini) struct buf written = BUF_INIT;
			scoped(record_unref) struct record *patch = record_new(k);

			if (!initial)
				continue;
			buf_add_str(&written, initial);
			assert_int_equal(plain_read(patch, f, &written, NULL, &text), 0);
			plain_write(patch, f, NULL, &text);
			assert_string_equal(buf_str(&text), initial);
		}
	}
}

static void assert_word(enum kind kind, int f, int i, const char *word)
{
	assert_string_equal(schema_field(kind, f)->choices->words[i], word);
	assert_int_equal(choices_find(schema_field(kind, f)->choices, word, false), i);
}

static void words_known_to_code_are_in_its_order(void **state)
{
	(void)state;
	assert_word(KIND_story, F_story_story_type, STORY_TYPE_FEATURE, "feature");
	assert_word(KIND_story, F_story_story_type, STORY_TYPE_BUG, "bug");
	assert_word(KIND_story, F_story_story_type, STORY_TYPE_CHORE, "chore");
	assert_word(KIND_story, F_story_story_type, STORY_TYPE_RELEASE, "release");
	assert_word(KIND_story, F_story_current_state, STATE_ACCEPTED, "accepted");
	assert_word(KIND_story, F_story_current_state, STATE_DELIVERED, "delivered");
	assert_word(KIND_story, F_story_current_state, STATE_FINISHED, "finished");
	assert_word(KIND_story, F_story_current_state, STATE_STARTED, "started");
	assert_word(KIND_story, F_story_current_state, STATE_REJECTED, "rejected");
	assert_word(KIND_story, F_story_current_state, STATE_PLANNED, "planned");
	assert_word(KIND_story, F_story_current_state, STATE_UNSTARTED, "unstarted");
	assert_word(KIND_story, F_story_current_state, STATE_UNSCHEDULED, "unscheduled");
	assert_word(KIND_project_membership, F_project_membership_role, ROLE_OWNER, "owner");
	assert_word(KIND_project_membership, F_project_membership_role, ROLE_MEMBER, "member");
	assert_word(KIND_project_membership, F_project_membership_role, ROLE_VIEWER, "viewer");
}

static void words_are_found_whatever_their_case_when_asked(void **state)
{
	(void)state;
	const struct choices *days = schema_field(KIND_project, F_project_week_start_day)->choices;

	assert_int_equal(choices_count(days), 7);
	assert_int_equal(choices_find(days, "monday", true), 1);
	assert_int_equal(choices_find(days, "monday", false), -1);
	assert_int_equal(choices_find(days, "Mon", true), -1);
	assert_int_equal(choices_find(days, "", true), -1);
}

/* The keys of V5's default responses; those that are sent only when set are among them. `kind` is
 * in all. */
static const struct {
	enum kind kind;
	const char *keys;
} defaults[] = {
	{ KIND_person, "id name email initials username" },
	{ KIND_time_zone, "olson_name offset" },
	{ KIND_account, "id name plan status created_at updated_at" },
	{ KIND_account_membership, "id account_id created_at updated_at owner admin "
				   "project_creator timekeeper time_enterer person" },
	{ KIND_account_summary, "id name status plan days_left" },
	{ KIND_workspace, "id name person_id project_ids" },
	{ KIND_saved_search, "id project_id name query" },
	{ KIND_personal_settings, "header_display_mode reports_autorefresh" },
	{ KIND_membership_summary,
		"id project_id project_name project_color favorite role last_viewed_at" },
	{ KIND_me, "id name initials username time_zone api_token has_google_identity projects "
		   "email receives_in_app_notifications created_at updated_at accounts" },
	{ KIND_project,
		"id name version iteration_length week_start_day point_scale point_scale_is_custom "
		"bugs_and_chores_are_estimatable automatic_planning enable_tasks start_date "
		"time_zone velocity_averaged_over number_of_done_iterations_to_show "
		"has_google_domain description profile_content enable_incoming_emails "
		"initial_velocity public atom_enabled project_type start_time created_at "
		"updated_at show_story_priority show_priority_icon "
		"show_priority_icon_in_all_panels account_id current_iteration_number "
		"enable_following" },
	{ KIND_project_membership,
		"project_id id last_viewed_at created_at updated_at role project_color favorite "
		"wants_comment_notification_emails will_receive_mention_notifications_or_emails "
		"person" },
	{ KIND_label, "id project_id name created_at updated_at" },
	{ KIND_story,
		"id created_at updated_at accepted_at estimate story_type story_priority name "
		"description current_state deadline requested_by_id external_id integration_id "
		"url project_id owner_ids labels owned_by_id" },
	{ KIND_epic, "id created_at updated_at project_id name description url label" },
	{ KIND_task, "id story_id description complete position created_at updated_at" },
	{ KIND_comment,
		"id story_id epic_id text person_id created_at updated_at commit_identifier "
		"commit_type external_source external_author external_link" },
	{ KIND_file_attachment,
		"id filename created_at uploader_id thumbnailable height width size download_url "
		"content_type uploaded big_url thumbnail_url" },
	{ KIND_story_transition,
		"state story_id project_id project_version occurred_at performed_by_id" },
	{ KIND_cycle_time_details,
		"total_cycle_time started_time started_count finished_time finished_count "
		"delivered_time delivered_count rejected_time rejected_count story_id" },
	{ KIND_analytics, "stories_accepted bugs_created cycle_time rejection_rate" },
	{ KIND_daily_history_container, "header data" },
	{ KIND_review_type, "id project_id name hidden created_at updated_at" },
	{ KIND_review, "id story_id review_type_id reviewer_id status created_at updated_at" },
	{ KIND_pull_request, "id story_id epic_id owner repo host_url original_url status number "
			     "created_at updated_at" },
	{ KIND_branch, "id story_id epic_id owner repo host_url original_url name created_at "
		       "updated_at" },
	{ KIND_cicd_event, "id story_id name status url created_at updated_at" },
	{ KIND_iteration, "number project_id length team_strength stories start finish" },
	{ KIND_iteration_override, "number project_id length team_strength" },
	{ KIND_release, "id created_at updated_at deadline name description current_state "
			"accepted_at url project_id labels" },
	{ KIND_reaction, "id comment_id person_id emoji created_at updated_at" },
	{ KIND_blocker, "id story_id person_id description resolved created_at updated_at" },
	{ KIND_story_template, "id project_id name description created_at updated_at" },
	{ KIND_notification,
		"id project performer message context notification_type new_attachment_count "
		"action story epic comment_id created_at updated_at read_at link" },
	{ KIND_webhook, "id project_id webhook_url webhook_version enabled last_error_code "
			"last_response_body created_at updated_at" },
	{ KIND_google_attachment, "id comment_id person_id google_kind title google_id "
				  "alternate_link resource_id" },
	{ KIND_integration,
		"id kind project_id type name active base_url can_import is_other story_name "
		"api_username zendesk_user_email view_id company product component "
		"statuses_to_exclude filter_id account bin_id external_project_id import_api_url "
		"basic_auth_username comments_private update_comments update_state created_at "
		"updated_at" },
	{ KIND_external_story,
		"name description integration_id external_id estimate state created_at "
		"external_requester external_owner requested_by_id owned_by_id owner_ids "
		"story_type extra" },
	{ KIND_source_commit, "commit_id message url author repo" },
	{ KIND_activity, "kind guid project_version message highlight changes primary_resources "
			 "secondary_resources project performed_by occurred_at" },
};

/* Is the word one of those, which blanks part? */
static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; (p = strstr(p, word)); p += len) {
		if ((p == words || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
	}
	return false;
}

static size_t count_words(const char *words)
{
	size_t n = 1;

	for (; *words; words++)
		n += *words == ' ';
	return n;
}

static void default_responses_hold_what_v5_sends(void **state)
{
	(void)state;
	assert_int_equal(sizeof(defaults) / sizeof(*defaults), N_KINDS - 1);
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++) {
		enum kind k = defaults[i].kind;
		size_t n = 0;

		each_field(f, k) {
			if (!fields_wants(NULL, k, f))
				continue;
			n++;
			if (!has_word(defaults[i].keys, schema_field(k, f)->key))
				fail_msg("%s.%s is in no default response of V5's",
					schema_resource(k)->name, schema_field(k, f)->key);
		}
		if (n != count_words(defaults[i].keys))
			fail_msg("%s lacks fields of V5's default response",
				schema_resource(k)->name);
	}
}

/* V5's limits, from the texts of its refusals and its parameters' documentation. */
static void limits_are_v5s(void **state)
{
	(void)state;
	static const struct {
		enum kind kind;
		int f;
		size_t max;
	} rows[] = {
		{ KIND_project, F_project_name, 50 },
		{ KIND_workspace, F_workspace_name, 25 },
		{ KIND_project, F_project_description, 140 },
		{ KIND_project, F_project_profile_content, 65535 },
		{ KIND_project, F_project_point_scale, 255 },
		{ KIND_story, F_story_name, 5000 },
		{ KIND_story, F_story_description, 20000 },
		{ KIND_story, F_story_external_id, 255 },
		{ KIND_epic, F_epic_name, 5000 },
		{ KIND_epic, F_epic_description, 20000 },
		{ KIND_label, F_label_name, 255 },
		{ KIND_task, F_task_description, 1000 },
		{ KIND_comment, F_comment_text, 20000 },
		{ KIND_blocker, F_blocker_description, 1000 },
		{ KIND_comment, F_comment_commit_identifier, 255 },
		{ KIND_comment, F_comment_commit_type, 255 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(schema_field(rows[i].kind, rows[i].f)->max, rows[i].max);
}

static void what_v5_takes_is_writable(void **state)
{
	(void)state;
	static const char on_story[] =
		"name description story_type current_state estimate accepted_at deadline "
		"requested_by_id owner_ids owners label_ids labels follower_ids followers integration_id "
		"external_id story_priority created_at project_id owned_by_id before_id after_id "
		"tasks comments reviews pull_requests branches blockers";

	each_field(f, KIND_story) {
		const struct field *row = schema_field(KIND_story, f);

		if ((row->write != 0) != has_word(on_story, row->key))
			fail_msg("story.%s: writable %d", row->key, row->write);
	}
	assert_int_equal(schema_field(KIND_story, F_story_created_at)->write, WRITE_CREATE);
	assert_int_equal(schema_field(KIND_story, F_story_project_id)->write, WRITE_UPDATE);
	assert_int_equal(schema_field(KIND_comment, F_comment_person_id)->write, WRITE_CREATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_has_ids_first),
		cmocka_unit_test(names_lead_back_to_their_rows),
		cmocka_unit_test(each_object_form_has_an_id_form_of_its_kind),
		cmocka_unit_test(enumerations_have_words_and_nothing_else_has),
		cmocka_unit_test(flags_fit_the_types),
		cmocka_unit_test(labels_and_parents_are_fields),
		cmocka_unit_test(initial_values_are_values),
		cmocka_unit_test(words_known_to_code_are_in_its_order),
		cmocka_unit_test(words_are_found_whatever_their_case_when_asked),
		cmocka_unit_test(default_responses_hold_what_v5_sends),
		cmocka_unit_test(limits_are_v5s),
		cmocka_unit_test(what_v5_takes_is_writable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
