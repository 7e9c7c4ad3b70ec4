/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which account a project is in. */
#include "accounts.h"

#include <string.h>

#include "change.h"
#include "route.h"
#include "storyfs/identity.h"

static int refuse_account(struct call *c)
{
	return v5_error_requirement(
		&c->error, "You must be a project creator on the destination account.");
}

/* ---- a project about to be written ---- */

static int check_creator(struct call *c, int64_t account_id)
{
	scoped(record_unref) struct record *account = NULL;
	scoped(record_unref) struct record *membership = NULL;
	int r = tx_get(c->tx, KIND_account, account_id, &account);

	if (r == 0 && !c->who.trusted)
		r = accounts_find_membership(c->tx, account_id, c->who.person_id, &membership);
	if (r < 0)
		return r;
	return r > 0 || (membership && !accounts_is_creator(membership)) ? refuse_account(c) : 0;
}

static int make_for(struct call *c, const char *name, struct record *project)
{
	int64_t id = 0;
	int r = accounts_make(c->tx, name, c->who.person_id, call_now_ms(c), &id);

	if (r == 0)
		record_set_int(project, F_project_account_id, id);
	return r;
}

/* The first of the person's accounts where it may make projects; a new one, named after it, when
 * there is none. */
static int choose_own(struct call *c, struct record *project)
{
	struct query q = { .kind = KIND_account_membership, .limit = -1 };
	scoped(records_fini) struct records mine = { 0 };
	scoped(record_unref) struct record *person = NULL;
	int r = tx_list(c->tx,
		query_where(&q, F_account_membership_person_id, OP_EQ, c->who.person_id), &mine);

	if (r < 0)
		return r;
	each_record(membership, &mine) {
		if (!accounts_is_creator(membership))
			continue;
		record_set_int(project, F_project_account_id,
			record_int(membership, F_account_membership_account_id, 0));
		return 0;
	}
	r = tx_get(c->tx, KIND_person, c->who.person_id, &person);
	return r == 0 ? make_for(c, record_text(person, F_person_name), project) : r < 0 ? r : 0;
}

int accounts_choose_new(struct call *c, struct record *project)
{
	const struct value *name = &c->given[P_project_create_new_account_name];

	if (name->state != VALUE_SET)
		return record_has(project, F_project_account_id)
			       ? check_creator(c, record_int(project, F_project_account_id, 0))
			       : choose_own(c, project);
	if (record_has(project, F_project_account_id))
		return v5_error_problem(
			&c->error, "account_id and new_account_name cannot be given together");
	return make_for(c, name->s, project);
}

int accounts_check_move(struct call *c, const struct record *old, const struct record *project)
{
	int64_t from = record_int(old, F_project_account_id, 0);
	int64_t to = record_int(project, F_project_account_id, 0);

	return from == to ? 0 : check_creator(c, to);
}

static bool is_shared(const struct record *project)
{
	const struct choices *types = schema_field(KIND_project, F_project_project_type)->choices;

	return record_int(project, F_project_project_type, 0) ==
	       choices_find(types, "shared", false);
}

int accounts_check_shared(struct call *c, const struct record *old, const struct record *project)
{
	scoped(record_unref) struct record *account = NULL;

	if (!is_shared(project) || (old && is_shared(old)))
		return 0;
	int r = tx_get(c->tx, KIND_account, record_int(project, F_project_account_id, 0), &account);

	if (r < 0 || (r == 0 && strcasestr(record_text(account, F_account_plan), "enterprise")))
		return r;
	return v5_error_problem(
		&c->error, "Cannot make a project's type shared on non-enterprise accounts");
}

/* ---- older archives and dumps ---- */

/* The account is a row; when it was only named, one called after its owner is made. */
static int require_account(struct tx *tx, int64_t id, const struct record *owner, int64_t now_ms)
{
	struct query q = { .kind = KIND_account_membership };
	scoped(record_unref) struct record *account = NULL;
	int64_t n = 0;
	int r = tx_get(tx, KIND_account, id, &account);

	if (r > 0)
		r = accounts_put(tx, id, record_text(owner, F_person_name), now_ms);
	if (r == 0)
		r = tx_count(tx, query_where(&q, F_account_membership_account_id, OP_EQ, id), &n);
	return r < 0 || n ? r : accounts_own(tx, id, record_id(owner), now_ms);
}

/* The account that the archive's owner has for projects that name none. */
static int find_or_make(struct tx *tx, const struct record *owner, int64_t now_ms, int64_t *ret_id)
{
	struct query q = { .kind = KIND_account_membership, .limit = 1 };
	scoped(records_fini) struct records owned = { 0 };

	query_where(&q, F_account_membership_person_id, OP_EQ, record_id(owner));
	query_where(&q, F_account_membership_owner, OP_EQ, true);
	int r = tx_list(tx, &q, &owned);

	if (r < 0)
		return r;
	if (!owned.n)
		return accounts_make(
			tx, record_text(owner, F_person_name), record_id(owner), now_ms, ret_id);
	*ret_id = record_int(owned.items[0], F_account_membership_account_id, 0);
	return 0;
}

static int give_account(
	struct tx *tx, struct record *project, const struct record *owner, int64_t now_ms)
{
	int64_t id = 0;
	int r = find_or_make(tx, owner, now_ms, &id);

	if (r < 0)
		return r;
	record_set_int(project, F_project_account_id, id);
	return tx_put(tx, project);
}

/* Those that name an account come first: the others may share it. */
static int settle(
	struct tx *tx, struct records *projects, const struct record *owner, int64_t now_ms)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < projects->n; i++) {
		int64_t id = record_int(projects->items[i], F_project_account_id, 0);

		r = id ? require_account(tx, id, owner, now_ms) : 0;
	}
	for (size_t i = 0; r == 0 && i < projects->n; i++) {
		if (!record_has(projects->items[i], F_project_account_id))
			r = give_account(tx, projects->items[i], owner, now_ms);
	}
	return r;
}

static int join_members(struct tx *tx, const struct record *project, int64_t now_ms)
{
	struct query q = { .kind = KIND_project_membership, .limit = -1 };
	scoped(records_fini) struct records members = { 0 };
	int r = tx_list(tx,
		query_where(&q, F_project_membership_project_id, OP_EQ, record_id(project)),
		&members);

	for (size_t i = 0; r == 0 && i < members.n; i++)
		r = accounts_join(tx, record_int(project, F_project_account_id, 0),
			record_int(members.items[i], F_project_membership_person_id, 0), now_ms);
	return r;
}

int accounts_complete(struct tx *tx, int64_t now_ms)
{
	const struct query q = { .kind = KIND_project, .limit = -1 };
	scoped(records_fini) struct records projects = { 0 };
	scoped(record_unref) struct record *owner = NULL;
	int64_t owner_id = 0;
	int r = identity_get_owner(tx, &owner_id);

	if (r == 0)
		r = tx_get(tx, KIND_person, owner_id, &owner);
	if (r == 0)
		r = tx_list(tx, &q, &projects);
	if (r)
		return r < 0 ? r : 0;
	r = settle(tx, &projects, owner, now_ms);
	for (size_t i = 0; r == 0 && i < projects.n; i++)
		r = join_members(tx, projects.items[i], now_ms);
	return r;
}
