/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Projects. */
#include "projects.h"

#include "accounts.h"
#include "activity.h"
#include "auth.h"
#include "children.h"
#include "estimates.h"
#include "initial.h"
#include "input.h"
#include "iteration_overrides.h"
#include "memberships.h"
#include "project_rules.h"
#include "review_types.h"
#include "route.h"
#include "sample.h"
#include "shape.h"

/* ---- listing ---- */

int projects_list_visible(struct call *c, struct ids *ret)
{
	struct query all = { .kind = KIND_project, .limit = -1 };
	struct query mine = { .kind = KIND_project_membership,
		.limit = -1,
		.order = F_project_membership_project_id };
	scoped(records_fini) struct records memberships = { 0 };

	if (c->who.trusted)
		return tx_list_ids(c->tx, &all, ret);
	int r = tx_list(c->tx,
		query_where(&mine, F_project_membership_person_id, OP_EQ, c->who.person_id),
		&memberships);

	for (size_t i = 0; i < memberships.n; i++)
		ids_add(ret, record_int(memberships.items[i], F_project_membership_project_id, 0));
	return r;
}

int projects_visible(struct call *c, const struct ids **ret)
{
	int r = c->knows_visible ? 0 : projects_list_visible(c, &c->visible);

	if (r < 0)
		return r;
	c->knows_visible = true;
	*ret = &c->visible;
	return 0;
}

int projects_is_visible(struct call *c, int64_t project_id, bool *ret)
{
	const struct record *entered = call_project(c);
	const struct ids *visible;

	*ret = entered && record_id(entered) == project_id;
	if (*ret)
		return 0;
	int r = projects_visible(c, &visible);

	if (r == 0)
		*ret = ids_has(visible, project_id);
	return r;
}

int projects_drop_invisible(struct call *c, enum kind kind, struct records *list)
{
	const struct resource *res = schema_resource(kind);
	int key = kind == KIND_project ? F_project_id : res->parent_key;
	size_t kept = 0;
	int r = 0;

	if (kind != KIND_project && res->parent != KIND_project)
		return 0;
	for (size_t i = 0; i < list->n; i++) {
		struct record *one = list->items[i];
		bool stays = false;

		if (r == 0)
			r = projects_is_visible(c, record_int(one, key, 0), &stays);
		if (stays)
			list->items[kept++] = one;
		else
			record_unref(one);
	}
	list->n = kept;
	return r;
}

int projects_list(struct call *c)
{
	const struct value *given = &c->given[P_project_list_account_ids];
	const struct ids accounts = value_ids(given);
	struct query q = { .kind = KIND_project, .limit = -1 };
	const struct ids *visible = NULL;
	scoped(records_fini) struct records list = { 0 };
	int r = projects_visible(c, &visible);

	query_where(&q, F_project_id, OP_IN, 0)->where[0].ids = visible;
	if (given->state == VALUE_SET)
		query_where(&q, F_project_account_id, OP_IN, 0)->where[1].ids = &accounts;
	if (r == 0)
		r = tx_list(c->tx, &q, &list);
	return r < 0 ? r : answer_records(c, KIND_project, &list);
}

/* ---- creating ---- */

static int add_creator(struct call *c, struct activity *a)
{
	const struct value *without = &c->given[P_project_create_no_owner];
	const struct value *as = &c->given[P_project_create_join_as];
	enum role role = as->state == VALUE_SET ? (enum role)as->i : ROLE_OWNER;
	scoped(record_unref) struct record *membership = NULL;

	if (!c->who.person_id || (without->state == VALUE_SET && without->i))
		return 0;
	return memberships_add(c, a, c->who.person_id, role, &membership);
}

/* The first command of a project gives it its version 1. */
static int write_new(struct call *c, struct record *project)
{
	scoped(activity_fini) struct activity a = { 0 };

	record_set_int(project, F_project_version, 0);
	int r = tx_put(c->tx, project);

	if (r < 0)
		return r;
	record_unref(c->at[KIND_project]);
	c->at[KIND_project] = record_ref(project);
	r = activity_created(c, &a, project);
	if (r == 0)
		r = review_types_begin(c, &a);
	if (r == 0)
		r = add_creator(c, &a);
	activity_add_primary(&a, project);
	return r < 0 ? r
		     : activity_write(
			       c, &a, "project_create_activity", "created", "created this project");
}

int projects_create(struct call *c)
{
	const struct value *sample = &c->given[P_project_create_create_sample];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *project = NULL;
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = initial_make(c, patch, &project);
	if (r == 0)
		r = project_check(c, patch, NULL, project);
	if (r == 0)
		r = accounts_choose_new(c, project);
	if (r == 0)
		r = accounts_check_shared(c, NULL, project);
	if (r == 0)
		r = write_new(c, project);
	if (r == 0 && sample->state == VALUE_SET && sample->i)
		r = sample_make(c);
	return r < 0 ? r : answer_record(c, call_project(c));
}

/* ---- updating ---- */

/* Numbers mean other weeks when these change, so that nothing said of a number holds. */
static int drop_overrides(struct call *c, struct activity *a, const struct record *old)
{
	static const int settings[] = { F_project_start_date, F_project_week_start_day,
		F_project_iteration_length };

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		if (!value_equal(schema_field(KIND_project, settings[i]),
			    record_get(old, settings[i]), record_get(call_project(c), settings[i])))
			return iteration_overrides_drop(c, a);
	}
	return 0;
}

static int write_update(struct call *c, struct record *now)
{
	scoped(record_unref) struct record *old = record_ref(call_project(c));
	scoped(activity_fini) struct activity a = { 0 };
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	int r = activity_take_values(c, call_project(c), &before.json);

	if (r < 0)
		return r;
	initial_touch(now, call_now_ms(c));
	record_unref(c->at[KIND_project]);
	c->at[KIND_project] = record_ref(now);
	r = tx_put(c->tx, now);
	if (r == 0)
		r = activity_updated(c, &a, now, before.json);
	if (r == 0)
		r = drop_overrides(c, &a, old);
	if (r == 0)
		r = estimates_rescale(c, &a, old);
	activity_add_primary(&a, now);
	return r < 0 ? r
		     : activity_write(
			       c, &a, "project_update_activity", "edited", "edited this project");
}

int projects_update(struct call *c)
{
	const struct record *old = call_project(c);
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	scoped(record_unref) struct record *differs = NULL;
	int r = input_read_checked(c, &patch);

	if (r < 0)
		return r;
	now = record_patched(old, patch);
	r = project_check(c, patch, old, now);
	if (r == 0)
		r = accounts_check_move(c, old, now);
	if (r == 0)
		r = accounts_check_shared(c, old, now);
	if (r < 0)
		return r;
	differs = record_diff(old, now);
	/* A field taken away is ABSENT in now, which a diff does not see. */
	each_field(f, KIND_project) {
		if (record_has(old, f) && !record_has(now, f))
			differs = differs ? differs : record_new(KIND_project);
	}
	r = differs ? write_update(c, now) : 0;
	return r < 0 ? r : answer_record(c, call_project(c));
}

/* ---- deleting ---- */

int projects_delete(struct call *c)
{
	int64_t id = call_project_id(c);
	int r = children_delete(c, KIND_project, id);

	if (r == 0)
		r = tx_delete(c->tx, KIND_project, id);
	if (r == 0)
		r = auth_bury_project(c, id);
	return r < 0 ? r : answer_nothing(c);
}
