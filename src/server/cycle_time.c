/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cycle times. A state lasts from its transition to the next one, or to now. */
#include "cycle_time.h"

#include "shape.h"
#include "transitions.h"

static const struct {
	enum story_state state;
	int time, count; /* fields of cycle_time_details */
} work[N_WORK_STATES] = {
	[WORK_STARTED] = { STATE_STARTED, F_cycle_time_details_started_time,
		F_cycle_time_details_started_count },
	[WORK_FINISHED] = { STATE_FINISHED, F_cycle_time_details_finished_time,
		F_cycle_time_details_finished_count },
	[WORK_DELIVERED] = { STATE_DELIVERED, F_cycle_time_details_delivered_time,
		F_cycle_time_details_delivered_count },
	[WORK_REJECTED] = { STATE_REJECTED, F_cycle_time_details_rejected_time,
		F_cycle_time_details_rejected_count },
};

/* N_WORK_STATES when the state is none of work. */
static int work_of(const struct record *transition)
{
	int64_t state = record_int(transition, F_story_transition_state, STATE_UNSCHEDULED);
	int w = 0;

	while (w < N_WORK_STATES && work[w].state != state)
		w++;
	return w;
}

static int64_t time_of(const struct record *transition)
{
	return record_int(transition, F_story_transition_occurred_at, 0);
}

struct cycle_time cycle_time_of(const struct call *c, struct record *const *transitions, size_t n)
{
	struct cycle_time t = { .total_ms = -1 };

	for (size_t i = 0; i < n; i++) {
		int w = work_of(transitions[i]);

		if (w == N_WORK_STATES)
			continue;
		int64_t until = i + 1 < n ? time_of(transitions[i + 1]) : call_now_ms(c);
		int64_t ms = until > time_of(transitions[i]) ? until - time_of(transitions[i]) : 0;

		t.time_ms[w] += ms;
		t.count[w]++;
		t.total_ms = ms + (t.total_ms < 0 ? 0 : t.total_ms);
	}
	return t;
}

static struct record *make_details(
	const struct call *c, const struct records *transitions, int64_t story_id)
{
	struct record *details = record_new(KIND_cycle_time_details);
	size_t n, from = transitions_find(transitions, story_id, &n);
	struct cycle_time t = cycle_time_of(c, transitions->items + from, n);

	if (t.total_ms >= 0)
		record_set_int(details, F_cycle_time_details_total_cycle_time, t.total_ms);
	for (int w = 0; w < N_WORK_STATES; w++) {
		record_set_int(details, work[w].time, t.time_ms[w]);
		record_set_int(details, work[w].count, t.count[w]);
	}
	record_set_int(details, F_cycle_time_details_story_id, story_id);
	return details;
}

int cycle_time_fill(struct call *c, struct records *stories, int f)
{
	scoped(records_fini) struct records transitions = { 0 };
	scoped(ids_fini) struct ids ids = { 0 };

	for (size_t i = 0; i < stories->n; i++)
		ids_add(&ids, record_id(stories->items[i]));
	int r = transitions_list_of(c, &ids, &transitions);

	for (size_t i = 0; r == 0 && i < stories->n; i++) {
		scoped(record_unref) struct record *details =
			make_details(c, &transitions, record_id(stories->items[i]));

		record_set_object(stories->items[i], f, details);
	}
	return r;
}

int cycle_time_answer(struct call *c, const struct ids *stories)
{
	scoped(records_fini) struct records transitions = { 0 };
	scoped(records_fini) struct records list = { 0 };
	int r = transitions_list_of(c, stories, &transitions);

	for (size_t i = 0; r == 0 && i < stories->n; i++)
		records_add(&list, make_details(c, &transitions, stories->v[i]));
	return r < 0 ? r : answer_records(c, KIND_cycle_time_details, &list);
}
