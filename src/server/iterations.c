/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Iterations are counted in days of the project's zone, by arithmetic: so many weeks after the
 * first day, corrected by the few overrides of length. Only what is asked for becomes an instant.
 */
#include "iterations.h"

#include <math.h>

#include "project_time.h"
#include "storyfs/alloc.h"
#include "zone.h"

enum { WEEK = 7 };

/* Sums of points are floats: what is a whole number but for rounding is one. */
static const double rounding = 1e-9;

struct iterations {
	struct zone *zone;
	int64_t project_id;
	int64_t first_day;
	int64_t weeks; /* the usual length */
	int64_t current;
	int64_t n_shown;
	int64_t n_averaged;
	int64_t initial_velocity;
	bool automatic;
	struct records overrides; /* by number */
	struct ids numbers;	  /* of the overrides */
};

/* ---- overrides ---- */

static int64_t override_weeks(const struct iterations *it, const struct record *override)
{
	return record_int(override, F_iteration_override_length, it->weeks);
}

static const struct record *find_override(const struct iterations *it, int64_t number)
{
	for (size_t i = 0; i < it->overrides.n; i++) {
		if (it->numbers.v[i] == number)
			return it->overrides.items[i];
	}
	return NULL;
}

static int load_overrides(struct call *c, struct iterations *it)
{
	struct query q = {
		.kind = KIND_iteration_override, .limit = -1, .order = F_iteration_override_number
	};
	int r = tx_list(c->tx,
		query_where(&q, F_iteration_override_project_id, OP_EQ, it->project_id),
		&it->overrides);

	for (size_t i = 0; i < it->overrides.n; i++)
		ids_add(&it->numbers,
			record_int(it->overrides.items[i], F_iteration_override_number, 0));
	return r;
}

int64_t iterations_length(const struct iterations *it, int64_t number)
{
	const struct record *override = find_override(it, number);

	return override ? override_weeks(it, override) : it->weeks;
}

double iterations_strength(const struct iterations *it, int64_t number)
{
	const struct record *override = find_override(it, number);

	return override ? record_float(override, F_iteration_override_team_strength, 1) : 1;
}

const struct ids *iterations_overridden(const struct iterations *it)
{
	return &it->numbers;
}

double iterations_capacity(const struct iterations *it, int64_t number, int64_t velocity)
{
	return (double)velocity * iterations_strength(it, number) *
	       (double)iterations_length(it, number) / (double)it->weeks;
}

/* ---- numbers and instants ---- */

int64_t iterations_start(const struct iterations *it, int64_t number)
{
	int64_t weeks = it->weeks * (number - 1);

	for (size_t i = 0; i < it->overrides.n && it->numbers.v[i] < number; i++)
		weeks += override_weeks(it, it->overrides.items[i]) - it->weeks;
	return zone_midnight(it->zone, it->first_day + weeks * WEEK);
}

int64_t iterations_finish(const struct iterations *it, int64_t number)
{
	return iterations_start(it, number + 1);
}

int64_t iterations_begin(const struct iterations *it)
{
	return iterations_start(it, 1);
}

static int64_t divide_down(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Which one a day lies in, days being counted from the first. */
static int64_t number_of_day(const struct iterations *it, int64_t day)
{
	int64_t week = divide_down(day, WEEK), longer = 0;

	for (size_t i = 0; i < it->overrides.n; i++) {
		int64_t number = it->numbers.v[i];
		int64_t begin = it->weeks * (number - 1) + longer;
		int64_t length = override_weeks(it, it->overrides.items[i]);

		if (week < begin)
			break;
		if (week < begin + length)
			return number;
		longer += length - it->weeks;
	}
	return divide_down(week - longer, it->weeks) + 1;
}

int64_t iterations_number(const struct iterations *it, int64_t at_ms)
{
	int64_t number = number_of_day(it, zone_day(it->zone, at_ms) - it->first_day);

	/* Where clocks change around midnight, a day's name is not enough. */
	if (at_ms < iterations_start(it, number))
		number--;
	return number < 1 ? 1 : number;
}

int64_t iterations_project_id(const struct iterations *it)
{
	return it->project_id;
}

bool iterations_are_automatic(const struct iterations *it)
{
	return it->automatic;
}

const struct zone *iterations_zone(const struct iterations *it)
{
	return it->zone;
}

int64_t iterations_current(const struct iterations *it)
{
	return it->current;
}

int64_t iterations_shown_since(const struct iterations *it)
{
	int64_t first = it->current - it->n_shown;

	return iterations_start(it, first < 1 ? 1 : first);
}

/* ---- the first day ---- */

static int64_t week_begin(const struct iterations *it, const struct record *project, int64_t at_ms)
{
	int64_t day = zone_day(it->zone, at_ms);
	int64_t want = record_int(project, F_project_week_start_day, 1);

	return day - (zone_weekday(day) - want + WEEK) % WEEK;
}

/* The day that a project says to begin with: its start_date, or where it began for V5, which may
 * have known stories that an import did not bring. False: it does not say. */
static bool given_day(const struct iterations *it, const struct record *project, int64_t *ret)
{
	bool dated = record_has(project, F_project_start_date);
	bool timed = record_has(project, F_project_start_time);
	int64_t date = record_int(project, F_project_start_date, INT64_MAX);
	int64_t day = zone_day(it->zone, record_int(project, F_project_start_time, 0));

	*ret = timed && day < date ? day : date;
	return dated || timed;
}

/* A project begins with the iteration of its first accepted story, or where it says, if that is
 * earlier; with nothing accepted and nothing said, each week is the first one. */
static int find_first_day(struct call *c, const struct record *project, struct iterations *it)
{
	struct query q = { .kind = KIND_story };
	int64_t accepted, given;
	bool is_given = given_day(it, project, &given);

	query_where(&q, F_story_project_id, OP_EQ, it->project_id);
	query_where(&q, F_story_current_state, OP_EQ, STATE_ACCEPTED);
	int r = tx_extreme(c->tx, &q, F_story_accepted_at, false, &accepted);

	if (r < 0)
		return r;
	it->first_day =
		is_given ? given : week_begin(it, project, r == 0 ? accepted : call_now_ms(c));
	int64_t span = it->weeks * WEEK;
	int64_t early = r == 0 ? it->first_day - zone_day(it->zone, accepted) : 0;

	if (early > 0)
		it->first_day -= (early + span - 1) / span * span;
	return 0;
}

/* ---- life ---- */

int iterations_load(struct call *c, const struct record *project, struct iterations **ret)
{
	scoped(iterations_free) struct iterations *it = xcalloc(1, sizeof(*it));

	*it = (struct iterations){
		.zone = zone_load(project_zone_name(project)),
		.project_id = record_id(project),
		.weeks = record_int(project, F_project_iteration_length, 1),
		.n_shown = record_int(project, F_project_number_of_done_iterations_to_show, 4),
		.n_averaged = record_int(project, F_project_velocity_averaged_over, 3),
		.automatic = record_int(project, F_project_automatic_planning, 1),
		.initial_velocity = record_int(project, F_project_initial_velocity, 10),
	};
	if (it->weeks < 1)
		it->weeks = 1;
	int r = load_overrides(c, it);

	if (r == 0)
		r = find_first_day(c, project, it);
	if (r < 0)
		return r;
	it->current = iterations_number(it, call_now_ms(c));
	*ret = take_ptr(it);
	return 0;
}

void iterations_free(struct iterations *it)
{
	if (!it)
		return;
	zone_free(it->zone);
	records_fini(&it->overrides);
	ids_fini(&it->numbers);
	free(it);
}

/* ---- velocity ---- */

static int sum_points(struct call *c, const struct iterations *it, int64_t number, double *ret)
{
	struct query q = { .kind = KIND_story };

	query_where(&q, F_story_project_id, OP_EQ, it->project_id);
	query_where(&q, F_story_current_state, OP_EQ, STATE_ACCEPTED);
	query_where(&q, F_story_accepted_at, OP_GE, iterations_start(it, number));
	query_where(&q, F_story_accepted_at, OP_LT, iterations_finish(it, number));
	return tx_sum(c->tx, &q, F_story_estimate, ret);
}

/* Over the last done iterations before one: each one's points, were the team whole and the length
 * the usual one. */
struct average {
	int64_t n;
	int64_t weeks;
	double points;	/* were the team whole */
	double sum;	/* were the length the usual one, too */
	double squares; /* of these */
};

static int take_average(
	struct call *c, const struct iterations *it, int64_t number, struct average *ret)
{
	int r = 0;

	*ret = (struct average){ 0 };
	if (number > it->current)
		number = it->current;
	while (r == 0 && --number >= 1 && ret->n < it->n_averaged) {
		double strength = iterations_strength(it, number), points = 0;
		int64_t weeks = iterations_length(it, number);

		if (strength <= 0)
			continue;
		r = sum_points(c, it, number, &points);
		double usual = points / strength * (double)it->weeks / (double)weeks;

		ret->n++;
		ret->weeks += weeks;
		ret->points += points / strength;
		ret->sum += usual;
		ret->squares += usual * usual;
	}
	return r;
}

int iterations_velocity(
	struct call *c, const struct iterations *it, int64_t number, struct velocity *ret)
{
	struct average a;
	int r = take_average(c, it, number, &a);

	if (r < 0)
		return r;
	*ret = (struct velocity){ .velocity = it->initial_velocity };
	if (a.points <= 0)
		return 0;
	double mean = a.sum / (double)a.n;
	double variance = a.squares / (double)a.n - mean * mean;

	ret->velocity = (int64_t)floor(a.points / (double)a.weeks * (double)it->weeks + rounding);
	ret->deviation = variance > rounding ? sqrt(variance) : 0;
	ret->volatility = 100 * ret->deviation / mean;
	return 0;
}
