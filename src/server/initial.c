/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Initial values are texts in schema.def, read by their field's type. */
#include "initial.h"

#include <assert.h>

#include "storyfs/parse.h"

static void set_initial(struct record *r, int f)
{
	const struct field *field = schema_field(record_kind(r), f);
	int64_t i;
	bool yes;

	switch (field->type) {
	case TYPE_INT:
		if (parse_int(field->initial, INT64_MIN, INT64_MAX, &i))
			record_set_int(r, f, i);
		return;
	case TYPE_BOOL:
		if (parse_bool(field->initial, &yes))
			record_set_int(r, f, yes);
		return;
	case TYPE_ENUM:
		i = choices_find(field->choices, field->initial, false);
		assert(i >= 0);
		record_set_int(r, f, i);
		return;
	case TYPE_STRING:
	case TYPE_XSTRING:
		record_set_text(r, f, field->initial);
		return;
	case TYPE_OBJECT: {
		scoped(record_unref) struct record *nested = record_new(field->of);

		record_set_text(nested, schema_resource(field->of)->label, field->initial);
		record_set_object(r, f, nested);
		return;
	}
	case TYPE_FLOAT:
	case TYPE_DATETIME:
	case TYPE_DATE:
	case TYPE_IDS:
	case TYPE_OBJECTS:
	case TYPE_JSON:
		break;
	}
	assert(!"an initial value of this type");
}

static void set_now(struct record *r, const char *key, int64_t now_ms, bool always)
{
	int f = schema_find_field(record_kind(r), key);

	if (f >= 0 && (always || !record_has(r, f)))
		record_set_int(r, f, now_ms);
}

void initial_touch(struct record *r, int64_t now_ms)
{
	set_now(r, "updated_at", now_ms, true);
}

void initial_fill(struct record *r)
{
	each_field(f, record_kind(r)) {
		const struct field *field = schema_field(record_kind(r), f);

		if (field->initial && (field->flags & FIELD_KEEP) && !record_has(r, f))
			set_initial(r, f);
	}
}

/* The patch without what is not stored, and without nulls. */
static struct record *stored_part(const struct record *patch)
{
	struct record *r = record_new(record_kind(patch));

	each_field(f, record_kind(patch)) {
		const struct field *field = schema_field(record_kind(patch), f);

		if ((field->flags & FIELD_KEEP) && record_has(patch, f))
			record_set(r, f, value_copy(field, record_get(patch, f)));
	}
	return r;
}

int initial_make(struct call *c, const struct record *patch, struct record **ret)
{
	enum kind kind = record_kind(patch);
	scoped(record_unref) struct record *r = stored_part(patch);
	int64_t id;
	int e = tx_next_id(c->tx, kind, &id);

	if (e < 0)
		return e;
	record_set_int(r, 0, id);
	initial_fill(r);
	set_now(r, "created_at", call_now_ms(c), false);
	set_now(r, "updated_at", call_now_ms(c), true);
	*ret = take_ptr(r);
	return 0;
}
