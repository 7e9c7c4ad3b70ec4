/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of reference 3.1: which states a type has, what has points, what a state brings. */
#include <string.h>

#include "change.h"
#include "story.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/scale.h"

#define BIT(state) (1u << (state))

/* planned is for projects planned by hand. */
static const unsigned states_of[] = {
	[STORY_TYPE_FEATURE] = BIT(STATE_ACCEPTED) | BIT(STATE_DELIVERED) | BIT(STATE_FINISHED) |
			       BIT(STATE_STARTED) | BIT(STATE_REJECTED) | BIT(STATE_PLANNED) |
			       BIT(STATE_UNSTARTED) | BIT(STATE_UNSCHEDULED),
	[STORY_TYPE_BUG] = BIT(STATE_ACCEPTED) | BIT(STATE_DELIVERED) | BIT(STATE_FINISHED) |
			   BIT(STATE_STARTED) | BIT(STATE_REJECTED) | BIT(STATE_PLANNED) |
			   BIT(STATE_UNSTARTED) | BIT(STATE_UNSCHEDULED),
	[STORY_TYPE_CHORE] = BIT(STATE_ACCEPTED) | BIT(STATE_STARTED) | BIT(STATE_PLANNED) |
			     BIT(STATE_UNSTARTED) | BIT(STATE_UNSCHEDULED),
	[STORY_TYPE_RELEASE] = BIT(STATE_ACCEPTED) | BIT(STATE_PLANNED) | BIT(STATE_UNSTARTED) |
			       BIT(STATE_UNSCHEDULED),
};

static const unsigned without_estimate =
	BIT(STATE_UNSCHEDULED) | BIT(STATE_UNSTARTED) | BIT(STATE_PLANNED);

/* 2005-01-01T00:00:00Z, the first day of V5's world. */
static const int64_t first_ms = INT64_C(1104537600000);

static int64_t type_of(const struct record *story)
{
	return record_int(story, F_story_story_type, STORY_TYPE_FEATURE);
}

static int64_t state_of(const struct record *story)
{
	return record_int(story, F_story_current_state, STATE_UNSCHEDULED);
}

static bool is_estimable(const struct call *c, const struct record *story)
{
	int64_t type = type_of(story);

	if (type == STORY_TYPE_FEATURE)
		return true;
	return type != STORY_TYPE_RELEASE &&
	       record_int(call_project(c), F_project_bugs_and_chores_are_estimatable, 0);
}

static int refuse_planned(struct call *c)
{
	int r = v5_error_requirement(&c->error,
		"Project must have 'Automatic Planning' off for 'planned' to be an acceptable "
		"value for 'current_state'.");

	c->error.possible_fix = xstrdup("Remove the 'current_state' parameter from your request or "
					"turn off 'Automatic Planning' for this project.");
	return r;
}

static int check_state(struct call *c, const struct record *story)
{
	int64_t state = state_of(story);

	if (!(states_of[type_of(story)] & BIT(state)))
		return v5_error_requirement(&c->error,
			"'%s' is not an acceptable value for 'current_state' of a %s.",
			record_word(story, F_story_current_state),
			record_word(story, F_story_story_type));
	if (state == STATE_PLANNED && record_int(call_project(c), F_project_automatic_planning, 1))
		return refuse_planned(c);
	if (type_of(story) == STORY_TYPE_FEATURE && !record_has(story, F_story_estimate) &&
		!(without_estimate & BIT(state)))
		return v5_error_problem(&c->error, "Stories in the %s state must be estimated.",
			record_word(story, F_story_current_state));
	return 0;
}

static int check_estimate(struct call *c, const struct record *story)
{
	const char *scale = record_text(call_project(c), F_project_point_scale);

	if (!record_has(story, F_story_estimate))
		return 0;
	if (!is_estimable(c, story))
		return v5_error_requirement(&c->error, "A %s in this project cannot be estimated.",
			record_word(story, F_story_story_type));
	if (!scale_has(scale, record_float(story, F_story_estimate, 0)))
		return v5_error_requirement(&c->error,
			"The estimate must be one of the points of this project's point scale: %s.",
			scale);
	return 0;
}

static int check_created_at(struct call *c, const struct record *patch)
{
	int64_t at = record_int(patch, F_story_created_at, first_ms);
	char text[CLOCK_ISO_SIZE];

	if (at > call_now_ms(c))
		return v5_error_requirement(&c->error, "Story created_at cannot be in the future.");
	if (at >= first_ms)
		return 0;
	clock_format_iso(at, text);
	return v5_error_problem(&c->error,
		"The date you entered %s, is too far in the past. Please enter a date after "
		"2005-01-01T00:00:00Z.",
		text);
}

/* One of the project's; what a story has already may be gone by now. */
static int check_integration(struct call *c, const struct record *patch, const struct record *old)
{
	int64_t id = record_int(patch, F_story_integration_id, 0);
	scoped(record_unref) struct record *integration = NULL;

	if (!record_has(patch, F_story_integration_id) ||
		(old && record_int(old, F_story_integration_id, 0) == id))
		return 0;
	int r = tx_get(c->tx, KIND_integration, id, &integration);

	if (r < 0)
		return r;
	if (r == 0 && record_int(integration, F_integration_project_id, 0) == call_project_id(c))
		return 0;
	return v5_error_requirement(&c->error,
		"The integration with id %lld does not exist in this project.", (long long)id);
}

/* A type that has no points loses them, unless the request insists. */
static void drop_estimate(const struct call *c, const struct record *patch, struct record *now)
{
	if (change_is_given(patch, F_story_story_type) && !record_has(patch, F_story_estimate) &&
		!is_estimable(c, now))
		record_clear(now, F_story_estimate);
}

static void set_accepted_at(const struct call *c, const struct record *patch,
	const struct record *old, struct record *now)
{
	bool was = old && state_of(old) == STATE_ACCEPTED;
	bool is = state_of(now) == STATE_ACCEPTED;

	if (!is)
		record_clear(now, F_story_accepted_at);
	else if (!record_has(patch, F_story_accepted_at) &&
		 (!was || change_is_given(patch, F_story_accepted_at)))
		record_set_int(now, F_story_accepted_at, call_now_ms(c));
}

int story_check(
	struct call *c, const struct record *patch, const struct record *old, struct record *now)
{
	bool type_or_state = change_is_given(patch, F_story_story_type) || !old ||
			     state_of(old) != state_of(now);
	int r = 0;

	drop_estimate(c, patch, now);
	if (change_is_given(patch, F_story_estimate) || type_or_state)
		r = check_estimate(c, now);
	if (r == 0 && (change_is_given(patch, F_story_estimate) || type_or_state))
		r = check_state(c, now);
	if (r == 0 && record_has(patch, F_story_deadline) && type_of(now) != STORY_TYPE_RELEASE)
		r = v5_error_problem(&c->error, "Deadline can only be set on releases.");
	if (r == 0 && record_has(patch, F_story_accepted_at) && state_of(now) != STATE_ACCEPTED)
		r = v5_error_problem(
			&c->error, "Only stories in accepted state may have accepted_at dates");
	if (r == 0)
		r = check_created_at(c, patch);
	if (r == 0)
		r = check_integration(c, patch, old);
	if (r == 0 && (!old || state_of(old) != state_of(now) ||
			      change_is_given(patch, F_story_accepted_at)))
		set_accepted_at(c, patch, old, now);
	return r;
}
