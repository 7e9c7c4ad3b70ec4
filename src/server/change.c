/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of a resource. */
#include "change.h"

#include "initial.h"

bool change_is_given(const struct record *patch, int f)
{
	return record_get(patch, f)->state != VALUE_ABSENT;
}

bool change_differs(const struct record *a, const struct record *b, int but, int also_but)
{
	each_field(f, record_kind(a)) {
		const struct field *field = schema_field(record_kind(a), f);

		if (f != but && f != also_but && (field->flags & FIELD_KEEP) &&
			!value_equal(field, record_get(a, f), record_get(b, f)))
			return true;
	}
	return false;
}

static void add_follower(struct record *r, int64_t person_id)
{
	int f = schema_find_field(record_kind(r), "follower_ids");
	const struct value *v = record_get(r, f);

	if (v->state == VALUE_SET && ids_has(&v->ids, person_id))
		return;
	struct value more = value_copy(schema_field(record_kind(r), f), v);

	more.state = VALUE_SET;
	ids_add(&more.ids, person_id);
	record_set(r, f, more);
}

int change_touch(struct call *c, struct activity *a, struct record *r, int64_t follower_id)
{
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	int e = activity_take_values(c, r, &before.json);

	if (e < 0)
		return e;
	if (follower_id)
		add_follower(r, follower_id);
	initial_touch(r, call_now_ms(c));
	e = tx_put(c->tx, r);
	return e < 0 ? e : activity_updated(c, a, r, before.json);
}
