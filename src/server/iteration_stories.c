/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stories of one iteration, Done or planned; and those of a page by an instant. */
#include "iteration_stories.h"

#include "plan.h"

static int load_plan(struct call *c, const struct iterations *it, int64_t number, struct plan *ret)
{
	return number < iterations_current(it) ? plan_load_done(c, it, number, 1, ret)
					       : plan_load(c, it, ret);
}

int iteration_stories_load(struct call *c, struct iterations **ret, struct ids *ret_ids)
{
	int64_t number = c->ids[KIND_iteration];
	scoped(iterations_free) struct iterations *it = NULL;
	scoped(plan_fini) struct plan plan = { 0 };
	int r = iterations_load(c, call_project(c), &it);

	if (r == 0)
		r = load_plan(c, it, number, &plan);
	if (r < 0)
		return r;
	if (number < plan.first || number >= plan.first + (int64_t)plan.n)
		return v5_error_set(&c->error, V5_unfound_resource);
	const struct ids *ids = &plan.iterations[number - plan.first].story_ids;

	for (size_t i = 0; i < ids->n; i++)
		ids_add(ret_ids, ids->v[i]);
	*ret = take_ptr(it);
	return 0;
}

/* ---- by an instant ---- */

int iteration_stories_list_in(struct call *c, const struct records *iterations, int instant,
	struct query *q, struct records *ret)
{
	if (!iterations->n)
		return 0;
	const struct record *first = iterations->items[0];
	const struct record *last = iterations->items[iterations->n - 1];

	q->kind = KIND_story;
	q->limit = -1;
	query_where(q, F_story_project_id, OP_EQ, record_int(first, F_iteration_project_id, 0));
	query_where(q, instant, OP_GE, record_int(first, F_iteration_start, 0));
	query_where(q, instant, OP_LT, record_int(last, F_iteration_finish, 0));
	return tx_list(c->tx, q, ret);
}

size_t iteration_stories_place(
	const struct records *iterations, const struct record *story, int instant)
{
	int64_t at = record_int(story, instant, 0);
	size_t from = 0, to = iterations->n;

	while (from + 1 < to) {
		size_t middle = from + (to - from) / 2;

		if (record_int(iterations->items[middle], F_iteration_start, 0) <= at)
			from = middle;
		else
			to = middle;
	}
	return from;
}
