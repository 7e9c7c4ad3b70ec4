/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Review types: made, renamed, hidden; never deleted, for reviews name them. */
#include "review_types.h"

#include "change.h"
#include "initial.h"
#include "input.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"

static const char *const first[] = { "Test (QA)", "Design", "Code", "Security" };

static int add(struct call *c, struct activity *a, const struct record *patch, struct record **ret)
{
	scoped(record_unref) struct record *type = NULL;
	int r = initial_make(c, patch, &type);

	if (r < 0)
		return r;
	record_set_int(type, F_review_type_project_id, call_project_id(c));
	r = tx_put(c->tx, type);
	if (r == 0)
		r = activity_created(c, a, type);
	if (r == 0 && ret)
		*ret = take_ptr(type);
	return r;
}

int review_types_begin(struct call *c, struct activity *a)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(first) / sizeof(*first); i++) {
		scoped(record_unref) struct record *patch = record_new(KIND_review_type);

		record_set_text(patch, F_review_type_name, first[i]);
		r = add(c, a, patch, NULL);
	}
	return r;
}

static int write_activity(struct call *c, struct activity *a, const struct record *type,
	const char *kind, const char *highlight)
{
	scoped(free_ptr) char *message =
		xasprintf("%s \"%s\"", highlight, record_text(type, F_review_type_name));

	activity_add_primary(a, type);
	return activity_write(c, a, kind, highlight, message);
}

int review_types_create(struct call *c)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *type = NULL;
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = add(c, &a, patch, &type);
	if (r == 0)
		r = write_activity(
			c, &a, type, "review_type_create_activity", "added review type:");
	return r < 0 ? r : answer_record(c, type);
}

static int write_update(struct call *c, const struct record *old, struct record *now)
{
	scoped(activity_fini) struct activity a = { 0 };
	int r = activity_put(c, &a, old, now);

	return r < 0 ? r
		     : write_activity(
			       c, &a, now, "review_type_update_activity", "edited review type:");
}

int review_types_update(struct call *c)
{
	const struct record *old = c->at[KIND_review_type];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = input_read_checked(c, &patch);

	if (r < 0)
		return r;
	now = record_patched(old, patch);
	if (change_differs(old, now, -1, -1))
		r = write_update(c, old, now);
	return r < 0 ? r : answer_record(c, now);
}
