/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks: positions are 1 to n without gaps; one that comes between moves the rest. */
#include "tasks.h"

#include "change.h"
#include "initial.h"
#include "input.h"
#include "route.h"
#include "shape.h"
#include "story.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"

static int list_tasks(struct call *c, int64_t story_id, struct records *ret)
{
	struct query q = { .kind = KIND_task, .limit = -1, .order = F_task_position };

	return tx_list(c->tx, query_where(&q, F_task_story_id, OP_EQ, story_id), ret);
}

/* V5 answers 500 for a position below 1, of all things. */
static int check_position(struct call *c, int64_t position, int64_t most, const char *of)
{
	if (position < 1)
		return v5_error_set(&c->error, V5_api_internal_error);
	if (position > most)
		return v5_error_requirement(
			&c->error, "Task position can not be greater than %s", of);
	return 0;
}

/* Give the tasks but one their positions, with a hole at `hole` (0: none); tell what moved. */
static int renumber(struct call *c, struct activity *a, const struct records *tasks, int64_t but_id,
	int64_t hole)
{
	int64_t position = 1;
	int r = 0;

	for (size_t i = 0; r == 0 && i < tasks->n; i++) {
		struct record *task = tasks->items[i];

		if (record_id(task) == but_id)
			continue;
		position += position == hole;
		if (record_int(task, F_task_position, 0) != position) {
			scoped(scoped_json_fini) struct scoped_json before = { NULL };

			r = activity_take_values(c, task, &before.json);
			record_set_int(task, F_task_position, position);
			if (r == 0)
				r = tx_put(c->tx, task);
			if (r == 0)
				r = activity_updated(c, a, task, before.json);
		}
		position++;
	}
	return r;
}

int tasks_add(struct call *c, struct activity *a, int64_t story_id, const struct record *patch,
	struct record **ret)
{
	scoped(records_fini) struct records others = { 0 };
	scoped(record_unref) struct record *task = NULL;
	int r = check_patch(patch, &c->error);

	if (r == 0 && !record_has(patch, F_task_description))
		return v5_error_problem(
			&c->error, "this endpoint requires the parameter: description");
	if (r == 0)
		r = list_tasks(c, story_id, &others);
	if (r < 0)
		return r;
	int64_t n = (int64_t)others.n, position = record_int(patch, F_task_position, n + 1);

	r = check_position(c, position, n + 1, "the number of tasks in the story plus 1");
	if (r == 0)
		r = initial_make(c, patch, &task);
	if (r < 0)
		return r;
	record_set_int(task, F_task_story_id, story_id);
	record_set_int(task, F_task_position, position);
	r = tx_put(c->tx, task);
	if (r == 0)
		r = activity_created(c, a, task);
	if (r == 0)
		r = renumber(c, a, &others, 0, position);
	if (r == 0 && ret)
		*ret = take_ptr(task);
	return r;
}

static int write_activity(struct call *c, struct activity *a, const char *kind,
	const char *highlight, const char *message)
{
	activity_add_primary(a, c->at[KIND_story]);
	return activity_write(c, a, kind, highlight, message);
}

int tasks_create(struct call *c)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *task = NULL;
	int r = input_read_patch(c, &patch);

	if (r == 0)
		r = tasks_add(c, &a, record_id(c->at[KIND_story]), patch, &task);
	if (r == 0)
		r = change_touch(c, &a, c->at[KIND_story], NULL);
	if (r < 0)
		return r;
	scoped(free_ptr) char *message =
		xasprintf("added task: \"%s\"", record_text(task, F_task_description));

	r = write_activity(c, &a, "task_create_activity", "added task:", message);
	return r < 0 ? r : answer_record(c, task);
}

/* ---- updating ---- */

static const char *highlight_of(const struct record *old, const struct record *now)
{
	bool done = record_int(now, F_task_complete, 0);

	if (done != (bool)record_int(old, F_task_complete, 0))
		return done ? "completed task:" : "uncompleted task:";
	if (!value_equal(schema_field(KIND_task, F_task_description),
		    record_get(old, F_task_description), record_get(now, F_task_description)))
		return "rewrote task:";
	return "moved task:";
}

/* A new place alone is a kind of its own. */
static const char *kind_of(const struct record *old, const struct record *now)
{
	bool moved = !change_differs(old, now, F_task_position, F_task_updated_at);

	return moved ? "task_move_activity" : "task_update_activity";
}

static int write_update(struct call *c, const struct record *old, struct record *now)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(records_fini) struct records tasks = { 0 };
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	const char *highlight = highlight_of(old, now);
	scoped(free_ptr) char *message =
		xasprintf("%s \"%s\"", highlight, record_text(now, F_task_description));
	int r = activity_take_values(c, old, &before.json);

	initial_touch(now, call_now_ms(c));
	if (r == 0)
		r = change_touch(c, &a, c->at[KIND_story], NULL);
	if (r == 0)
		r = tx_put(c->tx, now);
	if (r == 0)
		r = activity_updated(c, &a, now, before.json);
	if (r == 0)
		r = list_tasks(c, record_id(c->at[KIND_story]), &tasks);
	if (r == 0)
		r = renumber(c, &a, &tasks, record_id(now), record_int(now, F_task_position, 0));
	return r < 0 ? r : write_activity(c, &a, kind_of(old, now), highlight, message);
}

int tasks_update(struct call *c)
{
	const struct record *old = c->at[KIND_task];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	scoped(record_unref) struct record *differs = NULL;
	scoped(records_fini) struct records tasks = { 0 };
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = list_tasks(c, record_id(c->at[KIND_story]), &tasks);
	if (r == 0 && record_has(patch, F_task_position))
		r = check_position(c, record_int(patch, F_task_position, 0), (int64_t)tasks.n,
			"the number of tasks in the story");
	if (r < 0)
		return r;
	if (!record_has(patch, F_task_position))
		record_clear(patch, F_task_position);
	now = record_patched(old, patch);
	differs = record_diff(old, now);
	if (differs)
		r = write_update(c, old, now);
	return r < 0 ? r : answer_record(c, now);
}

int tasks_delete(struct call *c)
{
	const struct record *task = c->at[KIND_task];
	scoped(activity_fini) struct activity a = { 0 };
	scoped(records_fini) struct records rest = { 0 };
	int r = tx_delete(c->tx, KIND_task, record_id(task));

	activity_add_delete(&a, task);
	if (r == 0)
		r = list_tasks(c, record_id(c->at[KIND_story]), &rest);
	if (r == 0)
		r = renumber(c, &a, &rest, 0, 0);
	if (r == 0)
		r = change_touch(c, &a, c->at[KIND_story], NULL);
	if (r == 0)
		r = write_activity(c, &a, "task_delete_activity", "deleted a task",
			"deleted a task on this story");
	return r < 0 ? r : answer_nothing(c);
}
