/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reactions to comments: one a person, their own to change and to take away. */
#include "activity.h"
#include "auth.h"
#include "change.h"
#include "initial.h"
#include "input.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"

/* The end of a command: what the comment stands on is what it is about. */
static int write_activity(struct call *c, struct activity *a, const struct record *reaction,
	const char *kind, const char *highlight)
{
	scoped(free_ptr) char *message =
		xasprintf("%s \"%s\"", highlight, record_text(reaction, F_reaction_emoji));

	activity_add_primary(a, c->at[KIND_story] ? c->at[KIND_story] : c->at[KIND_epic]);
	return activity_write(c, a, kind, highlight, message);
}

static int write_new(struct call *c, const struct record *patch, struct record **ret)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *reaction = NULL;
	int r = initial_make(c, patch, &reaction);

	if (r < 0)
		return r;
	record_set_int(reaction, F_reaction_comment_id, record_id(c->at[KIND_comment]));
	if (c->who.person_id)
		record_set_int(reaction, F_reaction_person_id, c->who.person_id);
	r = tx_put(c->tx, reaction);
	if (r == 0)
		r = activity_created(c, &a, reaction);
	if (r == 0)
		r = write_activity(c, &a, reaction, "reaction_create_activity", "added reaction:");
	if (r == 0)
		*ret = take_ptr(reaction);
	return r;
}

/* *ret is the reaction as it becomes. */
static int write_update(
	struct call *c, const struct record *old, const struct record *patch, struct record **ret)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *now = record_patched(old, patch);
	int r = 0;

	if (change_differs(old, now, -1, -1)) {
		r = activity_put(c, &a, old, now);
		if (r == 0)
			r = write_activity(
				c, &a, now, "reaction_update_activity", "changed reaction:");
	}
	if (r == 0)
		*ret = take_ptr(now);
	return r;
}

/* 1: the caller has none on this comment. */
static int find_own(struct call *c, struct record **ret)
{
	struct query q = { .kind = KIND_reaction, .limit = 1 };
	scoped(records_fini) struct records found = { 0 };

	query_where(&q, F_reaction_comment_id, OP_EQ, record_id(c->at[KIND_comment]));
	query_where(&q, F_reaction_person_id, OP_EQ, c->who.person_id);
	int r = tx_list(c->tx, &q, &found);

	if (r < 0 || !found.n)
		return r < 0 ? r : 1;
	*ret = record_ref(found.items[0]);
	return 0;
}

/* Another one takes the place of the first. */
int reactions_create(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *old = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = find_own(c, &old);
	if (r == 0)
		r = write_update(c, old, patch, &now);
	else if (r > 0)
		r = write_new(c, patch, &now);
	return r < 0 ? r : answer_record(c, now);
}

static bool is_own(const struct call *c)
{
	return c->who.trusted ||
	       record_int(c->at[KIND_reaction], F_reaction_person_id, 0) == c->who.person_id;
}

int reactions_update(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = is_own(c) ? input_read_checked(c, &patch) : auth_refuse(c);

	if (r == 0)
		r = write_update(c, c->at[KIND_reaction], patch, &now);
	return r < 0 ? r : answer_record(c, now);
}

int reactions_delete(struct call *c)
{
	const struct record *reaction = c->at[KIND_reaction];
	scoped(activity_fini) struct activity a = { 0 };
	int r = is_own(c) ? tx_delete(c->tx, KIND_reaction, record_id(reaction)) : auth_refuse(c);

	activity_add_delete(&a, reaction);
	if (r == 0)
		r = write_activity(
			c, &a, reaction, "reaction_delete_activity", "deleted reaction:");
	return r < 0 ? r : answer_nothing(c);
}
