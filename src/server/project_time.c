/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of a group are filled together, with the first of them that is asked for. */
#include "project_time.h"

#include "iterations.h"

const char *project_zone_name(const struct record *project)
{
	const struct value *v = record_get(project, F_project_time_zone);

	return v->state == VALUE_SET ? record_text(v->record, F_time_zone_olson_name) : "";
}

static void set_times(struct record *project, const struct iterations *it)
{
	record_set_int(project, F_project_start_time, iterations_begin(it));
	record_set_int(project, F_project_current_iteration_number, iterations_current(it));
	record_set_int(project, F_project_shown_iterations_start_time, iterations_shown_since(it));
	record_set_ids(project, F_project_iteration_override_numbers, iterations_overridden(it));
}

int project_time_fill(struct call *c, struct records *list, int f)
{
	int r = 0;

	(void)f;
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		scoped(iterations_free) struct iterations *it = NULL;

		if (record_has(list->items[i], F_project_current_iteration_number))
			continue;
		r = iterations_load(c, list->items[i], &it);
		if (r == 0)
			set_times(list->items[i], it);
	}
	return r;
}

static int set_velocity(struct call *c, struct record *project)
{
	scoped(iterations_free) struct iterations *it = NULL;
	struct velocity v = { 0 };
	int r = iterations_load(c, project, &it);

	if (r == 0)
		r = iterations_velocity(c, it, iterations_current(it), &v);
	if (r < 0)
		return r;
	record_set_int(project, F_project_current_velocity, v.velocity);
	record_set_float(project, F_project_current_volatility, v.volatility);
	record_set_float(project, F_project_current_standard_deviation, v.deviation);
	return 0;
}

int project_time_fill_velocity(struct call *c, struct records *list, int f)
{
	int r = 0;

	(void)f;
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		if (!record_has(list->items[i], F_project_current_velocity))
			r = set_velocity(c, list->items[i]);
	}
	return r;
}

/* Accepted stories come first in the order; the older ones are passed over. */
static int set_stories(struct call *c, struct record *project)
{
	static const int only[] = { F_story_current_state, F_story_accepted_at };
	struct query q = { .kind = KIND_story,
		.limit = -1,
		.order = F_story_rank,
		.only = only,
		.n_only = sizeof(only) / sizeof(*only) };
	scoped(iterations_free) struct iterations *it = NULL;
	scoped(records_fini) struct records stories = { 0 };
	scoped(ids_fini) struct ids ids = { 0 };
	int r = iterations_load(c, project, &it);

	query_where(&q, F_story_project_id, OP_EQ, record_id(project));
	if (r == 0)
		r = tx_list(c->tx, &q, &stories);
	if (r < 0)
		return r;
	int64_t since = iterations_shown_since(it);

	for (size_t i = 0; i < stories.n; i++) {
		const struct record *story = stories.items[i];

		if (record_int(story, F_story_current_state, 0) != STATE_ACCEPTED ||
			record_int(story, F_story_accepted_at, since) >= since)
			ids_add(&ids, record_id(story));
	}
	record_set_ids(project, F_project_story_ids, &ids);
	return 0;
}

int project_time_fill_stories(struct call *c, struct records *list, int f)
{
	int r = 0;

	(void)f;
	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = set_stories(c, list->items[i]);
	return r;
}
