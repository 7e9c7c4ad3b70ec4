/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An override that says nothing beyond the usual is none, and is not kept. */
#include "iteration_overrides.h"

#include <jansson.h>

#include "change.h"
#include "input.h"
#include "iterations.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"

enum {
	MAX_WEEKS = 99,
	MAX_AHEAD = 5200, /* iterations to come: a century's weeks */
};

/* ---- the override ---- */

/* The one of this number, or a new one without values. */
static int find(struct call *c, int64_t number, struct record **ret)
{
	struct query q = { .kind = KIND_iteration_override, .limit = 1 };
	scoped(records_fini) struct records found = { 0 };

	query_where(&q, F_iteration_override_project_id, OP_EQ, call_project_id(c));
	query_where(&q, F_iteration_override_number, OP_EQ, number);
	int r = tx_list(c->tx, &q, &found);

	if (r < 0)
		return r;
	*ret = found.n ? record_copy(found.items[0]) : record_new(KIND_iteration_override);
	record_set_int(*ret, F_iteration_override_project_id, call_project_id(c));
	record_set_int(*ret, F_iteration_override_number, number);
	return 0;
}

static int check(struct call *c, const struct record *patch, int64_t number)
{
	int64_t weeks = record_int(patch, F_iteration_override_length, 1);
	double strength = record_float(patch, F_iteration_override_team_strength, 1);
	scoped(iterations_free) struct iterations *it = NULL;

	if (weeks < 1 || weeks > MAX_WEEKS)
		return v5_error_problem(
			&c->error, "length can only be between 1 and %d.", MAX_WEEKS);
	if (strength < 0)
		return v5_error_problem(&c->error, "team_strength can't be negative.");
	int r = iterations_load(c, call_project(c), &it);

	if (r < 0)
		return r;
	if (number - iterations_current(it) > MAX_AHEAD)
		return v5_error_set(&c->error, V5_unfound_resource);
	if (record_has(patch, F_iteration_override_length) && number > iterations_current(it))
		return v5_error_requirement(&c->error,
			"The length can be changed of done iterations and the current one only.");
	return 0;
}

static void apply(const struct call *c, const struct record *patch, struct record *override)
{
	int64_t usual = record_int(call_project(c), F_project_iteration_length, 1);
	static const int values[] = { F_iteration_override_length,
		F_iteration_override_team_strength };

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		const struct value *v = record_get(patch, values[i]);

		if (v->state == VALUE_SET)
			record_set(override, values[i], *v);
		else if (v->state == VALUE_NULL)
			record_clear(override, values[i]);
	}
	double strength = record_float(override, F_iteration_override_team_strength, 1);

	if (record_int(override, F_iteration_override_length, usual) == usual)
		record_clear(override, F_iteration_override_length);
	if (strength >= 1 && strength <= 1)
		record_clear(override, F_iteration_override_team_strength);
}

static bool says_something(const struct record *override)
{
	return record_has(override, F_iteration_override_length) ||
	       record_has(override, F_iteration_override_team_strength);
}

static int write_override(struct call *c, struct record *override)
{
	int64_t id = record_id(override);

	if (!says_something(override))
		return id ? tx_delete(c->tx, KIND_iteration_override, id) : 0;
	int r = id ? 0 : tx_next_id(c->tx, KIND_iteration_override, &id);

	record_set_int(override, F_iteration_override_id, id);
	return r < 0 ? r : tx_put(c->tx, override);
}

/* ---- telling ---- */

/* The iteration as the archive has it. */
static int take_values(struct call *c, const struct record *override, json_t **ret)
{
	int64_t number = record_int(override, F_iteration_override_number, 0);
	scoped(iterations_free) struct iterations *it = NULL;
	char finish[CLOCK_ISO_SIZE];
	int r = iterations_load(c, call_project(c), &it);

	if (r < 0)
		return r;
	clock_format_iso(iterations_finish(it, number), finish);
	*ret = json_pack("{sI,sf,ss}", "number", (json_int_t)number, "team_strength",
		iterations_strength(it, number), "finish", finish);
	json_object_set_new(*ret, "length",
		record_has(override, F_iteration_override_length)
			? json_integer(iterations_length(it, number))
			: json_string("default"));
	return 0;
}

static json_t *begin_change(const struct record *override, const char *change_type)
{
	return json_pack("{ss,ss,sI}", "kind", "iteration_override", "change_type", change_type,
		"number", (json_int_t)record_int(override, F_iteration_override_number, 0));
}

/* V5 tells all of it, not only what differs. */
static int tell(struct call *c, const struct record *override, const json_t *before)
{
	int64_t number = record_int(override, F_iteration_override_number, 0);
	scoped(activity_fini) struct activity a = { 0 };
	scoped(scoped_json_fini) struct scoped_json after = { NULL };
	scoped(free_ptr) char *message = xasprintf("edited iteration %lld", (long long)number);
	int r = take_values(c, override, &after.json);

	if (r < 0)
		return r;
	json_t *change = begin_change(override, "update");

	json_object_set(change, "original_values", (json_t *)before);
	json_object_set(change, "new_values", after.json);
	activity_add_change(&a, change);
	a.primary = json_pack("[{ss,sI}]", "kind", "iteration", "number", (json_int_t)number);
	return activity_write(c, &a, "iteration_update_activity", "edited", message);
}

int iteration_overrides_drop(struct call *c, struct activity *a)
{
	struct query q = {
		.kind = KIND_iteration_override, .limit = -1, .order = F_iteration_override_number
	};
	scoped(records_fini) struct records list = { 0 };
	int r = tx_list(c->tx,
		query_where(&q, F_iteration_override_project_id, OP_EQ, call_project_id(c)), &list);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		activity_add_change(a, begin_change(list.items[i], "delete"));
		r = tx_delete(c->tx, KIND_iteration_override, record_id(list.items[i]));
	}
	return r;
}

/* ---- the endpoint ---- */

/* With what holds where the override says nothing. */
static int answer(struct call *c, const struct record *override)
{
	scoped(record_unref) struct record *whole = record_copy(override);
	scoped(iterations_free) struct iterations *it = NULL;
	int64_t number = record_int(override, F_iteration_override_number, 0);
	int r = iterations_load(c, call_project(c), &it);

	if (r < 0)
		return r;
	record_set_int(whole, F_iteration_override_length, iterations_length(it, number));
	record_set_float(
		whole, F_iteration_override_team_strength, iterations_strength(it, number));
	record_set_int(whole, F_iteration_override_finish, iterations_finish(it, number));
	return answer_record(c, whole);
}

int iteration_overrides_put(struct call *c)
{
	int64_t number = c->ids[KIND_iteration];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *old = NULL;
	scoped(record_unref) struct record *now = NULL;
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = check(c, patch, number);
	if (r == 0)
		r = find(c, number, &old);
	if (r == 0)
		r = take_values(c, old, &before.json);
	if (r < 0)
		return r;
	now = record_copy(old);
	apply(c, patch, now);
	if (!change_differs(old, now, F_iteration_override_id, F_iteration_override_id))
		return answer(c, now);
	r = write_override(c, now);
	if (r == 0)
		r = tell(c, now, before.json);
	return r < 0 ? r : answer(c, now);
}
