/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Epics: each has a label of its own, by which its stories are found. */
#include "change.h"
#include "children.h"
#include "comments.h"
#include "followers.h"
#include "initial.h"
#include "input.h"
#include "labels.h"
#include "order.h"
#include "parts.h"
#include "people.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"

/* ---- its label ---- */

/* One label is one epic's. */
static int check_label_free(struct call *c, const struct record *epic, int64_t label_id)
{
	struct query q = { .kind = KIND_epic, .limit = 1 };
	scoped(ids_fini) struct ids others = { 0 };
	scoped(record_unref) struct record *label = NULL;

	query_where(&q, F_epic_label_id, OP_EQ, label_id);
	query_where(&q, F_epic_id, OP_NE, record_id(epic));
	int r = tx_list_ids(c->tx, &q, &others);

	if (r == 0 && others.n)
		r = tx_get(c->tx, KIND_label, label_id, &label);
	if (r < 0 || !others.n)
		return r;
	return v5_error_problem(&c->error, "The label '%s' is already used by another epic.",
		label ? record_text(label, F_label_name) : "");
}

/* The label that the patch gives, by object or by id; NULL: it says nothing of one. */
static struct record *wanted_label(const struct record *patch)
{
	const struct value *label = record_get(patch, F_epic_label);
	const struct value *id = record_get(patch, F_epic_label_id);
	struct record *by_id;

	if (label->state == VALUE_SET)
		return record_ref(label->record);
	if (id->state != VALUE_SET)
		return NULL;
	by_id = record_new(KIND_label);
	record_set_int(by_id, F_label_id, id->i);
	return by_id;
}

static int apply_label(struct call *c, struct record *wanted, struct record *epic)
{
	scoped(records_fini) struct records one = { 0 };
	scoped(ids_fini) struct ids ids = { 0 };

	records_add(&one, record_ref(wanted));
	int r = labels_resolve(c, &one, &ids);

	if (r == 0)
		r = check_label_free(c, epic, ids.v[0]);
	if (r == 0)
		record_set_int(epic, F_epic_label_id, ids.v[0]);
	return r;
}

/* A label named as the epic. */
static struct record *label_by_name(const struct record *epic)
{
	struct record *label = record_new(KIND_label);
	size_t most = schema_field(KIND_label, F_label_name)->max;
	const char *name = record_text(epic, F_epic_name);
	size_t bytes = 0;

	/* An epic's name may be longer than a label's. UTF-8's characters begin with bytes that are
	 * no 10xxxxxx. */
	for (size_t n = 0; name[bytes]; bytes++) {
		n += ((unsigned char)name[bytes] & 0xc0) != 0x80;
		if (n > most)
			break;
	}
	scoped(free_ptr) char *cut = xstrndup(name, bytes);

	record_set_text(label, F_label_name, cut);
	return label;
}

/* ---- its place ---- */

static int check_neighbour(struct call *c, const struct record *epic, int64_t id)
{
	scoped(record_unref) struct record *other = NULL;
	int r = tx_get(c->tx, KIND_epic, id, &other);

	if (r < 0)
		return r;
	if (r > 0 || id == record_id(epic) ||
		record_int(other, F_epic_project_id, 0) != call_project_id(c))
		return v5_error_problem(
			&c->error, "This epic can no longer be moved to that position");
	return 0;
}

static int wanted_place(
	struct call *c, const struct record *patch, const struct record *epic, int64_t *ret_after)
{
	int64_t before = record_int(patch, F_epic_before_id, 0);
	int64_t after = record_int(patch, F_epic_after_id, 0);
	int r = after ? check_neighbour(c, epic, after) : 0;

	if (r == 0 && before)
		r = check_neighbour(c, epic, before);
	if (r < 0)
		return r;
	if (after || (change_is_given(patch, F_epic_after_id) &&
			     !change_is_given(patch, F_epic_before_id))) {
		*ret_after = after;
		return 0;
	}
	return before ? order_above(c, epic, before, ret_after) : order_bottom(c, epic, ret_after);
}

static int apply_place(
	struct call *c, const struct record *patch, const struct record *old, struct record *epic)
{
	struct neighbours n = { 0, 0 };
	int64_t after_id, rank;

	if (old && !change_is_given(patch, F_epic_before_id) &&
		!change_is_given(patch, F_epic_after_id))
		return 0;
	int r = wanted_place(c, patch, epic, &after_id);

	if (r == 0 && old)
		r = order_neighbours(c, old, &n);
	if (r < 0 || (old && n.after_id == after_id))
		return r;
	r = order_rank_after(c, epic, after_id, &rank);
	if (r == 0)
		record_set_int(epic, F_epic_rank, rank);
	return r;
}

/* ---- creating ---- */

static int make_epic(struct call *c, const struct record *patch, struct record **ret)
{
	scoped(record_unref) struct record *epic = NULL;
	scoped(record_unref) struct record *label = wanted_label(patch);
	const struct value *followers = record_get(patch, F_epic_follower_ids);
	const struct ids wanted = value_ids(followers);
	struct ids none = { 0 };
	int r = initial_make(c, patch, &epic);

	if (r < 0)
		return r;
	scoped(free_ptr) char *url = xasprintf(
		"https://www.pivotaltracker.com/epic/show/%lld", (long long)record_id(epic));

	record_set_text(epic, F_epic_url, url);
	record_set_int(epic, F_epic_project_id, call_project_id(c));
	record_clear(epic, F_epic_label_id);
	record_set_ids(epic, F_epic_follower_ids, &none);
	if (!label)
		label = label_by_name(epic);
	r = apply_label(c, label, epic);
	if (r == 0 && followers->state == VALUE_SET)
		r = people_set(c, epic, F_epic_follower_ids, &wanted);
	if (r == 0)
		r = followers_expect(c, patch, epic);
	if (r == 0)
		r = apply_place(c, patch, NULL, epic);
	if (r == 0)
		*ret = take_ptr(epic);
	return r;
}

static int write_activity(struct call *c, struct activity *a, const struct record *epic,
	const char *kind, const char *highlight)
{
	scoped(free_ptr) char *message = xasprintf("%s this epic", highlight);

	activity_add_primary(a, epic);
	return activity_write(c, a, kind, highlight, message);
}

static int tell_followers(struct call *c, struct activity *a, const struct record *epic,
	const char *action, const char *after)
{
	const struct notice notice = {
		.subject = epic,
		.type = "epic",
		.action = action,
		.before = "",
		.after = after,
	};

	return followers_tell(c, a, &notice);
}

static int add_nested(
	struct call *c, struct activity *a, const struct record *patch, const struct record *epic)
{
	const struct value *comments = record_get(patch, F_epic_comments);
	int r = 0;

	for (size_t i = 0; r == 0 && i < comments->n; i++)
		r = comments_add(c, a, epic, comments->records[i], NULL);
	return r < 0 ? r : parts_add_nested(c, a, patch, epic);
}

int epics_create(struct call *c)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *epic = NULL;
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = make_epic(c, patch, &epic);
	if (r == 0)
		r = tx_put(c->tx, epic);
	if (r == 0)
		r = activity_created(c, &a, epic);
	if (r == 0)
		r = add_nested(c, &a, patch, epic);
	if (r == 0)
		r = tell_followers(c, &a, epic, "create", " added this epic");
	if (r == 0)
		r = write_activity(c, &a, epic, "epic_create_activity", "added");
	return r < 0 ? r : answer_record(c, epic);
}

/* ---- updating ---- */

static int apply(
	struct call *c, const struct record *patch, const struct record *old, struct record *now)
{
	const struct value *followers = record_get(patch, F_epic_follower_ids);
	const struct ids wanted = value_ids(followers);
	const struct value *label_id = record_get(old, F_epic_label_id);
	scoped(record_unref) struct record *label = wanted_label(patch);
	int r = 0;

	/* Not as they came: persons and labels must exist. */
	record_set(now, F_epic_follower_ids,
		value_copy(schema_field(KIND_epic, F_epic_follower_ids),
			record_get(old, F_epic_follower_ids)));
	record_set(now, F_epic_label_id, *label_id);
	record_clear(now, F_epic_label);
	if (label)
		r = apply_label(c, label, now);
	if (r == 0 && followers->state == VALUE_SET)
		r = people_set(c, now, F_epic_follower_ids, &wanted);
	return r < 0 ? r : apply_place(c, patch, old, now);
}

static int write_update(struct call *c, const struct record *old, struct record *now)
{
	scoped(activity_fini) struct activity a = { 0 };
	bool edited = change_differs(old, now, F_epic_rank, -1);
	int r = activity_put(c, &a, old, now);

	if (r < 0)
		return r;
	return edited ? write_activity(c, &a, now, "epic_update_activity", "edited")
		      : write_activity(c, &a, now, "epic_move_activity", "moved");
}

int epics_update(struct call *c)
{
	const struct record *old = c->at[KIND_epic];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = input_read_checked(c, &patch);

	if (r < 0)
		return r;
	now = record_patched(old, patch);
	r = apply(c, patch, old, now);
	if (r == 0 && change_differs(old, now, -1, -1))
		r = write_update(c, old, now);
	return r < 0 ? r : answer_record(c, now);
}

int epics_delete(struct call *c)
{
	const struct record *epic = c->at[KIND_epic];
	scoped(activity_fini) struct activity a = { 0 };
	int r = children_delete(c, KIND_epic, record_id(epic));

	if (r == 0)
		r = tx_delete(c->tx, KIND_epic, record_id(epic));
	activity_add_delete(&a, epic);
	if (r == 0)
		r = tell_followers(c, &a, epic, "delete", " deleted this epic");
	if (r == 0)
		r = write_activity(c, &a, epic, "epic_delete_activity", "deleted");
	return r < 0 ? r : answer_nothing(c);
}
