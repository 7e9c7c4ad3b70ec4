/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packing, as it reproduces what was recorded (reference 4.2.5): stories are taken in order while
 * they fit, what costs nothing is taken as it comes, and the first that does not fit opens the next
 * iteration, which may hold what its predecessor left unused beside the velocity.
 */
#include "plan.h"

#include "storyfs/alloc.h"

static const double rounding = 1e-9;

void plan_fini(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		ids_fini(&plan->iterations[i].story_ids);
	free(plan->iterations);
	free(plan->places);
	*plan = (struct plan){ 0 };
}

/* ---- where a story is ---- */

struct plan_place {
	int64_t story_id;
	int64_t number;
};

static int by_story(const void *a, const void *b)
{
	int64_t left = ((const struct plan_place *)a)->story_id;
	int64_t right = ((const struct plan_place *)b)->story_id;

	return (left > right) - (left < right);
}

static void index_places(struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++)
		n += plan->iterations[i].story_ids.n;
	plan->places = xcalloc(n + 1, sizeof(*plan->places));
	for (size_t i = 0; i < plan->n; i++) {
		const struct ids *ids = &plan->iterations[i].story_ids;

		for (size_t k = 0; k < ids->n; k++)
			plan->places[plan->n_places++] =
				(struct plan_place){ ids->v[k], plan->first + (int64_t)i };
	}
	qsort(plan->places, plan->n_places, sizeof(*plan->places), by_story);
}

int64_t plan_find(const struct plan *plan, int64_t story_id)
{
	struct plan_place key = { .story_id = story_id };
	const struct plan_place *found =
		bsearch(&key, plan->places, plan->n_places, sizeof(*plan->places), by_story);

	return found ? found->number : 0;
}

/* ---- filling ---- */

/* Make sure that there are this many. */
static void grow(struct plan *plan, size_t n)
{
	if (n <= plan->n)
		return;
	plan->iterations = xrealloc(plan->iterations, n, sizeof(*plan->iterations));
	for (; plan->n < n; plan->n++)
		plan->iterations[plan->n] = (struct plan_iteration){ 0 };
}

static double cost(const struct record *story)
{
	return record_float(story, F_story_estimate, 0);
}

static enum story_state state_of(const struct record *story)
{
	return (enum story_state)record_int(story, F_story_current_state, STATE_UNSCHEDULED);
}

static void put(struct plan_iteration *in, const struct record *story)
{
	ids_add(&in->story_ids, record_id(story));
	in->points += cost(story);
	if (state_of(story) == STATE_ACCEPTED)
		in->accepted_points += cost(story);
}

/* ---- reading ---- */

/* A project's stories in order, with what packing asks of them. */
static struct query begin_query(const struct iterations *it)
{
	static const int only[] = { F_story_current_state, F_story_estimate, F_story_accepted_at };
	struct query q = { .kind = KIND_story,
		.limit = -1,
		.order = F_story_rank,
		.only = only,
		.n_only = sizeof(only) / sizeof(*only) };

	query_where(&q, F_story_project_id, OP_EQ, iterations_project_id(it));
	return q;
}

static int list_accepted(
	struct call *c, const struct iterations *it, int64_t from, int64_t to, struct records *ret)
{
	struct query q = begin_query(it);

	query_where(&q, F_story_current_state, OP_EQ, STATE_ACCEPTED);
	query_where(&q, F_story_accepted_at, OP_GE, from);
	query_where(&q, F_story_accepted_at, OP_LT, to);
	return tx_list(c->tx, &q, ret);
}

static int list_scheduled(struct call *c, const struct iterations *it, struct records *ret)
{
	struct query q = begin_query(it);

	query_where(&q, F_story_current_state, OP_NE, STATE_ACCEPTED);
	query_where(&q, F_story_current_state, OP_NE, STATE_UNSCHEDULED);
	return tx_list(c->tx, &q, ret);
}

/* ---- packing ---- */

/* The iteration that is being filled. */
struct packer {
	const struct iterations *it;
	struct plan *plan;
	size_t at;
	int64_t velocity;
	bool by_hand; /* Current has what is planned, and nothing for fitting */
	double capacity, spent;
};

static int64_t number_of(const struct packer *p)
{
	return p->plan->first + (int64_t)p->at;
}

/* Must the story be in Current, whether or not it fits? */
static bool is_current(const struct packer *p, const struct record *story)
{
	switch (state_of(story)) {
	case STATE_STARTED:
	case STATE_FINISHED:
	case STATE_DELIVERED:
	case STATE_REJECTED:
		return true;
	case STATE_PLANNED:
		return p->by_hand;
	case STATE_ACCEPTED:
	case STATE_UNSTARTED:
	case STATE_UNSCHEDULED:
		break;
	}
	return false;
}

/* What is larger than any iteration takes one that has no points yet, if the team is there at all.
 */
static bool fits(const struct packer *p, const struct record *story)
{
	if (p->by_hand && !p->at)
		return false;
	if (cost(story) <= 0 || p->spent + cost(story) <= p->capacity + rounding)
		return true;
	return p->spent <= 0 && iterations_strength(p->it, number_of(p)) > 0;
}

static void open_next(struct packer *p)
{
	bool carries = p->spent < p->capacity && !(p->by_hand && !p->at);
	double left = carries ? p->capacity - p->spent : 0;

	grow(p->plan, ++p->at + 1);
	p->capacity = iterations_capacity(p->it, number_of(p), p->velocity) + left;
	p->spent = 0;
}

static void pack(struct packer *p, const struct records *stories)
{
	struct plan_iteration *current = p->plan->iterations;

	p->capacity = iterations_capacity(p->it, number_of(p), p->velocity);
	p->spent = current->points;
	for (size_t i = 0; i < stories->n; i++)
		p->spent += is_current(p, stories->items[i]) ? cost(stories->items[i]) : 0;
	for (size_t i = 0; i < stories->n; i++) {
		const struct record *story = stories->items[i];

		if (is_current(p, story)) {
			put(p->plan->iterations, story);
			continue;
		}
		while (!fits(p, story))
			open_next(p);
		put(&p->plan->iterations[p->at], story);
		p->spent += cost(story);
	}
}

int plan_load(struct call *c, const struct iterations *it, struct plan *ret)
{
	scoped(records_fini) struct records accepted = { 0 };
	scoped(records_fini) struct records scheduled = { 0 };
	scoped(plan_fini) struct plan plan = { .first = iterations_current(it) };
	struct velocity v;
	int r = iterations_velocity(c, it, plan.first, &v);

	if (r == 0)
		r = list_accepted(c, it, iterations_start(it, plan.first), INT64_MAX, &accepted);
	if (r == 0)
		r = list_scheduled(c, it, &scheduled);
	if (r < 0)
		return r;
	struct packer p = { .it = it,
		.plan = &plan,
		.velocity = v.velocity,
		.by_hand = !iterations_are_automatic(it) };

	grow(&plan, 1);
	for (size_t i = 0; i < accepted.n; i++)
		put(plan.iterations, accepted.items[i]);
	pack(&p, &scheduled);
	index_places(&plan);
	*ret = plan;
	plan = (struct plan){ 0 };
	return 0;
}

/* ---- Done ---- */

int plan_load_done(
	struct call *c, const struct iterations *it, int64_t first, int64_t n, struct plan *ret)
{
	scoped(records_fini) struct records stories = { 0 };
	int r = n ? list_accepted(c, it, iterations_start(it, first),
			    iterations_start(it, first + n), &stories)
		  : 0;

	if (r < 0)
		return r;
	*ret = (struct plan){ .first = first };
	grow(ret, (size_t)n);
	for (size_t i = 0; i < stories.n; i++) {
		int64_t at = record_int(stories.items[i], F_story_accepted_at, 0);

		put(&ret->iterations[iterations_number(it, at) - first], stories.items[i]);
	}
	return 0;
}
