/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The people one works with. */
#include "auth.h"
#include "people.h"
#include "route.h"
#include "shape.h"

/* Each person's first membership. */
static void drop_repeated(struct records *list)
{
	scoped(ids_fini) struct ids known = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		int64_t id = record_int(list->items[i], F_project_membership_person_id, 0);

		if (ids_has(&known, id)) {
			record_unref(list->items[i]);
			continue;
		}
		ids_add(&known, id);
		list->items[n++] = list->items[i];
	}
	list->n = n;
}

int people_list_mine(struct call *c)
{
	const struct value *project_id = &c->given[P_people_list_project_id];
	struct query q = { .kind = KIND_project_membership, .limit = -1 };
	scoped(ids_fini) struct ids projects = { 0 };
	scoped(records_fini) struct records list = { 0 };
	int r = 0;

	if (project_id->state == VALUE_SET) {
		r = auth_enter_project(c, project_id->i);
		ids_add(&projects, project_id->i);
		/* The answer is not about one project: no version is told. */
		record_unref(c->at[KIND_project]);
		c->at[KIND_project] = NULL;
	} else {
		r = people_list_projects(c, &projects);
	}
	query_where(&q, F_project_membership_project_id, OP_IN, 0)->where[0].ids = &projects;
	if (r == 0)
		r = tx_list(c->tx, &q, &list);
	drop_repeated(&list);
	return r < 0 ? r : answer_records(c, KIND_project_membership, &list);
}
