/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accounts: listing them, and which one a project is in. */
#include "accounts.h"

#include <jansson.h>

#include "initial.h"
#include "projects.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"

/* The words of with_permission and `permissions`, and the flag of a membership that gives each. */
static const struct {
	const char *word;
	int flag;
} permissions[] = {
	{ "none", -1 },
	{ "project_creation", F_account_membership_project_creator },
	{ "time_keeping", F_account_membership_timekeeper },
	{ "time_entering", F_account_membership_time_enterer },
	{ "administration", F_account_membership_admin },
};

static bool has_flag(const struct record *membership, int flag)
{
	return record_int(membership, flag, 0);
}

bool accounts_is_admin(const struct record *membership)
{
	return has_flag(membership, F_account_membership_owner) ||
	       has_flag(membership, F_account_membership_admin);
}

bool accounts_is_creator(const struct record *membership)
{
	return accounts_is_admin(membership) ||
	       has_flag(membership, F_account_membership_project_creator);
}

/* Owners and admins may do everything. */
static bool has_permission(const struct record *membership, size_t i)
{
	return permissions[i].flag < 0 || accounts_is_admin(membership) ||
	       has_flag(membership, permissions[i].flag);
}

/* ---- memberships ---- */

int accounts_find_membership(
	struct tx *tx, int64_t account_id, int64_t person_id, struct record **ret)
{
	struct query q = { .kind = KIND_account_membership, .limit = 1 };
	scoped(records_fini) struct records found = { 0 };

	query_where(&q, F_account_membership_account_id, OP_EQ, account_id);
	query_where(&q, F_account_membership_person_id, OP_EQ, person_id);
	int r = tx_list(tx, &q, &found);

	if (r < 0 || !found.n)
		return r < 0 ? r : 1;
	*ret = record_ref(found.items[0]);
	return 0;
}

static int list_memberships(struct tx *tx, int field, int64_t id, struct records *ret)
{
	struct query q = { .kind = KIND_account_membership, .limit = -1 };

	return tx_list(tx, query_where(&q, field, OP_EQ, id), ret);
}

int accounts_list_mine(struct call *c, struct ids *ret)
{
	scoped(records_fini) struct records mine = { 0 };
	int r = list_memberships(c->tx, F_account_membership_person_id, c->who.person_id, &mine);

	each_record(membership, &mine)
		ids_add(ret, record_int(membership, F_account_membership_account_id, 0));
	return r;
}

/* ---- listing ---- */

static int list_by_ids(struct call *c, const struct ids *ids, struct records *ret)
{
	struct query q = { .kind = KIND_account, .limit = -1 };

	query_where(&q, F_account_id, OP_IN, 0)->where[0].ids = ids;
	return tx_list(c->tx, &q, ret);
}

/* Those in which the person has a permission. */
static int list_permitted(struct call *c, size_t permission, struct records *ret)
{
	scoped(records_fini) struct records mine = { 0 };
	scoped(ids_fini) struct ids ids = { 0 };
	int r = list_memberships(c->tx, F_account_membership_person_id, c->who.person_id, &mine);

	each_record(membership, &mine) {
		if (has_permission(membership, permission))
			ids_add(&ids, record_int(membership, F_account_membership_account_id, 0));
	}
	return r < 0 ? r : list_by_ids(c, &ids, ret);
}

int accounts_list(struct call *c)
{
	const struct query all = { .kind = KIND_account, .limit = -1 };
	const size_t administration = sizeof(permissions) / sizeof(*permissions) - 1;
	scoped(records_fini) struct records list = { 0 };
	int r = c->who.trusted ? tx_list(c->tx, &all, &list)
			       : list_permitted(c, administration, &list);

	return r < 0 ? r : answer_records(c, KIND_account, &list);
}

int accounts_list_summaries(struct call *c)
{
	const struct value *with = &c->given[P_account_summary_list_with_permission];
	scoped(records_fini) struct records list = { 0 };
	scoped(records_fini) struct records summaries = { 0 };
	int r = list_permitted(c, with->state == VALUE_SET ? (size_t)with->i : 0, &list);

	if (r < 0)
		return r;
	each_record(account, &list)
		records_add(&summaries, record_as(account, KIND_account_summary));
	return answer_records(c, KIND_account_summary, &summaries);
}

/* ---- derived fields ---- */

static int list_projects(struct call *c, int64_t account_id, struct records *ret)
{
	struct query q = { .kind = KIND_project, .limit = -1 };

	return tx_list(c->tx, query_where(&q, F_project_account_id, OP_EQ, account_id), ret);
}

/* An account's admins see those of its projects that they are in. */
int accounts_fill_projects(struct call *c, struct records *list, int f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		scoped(records_fini) struct records projects = { 0 };
		scoped(ids_fini) struct ids ids = { 0 };

		r = list_projects(c, record_id(list->items[i]), &projects);
		if (r == 0)
			r = projects_drop_invisible(c, KIND_project, &projects);
		each_record(project, &projects)
			ids_add(&ids, record_id(project));
		record_set_ids(list->items[i], f, &ids);
	}
	return r;
}

static void set_permissions(struct record *summary, const struct record *mine)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	json_t *words = json_array();

	for (size_t i = 1; mine && i < sizeof(permissions) / sizeof(*permissions); i++) {
		if (has_permission(mine, i))
			json_array_append_new(words, json_string(permissions[i].word));
	}
	json_write(words, &text);
	json_decref(words);
	record_set_text(summary, F_account_summary_permissions, buf_str(&text));
}

static void set_people(struct record *summary, const struct records *memberships, int64_t me)
{
	scoped(ids_fini) struct ids admins = { 0 };
	const struct record *mine = NULL;

	each_record(membership, memberships) {
		int64_t person_id = record_int(membership, F_account_membership_person_id, 0);

		if (person_id == me)
			mine = membership;
		if (record_int(membership, F_account_membership_owner, 0))
			record_set_int(summary, F_account_summary_owner_id, person_id);
		else if (record_int(membership, F_account_membership_admin, 0))
			ids_add(&admins, person_id);
	}
	record_set_ids(summary, F_account_summary_admin_ids, &admins);
	set_permissions(summary, mine);
}

static void set_numbers(struct record *summary, const struct records *projects)
{
	int64_t n_private = 0;

	each_record(project, projects)
		n_private += !record_int(project, F_project_public, 0);
	record_set_int(summary, F_account_summary_number_of_projects, (int64_t)projects->n);
	record_set_int(summary, F_account_summary_number_of_private_projects, n_private);
	record_set_int(summary, F_account_summary_is_enterprise_guest, false);
}

/* All at once: whoever asks for one of them wants the account's people or numbers. */
int accounts_fill_summary(struct call *c, struct records *list, int f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		struct record *summary = list->items[i];
		scoped(records_fini) struct records memberships = { 0 };
		scoped(records_fini) struct records projects = { 0 };

		if (record_has(summary, f))
			continue;
		r = list_memberships(
			c->tx, F_account_membership_account_id, record_id(summary), &memberships);
		if (r == 0)
			r = list_projects(c, record_id(summary), &projects);
		if (r < 0)
			return r;
		set_people(summary, &memberships, c->who.person_id);
		set_numbers(summary, &projects);
	}
	return r;
}

/* ---- making ---- */

int accounts_put(struct tx *tx, int64_t id, const char *name, int64_t now_ms)
{
	scoped(record_unref) struct record *bare = record_new(KIND_account);

	record_set_int(bare, F_account_id, id);
	record_set_text(bare, F_account_name, name);
	record_set_int(bare, F_account_created_at, now_ms);
	record_set_int(bare, F_account_updated_at, now_ms);
	initial_fill(bare);
	return tx_put(tx, bare);
}

static int put_membership(
	struct tx *tx, int64_t account_id, int64_t person_id, bool owner, int64_t now_ms)
{
	scoped(record_unref) struct record *membership = record_new(KIND_account_membership);
	int64_t id;
	int r = tx_next_id(tx, KIND_account_membership, &id);

	if (r < 0)
		return r;
	record_set_int(membership, F_account_membership_id, id);
	record_set_int(membership, F_account_membership_account_id, account_id);
	record_set_int(membership, F_account_membership_person_id, person_id);
	record_set_int(membership, F_account_membership_owner, owner);
	record_set_int(membership, F_account_membership_admin, owner);
	record_set_int(membership, F_account_membership_project_creator, owner);
	record_set_int(membership, F_account_membership_created_at, now_ms);
	record_set_int(membership, F_account_membership_updated_at, now_ms);
	initial_fill(membership);
	return tx_put(tx, membership);
}

int accounts_join(struct tx *tx, int64_t account_id, int64_t person_id, int64_t now_ms)
{
	scoped(record_unref) struct record *membership = NULL;

	if (!account_id)
		return 0;
	int r = accounts_find_membership(tx, account_id, person_id, &membership);

	return r > 0 ? put_membership(tx, account_id, person_id, false, now_ms) : r;
}

int accounts_own(struct tx *tx, int64_t id, int64_t person_id, int64_t now_ms)
{
	return put_membership(tx, id, person_id, true, now_ms);
}

int accounts_make(
	struct tx *tx, const char *name, int64_t owner_id, int64_t now_ms, int64_t *ret_id)
{
	int r = tx_next_id(tx, KIND_account, ret_id);

	if (r == 0)
		r = accounts_put(tx, *ret_id, name, now_ms);
	return r < 0 ? r : accounts_own(tx, *ret_id, owner_id, now_ms);
}
