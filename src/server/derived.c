/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of what fills which field, behind those that fill one in a few lines. */
#include "derived.h"

#include "accounts.h"
#include "analytics.h"
#include "attached.h"
#include "counts.h"
#include "cycle_time.h"
#include "day_history.h"
#include "integrations.h"
#include "millis.h"
#include "order.h"
#include "progress.h"
#include "project_time.h"
#include "projects.h"
#include "zone.h"

static int fill_owner(struct call *c, struct records *list, int f)
{
	(void)c;
	for (size_t i = 0; i < list->n; i++) {
		const struct value *owners = record_get(list->items[i], F_story_owner_ids);

		if (!record_has(list->items[i], f) && owners->n)
			record_set_int(list->items[i], f, owners->ids[0]);
	}
	return 0;
}

static int fill_zone_offset(struct call *c, struct records *list, int f)
{
	for (size_t i = 0; i < list->n; i++) {
		char offset[ZONE_OFFSET_SIZE];

		zone_format_offset(record_text(list->items[i], F_time_zone_olson_name),
			call_now_ms(c), offset);
		record_set_text(list->items[i], f, offset);
	}
	return 0;
}

/* Who is no member of a public project gets to see no addresses. */
static int hide_email(struct call *c, struct records *list, int f)
{
	for (size_t i = 0; c->is_guest && i < list->n; i++)
		record_clear(list->items[i], f);
	return 0;
}

/* Projects that one has left, or that are gone, are not told of. */
static int hide_projects(struct call *c, struct records *list, int f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		const struct value *v = record_get(list->items[i], f);
		scoped(ids_fini) struct ids seen = { 0 };

		for (size_t k = 0; r == 0 && k < v->n; k++) {
			bool visible = false;

			r = projects_is_visible(c, v->ids[k], &visible);
			if (visible)
				ids_add(&seen, v->ids[k]);
		}
		record_set_ids(list->items[i], f, &seen);
	}
	return r;
}

/* `changes` hold V5's values as they were; with date_format=millis their times change, too. */
static int fill_millis(struct call *c, struct records *list, int f)
{
	(void)f;
	for (size_t i = 0; c->json_flags & JSON_AS_MILLIS && i < list->n; i++)
		millis_convert_changes(list->items[i]);
	return 0;
}

enum { ANY_FIELD = -1 };

static const struct {
	enum kind kind;
	int field;
	derived_fill *fill;
} fillers[] = {
	{ KIND_project, F_project_start_time, project_time_fill },
	{ KIND_project, F_project_current_iteration_number, project_time_fill },
	{ KIND_project, F_project_shown_iterations_start_time, project_time_fill },
	{ KIND_project, F_project_iteration_override_numbers, project_time_fill },
	{ KIND_project, F_project_current_velocity, project_time_fill_velocity },
	{ KIND_project, F_project_current_volatility, project_time_fill_velocity },
	{ KIND_project, F_project_current_standard_deviation, project_time_fill_velocity },
	{ KIND_project, F_project_story_ids, project_time_fill_stories },
	{ KIND_story, F_story_owned_by_id, fill_owner },
	{ KIND_story, F_story_before_id, order_fill },
	{ KIND_story, F_story_after_id, order_fill },
	{ KIND_story, F_story_cycle_time_details, cycle_time_fill },
	{ KIND_iteration, F_iteration_accepted, day_history_fill },
	{ KIND_iteration, F_iteration_created, day_history_fill },
	{ KIND_iteration, F_iteration_analytics, analytics_fill },
	{ KIND_epic, F_epic_before_id, order_fill },
	{ KIND_epic, F_epic_after_id, order_fill },
	{ KIND_label, F_label_counts, counts_fill },
	{ KIND_story, F_story_projected_completion, progress_fill_release },
	{ KIND_story, F_story_points_accepted, progress_fill_release },
	{ KIND_story, F_story_points_total, progress_fill_release },
	{ KIND_story, F_story_counts_accepted, progress_fill_release },
	{ KIND_story, F_story_counts_total, progress_fill_release },
	{ KIND_release, F_release_story_ids, progress_fill_release },
	{ KIND_release, F_release_projected_completion, progress_fill_release },
	{ KIND_release, F_release_points_accepted, progress_fill_release },
	{ KIND_release, F_release_points_total, progress_fill_release },
	{ KIND_release, F_release_counts_accepted, progress_fill_release },
	{ KIND_release, F_release_counts_total, progress_fill_release },
	{ KIND_epic, F_epic_past_done_story_estimates, progress_fill_epic },
	{ KIND_epic, F_epic_past_done_stories_count, progress_fill_epic },
	{ KIND_epic, F_epic_past_done_stories_no_point_count, progress_fill_epic },
	{ KIND_epic, F_epic_completed_at, progress_fill_epic },
	{ KIND_epic, F_epic_projected_completion, progress_fill_epic },
	{ KIND_comment, F_comment_attachment_ids, attached_fill },
	{ KIND_time_zone, F_time_zone_offset, fill_zone_offset },
	{ KIND_person, F_person_email, hide_email },
	{ KIND_activity, F_activity_changes, fill_millis },
	{ KIND_integration, ANY_FIELD, integrations_hide },
	{ KIND_workspace, F_workspace_project_ids, hide_projects },
	{ KIND_account, F_account_project_ids, accounts_fill_projects },
	{ KIND_account_summary, F_account_summary_owner_id, accounts_fill_summary },
	{ KIND_account_summary, F_account_summary_admin_ids, accounts_fill_summary },
	{ KIND_account_summary, F_account_summary_permissions, accounts_fill_summary },
	{ KIND_account_summary, F_account_summary_number_of_projects, accounts_fill_summary },
	{ KIND_account_summary, F_account_summary_number_of_private_projects,
		accounts_fill_summary },
	{ KIND_account_summary, F_account_summary_is_enterprise_guest, accounts_fill_summary },
};

derived_fill *derived_find(enum kind kind, int field)
{
	for (size_t i = 0; i < sizeof(fillers) / sizeof(*fillers); i++) {
		bool is_its = fillers[i].field == field || fillers[i].field == ANY_FIELD;

		if (fillers[i].kind == kind && is_its)
			return fillers[i].fill;
	}
	return NULL;
}
