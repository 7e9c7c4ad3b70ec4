/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is what in an account; one is found by its person. */
#include "accounts.h"
#include "initial.h"
#include "input.h"
#include "memberships.h"
#include "people.h"
#include "route.h"
#include "shape.h"

static int find(struct call *c, struct record **ret)
{
	int r = accounts_find_membership(
		c->tx, record_id(c->at[KIND_account]), c->ids[KIND_person], ret);

	return r > 0 ? v5_error_set(&c->error, V5_unfound_resource) : r;
}

int account_memberships_get(struct call *c)
{
	scoped(record_unref) struct record *membership = NULL;
	int r = find(c, &membership);

	return r < 0 ? r : answer_record(c, membership);
}

/* ---- creating ---- */

static int find_person(struct call *c, struct record *patch)
{
	const struct newcomer who = {
		.email = &c->given[P_account_membership_create_email],
		.name = &c->given[P_account_membership_create_name],
		.initials = &c->given[P_account_membership_create_initials],
		.or_unfound = true,
	};

	return people_set_newcomer(c, patch, F_account_membership_person_id, &who);
}

static int check_new(struct call *c, int64_t person_id)
{
	scoped(record_unref) struct record *there = NULL;
	int r = accounts_find_membership(c->tx, record_id(c->at[KIND_account]), person_id, &there);

	if (r == 0)
		return v5_error_problem(&c->error, "Member already exists.");
	return r < 0 ? r : 0;
}

int account_memberships_create(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *membership = NULL;
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = find_person(c, patch);
	if (r == 0)
		r = check_new(c, record_int(patch, F_account_membership_person_id, 0));
	if (r == 0)
		r = initial_make(c, patch, &membership);
	if (r < 0)
		return r;
	record_set_int(membership, F_account_membership_account_id, record_id(c->at[KIND_account]));
	r = tx_put(c->tx, membership);
	return r < 0 ? r : answer_record(c, membership);
}

/* ---- updating ---- */

int account_memberships_update(struct call *c)
{
	scoped(record_unref) struct record *old = NULL;
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	scoped(record_unref) struct record *differs = NULL;
	int r = find(c, &old);

	if (r == 0)
		r = input_read_checked(c, &patch);
	if (r < 0)
		return r;
	now = record_patched(old, patch);
	differs = record_diff(old, now);
	if (differs) {
		initial_touch(now, call_now_ms(c));
		r = tx_put(c->tx, now);
	}
	return r < 0 ? r : answer_record(c, now);
}

/* ---- deleting ---- */

/* Whoever leaves an account leaves its projects, too. */
static int leave_projects(struct call *c, int64_t person_id)
{
	struct query q = { .kind = KIND_project, .limit = -1 };
	scoped(records_fini) struct records projects = { 0 };
	int r = tx_list(c->tx,
		query_where(&q, F_project_account_id, OP_EQ, record_id(c->at[KIND_account])),
		&projects);

	for (size_t i = 0; r == 0 && i < projects.n; i++)
		r = memberships_leave(c, projects.items[i], person_id);
	return r;
}

int account_memberships_delete(struct call *c)
{
	scoped(record_unref) struct record *membership = NULL;
	int r = find(c, &membership);

	if (r < 0)
		return r;
	if (record_int(membership, F_account_membership_owner, 0))
		return v5_error_problem(&c->error, "The account's owner cannot be removed.");
	r = leave_projects(c, c->ids[KIND_person]);
	if (r == 0)
		r = tx_delete(c->tx, KIND_account_membership, record_id(membership));
	return r < 0 ? r : answer_nothing(c);
}
