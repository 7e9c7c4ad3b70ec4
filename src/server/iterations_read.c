/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The endpoints that read iterations. Of a page, only its own iterations' stories are read whole;
 * how many iterations there are follows from the plan.
 */
#include "labels.h"
#include "plan.h"
#include "route.h"
#include "shape.h"

enum scope {
	SCOPE_EVERYTHING,
	SCOPE_DONE,
	SCOPE_CURRENT,
	SCOPE_BACKLOG,
	SCOPE_CURRENT_BACKLOG,
	SCOPE_DONE_CURRENT,
};

/* Iterations by their numbers, from one on to before another. */
struct range {
	int64_t from, to;
};

/* What an answer is made of. */
struct view {
	struct iterations *it;
	struct plan plan; /* Current and Backlog */
	struct plan done; /* of the Done ones, those in the answer */
	bool is_filtered;
	struct ids labelled; /* the stories that a filter lets through, ascending */
};

static void view_fini(struct view *v)
{
	iterations_free(v->it);
	plan_fini(&v->plan);
	plan_fini(&v->done);
	ids_fini(&v->labelled);
}

SCOPED_VALUE(struct view, view_fini);

/* ---- loading ---- */

static int load_labelled(struct call *c, const struct value *name, struct view *v)
{
	struct query q = { .kind = KIND_story, .limit = -1 };
	int64_t label_id = 0;

	v->is_filtered = name->state == VALUE_SET;
	if (!v->is_filtered)
		return 0;
	int r = labels_find(c, name->s, &label_id);

	query_where(&q, F_story_project_id, OP_EQ, call_project_id(c));
	query_where(&q, F_story_label_ids, OP_HAS, label_id);
	return r < 0 ? r : tx_list_ids(c->tx, &q, &v->labelled);
}

/* Of the Done ones alone, the plan would tell nothing. */
static int load_view(struct call *c, const struct value *label, bool only_done, struct view *v)
{
	int r = iterations_load(c, call_project(c), &v->it);

	if (r == 0 && !only_done)
		r = plan_load(c, v->it, &v->plan);
	if (r == 0)
		r = load_labelled(c, label, v);
	return r;
}

/* The Done iterations among these. */
static int load_done(struct call *c, const struct range *range, struct view *v)
{
	int64_t current = iterations_current(v->it);
	int64_t to = range->to < current ? range->to : current;

	return range->from < to ? plan_load_done(c, v->it, range->from, to - range->from, &v->done)
				: 0;
}

/* ---- one iteration as a record ---- */

static bool is_let_through(const struct view *v, int64_t id)
{
	size_t from = 0, to = v->labelled.n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (v->labelled.v[middle] < id)
			from = middle + 1;
		else
			to = middle;
	}
	return !v->is_filtered || (from < v->labelled.n && v->labelled.v[from] == id);
}

static void set_stories(struct record *r, const struct view *v, const struct ids *all)
{
	scoped(ids_fini) struct ids ids = { 0 };

	for (size_t i = 0; i < all->n; i++) {
		if (is_let_through(v, all->v[i]))
			ids_add(&ids, all->v[i]);
	}
	record_set_ids(r, F_iteration_story_ids, &ids);
}

static void set_points(struct record *r, const struct plan_iteration *in)
{
	double team = record_float(r, F_iteration_team_strength, 1) *
		      (double)record_int(r, F_iteration_length, 1);

	record_set_float(r, F_iteration_points, in->points);
	record_set_float(r, F_iteration_accepted_points, in->accepted_points);
	if (team > 0)
		record_set_float(r, F_iteration_effective_points, in->points / team);
}

static int set_velocity(struct call *c, const struct view *v, int64_t number, struct record *r)
{
	struct velocity velocity;

	if (!fields_wants(c->fields, KIND_iteration, F_iteration_velocity))
		return 0;
	int e = iterations_velocity(c, v->it, number, &velocity);

	if (e == 0)
		record_set_int(r, F_iteration_velocity, velocity.velocity);
	return e;
}

static int make_record(struct call *c, const struct view *v, int64_t number, struct record **ret)
{
	const struct plan *plan = number < iterations_current(v->it) ? &v->done : &v->plan;
	const struct plan_iteration *in = &plan->iterations[number - plan->first];
	struct record *r = record_new(KIND_iteration);

	record_set_int(r, F_iteration_number, number);
	record_set_int(r, F_iteration_project_id, call_project_id(c));
	record_set_int(r, F_iteration_length, iterations_length(v->it, number));
	record_set_float(r, F_iteration_team_strength, iterations_strength(v->it, number));
	record_set_int(r, F_iteration_start, iterations_start(v->it, number));
	record_set_int(r, F_iteration_finish, iterations_finish(v->it, number));
	set_stories(r, v, &in->story_ids);
	set_points(r, in);
	*ret = r;
	return set_velocity(c, v, number, r);
}

/* ---- lists ---- */

static struct range range_of(enum scope scope, const struct view *v)
{
	int64_t current = iterations_current(v->it);
	int64_t end = v->plan.first + (int64_t)v->plan.n;

	switch (scope) {
	case SCOPE_DONE:
		return (struct range){ 1, current };
	case SCOPE_CURRENT:
		return (struct range){ current, current + 1 };
	case SCOPE_BACKLOG:
		return (struct range){ current + 1, end };
	case SCOPE_CURRENT_BACKLOG:
		return (struct range){ current, end };
	case SCOPE_DONE_CURRENT:
		return (struct range){ 1, current + 1 };
	case SCOPE_EVERYTHING:
		break;
	}
	return (struct range){ 1, end };
}

/* The part of it that the page asks for. */
static struct range cut_page(struct call *c, struct range all)
{
	int64_t n = all.to - all.from, offset = c->page.offset;

	c->page.total = n;
	if (offset < 0)
		offset = offset + n < 0 ? 0 : offset + n;
	if (offset > n)
		offset = n;
	struct range page = { all.from + offset, all.to };

	if (page.to - page.from > c->page.limit)
		page.to = page.from + c->page.limit;
	return page;
}

static int make_records(
	struct call *c, const struct view *v, const struct range *range, struct records *ret)
{
	int r = 0;

	for (int64_t n = range->from; r == 0 && n < range->to; n++) {
		struct record *one = NULL;

		r = make_record(c, v, n, &one);
		records_add(ret, one);
	}
	return r;
}

int iterations_list(struct call *c)
{
	const struct value *given = &c->given[P_iteration_list_scope];
	enum scope scope = given->state == VALUE_SET ? (enum scope)given->i : SCOPE_EVERYTHING;
	scoped(view_fini) struct view v = { 0 };
	scoped(records_fini) struct records list = { 0 };

	if (c->page.offset < 0 && scope != SCOPE_DONE)
		return v5_error_problem(
			&c->error, "'offset' must be an integer value of 0 or greater");
	int r = load_view(c, &c->given[P_iteration_list_label], scope == SCOPE_DONE, &v);

	if (r < 0)
		return r;
	struct range range = range_of(scope, &v);

	if (scope == SCOPE_CURRENT)
		c->page = (struct page){ 0 };
	else
		range = cut_page(c, range);
	r = load_done(c, &range, &v);
	if (r == 0)
		r = make_records(c, &v, &range, &list);
	return r < 0 ? r : answer_records(c, KIND_iteration, &list);
}

int iterations_get(struct call *c)
{
	int64_t number = c->ids[KIND_iteration];
	scoped(view_fini) struct view v = { 0 };
	scoped(record_unref) struct record *one = NULL;
	int r = load_view(c, &c->given[P_iteration_one_label], false, &v);

	if (r < 0)
		return r;
	if (number >= range_of(SCOPE_EVERYTHING, &v).to)
		return v5_error_set(&c->error, V5_unfound_resource);
	struct range range = { number, number + 1 };

	r = load_done(c, &range, &v);
	if (r == 0)
		r = make_record(c, &v, number, &one);
	return r < 0 ? r : answer_record(c, one);
}
