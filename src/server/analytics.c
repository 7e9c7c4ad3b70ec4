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

/* From an instant on to before another. */
struct interval {
	int64_t project_id, start, finish;
};

static struct query begin_query(const struct interval *in, int f)
{
	struct query q = { .kind = KIND_story, .limit = -1 };

	query_where(&q, F_story_project_id, OP_EQ, in->project_id);
	query_where(&q, f, OP_GE, in->start);
	query_where(&q, f, OP_LT, in->finish);
	return q;
}

static int count_bugs(struct call *c, const struct interval *in, int64_t *ret)
{
	struct query q = begin_query(in, F_story_created_at);

	return tx_count(c->tx, query_where(&q, F_story_story_type, OP_EQ, STORY_TYPE_BUG), ret);
}

static int list_accepted(struct call *c, const struct interval *in, struct ids *ret)
{
	struct query q = begin_query(in, F_story_accepted_at);

	return tx_list_ids(
		c->tx, query_where(&q, F_story_current_state, OP_EQ, STATE_ACCEPTED), ret);
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

static int make(struct call *c, const struct interval *in, struct record **ret)
{
	scoped(record_unref) struct record *r = record_new(KIND_analytics);
	scoped(ids_fini) struct ids accepted = { 0 };
	int64_t bugs = 0;
	int e = count_bugs(c, in, &bugs);

	if (e == 0)
		e = list_accepted(c, in, &accepted);
	if (e == 0)
		e = set_times(c, &accepted, r);
	if (e < 0)
		return e;
	record_set_int(r, F_analytics_stories_accepted, (int64_t)accepted.n);
	record_set_int(r, F_analytics_bugs_created, bugs);
	*ret = take_ptr(r);
	return 0;
}

int analytics_fill(struct call *c, struct records *iterations, int f)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < iterations->n; i++) {
		struct record *iteration = iterations->items[i];
		scoped(record_unref) struct record *r = NULL;

		e = make(c,
			&(struct interval){
				record_int(iteration, F_iteration_project_id, 0),
				record_int(iteration, F_iteration_start, 0),
				record_int(iteration, F_iteration_finish, 0),
			},
			&r);
		if (e == 0)
			record_set_object(iteration, f, r);
	}
	return e;
}

int analytics_get(struct call *c)
{
	int64_t number = c->ids[KIND_iteration];
	scoped(iterations_free) struct iterations *it = NULL;
	scoped(record_unref) struct record *r = NULL;
	scoped(ids_fini) struct ids ids = { 0 };
	int e = iteration_stories_load(c, &it, &ids);

	if (e == 0)
		e = make(c,
			&(struct interval){ call_project_id(c), iterations_start(it, number),
				iterations_finish(it, number) },
			&r);
	return e < 0 ? e : answer_record(c, r);
}

int analytics_list_cycle_times(struct call *c)
{
	scoped(iterations_free) struct iterations *it = NULL;
	scoped(ids_fini) struct ids ids = { 0 };
	int e = iteration_stories_load(c, &it, &ids);

	return e < 0 ? e : cycle_time_answer(c, &ids);
}
