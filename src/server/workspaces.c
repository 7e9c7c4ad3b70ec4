/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workspaces: a person's own choice of projects to look at together. */
#include "change.h"
#include "initial.h"
#include "input.h"
#include "people.h"
#include "projects.h"
#include "route.h"
#include "shape.h"

int workspaces_list(struct call *c)
{
	struct query q = { .kind = KIND_workspace, .limit = -1 };
	scoped(records_fini) struct records list = { 0 };
	int r = tx_list(
		c->tx, query_where(&q, F_workspace_person_id, OP_EQ, c->who.person_id), &list);

	return r < 0 ? r : answer_records(c, KIND_workspace, &list);
}

/* ---- writing ---- */

static int refuse_project(struct call *c, int64_t id)
{
	return v5_error_problem(&c->error,
		"You cannot add project id %lld to your workspace, either you are not a member or "
		"the project doesn't exist.",
		(long long)id);
}

/* Each project once, each one of the person's. */
static int check_projects(struct call *c, struct record *patch)
{
	const struct value *v = record_get(patch, F_workspace_project_ids);
	const struct ids ids = value_ids(v);
	scoped(ids_fini) struct ids once = { 0 };
	const struct ids *visible;
	int r = projects_visible(c, &visible);

	if (r < 0 || v->state != VALUE_SET)
		return r;
	for (size_t i = 0; i < ids.n; i++) {
		if (!ids_has(visible, ids.v[i]))
			return refuse_project(c, ids.v[i]);
	}
	people_add_once(&ids, &once);
	record_set_ids(patch, F_workspace_project_ids, &once);
	return 0;
}

static int read_patch(struct call *c, struct record **ret)
{
	scoped(record_unref) struct record *patch = NULL;
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = check_projects(c, patch);
	if (r == 0)
		*ret = take_ptr(patch);
	return r;
}

int workspaces_create(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *workspace = NULL;
	int r = read_patch(c, &patch);

	if (r == 0)
		r = initial_make(c, patch, &workspace);
	if (r < 0)
		return r;
	record_set_int(workspace, F_workspace_person_id, c->who.person_id);
	r = tx_put(c->tx, workspace);
	return r < 0 ? r : answer_record(c, workspace);
}

int workspaces_update(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = read_patch(c, &patch);

	if (r < 0)
		return r;
	now = record_patched(c->at[KIND_workspace], patch);
	r = tx_put(c->tx, now);
	return r < 0 ? r : answer_record(c, now);
}

int workspaces_delete(struct call *c)
{
	int r = tx_delete(c->tx, KIND_workspace, c->ids[KIND_workspace]);

	return r < 0 ? r : answer_nothing(c);
}
