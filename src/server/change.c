/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of a resource. */
#include "change.h"

#include "followers.h"
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

int change_touch(struct call *c, struct activity *a, struct record *r, const struct ids *followers)
{
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	int e = activity_take_values(c, r, &before.json);

	if (e < 0)
		return e;
	for (size_t i = 0; followers && i < followers->n; i++)
		followers_add(r, followers->v[i]);
	initial_touch(r, call_now_ms(c));
	e = tx_put(c->tx, r);
	return e < 0 ? e : activity_updated(c, a, r, before.json);
}
