/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A move is a deletion in the one project's activity and a creation in the other's. Labels are the
 * project's own, so the story gets those of the same names there. */
#include "story_move.h"

#include "activity.h"
#include "auth.h"
#include "blockers.h"
#include "initial.h"
#include "labels.h"
#include "story.h"
#include "storyfs/alloc.h"

/* The names of the story's labels, as labels to be found or made. */
static int take_names(struct call *c, const struct record *story, struct records *ret)
{
	const struct value *v = record_get(story, F_story_label_ids);

	for (size_t i = 0; i < v->n; i++) {
		scoped(record_unref) struct record *label = NULL;
		struct record *named;
		int r = tx_get(c->tx, KIND_label, v->ids[i], &label);

		if (r < 0)
			return r;
		if (r > 0)
			continue;
		named = record_new(KIND_label);
		record_set_text(named, F_label_name, record_text(label, F_label_name));
		records_add(ret, named);
	}
	return 0;
}

static int tell(struct call *c, struct activity *a, const struct record *story, const char *kind,
	const char *how)
{
	scoped(free_ptr) char *message =
		xasprintf("moved \"%s\" %s", record_text(story, F_story_name), how);

	activity_add_primary(a, story);
	return activity_write(c, a, kind, "moved", message);
}

/* The story leaves: out of the counts and the order of where it was. */
static int leave(struct call *c, struct record *story, const char *target)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *old = record_copy(story);
	scoped(free_ptr) char *how = xasprintf("from this project to %s", target);
	struct ids none = { 0 };

	record_set_ids(story, F_story_label_ids, &none);
	int r = blockers_settle(c, &a, story, false);

	if (r == 0)
		r = blockers_release(c, &a, story);
	if (r == 0)
		r = tx_put(c->tx, story);
	if (r == 0)
		r = labels_tell_counts(c, &a, old, NULL);
	activity_add_delete(&a, old);
	return r < 0 ? r : tell(c, &a, old, "story_move_from_project_activity", how);
}

static int arrive(
	struct call *c, struct record *story, const struct records *labels, const char *source)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *patch = record_new(KIND_story);
	scoped(free_ptr) char *how = xasprintf("into this project from %s", source);
	scoped(ids_fini) struct ids ids = { 0 };
	struct story_request req = { .patch = patch, .group = -1 };
	int r = labels_resolve(c, labels, &ids);

	record_set_ids(story, F_story_label_ids, &ids);
	record_set_int(story, F_story_project_id, call_project_id(c));
	if (r == 0)
		r = story_place(c, &req, NULL, story);
	if (r == 0)
		r = story_check(c, patch, NULL, story);
	initial_touch(story, call_now_ms(c));
	if (r == 0)
		r = tx_put(c->tx, story);
	if (r == 0)
		r = labels_tell_counts(c, &a, NULL, story);
	if (r == 0)
		r = activity_created(c, &a, story);
	return r < 0 ? r : tell(c, &a, story, "story_move_into_project_activity", how);
}

/* Whatever keeps the person out: V5 said no more of a project that is somebody else's. */
static int enter_destination(struct call *c, int64_t project_id)
{
	int r = auth_enter_project(c, project_id);

	return r < 0 && c->error.code
		       ? v5_error_problem(
				 &c->error, "You do not have access to the destination project.")
		       : r;
}

int story_move_project(struct call *c, const struct record *patch)
{
	struct record *story = c->at[KIND_story];
	int64_t target = record_int(patch, F_story_project_id, call_project_id(c));
	scoped(record_unref) struct record *from = record_ref(call_project(c));
	scoped(record_unref) struct record *to = NULL;
	scoped(records_fini) struct records labels = { 0 };

	if (target == call_project_id(c))
		return 0;
	/* First to see whether the person may, and what it is called. */
	int r = enter_destination(c, target);

	if (r < 0)
		return r;
	to = record_ref(call_project(c));
	record_unref(c->at[KIND_project]);
	c->at[KIND_project] = record_ref(from);
	r = take_names(c, story, &labels);
	if (r == 0)
		r = leave(c, story, record_text(to, F_project_name));
	if (r < 0)
		return r;
	record_unref(c->at[KIND_project]);
	c->at[KIND_project] = record_ref(to);
	return arrive(c, story, &labels, record_text(from, F_project_name));
}
