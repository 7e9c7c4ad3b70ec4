/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stories of one iteration, Done or planned. */
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
