/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose archive it is, and who may see the imported projects. A dump says neither: it was made by
 * somebody, who is in it as the one who did most.
 */
#include <inttypes.h>

#include "accounts.h"
#include "import_run.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/identity.h"

/* ---- the owner ---- */

/* The busiest of the known people; the first of them when none did anything. */
static int64_t find_busiest(const struct import_run *run, const struct records *people)
{
	scoped(free_ptr) int64_t *counts = xcalloc(people->n, sizeof(*counts));
	size_t best = 0;

	each_mention(m, &run->mentions)
	{
		for (size_t i = 0; m->n_deeds && i < people->n; i++) {
			if (record_id(people->items[i]) == m->key.person_id)
				counts[i] += m->n_deeds;
		}
	}
	for (size_t i = 0; i < people->n; i++) {
		if (counts[i] > counts[best])
			best = i;
	}
	return people->n ? record_id(people->items[best]) : 0;
}

static int make_person(struct import_run *run)
{
	const char *name = getenv("USER");
	char initials[2] = { 0 };
	int e = tx_next_id(run->tx, KIND_person, &run->owner_id);

	if (e < 0)
		return e;
	if (!name || !*name)
		name = "owner";
	initials[0] = name[0];
	scoped(record_unref) struct record *r = record_new(KIND_person);

	record_set_int(r, F_person_id, run->owner_id);
	record_set_text(r, F_person_name, name);
	record_set_text(r, F_person_username, name);
	record_set_text(r, F_person_initials, initials);
	scoped(record_unref) struct record *whole = import_with_initials(r);

	buf_add_fmt(
		&run->report.notes, "it names nobody; '%s' was made and owns the archive\n", name);
	return import_put(run, whole);
}

static int choose_owner(struct import_run *run)
{
	const struct query q = { .kind = KIND_person, .limit = -1 };
	scoped(records_fini) struct records people = { 0 };
	int e = tx_list(run->tx, &q, &people);

	if (e < 0)
		return e;
	run->owner_id = run->me_id ? run->me_id : find_busiest(run, &people);
	return run->owner_id ? 0 : make_person(run);
}

int import_find_owner(struct import_run *run)
{
	const struct query projects = { .kind = KIND_project, .limit = -1 };
	int64_t n_projects = 0;
	int e;

	if (run->config->owner) {
		e = identity_find(run->tx, run->config->owner, &run->owner_id, run->reason);
		return e < 0 ? e : identity_set_owner(run->tx, run->owner_id);
	}
	e = identity_get_owner(run->tx, &run->owner_id);
	if (e <= 0)
		return e;
	/* People alone do not tell; the projects that come later will. */
	e = tx_count(run->tx, &projects, &n_projects);
	if (e < 0 || (!n_projects && !run->me_id))
		return e;
	e = choose_owner(run);
	return e < 0 ? e : identity_set_owner(run->tx, run->owner_id);
}

/* ---- memberships ---- */

static int list_members(struct import_run *run, int64_t project_id, struct records *ret)
{
	struct query q = { .kind = KIND_project_membership, .limit = -1 };

	return tx_list(
		run->tx, query_where(&q, F_project_membership_project_id, OP_EQ, project_id), ret);
}

static bool is_member(const struct records *members, int64_t person_id)
{
	each_record(m, members) {
		if (record_int(m, F_project_membership_person_id, 0) == person_id)
			return true;
	}
	return false;
}

/* What the dump's maker knows of the own membership, as a membership; NULL when nothing. */
static struct record *from_summary(const struct import_run *run, int64_t project_id)
{
	each_record(s, &run->summaries) {
		if (record_int(s, F_membership_summary_project_id, 0) != project_id)
			continue;
		return record_as(s, KIND_project_membership);
	}
	return NULL;
}

static int put_membership(
	struct import_run *run, const struct record *project, int64_t person_id, enum role role)
{
	scoped(record_unref) struct record *summary =
		role == ROLE_OWNER ? from_summary(run, record_id(project)) : NULL;
	scoped(record_unref) struct record *m =
		summary ? record_ref(summary) : record_new(KIND_project_membership);
	int64_t id = record_id(m);
	int e = id ? 0 : tx_next_id(run->tx, KIND_project_membership, &id);

	if (e < 0)
		return e;
	record_set_int(m, F_project_membership_id, id);
	record_set_int(m, F_project_membership_project_id, record_id(project));
	record_set_int(m, F_project_membership_person_id, person_id);
	if (!record_has(m, F_project_membership_role))
		record_set_int(m, F_project_membership_role, role);
	if (record_has(project, F_project_created_at)) {
		int64_t at = record_int(project, F_project_created_at, 0);

		record_set_int(m, F_project_membership_created_at, at);
		record_set_int(m, F_project_membership_updated_at, at);
	}
	scoped(record_unref) struct record *whole = import_with_initials(m);

	return import_put(run, whole);
}

/* Everybody whom the project's stories, comments and reviews name, in this order. */
static int add_named(
	struct import_run *run, const struct record *project, const struct records *members)
{
	int64_t n_unknown = 0;

	each_mention(m, &run->mentions)
	{
		scoped(record_unref) struct record *person = NULL;
		int64_t id = m->key.person_id;

		if (!m->is_member || m->key.project_id != record_id(project))
			continue;
		int e = tx_get(run->tx, KIND_person, id, &person);

		n_unknown += e > 0;
		if (e == 0 && id != run->owner_id && !is_member(members, id))
			e = put_membership(run, project, id, ROLE_MEMBER);
		if (e < 0)
			return e;
	}
	if (n_unknown)
		buf_add_fmt(&run->report.notes,
			"project %" PRId64 ": %" PRId64
			" of the people its stories name are known by their ids alone\n",
			record_id(project), n_unknown);
	return 0;
}

static bool has_dumped_members(const struct import_run *run, int64_t project_id)
{
	each_entry_of(e, &run->table, KIND_project_membership) {
		if (record_int(e->record, F_project_membership_project_id, 0) == project_id)
			return true;
	}
	return false;
}

static int add_members(struct import_run *run, const struct record *project)
{
	scoped(records_fini) struct records members = { 0 };
	int e = list_members(run, record_id(project), &members);

	if (e == 0 && !is_member(&members, run->owner_id))
		e = put_membership(run, project, run->owner_id, ROLE_OWNER);
	if (e == 0)
		e = add_named(run, project, &members);
	return e;
}

int import_memberships(struct import_run *run)
{
	each_entry_of(e, &run->table, KIND_project) {
		if (ids_has(&run->newer, e->key.id) || has_dumped_members(run, e->key.id))
			continue;
		int r = add_members(run, e->record);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- accounts ---- */

int import_accounts(struct import_run *run)
{
	int64_t now = clock_now_ms();

	return accounts_complete(run->tx, now - now % 1000);
}

int import_keep_account(struct import_run *run, struct record *project)
{
	scoped(record_unref) struct record *old = NULL;
	int e = 1;

	if (!record_has(project, F_project_account_id))
		e = tx_get(run->tx, KIND_project, record_id(project), &old);
	if (e == 0 && record_has(old, F_project_account_id))
		record_set_int(
			project, F_project_account_id, record_int(old, F_project_account_id, 0));
	return e < 0 ? e : 0;
}
