/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endpoints that write stories. */
#include "blockers.h"
#include "change.h"
#include "children.h"
#include "comments.h"
#include "followers.h"
#include "initial.h"
#include "input.h"
#include "labels.h"
#include "parts.h"
#include "route.h"
#include "shape.h"
#include "story.h"
#include "story_move.h"
#include "storyfs/alloc.h"
#include "tasks.h"
#include "transitions.h"

/* ---- the request ---- */

static struct story_request make_request(const struct call *c, const struct record *patch)
{
	const struct value *group = &c->given[P_story_write_group];

	return (struct story_request){
		.patch = patch,
		.group = group->state == VALUE_SET ? (int)group->i : -1,
		.has_before = change_is_given(patch, F_story_before_id),
		.has_after = change_is_given(patch, F_story_after_id),
		.before_id = record_int(patch, F_story_before_id, 0),
		.after_id = record_int(patch, F_story_after_id, 0),
	};
}

/* ---- creating ---- */

static void set_project_and_url(const struct call *c, struct record *story)
{
	scoped(free_ptr) char *url = xasprintf(
		"https://www.pivotaltracker.com/story/show/%lld", (long long)record_id(story));
	struct ids none = { 0 };

	record_set_text(story, F_story_url, url);
	record_set_int(story, F_story_project_id, call_project_id(c));
	if (!record_has(story, F_story_requested_by_id) && c->who.person_id)
		record_set_int(story, F_story_requested_by_id, c->who.person_id);
	for (int f = 0; f < N_story_FIELDS; f++) {
		const struct field *field = schema_field(KIND_story, f);

		if (field->type == TYPE_IDS && (field->flags & FIELD_KEEP))
			record_set_ids(story, f, &none);
	}
	if (record_int(call_project(c), F_project_show_story_priority, 0) &&
		!record_has(story, F_story_story_priority))
		record_set_int(story, F_story_story_priority,
			choices_find(schema_field(KIND_story, F_story_story_priority)->choices,
				"none", false));
}

/* The story as it will be, not yet written. */
static int prepare_story(struct call *c, const struct story_request *req, struct record **ret)
{
	scoped(record_unref) struct record *story = NULL;
	int r = initial_make(c, req->patch, &story);

	if (r < 0)
		return r;
	set_project_and_url(c, story);
	r = story_apply(c, req, story);
	if (r == 0)
		r = followers_expect(c, req->patch, story);
	if (r == 0)
		r = story_place(c, req, NULL, story);
	if (r == 0)
		r = story_check(c, req->patch, NULL, story);
	if (r == 0)
		*ret = take_ptr(story);
	return r;
}

static int add_nested(
	struct call *c, struct activity *a, const struct record *patch, struct record *story)
{
	const struct value *tasks = record_get(patch, F_story_tasks);
	const struct value *comments = record_get(patch, F_story_comments);
	const struct value *blockers = record_get(patch, F_story_blockers);
	int r = 0;

	for (size_t i = 0; r == 0 && i < tasks->n; i++)
		r = tasks_add(c, a, record_id(story), tasks->records[i], NULL);
	for (size_t i = 0; r == 0 && i < comments->n; i++)
		r = comments_add(c, a, story, comments->records[i], NULL);
	for (size_t i = 0; r == 0 && i < blockers->n; i++)
		r = blockers_add(c, a, story, blockers->records[i], NULL);
	return r < 0 ? r : parts_add_nested(c, a, patch, story);
}

static int write_new(struct call *c, const struct story_request *req, struct record *story)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(free_ptr) char *message =
		xasprintf("added this %s", record_word(story, F_story_story_type));
	int r = tx_put(c->tx, story);

	if (r == 0)
		r = labels_tell_counts(c, &a, NULL, story);
	if (r == 0)
		r = activity_created(c, &a, story);
	if (r == 0)
		r = add_nested(c, &a, req->patch, story);
	if (r == 0)
		r = story_notify_new(c, &a, story);
	activity_add_primary(&a, story);
	if (r == 0)
		r = activity_write(c, &a, "story_create_activity", "added", message);
	return r < 0 ? r : transitions_note(c, NULL, story);
}

static int add_comment(struct call *c, struct record *story)
{
	const struct value *comment = &c->given[P_story_write_comment];

	return comment->state == VALUE_SET ? comments_write(c, story, comment->record, NULL) : 0;
}

int story_make(struct call *c, const struct story_request *req, struct record **ret)
{
	scoped(record_unref) struct record *story = NULL;
	int r = prepare_story(c, req, &story);

	if (r == 0)
		r = write_new(c, req, story);
	if (r == 0)
		*ret = take_ptr(story);
	return r;
}

int stories_create(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *story = NULL;
	int r = input_read_checked(c, &patch);

	if (r < 0)
		return r;
	struct story_request req = make_request(c, patch);

	r = story_make(c, &req, &story);
	if (r == 0)
		r = add_comment(c, story);
	return r < 0 ? r : answer_record(c, story);
}

/* ---- updating ---- */

int stories_update(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = story_move_project(c, patch);
	if (r < 0)
		return r;
	struct story_request req = make_request(c, patch);

	r = story_update(c, &req, c->at[KIND_story], &now);
	if (r == 0)
		r = add_comment(c, now);
	return r < 0 ? r : answer_record(c, now);
}

/* ---- deleting ---- */

int stories_delete(struct call *c)
{
	const struct record *story = c->at[KIND_story];
	scoped(activity_fini) struct activity a = { 0 };
	scoped(free_ptr) char *message =
		xasprintf("deleted this %s", record_word(story, F_story_story_type));
	int r = blockers_settle(c, &a, c->at[KIND_story], true);

	if (r == 0)
		r = blockers_release(c, &a, story);
	if (r == 0)
		r = children_delete(c, KIND_story, record_id(story));
	if (r == 0)
		r = tx_delete(c->tx, KIND_story, record_id(story));
	if (r == 0)
		r = labels_tell_counts(c, &a, story, NULL);
	if (r == 0)
		r = story_notify_deleted(c, &a, story);
	activity_add_delete(&a, story);
	activity_add_primary(&a, story);
	if (r == 0)
		r = activity_write(c, &a, "story_delete_activity", "deleted", message);
	return r < 0 ? r : answer_nothing(c);
}

/* ---- owners and labels, one at a time ---- */

/* Change one list of ids of the story, as an update of the story does. */
static int set_list(struct call *c, int f, const struct ids *ids)
{
	scoped(record_unref) struct record *patch = record_new(KIND_story);
	scoped(record_unref) struct record *now = record_copy(c->at[KIND_story]);
	struct story_request req = { .patch = patch, .group = -1 };

	record_set_ids(patch, f, ids);
	int r = story_apply(c, &req, now);

	if (r == 0)
		r = story_write_update(c, &req, c->at[KIND_story], now);
	if (r < 0)
		return r;
	record_unref(c->at[KIND_story]);
	c->at[KIND_story] = take_ptr(now);
	return 0;
}

/* A copy of one of the story's lists. */
static struct ids copy_list(const struct call *c, int f)
{
	struct ids ids = { 0 };

	ids_add_value(&ids, record_get(c->at[KIND_story], f));
	return ids;
}

static int remove_from_list(struct call *c, int f, int64_t id)
{
	scoped(ids_fini) struct ids ids = copy_list(c, f);

	if (!ids_remove(&ids, id))
		return v5_error_set(&c->error, V5_unfound_resource);
	int r = set_list(c, f, &ids);

	return r < 0 ? r : answer_nothing(c);
}

int stories_add_owner(struct call *c)
{
	const struct value *id = &c->given[P_story_owner_id];
	scoped(ids_fini) struct ids ids = copy_list(c, F_story_owner_ids);

	if (id->state != VALUE_SET)
		return v5_error_problem(&c->error, "this endpoint requires the parameter: id");
	if (!ids_has(&ids, id->i))
		ids_add(&ids, id->i);
	int r = set_list(c, F_story_owner_ids, &ids);

	return r < 0 ? r : stories_list_owners(c);
}

int stories_remove_owner(struct call *c)
{
	return remove_from_list(c, F_story_owner_ids, c->ids[KIND_person]);
}

/* The label that the request gives by name or id; it is made when it is new. */
static int wanted_label(struct call *c, int64_t *ret)
{
	const struct value *id = &c->given[P_story_label_id];
	scoped(records_fini) struct records wanted = { 0 };
	scoped(ids_fini) struct ids ids = { 0 };
	struct record *label = NULL;
	int r = input_read_patch(c, &label);

	if (r < 0)
		return r;
	records_add(&wanted, label);
	if (id->state == VALUE_SET)
		record_set_int(label, F_label_id, id->i);
	else if (record_get(label, F_label_name)->state == VALUE_ABSENT)
		return v5_error_problem(&c->error,
			"this endpoint requires at least one of the following parameters: id, name");
	r = labels_resolve(c, &wanted, &ids);
	if (r == 0)
		*ret = ids.v[0];
	return r;
}

int stories_add_label(struct call *c)
{
	scoped(ids_fini) struct ids ids = copy_list(c, F_story_label_ids);
	scoped(record_unref) struct record *label = NULL;
	int64_t id = 0;
	int r = wanted_label(c, &id);

	if (r < 0)
		return r;
	if (!ids_has(&ids, id))
		ids_add(&ids, id);
	r = set_list(c, F_story_label_ids, &ids);
	if (r == 0)
		r = tx_get(c->tx, KIND_label, id, &label);
	return r < 0 ? r : answer_record(c, label);
}

int stories_remove_label(struct call *c)
{
	return remove_from_list(c, F_story_label_ids, record_id(c->at[KIND_label]));
}
