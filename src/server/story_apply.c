/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request's values into a story: plain ones as they are, persons and labels as ids that exist. */
#include "labels.h"
#include "people.h"
#include "story.h"

/* Fields that are put in by code of their own, below, or by the story's place and project. */
static bool is_special(int f)
{
	switch (f) {
	case F_story_owner_ids:
	case F_story_owned_by_id:
	case F_story_follower_ids:
	case F_story_requested_by_id:
	case F_story_label_ids:
	case F_story_project_id:
		return true;
	default:
		return false;
	}
}

static void apply_plain(const struct record *patch, struct record *now)
{
	each_field(f, KIND_story) {
		const struct field *field = schema_field(KIND_story, f);
		const struct value *v = record_get(patch, f);

		if (v->state == VALUE_ABSENT || !(field->flags & FIELD_KEEP) || is_special(f))
			continue;
		record_set(
			now, f, v->state == VALUE_SET ? value_copy(field, v) : (struct value){ 0 });
	}
}

/* `owners` by their ids. */
static void take_ids(const struct value *objects, struct ids *ret)
{
	for (size_t i = 0; i < objects->n; i++)
		ids_add(ret, record_int(objects->records[i], F_person_id, 0));
}

/* owner_ids, or owners, or, as before there were several, owned_by_id. False: none of them. */
static bool wanted_owners(const struct record *patch, struct ids *ret)
{
	const struct value *ids = record_get(patch, F_story_owner_ids);
	const struct value *objects = record_get(patch, F_story_owners);
	const struct value *first = record_get(patch, F_story_owned_by_id);

	if (ids->state == VALUE_SET)
		ids_add_value(ret, ids);
	else if (objects->state == VALUE_SET)
		take_ids(objects, ret);
	else if (first->state == VALUE_SET)
		ids_add(ret, first->i);
	else
		return first->state == VALUE_NULL;
	return true;
}

static int apply_owners(struct call *c, const struct record *patch, struct record *now)
{
	scoped(ids_fini) struct ids wanted = { 0 };
	scoped(ids_fini) struct ids owners = { 0 };

	if (!wanted_owners(patch, &wanted))
		return 0;
	people_add_once(&wanted, &owners);
	if (!people_same_set(&owners, record_get(now, F_story_owner_ids)))
		record_clear(now, F_story_owned_by_id);
	return people_set(c, now, F_story_owner_ids, &owners);
}

static int apply_followers(struct call *c, const struct record *patch, struct record *now)
{
	const struct value *ids = record_get(patch, F_story_follower_ids);
	const struct value *objects = record_get(patch, F_story_followers);
	scoped(ids_fini) struct ids taken = { 0 };

	if (ids->state == VALUE_SET)
		ids_add_value(&taken, ids);
	else if (objects->state == VALUE_SET)
		take_ids(objects, &taken);
	else
		return 0;
	return people_set(c, now, F_story_follower_ids, &taken);
}

static int apply_people(struct call *c, const struct record *patch, struct record *now)
{
	const struct value *requester = record_get(patch, F_story_requested_by_id);
	int r = apply_owners(c, patch, now);

	if (r == 0)
		r = apply_followers(c, patch, now);
	if (r == 0 && requester->state == VALUE_SET)
		r = people_set_one(c, now, F_story_requested_by_id, requester->i);
	return r;
}

static int apply_labels(struct call *c, const struct record *patch, struct record *now)
{
	const struct value *ids = record_get(patch, F_story_label_ids);
	const struct value *objects = record_get(patch, F_story_labels);
	const struct ids known = value_ids(ids);
	const struct records named = value_records(objects);
	scoped(ids_fini) struct ids wanted = { 0 };
	int r = 0;

	if (objects->state == VALUE_SET)
		r = labels_resolve(c, &named, &wanted);
	else if (ids->state == VALUE_SET)
		r = labels_resolve_ids(c, &known, &wanted);
	else
		return 0;
	if (r == 0 && !people_same_set(&wanted, record_get(now, F_story_label_ids)))
		record_set_ids(now, F_story_label_ids, &wanted);
	return r;
}

int story_apply(struct call *c, const struct story_request *req, struct record *now)
{
	apply_plain(req->patch, now);
	int r = apply_people(c, req->patch, now);

	return r < 0 ? r : apply_labels(c, req->patch, now);
}
