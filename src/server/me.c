/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The person who asks, seen by itself. */

#include "accounts.h"
#include "initial.h"
#include "input.h"
#include "people.h"
#include "project_rules.h"
#include "route.h"
#include "shape.h"
#include "storyfs/check.h"

static struct record *summarize(const struct record *membership, const struct record *project)
{
	struct record *summary = record_as(membership, KIND_membership_summary);

	record_set_text(
		summary, F_membership_summary_project_name, record_text(project, F_project_name));
	return summary;
}

static int add_projects(struct call *c, struct record *me)
{
	struct query q = { .kind = KIND_project_membership, .limit = -1 };
	scoped(records_fini) struct records memberships = { 0 };
	scoped(ids_fini) struct ids ids = { 0 };
	struct records summaries = { 0 };
	int r = tx_list(c->tx,
		query_where(&q, F_project_membership_person_id, OP_EQ, c->who.person_id),
		&memberships);

	for (size_t i = 0; r >= 0 && i < memberships.n; i++) {
		const struct record *membership = memberships.items[i];
		scoped(record_unref) struct record *project = NULL;

		r = tx_get(c->tx, KIND_project,
			record_int(membership, F_project_membership_project_id, 0), &project);
		if (r != 0)
			continue;
		records_add(&summaries, summarize(membership, project));
		ids_add(&ids, record_id(project));
	}
	record_set_objects(me, F_me_projects, &summaries);
	record_set_ids(me, F_me_project_ids, &ids);
	return r < 0 ? r : 0;
}

static void add_time_zone(struct record *me, const struct record *person)
{
	scoped(record_unref) struct record *zone = record_new(KIND_time_zone);

	record_set_text(zone, F_time_zone_olson_name, record_text(person, F_person_olson_name));
	record_set_object(me, F_me_time_zone, zone);
}

static int add_accounts(struct call *c, struct record *me)
{
	scoped(ids_fini) struct ids ids = { 0 };
	int r = accounts_list_mine(c, &ids);

	record_set_ids(me, F_me_account_ids, &ids);
	return r;
}

static int add_workspaces(struct call *c, struct record *me)
{
	struct query q = { .kind = KIND_workspace, .limit = -1 };
	scoped(ids_fini) struct ids ids = { 0 };
	int r = tx_list_ids(
		c->tx, query_where(&q, F_workspace_person_id, OP_EQ, c->who.person_id), &ids);

	record_set_ids(me, F_me_workspace_ids, &ids);
	return r;
}

static void add_settings(struct record *me, const struct record *person)
{
	scoped(record_unref) struct record *settings = record_as(person, KIND_personal_settings);

	record_set_object(me, F_me_personal_settings, settings);
}

static int answer_me(struct call *c, const struct record *person)
{
	scoped(record_unref) struct record *me = record_as(person, KIND_me);

	add_time_zone(me, person);
	add_settings(me, person);
	if (c->who.token)
		record_set_text(me, F_me_api_token, c->who.token);
	int r = add_projects(c, me);

	if (r == 0)
		r = add_accounts(c, me);
	if (r == 0)
		r = add_workspaces(c, me);
	return r < 0 ? r : answer_record(c, me);
}

/* The person with what an older archive does not say of it. */
static int find_person(struct call *c, struct record **ret)
{
	scoped(record_unref) struct record *person = NULL;
	int r = tx_get(c->tx, KIND_person, c->who.person_id, &person);

	if (r > 0)
		return v5_error_set(&c->error, V5_unfound_resource);
	if (r < 0)
		return r;
	*ret = record_copy(person);
	initial_fill(*ret);
	return 0;
}

int me_get(struct call *c)
{
	scoped(record_unref) struct record *person = NULL;
	int r = find_person(c, &person);

	return r < 0 ? r : answer_me(c, person);
}

/* ---- updating ---- */

static void merge(struct record *person, const struct record *patch)
{
	each_field(f, KIND_person) {
		const struct value *v = record_get(patch, f);

		if (v->state == VALUE_NULL)
			record_clear(person, f);
		else if (v->state == VALUE_SET)
			record_set(person, f, value_copy(schema_field(KIND_person, f), v));
	}
}

/* What the patch says of the person, in the person's own fields. */
static int apply(struct call *c, const struct record *patch, struct record *person)
{
	scoped(record_unref) struct record *own = record_as(patch, KIND_person);
	const struct value *told = record_get(patch, F_me_time_zone);
	const struct value *settings = record_get(patch, F_me_personal_settings);

	if (told->state == VALUE_SET) {
		scoped(record_unref) struct record *zone = NULL;
		int r = project_read_zone(c, told->record, &zone);

		if (r < 0)
			return r;
		record_set_text(
			own, F_person_olson_name, record_text(zone, F_time_zone_olson_name));
	}
	merge(person, own);
	if (settings->state == VALUE_SET) {
		scoped(record_unref) struct record *set = record_as(settings->record, KIND_person);

		merge(person, set);
	}
	return 0;
}

int me_update(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *old = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = find_person(c, &old);
	if (r < 0)
		return r;
	now = record_copy(old);
	r = apply(c, patch, now);
	if (r == 0)
		r = check_patch(now, &c->error);
	if (r == 0)
		r = people_check_login(c, now);
	if (r == 0 && !record_same(old, now)) {
		initial_touch(now, call_now_ms(c));
		r = tx_put(c->tx, now);
	}
	return r < 0 ? r : answer_me(c, now);
}
