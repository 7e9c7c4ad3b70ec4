/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Project settings; the words are those of reference 1.7. */
#include "project_rules.h"

#include <stdio.h>
#include <time.h>

#include "change.h"
#include "project_time.h"
#include "projects.h"
#include "storyfs/scale.h"
#include "zone.h"

enum { MAX_ITERATION_LENGTH = 4, MAX_AVERAGED = 4, MAX_VELOCITY = 999 };

/* ---- single settings ---- */

/* Names are unique among the person's own projects; nothing is said of others'. */
static int check_name(struct call *c, const struct record *now)
{
	struct query q = { .kind = KIND_project, .limit = 1 };
	const struct ids *mine = NULL;
	int64_t n = 0;
	int r = projects_visible(c, &mine);

	query_where(&q, F_project_id, OP_NE, record_id(now));
	query_where(&q, F_project_name, OP_EQ, 0)->where[1].s = record_text(now, F_project_name);
	query_where(&q, F_project_id, OP_IN, 0)->where[2].ids = mine;
	if (r == 0)
		r = tx_count(c->tx, &q, &n);

	if (r == 0 && n)
		r = v5_error_problem(&c->error, "The project name you entered is already taken.");
	return r;
}

static int check_numbers(struct call *c, const struct record *now)
{
	int64_t length = record_int(now, F_project_iteration_length, 1);
	int64_t velocity = record_int(now, F_project_initial_velocity, 1);
	int64_t averaged = record_int(now, F_project_velocity_averaged_over, 1);

	if (length < 1 || length > MAX_ITERATION_LENGTH)
		return v5_error_problem(&c->error, "iteration_length can only be between 1 and 4.");
	if (velocity < 1)
		return v5_error_problem(&c->error, "You must specify a value of 1 or greater.");
	if (velocity > MAX_VELOCITY)
		return v5_error_problem(&c->error, "Initial velocity can't exceed 999.");
	if (averaged < 1 || averaged > MAX_AVERAGED)
		return v5_error_problem(&c->error, "is not a valid velocity scheme");
	if (record_int(now, F_project_number_of_done_iterations_to_show, averaged) < averaged)
		return v5_error_problem(&c->error,
			"Your project must load enough done iterations to calculate your velocity "
			"according to your settings.");
	return 0;
}

static int check_scale(struct call *c, const struct record *patch, struct record *now)
{
	const char *scale = record_text(now, F_project_point_scale);
	const char *problem = scale_problem(scale);

	if (!change_is_given(patch, F_project_point_scale))
		return 0;
	if (record_get(patch, F_project_point_scale)->state == VALUE_NULL)
		return v5_error_problem(&c->error,
			"Projects require a point scale., This is not a valid custom point scale.");
	if (problem)
		return v5_error_problem(&c->error, "%s", problem);
	record_set_int(now, F_project_point_scale_is_custom, scale_is_custom(scale));
	return 0;
}

/* Where the system has no zones at all, any will do. */
static bool is_zone(struct call *c, const char *name)
{
	int32_t offset;

	return zone_offset(name, call_now_ms(c), &offset) ||
	       !zone_offset("UTC", call_now_ms(c), &offset);
}

int project_read_zone(struct call *c, const struct record *told, struct record **ret)
{
	bool named = record_has(told, F_time_zone_olson_name);
	const char *said = record_text(told, named ? F_time_zone_olson_name : F_time_zone_offset);
	const char *name = named ? said : zone_of_offset(said);

	if (!name || !is_zone(c, name))
		return v5_error_problem(&c->error, "'time_zone' names no time zone: %s", said);
	*ret = record_new(KIND_time_zone);
	record_set_text(*ret, F_time_zone_olson_name, name);
	return 0;
}

static int set_zone(struct call *c, struct record *now)
{
	scoped(record_unref) struct record *zone = NULL;
	int r = project_read_zone(c, record_get(now, F_project_time_zone)->record, &zone);

	if (r == 0)
		record_set_object(now, F_project_time_zone, zone);
	return r;
}

/* ---- the first iteration ---- */

static int refuse_weekday(struct call *c, int64_t start, int64_t week_start)
{
	const struct choices *days = schema_field(KIND_project, F_project_week_start_day)->choices;
	time_t seconds = (time_t)(start * (ZONE_DAY_MS / 1000));
	struct tm tm;

	gmtime_r(&seconds, &tm);
	return v5_error_problem(&c->error,
		"%d/%d/%d is a %s and Iterations in this project start on %ss.", tm.tm_mon + 1,
		tm.tm_mday, tm.tm_year + 1900, days->words[zone_weekday(start)],
		days->words[week_start]);
}

/* Where a project begins follows from its stories and settings (iterations.h); a start_time that an
 * import brought counts until one of these is changed. In another zone the day stays the same. */
static void move_start(const struct record *patch, const struct record *old, struct record *now)
{
	static const int settings[] = { F_project_start_date, F_project_week_start_day,
		F_project_iteration_length };

	if (!record_has(now, F_project_start_time))
		return;
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		if (!value_equal(schema_field(KIND_project, settings[i]),
			    record_get(old, settings[i]), record_get(now, settings[i])))
			record_clear(now, F_project_start_time);
	}
	if (!change_is_given(patch, F_project_time_zone) || !record_has(now, F_project_start_time))
		return;
	scoped(zone_free) struct zone *from = zone_load(project_zone_name(old));
	scoped(zone_free) struct zone *to = zone_load(project_zone_name(now));
	int64_t day = zone_day(from, record_int(old, F_project_start_time, 0));

	record_set_int(now, F_project_start_time, zone_midnight(to, day));
}

static int set_start(
	struct call *c, const struct record *patch, const struct record *old, struct record *now)
{
	int64_t week_start = record_int(now, F_project_week_start_day, 1);

	if (record_has(now, F_project_start_date)) {
		int64_t start = record_int(now, F_project_start_date, 0);

		if ((change_is_given(patch, F_project_start_date) ||
			    change_is_given(patch, F_project_week_start_day)) &&
			zone_weekday(start) != week_start)
			return refuse_weekday(c, start, week_start);
	}
	if (old)
		move_start(patch, old, now);
	return 0;
}

/* ---- all of it ---- */

/* `public` and project_type say the same twice; the one that is given counts, `public` before the
 * other. */
static void set_type(const struct record *patch, struct record *now)
{
	const struct choices *types = schema_field(KIND_project, F_project_project_type)->choices;
	int public_type = choices_find(types, "public", false);

	if (!change_is_given(patch, F_project_public) &&
		change_is_given(patch, F_project_project_type))
		record_set_int(now, F_project_public,
			record_int(now, F_project_project_type, 0) == public_type);
	if (record_int(now, F_project_public, 0))
		record_set_int(now, F_project_project_type, public_type);
	else if (change_is_given(patch, F_project_public) &&
		 record_int(now, F_project_project_type, 0) == public_type)
		record_set_int(now, F_project_project_type, choices_find(types, "private", false));
}

static bool is_any_touched(const struct record *patch, const int *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (change_is_given(patch, fields[i]))
			return true;
	}
	return false;
}

int project_check(
	struct call *c, const struct record *patch, const struct record *old, struct record *now)
{
	static const int numbers[] = { F_project_iteration_length, F_project_initial_velocity,
		F_project_velocity_averaged_over, F_project_number_of_done_iterations_to_show };
	int r = 0;

	if (change_is_given(patch, F_project_name))
		r = check_name(c, now);
	if (r == 0 && is_any_touched(patch, numbers, sizeof(numbers) / sizeof(*numbers)))
		r = check_numbers(c, now);
	if (r == 0)
		r = check_scale(c, patch, now);
	if (r == 0 && change_is_given(patch, F_project_time_zone))
		r = set_zone(c, now);
	if (r == 0)
		r = set_start(c, patch, old, now);
	if (r == 0)
		set_type(patch, now);
	return r;
}
