/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endpoints that read stories. */

#include "labels.h"
#include "route.h"
#include "search.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

enum { MAX_BULK = 500 };

/* Filters that are one condition each. */
static const struct {
	int param;
	int field;
	enum query_op op;
} filters[] = {
	{ P_story_list_with_state, F_story_current_state, OP_EQ },
	{ P_story_list_with_story_type, F_story_story_type, OP_EQ },
	{ P_story_list_with_story_priority, F_story_story_priority, OP_EQ },
	{ P_story_list_accepted_before, F_story_accepted_at, OP_LT },
	{ P_story_list_accepted_after, F_story_accepted_at, OP_GT },
	{ P_story_list_created_before, F_story_created_at, OP_LT },
	{ P_story_list_created_after, F_story_created_at, OP_GT },
	{ P_story_list_updated_before, F_story_updated_at, OP_LT },
	{ P_story_list_updated_after, F_story_updated_at, OP_GT },
	{ P_story_list_deadline_before, F_story_deadline, OP_LT },
	{ P_story_list_deadline_after, F_story_deadline, OP_GT },
};

/* The label of that name; one that does not exist is on no story. */
static int filter_label(struct call *c, struct query *q)
{
	const struct value *name = &c->given[P_story_list_with_label];
	int64_t id = 0;
	int r = name->state == VALUE_SET ? labels_find(c, name->s, &id) : 0;

	if (name->state == VALUE_SET)
		query_where(q, F_story_label_ids, OP_HAS, id);
	return r;
}

/* after_story_id and before_story_id: the place of that story. One without a rank comes before all
 * that have one. */
static int find_place(struct call *c, int param, struct query_place *ret)
{
	const struct value *id = &c->given[param];
	scoped(record_unref) struct record *story = NULL;

	if (id->state != VALUE_SET)
		return 0;
	int r = tx_get(c->tx, KIND_story, id->i, &story);

	if (r > 0 || (story && record_int(story, F_story_project_id, 0) != call_project_id(c)))
		return v5_error_set(&c->error, V5_unfound_resource);
	if (r == 0)
		*ret = (struct query_place){ true, record_int(story, F_story_rank, INT64_MIN),
			id->i };
	return r;
}

int stories_list(struct call *c)
{
	const struct value *filter = &c->given[P_story_list_filter];
	struct query q = { .kind = KIND_story,
		.order = F_story_rank,
		.limit = c->page.limit,
		.offset = c->page.offset };
	scoped(records_fini) struct records list = { 0 };

	if (filter->state == VALUE_SET && !text_is_blank(filter->s))
		return search_filter_stories(c, filter->s);
	query_where(&q, F_story_project_id, OP_EQ, call_project_id(c));
	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		const struct value *v = &c->given[filters[i].param];

		if (v->state == VALUE_SET)
			query_where(&q, filters[i].field, filters[i].op, v->i);
	}
	int r = filter_label(c, &q);

	if (r == 0)
		r = find_place(c, P_story_list_after_story_id, &q.after);
	if (r == 0)
		r = find_place(c, P_story_list_before_story_id, &q.before);
	if (r == 0)
		r = tx_count(c->tx, &q, &c->page.total);
	if (r == 0)
		r = tx_list(c->tx, &q, &list);
	return r < 0 ? r : answer_records(c, KIND_story, &list);
}

/* In the order of the ids given, without what is not there, or not in this project. */
static int take_in_order(
	struct call *c, const struct ids *ids, const struct records *found, struct records *ret)
{
	for (size_t i = 0; i < ids->n; i++) {
		for (size_t k = 0; k < found->n; k++) {
			const struct record *story = found->items[k];

			if (record_id(story) == ids->v[i])
				records_add(ret, record_copy(story));
		}
	}
	return answer_records(c, KIND_story, ret);
}

int stories_list_bulk(struct call *c)
{
	const struct ids ids = value_ids(&c->given[P_story_bulk_ids]);
	struct query q = { .kind = KIND_story, .limit = -1 };
	scoped(records_fini) struct records found = { 0 };
	scoped(records_fini) struct records list = { 0 };

	if (!ids.n)
		return v5_error_problem(&c->error, "this endpoint requires the parameter: ids");
	if (ids.n > MAX_BULK)
		return v5_error_requirement(
			&c->error, "'ids' parameter must be %d ids or less.", MAX_BULK);
	query_where(&q, F_story_project_id, OP_EQ, call_project_id(c));
	query_where(&q, F_story_id, OP_IN, 0)->where[1].ids = &ids;
	int r = tx_list(c->tx, &q, &found);

	return r < 0 ? r : take_in_order(c, &ids, &found, &list);
}

/* ---- owners and labels ---- */

int stories_list_owners(struct call *c)
{
	return answer_named(c, KIND_person, record_get(c->at[KIND_story], F_story_owner_ids));
}

int stories_list_labels(struct call *c)
{
	return answer_named(c, KIND_label, record_get(c->at[KIND_story], F_story_label_ids));
}
