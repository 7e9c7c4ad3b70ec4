/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Persons by id. */
#include "people.h"

static int check_person(struct call *c, const char *key, int64_t id)
{
	scoped(record_unref) struct record *person = NULL;
	int r = tx_get(c->tx, KIND_person, id, &person);

	if (r > 0)
		return v5_error_problem(
			&c->error, "'%s' names no person: %lld", key, (long long)id);
	return r;
}

void people_add_once(const struct ids *ids, struct ids *ret)
{
	for (size_t i = 0; i < ids->n; i++) {
		if (!ids_has(ret, ids->v[i]))
			ids_add(ret, ids->v[i]);
	}
}

int people_set(struct call *c, struct record *r, int f, const struct ids *wanted)
{
	const struct value *before = record_get(r, f);
	scoped(ids_fini) struct ids once = { 0 };
	int e = 0;

	for (size_t i = 0; e == 0 && i < wanted->n; i++) {
		if (before->state != VALUE_SET || !ids_has(&before->ids, wanted->v[i]))
			e = check_person(c, schema_field(record_kind(r), f)->key, wanted->v[i]);
	}
	people_add_once(wanted, &once);
	if (e == 0 && (once.n || before->state == VALUE_SET))
		record_set_ids(r, f, &once);
	return e;
}

int people_set_one(struct call *c, struct record *r, int f, int64_t id)
{
	int e = record_int(r, f, 0) == id
			? 0
			: check_person(c, schema_field(record_kind(r), f)->key, id);

	if (e == 0)
		record_set_int(r, f, id);
	return e;
}

int people_set_author(struct call *c, struct record *r, int f, const struct record *patch)
{
	record_clear(r, f);
	if (record_has(patch, f))
		return people_set_one(c, r, f, record_int(patch, f, 0));
	if (c->who.person_id)
		record_set_int(r, f, c->who.person_id);
	return 0;
}

bool people_same_set(const struct ids *ids, const struct value *v)
{
	size_t n = v->state == VALUE_SET ? v->ids.n : 0;

	for (size_t i = 0; i < ids->n && n == ids->n; i++) {
		if (!ids_has(&v->ids, ids->v[i]))
			return false;
	}
	return ids->n == n;
}
