/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saved searches: a person's own, in a project. */
#include "auth.h"
#include "initial.h"
#include "input.h"
#include "route.h"
#include "search_find.h"
#include "shape.h"

int saved_searches_list(struct call *c)
{
	struct query q = { .kind = KIND_saved_search, .limit = -1 };
	scoped(records_fini) struct records list = { 0 };

	query_where(&q, F_saved_search_project_id, OP_EQ, call_project_id(c));
	query_where(&q, F_saved_search_person_id, OP_EQ, c->who.person_id);
	int r = tx_list(c->tx, &q, &list);

	return r < 0 ? r : answer_records(c, KIND_saved_search, &list);
}

int saved_searches_create(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *saved = NULL;
	scoped(search_free) struct search *s = NULL;

	/* Somebody who is there by the project's being public alone keeps nothing in it. */
	if (c->is_guest)
		return auth_refuse(c);
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = search_read(c, record_text(patch, F_saved_search_query), &s);
	if (r == 0)
		r = initial_make(c, patch, &saved);
	if (r < 0)
		return r;
	record_set_int(saved, F_saved_search_project_id, call_project_id(c));
	record_set_int(saved, F_saved_search_person_id, c->who.person_id);
	r = tx_put(c->tx, saved);
	return r < 0 ? r : answer_record(c, saved);
}

int saved_searches_delete(struct call *c)
{
	int r = tx_delete(c->tx, KIND_saved_search, c->ids[KIND_saved_search]);

	return r < 0 ? r : answer_nothing(c);
}
