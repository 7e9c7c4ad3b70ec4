/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Going back: all steps that lead back, sorted by time, are taken one by one. Only the steps since
 * the instant that one can go back to are looked for. */
#include "past.h"

#include <jansson.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "transitions.h"

enum { STATE_UNKNOWN = -1, ACTIVITY_PAGE = 500 };

struct part {
	int64_t id;
	int64_t made_ms;
	bool is_here;
	int state; /* enum story_state, or STATE_UNKNOWN */
	double points;
};

enum step_type {
	STEP_MADE, /* before it, there was no story */
	STEP_STATE,
	STEP_POINTS,
};

/* What holds before an instant. */
struct step {
	int64_t at_ms;
	size_t order; /* of those of one instant */
	struct part *part;
	enum step_type type;
	int state;
	double points;
};

struct past {
	int64_t since_ms;
	size_t n_parts;
	struct part *parts; /* by id */
	size_t n_steps, max_steps, taken;
	struct step *steps; /* the latest first */
};

static void add_step(struct past *p, struct step step)
{
	if (step.at_ms < p->since_ms)
		return;
	if (p->n_steps == p->max_steps) {
		p->max_steps = p->max_steps ? p->max_steps * 2 : 64;
		p->steps = xrealloc(p->steps, p->max_steps, sizeof(*p->steps));
	}
	step.order = p->n_steps;
	p->steps[p->n_steps++] = step;
}

static void add_state(struct past *p, struct part *part, int64_t at_ms, int before)
{
	add_step(p,
		(struct step){ .at_ms = at_ms, .part = part, .type = STEP_STATE, .state = before });
}

/* ---- states ---- */

static int64_t at_of(const struct record *transition)
{
	return record_int(transition, F_story_transition_occurred_at, 0);
}

static int state_of(const struct record *transition)
{
	return (int)record_int(transition, F_story_transition_state, STATE_UNKNOWN);
}

static const char *key_of(int f)
{
	return schema_field(KIND_story, f)->key;
}

/* The change of a story among an activity's; borrowed, NULL for none. */
static json_t *find_change(const json_t *changes, int64_t story_id)
{
	size_t i;
	json_t *change;

	json_array_foreach((json_t *)changes, i, change)
	{
		const char *kind = json_string_value(json_object_get(change, "kind"));

		if (kind && schema_find_kind(kind) == KIND_story &&
			json_integer_value(json_object_get(change, "id")) == story_id)
			return change;
	}
	return NULL;
}

/* What activity says that the state was before; that of a story made by this change is its own. */
static int read_state_before(const struct record *item, const struct record *first)
{
	json_t *changes = json_loads(record_text(item, F_activity_changes), 0, NULL);
	json_t *change = find_change(changes, record_int(first, F_story_transition_story_id, 0));
	json_t *before = json_object_get(change, "original_values");
	const char *word =
		json_string_value(json_object_get(before, key_of(F_story_current_state)));
	int state = STATE_UNKNOWN;

	if (word)
		state = choices_find(
			schema_field(KIND_story, F_story_current_state)->choices, word, false);
	else if (change && !before)
		state = state_of(first);
	json_decref(changes);
	return state;
}

static int find_state_before(struct call *c, const struct record *first, int *ret)
{
	static const int only[] = { F_activity_changes };
	struct query q = { .kind = KIND_activity, .limit = 1, .only = only, .n_only = 1 };
	scoped(records_fini) struct records found = { 0 };

	query_where(&q, F_activity_project_id, OP_EQ,
		record_int(first, F_story_transition_project_id, 0));
	query_where(&q, F_activity_project_version, OP_EQ,
		record_int(first, F_story_transition_project_version, 0));
	int r = tx_list(c->tx, &q, &found);

	*ret = found.n ? read_state_before(found.items[0], first) : STATE_UNKNOWN;
	return r;
}

/* Before the first transition. One that says when it was accepted was not, before. */
static int add_first(struct call *c, struct past *p, struct part *part, const struct record *story,
	const struct record *first)
{
	int64_t accepted_ms = record_int(story, F_story_accepted_at, at_of(first));
	int before = STATE_UNKNOWN;
	bool is_told = at_of(first) > part->made_ms && at_of(first) >= p->since_ms;
	int r = is_told ? find_state_before(c, first, &before) : 0;

	if (state_of(first) == STATE_ACCEPTED && accepted_ms < at_of(first) &&
		(before == STATE_ACCEPTED || before == STATE_UNKNOWN)) {
		add_state(p, part, accepted_ms, STATE_UNKNOWN);
		before = STATE_ACCEPTED;
	}
	add_state(p, part, at_of(first), before);
	return r;
}

/* The last transition is not what led to the state it has: something did, at the latest when the
 * story was changed last. */
static void add_missing(
	struct past *p, struct part *part, const struct record *story, const struct record *last)
{
	bool accepted = part->state == STATE_ACCEPTED && record_has(story, F_story_accepted_at);
	int64_t at = record_int(story, accepted ? F_story_accepted_at : F_story_updated_at, 0);

	if (last)
		add_state(p, part, at < at_of(last) ? at_of(last) : at, state_of(last));
	else if (accepted)
		add_state(p, part, at, STATE_UNKNOWN);
}

static int add_states(struct call *c, struct past *p, struct part *part, const struct record *story,
	const struct records *transitions)
{
	size_t n, from = transitions_find(transitions, part->id, &n);
	struct record *const *mine = n ? transitions->items + from : NULL;
	int r = 0;

	if (n)
		r = add_first(c, p, part, story, mine[0]);
	for (size_t i = 1; i < n; i++)
		add_state(p, part, at_of(mine[i]), state_of(mine[i - 1]));
	if (!n || state_of(mine[n - 1]) != part->state)
		add_missing(p, part, story, n ? mine[n - 1] : NULL);
	return r;
}

/* ---- estimates ---- */

static struct part *find_part(const struct past *p, int64_t id)
{
	size_t from = 0, to = p->n_parts;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (p->parts[middle].id < id)
			from = middle + 1;
		else
			to = middle;
	}
	return from < p->n_parts && p->parts[from].id == id ? &p->parts[from] : NULL;
}

static void add_points(struct past *p, const struct record *item)
{
	const char *text = record_text(item, F_activity_changes);
	json_t *changes = strstr(text, key_of(F_story_estimate)) ? json_loads(text, 0, NULL) : NULL;
	size_t i;
	json_t *change;

	json_array_foreach(changes, i, change)
	{
		struct part *part = find_part(p, json_integer_value(json_object_get(change, "id")));
		json_t *before = json_object_get(
			json_object_get(change, "original_values"), key_of(F_story_estimate));

		if (before && part)
			add_step(p, (struct step){
					    .at_ms = record_int(item, F_activity_occurred_at, 0),
					    .part = part,
					    .type = STEP_POINTS,
					    .points = json_number_value(before),
				    });
	}
	json_decref(changes);
}

/* A page at a time: there may be much activity. */
static int add_estimates(struct call *c, struct past *p)
{
	static const int only[] = { F_activity_changes, F_activity_occurred_at,
		F_activity_project_version };
	size_t n = ACTIVITY_PAGE;
	int64_t last = 0;
	int r = 0;

	while (r == 0 && n == ACTIVITY_PAGE) {
		struct query q = { .kind = KIND_activity,
			.order = F_activity_project_version,
			.limit = ACTIVITY_PAGE,
			.only = only,
			.n_only = 3 };
		scoped(records_fini) struct records list = { 0 };

		query_where(&q, F_activity_project_id, OP_EQ, call_project_id(c));
		query_where(&q, F_activity_project_version, OP_GT, last);
		query_where(&q, F_activity_occurred_at, OP_GE, p->since_ms);
		r = tx_list(c->tx, &q, &list);
		n = list.n;
		for (size_t i = 0; r == 0 && i < n; i++)
			add_points(p, list.items[i]);
		if (n)
			last = record_int(list.items[n - 1], F_activity_project_version, 0);
	}
	return r;
}

/* ---- loading ---- */

static int latest_first(const void *a, const void *b)
{
	const struct step *left = a, *right = b;

	if (left->at_ms != right->at_ms)
		return left->at_ms > right->at_ms ? -1 : 1;
	return left->order > right->order ? -1 : left->order < right->order;
}

/* One that says that it was accepted earlier than it was made was here then. */
static int64_t made_at(const struct record *story)
{
	int64_t created = record_int(story, F_story_created_at, 0);
	int64_t accepted = record_int(story, F_story_accepted_at, created);

	return accepted < created ? accepted : created;
}

static void add_parts(struct past *p, const struct records *stories)
{
	p->n_parts = stories->n;
	p->parts = xcalloc(stories->n + 1, sizeof(*p->parts));
	for (size_t i = 0; i < stories->n; i++)
		p->parts[i] = (struct part){
			.id = record_id(stories->items[i]),
			.made_ms = made_at(stories->items[i]),
			.is_here = true,
			.state = (int)record_int(
				stories->items[i], F_story_current_state, STATE_UNSCHEDULED),
			.points = record_float(stories->items[i], F_story_estimate, 0),
		};
}

/* Could anything that happened since have changed its state? What add_missing goes by says so, or
 * a transition does. */
static bool may_have_changed(const struct past *p, const struct record *story)
{
	return record_int(story, F_story_updated_at, 0) >= p->since_ms ||
	       record_int(story, F_story_accepted_at, 0) >= p->since_ms;
}

static int find_changed(
	struct call *c, const struct past *p, const struct records *stories, struct ids *ret)
{
	scoped(ids_fini) struct ids rest = { 0 };

	for (size_t i = 0; i < p->n_parts; i++)
		ids_add(may_have_changed(p, stories->items[i]) ? ret : &rest, p->parts[i].id);
	return rest.n ? transitions_find_since(c, &rest, p->since_ms, ret) : 0;
}

static int add_steps(struct call *c, struct past *p, const struct records *stories)
{
	scoped(records_fini) struct records transitions = { 0 };
	scoped(ids_fini) struct ids changed = { 0 };
	int r = find_changed(c, p, stories, &changed);

	if (r == 0)
		r = transitions_list_of(c, &changed, &transitions);
	for (size_t i = 0; i < p->n_parts; i++)
		add_step(p, (struct step){ .at_ms = p->parts[i].made_ms,
				    .part = &p->parts[i],
				    .type = STEP_MADE });
	for (size_t i = 0; r == 0 && i < p->n_parts; i++)
		r = add_states(c, p, &p->parts[i], stories->items[i], &transitions);
	return r;
}

int past_load(struct call *c, struct query *stories, int64_t since_ms, struct past **ret)
{
	static const int only[] = { F_story_created_at, F_story_updated_at, F_story_accepted_at,
		F_story_estimate, F_story_current_state };
	scoped(past_free) struct past *p = xcalloc(1, sizeof(*p));
	scoped(records_fini) struct records list = { 0 };

	p->since_ms = since_ms;
	stories->order = 0;
	stories->limit = -1;
	stories->only = only;
	stories->n_only = 5;
	int r = tx_list(c->tx, stories, &list);

	if (r < 0)
		return r;
	add_parts(p, &list);
	r = add_steps(c, p, &list);
	if (r == 0)
		r = add_estimates(c, p);
	if (r < 0)
		return r;
	if (p->n_steps)
		qsort(p->steps, p->n_steps, sizeof(*p->steps), latest_first);
	*ret = take_ptr(p);
	return 0;
}

void past_free(struct past *p)
{
	if (!p)
		return;
	free(p->parts);
	free(p->steps);
	free(p);
}

/* ---- going back ---- */

int64_t past_begin(const struct past *p, int64_t otherwise)
{
	int64_t first = otherwise;

	for (size_t i = 0; i < p->n_parts; i++) {
		if (i == 0 || p->parts[i].made_ms < first)
			first = p->parts[i].made_ms;
	}
	return first;
}

static void take_step(const struct step *step)
{
	switch (step->type) {
	case STEP_MADE:
		step->part->is_here = false;
		return;
	case STEP_STATE:
		step->part->state = step->state;
		return;
	case STEP_POINTS:
		step->part->points = step->points;
		return;
	}
}

void past_go_back(struct past *p, int64_t to_ms)
{
	while (p->taken < p->n_steps && p->steps[p->taken].at_ms >= to_ms)
		take_step(&p->steps[p->taken++]);
}

void past_sum(const struct past *p, struct past_sum *ret)
{
	*ret = (struct past_sum){ 0 };
	for (size_t i = 0; i < p->n_parts; i++) {
		const struct part *part = &p->parts[i];

		if (!part->is_here || part->state == STATE_UNKNOWN)
			continue;
		ret->points[part->state] += part->points;
		ret->counts[part->state]++;
	}
}
