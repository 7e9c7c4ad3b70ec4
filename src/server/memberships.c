/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memberships: who is what in a project. */
#include "memberships.h"

#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "initial.h"
#include "input.h"
#include "people.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

/* ---- listing ---- */

struct named {
	char *name;
	struct record *membership;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* The name by which the person sorts; the caller frees it. */
static char *sort_name(struct call *c, const struct record *membership)
{
	scoped(record_unref) struct record *person = NULL;
	int r = tx_get(c->tx, KIND_person,
		record_int(membership, F_project_membership_person_id, 0), &person);

	return text_lower(r == 0 ? record_text(person, F_person_name) : "");
}

static void sort_by_name(struct call *c, struct records *list)
{
	struct named *rows = xcalloc(list->n + 1, sizeof(*rows));

	for (size_t i = 0; i < list->n; i++)
		rows[i] = (struct named){ sort_name(c, list->items[i]), list->items[i] };
	qsort(rows, list->n, sizeof(*rows), by_name);
	for (size_t i = 0; i < list->n; i++) {
		list->items[i] = rows[i].membership;
		free(rows[i].name);
	}
	free(rows);
}

int memberships_list(struct call *c)
{
	struct query q = { .kind = KIND_project_membership, .limit = -1 };
	scoped(records_fini) struct records list = { 0 };
	int r = tx_list(c->tx,
		query_where(&q, F_project_membership_project_id, OP_EQ, call_project_id(c)), &list);

	if (r == 0 && c->given[P_membership_list_sort_by].state == VALUE_SET)
		sort_by_name(c, &list);
	return r < 0 ? r : answer_records(c, KIND_project_membership, &list);
}

/* ---- creating ---- */

static int refuse_member(struct call *c, int64_t person_id)
{
	scoped(record_unref) struct record *person = NULL;
	int r = tx_get(c->tx, KIND_person, person_id, &person);

	return r < 0 ? r
		     : v5_error_problem(&c->error, "%s is already a project member",
			       r == 0 ? record_text(person, F_person_name) : "Somebody");
}

static int check_new(struct call *c, int64_t person_id)
{
	struct query q = { .kind = KIND_project_membership };
	int64_t n = 0;

	query_where(&q, F_project_membership_project_id, OP_EQ, call_project_id(c));
	query_where(&q, F_project_membership_person_id, OP_EQ, person_id);
	int r = tx_count(c->tx, &q, &n);

	return r == 0 && n ? refuse_member(c, person_id) : r;
}

static int write_new(
	struct call *c, struct activity *a, const struct record *patch, struct record **ret)
{
	scoped(record_unref) struct record *membership = NULL;
	int r = initial_make(c, patch, &membership);

	if (r < 0)
		return r;
	record_set_int(membership, F_project_membership_project_id, call_project_id(c));
	r = tx_put(c->tx, membership);
	if (r == 0)
		r = accounts_join(c->tx, record_int(call_project(c), F_project_account_id, 0),
			record_int(membership, F_project_membership_person_id, 0), call_now_ms(c));
	if (r == 0)
		r = activity_created(c, a, membership);
	if (r == 0)
		*ret = take_ptr(membership);
	return r;
}

int memberships_add(
	struct call *c, struct activity *a, int64_t person_id, enum role role, struct record **ret)
{
	scoped(record_unref) struct record *patch = record_new(KIND_project_membership);

	record_set_int(patch, F_project_membership_person_id, person_id);
	record_set_int(patch, F_project_membership_role, role);
	return write_new(c, a, patch, ret);
}

static int find_member(struct call *c, struct record *patch)
{
	const struct newcomer who = {
		.email = &c->given[P_membership_create_email],
		.name = &c->given[P_membership_create_name],
		.initials = &c->given[P_membership_create_initials],
	};

	return people_set_newcomer(c, patch, F_project_membership_person_id, &who);
}

static int write_activity(struct call *c, struct activity *a, const struct record *membership,
	const char *kind, const char *highlight)
{
	scoped(record_unref) struct record *person = NULL;
	int r = tx_get(c->tx, KIND_person,
		record_int(membership, F_project_membership_person_id, 0), &person);

	if (r < 0)
		return r;
	scoped(free_ptr) char *message = xasprintf("%s %s as a %s", highlight,
		person ? record_text(person, F_person_name) : "somebody",
		record_word(membership, F_project_membership_role));

	activity_add_primary(a, call_project(c));
	return activity_write(c, a, kind, highlight, message);
}

int memberships_create(struct call *c)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *membership = NULL;
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = find_member(c, patch);
	if (r == 0)
		r = check_new(c, record_int(patch, F_project_membership_person_id, 0));
	if (r == 0)
		r = write_new(c, &a, patch, &membership);
	if (r == 0)
		r = write_activity(
			c, &a, membership, "project_membership_create_activity", "added");
	return r < 0 ? r : answer_record(c, membership);
}

/* ---- updating and deleting ---- */

/* A project without an owner could never get one again. */
static int check_last_owner(struct call *c, const struct record *old)
{
	struct query q = { .kind = KIND_project_membership };
	int64_t n = 0;

	if (record_int(old, F_project_membership_role, ROLE_VIEWER) != ROLE_OWNER)
		return 0;
	query_where(&q, F_project_membership_project_id, OP_EQ, call_project_id(c));
	query_where(&q, F_project_membership_role, OP_EQ, ROLE_OWNER);
	int r = tx_count(c->tx, &q, &n);

	return r == 0 && n < 2
		       ? v5_error_problem(&c->error, "A project must have at least one owner.")
		       : r;
}

static int write_update(struct call *c, const struct record *old, struct record *now)
{
	scoped(activity_fini) struct activity a = { 0 };
	int r = activity_put(c, &a, old, now);

	return r < 0 ? r
		     : write_activity(c, &a, now, "project_membership_update_activity", "edited");
}

int memberships_update(struct call *c)
{
	const struct record *old = c->at[KIND_project_membership];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	scoped(record_unref) struct record *differs = NULL;
	int r = input_read_checked(c, &patch);

	if (r < 0)
		return r;
	now = record_patched(old, patch);
	if (record_int(now, F_project_membership_role, ROLE_OWNER) != ROLE_OWNER)
		r = check_last_owner(c, old);
	differs = r == 0 ? record_diff(old, now) : NULL;
	if (differs)
		r = write_update(c, old, now);
	return r < 0 ? r : answer_record(c, now);
}

static int remove_membership(struct call *c, const struct record *membership)
{
	scoped(activity_fini) struct activity a = { 0 };
	int r = check_last_owner(c, membership);

	if (r == 0)
		r = tx_delete(c->tx, KIND_project_membership, record_id(membership));
	activity_add_delete(&a, membership);
	return r < 0 ? r
		     : write_activity(
			       c, &a, membership, "project_membership_delete_activity", "removed");
}

int memberships_delete(struct call *c)
{
	int r = remove_membership(c, c->at[KIND_project_membership]);

	return r < 0 ? r : answer_nothing(c);
}

/* ---- as commands of their own ---- */

/* The call's project until end_visit; the one it had is kept. */
static struct record *visit(struct call *c, const struct record *project)
{
	struct record *before = c->at[KIND_project];

	c->at[KIND_project] = record_copy(project);
	return before;
}

static void end_visit(struct call *c, struct record *before)
{
	record_unref(c->at[KIND_project]);
	c->at[KIND_project] = before;
}

int memberships_join(
	struct call *c, const struct record *project, int64_t person_id, enum role role)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *membership = NULL;
	struct record *before = visit(c, project);
	int r = check_new(c, person_id);

	if (r == 0)
		r = memberships_add(c, &a, person_id, role, &membership);
	if (r == 0)
		r = write_activity(
			c, &a, membership, "project_membership_create_activity", "added");
	end_visit(c, before);
	return r;
}

int memberships_leave(struct call *c, const struct record *project, int64_t person_id)
{
	struct query q = { .kind = KIND_project_membership, .limit = 1 };
	scoped(records_fini) struct records found = { 0 };

	query_where(&q, F_project_membership_project_id, OP_EQ, record_id(project));
	query_where(&q, F_project_membership_person_id, OP_EQ, person_id);
	int r = tx_list(c->tx, &q, &found);

	if (r < 0 || !found.n)
		return r;
	struct record *before = visit(c, project);

	r = remove_membership(c, found.items[0]);
	end_visit(c, before);
	return r;
}
