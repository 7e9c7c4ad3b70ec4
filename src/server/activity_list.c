/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endpoints that list activity: of a project, a story, an epic, or one's own. */
#include "projects.h"
#include "route.h"
#include "shape.h"

static bool is_given(const struct call *c, int param)
{
	return c->given[param].state == VALUE_SET;
}

static void add_given(struct call *c, struct query *q, int param, int field, enum query_op op)
{
	if (is_given(c, param))
		query_where(q, field, op, c->given[param].i);
}

static int answer_activity(struct call *c, struct query *q)
{
	scoped(records_fini) struct records list = { 0 };
	bool ascending = is_given(c, P_activity_list_sort_order) &&
			 c->given[P_activity_list_sort_order].i == 0;

	add_given(c, q, P_activity_list_since_version, F_activity_project_version, OP_GT);
	add_given(c, q, P_activity_list_occurred_before, F_activity_occurred_at, OP_LT);
	add_given(c, q, P_activity_list_occurred_after, F_activity_occurred_at, OP_GT);
	q->descending = !ascending;
	q->limit = c->page.limit;
	q->offset = c->page.offset;
	int r = tx_count(c->tx, q, &c->page.total);

	if (r == 0)
		r = tx_list(c->tx, q, &list);
	return r < 0 ? r : answer_records(c, KIND_activity, &list);
}

int activity_list(struct call *c)
{
	struct query q = { .kind = KIND_activity, .order = F_activity_project_version };

	query_where(&q, F_activity_project_id, OP_EQ, call_project_id(c));
	if (c->at[KIND_story])
		query_where(&q, F_activity_story_ids, OP_HAS, record_id(c->at[KIND_story]));
	if (c->at[KIND_epic])
		query_where(&q, F_activity_epic_ids, OP_HAS, record_id(c->at[KIND_epic]));
	return answer_activity(c, &q);
}

/* Of projects one is in no more, nothing is told, be it one's own deeds. */
int activity_list_mine(struct call *c)
{
	struct query q = { .kind = KIND_activity, .order = F_activity_occurred_at };
	const struct ids *visible = NULL;
	int r = projects_visible(c, &visible);

	query_where(&q, F_activity_performed_by_id, OP_EQ, c->who.person_id);
	query_where(&q, F_activity_project_id, OP_IN, 0)->where[1].ids = visible;
	return r < 0 ? r : answer_activity(c, &q);
}

int activity_list_workspace(struct call *c)
{
	const struct value *v = record_get(c->at[KIND_workspace], F_workspace_project_ids);
	struct query q = { .kind = KIND_activity, .order = F_activity_occurred_at };
	scoped(ids_fini) struct ids ids = { 0 };
	const struct ids *visible = NULL;
	int r = projects_visible(c, &visible);

	for (size_t i = 0; r == 0 && i < v->n; i++) {
		if (ids_has(visible, v->ids[i]))
			ids_add(&ids, v->ids[i]);
	}
	query_where(&q, F_activity_project_id, OP_IN, 0)->where[0].ids = &ids;
	return r < 0 ? r : answer_activity(c, &q);
}
