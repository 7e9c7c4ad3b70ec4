/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Analytics of iterations, and the endpoints that answer them. */
#include "analytics.h"

#include <stdlib.h>

#include "cycle_time.h"
#include "iteration_stories.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "transitions.h"

/* What an iteration's are made of. */
struct basis {
	int64_t n_bugs;
	struct ids accepted;
};

static void free_bases(struct basis *bases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ids_fini(&bases[i].accepted);
	free(bases);
}

static int count_bugs(struct call *c, const struct records *iterations, struct basis *bases)
{
	static const int only[] = { F_story_created_at };
	struct query q = { .only = only, .n_only = 1 };
	scoped(records_fini) struct records bugs = { 0 };

	query_where(&q, F_story_story_type, OP_EQ, STORY_TYPE_BUG);
	int r = iteration_stories_list_in(c, iterations, F_story_created_at, &q, &bugs);

	for (size_t i = 0; r == 0 && i < bugs.n; i++)
		bases[iteration_stories_place(iterations, bugs.items[i], F_story_created_at)]
			.n_bugs++;
	return r;
}

static int find_accepted(struct call *c, const struct records *iterations, struct basis *bases)
{
	static const int only[] = { F_story_accepted_at };
	struct query q = { .only = only, .n_only = 1 };
	scoped(records_fini) struct records list = { 0 };

	query_where(&q, F_story_current_state, OP_EQ, STATE_ACCEPTED);
	int r = iteration_stories_list_in(c, iterations, F_story_accepted_at, &q, &list);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		size_t place =
			iteration_stories_place(iterations, list.items[i], F_story_accepted_at);

		ids_add(&bases[place].accepted, record_id(list.items[i]));
	}
	return r;
}

static int by_size(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* Of an even number of times, the mean of the two in the middle. */
static int64_t median(int64_t *times, size_t n)
{
	qsort(times, n, sizeof(*times), by_size);
	return (times[(n - 1) / 2] + times[n / 2]) / 2;
}

static int set_times(struct call *c, const struct ids *accepted, struct record *r)
{
	scoped(records_fini) struct records transitions = { 0 };
	scoped(free_ptr) int64_t *times = xcalloc(accepted->n + 1, sizeof(*times));
	size_t n_times = 0, n_rejected = 0;
	int e = transitions_list_of(c, accepted, &transitions);

	for (size_t i = 0; e == 0 && i < accepted->n; i++) {
		size_t n, from = transitions_find(&transitions, accepted->v[i], &n);
		struct cycle_time t = cycle_time_of(c, transitions.items + from, n);

		if (t.total_ms >= 0)
			times[n_times++] = t.total_ms;
		n_rejected += t.count[WORK_REJECTED] > 0;
	}
	if (n_times)
		record_set_int(r, F_analytics_cycle_time, median(times, n_times));
	record_set_float(r, F_analytics_rejection_rate,
		accepted->n ? 100.0 * (double)n_rejected / (double)accepted->n : 0);
	return e;
}

static int make(struct call *c, const struct basis *basis, struct record **ret)
{
	scoped(record_unref) struct record *r = record_new(KIND_analytics);
	int e = set_times(c, &basis->accepted, r);

	if (e < 0)
		return e;
	record_set_int(r, F_analytics_stories_accepted, (int64_t)basis->accepted.n);
	record_set_int(r, F_analytics_bugs_created, basis->n_bugs);
	*ret = take_ptr(r);
	return 0;
}

int analytics_fill(struct call *c, struct records *iterations, int f)
{
	struct basis *bases = xcalloc(iterations->n + 1, sizeof(*bases));
	int e = count_bugs(c, iterations, bases);

	if (e == 0)
		e = find_accepted(c, iterations, bases);
	for (size_t i = 0; e == 0 && i < iterations->n; i++) {
		scoped(record_unref) struct record *r = NULL;

		e = make(c, &bases[i], &r);
		if (e == 0)
			record_set_object(iterations->items[i], f, r);
	}
	free_bases(bases, iterations->n);
	return e;
}

int analytics_get(struct call *c)
{
	int64_t number = c->ids[KIND_iteration];
	scoped(iterations_free) struct iterations *it = NULL;
	scoped(records_fini) struct records list = { 0 };
	scoped(ids_fini) struct ids ids = { 0 };
	int e = iteration_stories_load(c, &it, &ids);

	if (e < 0)
		return e;
	struct record *iteration = record_new(KIND_iteration);

	record_set_int(iteration, F_iteration_project_id, call_project_id(c));
	record_set_int(iteration, F_iteration_start, iterations_start(it, number));
	record_set_int(iteration, F_iteration_finish, iterations_finish(it, number));
	records_add(&list, iteration);
	e = analytics_fill(c, &list, F_iteration_analytics);
	return e < 0 ? e : answer_record(c, record_get(iteration, F_iteration_analytics)->record);
}

int analytics_list_cycle_times(struct call *c)
{
	scoped(iterations_free) struct iterations *it = NULL;
	scoped(ids_fini) struct ids ids = { 0 };
	int e = iteration_stories_load(c, &it, &ids);

	return e < 0 ? e : cycle_time_answer(c, &ids);
}
