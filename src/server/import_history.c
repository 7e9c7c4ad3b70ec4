/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transitions out of activity. Dumps seldom have story_transition.json, but what activity says of a
 * story's state is the same fact: at this version, then, by this person. Nothing else is made up:
 * a story that no activity tells of has no transitions.
 */
#include "import_adopt.h"
#include "import_run.h"
#include "transitions.h"

enum { PAGE = 500 };

static int put_new(struct import_run *run, struct record *transition)
{
	int64_t story_id = record_int(transition, F_story_transition_story_id, 0);
	scoped(record_unref) struct record *story = NULL;
	int e = tx_get(run->tx, KIND_story, story_id, &story);

	if (e == 0)
		e = import_number(run, transition);
	else if (e > 0)
		return 0;
	return e <= 0 ? e : import_put(run, transition);
}

int import_transitions_of(struct import_run *run, const struct record *activity)
{
	scoped(records_fini) struct records list = { 0 };
	int e = 0;

	transitions_from_activity(activity, &list);
	for (size_t i = 0; e == 0 && i < list.n; i++)
		e = put_new(run, list.items[i]);
	return e;
}

int import_transitions(struct import_run *run)
{
	int e = 0;

	each_entry_of(entry, &run->table, KIND_activity) {
		if (e < 0 || ids_has(&run->newer, import_project_of(run, entry->record)))
			continue;
		e = import_transitions_of(run, entry->record);
	}
	return e;
}

/* A page of the activity at a time: there may be much of it. */
static int find_transitions(struct import_run *run)
{
	size_t n = PAGE;
	int64_t last = 0;
	int e = 0;

	while (e == 0 && n == PAGE) {
		struct query q = { .kind = KIND_activity, .limit = PAGE };
		scoped(records_fini) struct records list = { 0 };

		e = tx_list(run->tx, query_where(&q, F_activity_id, OP_GT, last), &list);
		n = list.n;
		for (size_t i = 0; e == 0 && i < n; i++) {
			last = record_id(list.items[i]);
			e = import_transitions_of(run, list.items[i]);
		}
	}
	return e;
}

int import_history_complete(struct tx *tx, int64_t now_ms)
{
	static const struct import_config nothing = { 0 };
	scoped(import_run_fini) struct import_run run = { .config = &nothing };

	(void)now_ms;
	run.tx = tx;
	int e = find_transitions(&run);

	run.tx = NULL;
	return e;
}
