/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transitions of stories: written, listed, and found in activity. */
#include "transitions.h"

#include <jansson.h>
#include <string.h>

#include "route.h"
#include "shape.h"

/* ---- writing ---- */

static int64_t state_of(const struct record *story)
{
	return record_int(story, F_story_current_state, STATE_UNSCHEDULED);
}

int transitions_note(struct call *c, const struct record *old, const struct record *now)
{
	scoped(record_unref) struct record *r = record_new(KIND_story_transition);
	int64_t id;

	if (old && state_of(old) == state_of(now))
		return 0;
	int e = tx_next_id(c->tx, KIND_story_transition, &id);

	if (e < 0)
		return e;
	record_set_int(r, F_story_transition_id, id);
	record_set_int(r, F_story_transition_state, state_of(now));
	record_set_int(r, F_story_transition_story_id, record_id(now));
	record_set_int(r, F_story_transition_project_id, call_project_id(c));
	record_set_int(r, F_story_transition_project_version,
		record_int(call_project(c), F_project_version, 0));
	record_set_int(r, F_story_transition_occurred_at, call_now_ms(c));
	if (c->who.person_id)
		record_set_int(r, F_story_transition_performed_by_id, c->who.person_id);
	return tx_put(c->tx, r);
}

/* ---- out of activity ---- */

static const char *text_of(const json_t *values, int f)
{
	const char *text =
		json_string_value(json_object_get(values, schema_field(KIND_story, f)->key));

	return text ? text : "";
}

/* Was the story made by this very command, and not moved here? */
static bool is_new(const struct record *item, const json_t *values)
{
	const struct field *field = schema_field(KIND_story, F_story_created_at);
	const json_t *at = json_object_get(values, field->key);
	struct value v = { 0 };

	return at && json_to_value(field, at, &v) && v.state == VALUE_SET &&
	       v.i == record_int(item, F_activity_occurred_at, 0);
}

static void take_change(const struct record *item, const json_t *change, struct records *ret)
{
	const json_t *values = json_object_get(change, "new_values");
	const char *kind = json_string_value(json_object_get(change, "kind"));
	int state = choices_find(schema_field(KIND_story, F_story_current_state)->choices,
		text_of(values, F_story_current_state), false);

	if (!kind || schema_find_kind(kind) != KIND_story || state < 0)
		return;
	if (!json_object_get(change, "original_values") && !is_new(item, values))
		return;
	struct record *r = record_new(KIND_story_transition);

	record_set_int(r, F_story_transition_state, state);
	record_set_int(
		r, F_story_transition_story_id, json_integer_value(json_object_get(change, "id")));
	record_set_int(
		r, F_story_transition_project_id, record_int(item, F_activity_project_id, 0));
	record_set_int(r, F_story_transition_project_version,
		record_int(item, F_activity_project_version, 0));
	record_set_int(
		r, F_story_transition_occurred_at, record_int(item, F_activity_occurred_at, 0));
	if (record_has(item, F_activity_performed_by_id))
		record_set_int(r, F_story_transition_performed_by_id,
			record_int(item, F_activity_performed_by_id, 0));
	records_add(ret, r);
}

void transitions_from_activity(const struct record *item, struct records *ret)
{
	json_t *changes = json_loads(record_text(item, F_activity_changes), 0, NULL);
	size_t i;
	json_t *change;

	json_array_foreach(changes, i, change) take_change(item, change, ret);
	json_decref(changes);
}

/* ---- listing ---- */

static int by_time(const void *a, const void *b)
{
	static const int keys[] = { F_story_transition_occurred_at, F_story_transition_id };
	const struct record *left = *(struct record *const *)a;
	const struct record *right = *(struct record *const *)b;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		int64_t x = record_int(left, keys[i], 0), y = record_int(right, keys[i], 0);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

static int64_t story_of(const struct record *transition)
{
	return record_int(transition, F_story_transition_story_id, 0);
}

/* They come by story, as an index has them; then each story's few are put in order. */
int transitions_list_of(struct call *c, const struct ids *stories, struct records *ret)
{
	static const int only[] = { F_story_transition_state, F_story_transition_story_id,
		F_story_transition_project_id, F_story_transition_project_version,
		F_story_transition_occurred_at };
	struct query q = { .kind = KIND_story_transition,
		.limit = -1,
		.order = F_story_transition_story_id,
		.only = only,
		.n_only = sizeof(only) / sizeof(*only) };

	query_where(&q, F_story_transition_story_id, OP_IN, 0)->where[0].ids = stories;
	int r = tx_list(c->tx, &q, ret);

	for (size_t from = 0, to = 0; r == 0 && from < ret->n; from = to) {
		while (to < ret->n && story_of(ret->items[to]) == story_of(ret->items[from]))
			to++;
		qsort(ret->items + from, to - from, sizeof(struct record *), by_time);
	}
	return r;
}

int transitions_find_since(
	struct call *c, const struct ids *stories, int64_t since_ms, struct ids *ret)
{
	static const int only[] = { F_story_transition_story_id };
	struct query q = { .kind = KIND_story_transition,
		.limit = -1,
		.order = F_story_transition_story_id,
		.only = only,
		.n_only = 1 };
	scoped(records_fini) struct records list = { 0 };

	query_where(&q, F_story_transition_story_id, OP_IN, 0)->where[0].ids = stories;
	query_where(&q, F_story_transition_occurred_at, OP_GE, since_ms);
	int r = tx_list(c->tx, &q, &list);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		ids_add(ret, story_of(list.items[i]));
	return r;
}

size_t transitions_find(const struct records *sorted, int64_t story_id, size_t *ret_n)
{
	size_t from = 0, to = sorted->n, n = 0;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (record_int(sorted->items[middle], F_story_transition_story_id, 0) < story_id)
			from = middle + 1;
		else
			to = middle;
	}
	while (from + n < sorted->n &&
		record_int(sorted->items[from + n], F_story_transition_story_id, 0) == story_id)
		n++;
	*ret_n = n;
	return from;
}

static int answer_page(struct call *c, struct query *q)
{
	scoped(records_fini) struct records list = { 0 };

	q->order = F_story_transition_occurred_at;
	q->limit = c->page.limit;
	q->offset = c->page.offset;
	int r = tx_count(c->tx, q, &c->page.total);

	if (r == 0)
		r = tx_list(c->tx, q, &list);
	return r < 0 ? r : answer_records(c, KIND_story_transition, &list);
}

int transitions_list(struct call *c)
{
	struct query q = { .kind = KIND_story_transition };

	query_where(&q, F_story_transition_story_id, OP_EQ, record_id(c->at[KIND_story]));
	return answer_page(c, &q);
}

int transitions_list_project(struct call *c)
{
	const struct value *after = &c->given[P_transition_list_occurred_after];
	const struct value *before = &c->given[P_transition_list_occurred_before];
	struct query q = { .kind = KIND_story_transition };

	query_where(&q, F_story_transition_project_id, OP_EQ, call_project_id(c));
	if (after->state == VALUE_SET)
		query_where(&q, F_story_transition_occurred_at, OP_GT, after->i);
	if (before->state == VALUE_SET)
		query_where(&q, F_story_transition_occurred_at, OP_LT, before->i);
	return answer_page(c, &q);
}
