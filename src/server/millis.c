/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times inside JSON that is kept as it came: which members are times is in schema.def. */
#include "millis.h"

#include <jansson.h>

#include "storyfs/json.h"

static void convert(enum kind kind, json_t *json);

/* A member that schema.def knows: a time, or resources with times of their own. */
static void convert_member(const struct field *field, json_t *values, const char *key, json_t *json)
{
	struct value v;

	if (field->type == TYPE_OBJECT || field->type == TYPE_OBJECTS)
		convert(field->of, json);
	else if (field->type == TYPE_DATETIME && json_to_value(field, json, &v) &&
		 v.state == VALUE_SET)
		json_object_set_new(values, key, json_integer(v.i));
}

/* A resource's values, or a list of them. */
static void convert(enum kind kind, json_t *json)
{
	const char *key;
	json_t *item;
	void *next;
	size_t i;

	json_array_foreach(json, i, item) convert(kind, item);
	json_object_foreach_safe(json, next, key, item)
	{
		int f = schema_find_field(kind, key);

		if (f >= 0)
			convert_member(schema_field(kind, f), json, key, item);
	}
}

void millis_convert_changes(struct record *activity)
{
	json_t *changes = json_loads(record_text(activity, F_activity_changes), 0, NULL);
	scoped(buf_fini) struct buf text = BUF_INIT;
	size_t i;
	json_t *change;

	json_array_foreach(changes, i, change)
	{
		const char *word = json_string_value(json_object_get(change, "kind"));
		enum kind kind = word ? schema_find_kind(word) : KIND_none;

		convert(kind, json_object_get(change, "original_values"));
		convert(kind, json_object_get(change, "new_values"));
	}
	if (changes) {
		json_write(changes, &text);
		record_set_text(activity, F_activity_changes, buf_str(&text));
	}
	json_decref(changes);
}
