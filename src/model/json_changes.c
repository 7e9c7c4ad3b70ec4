/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The changes of an activity item, of its JSON. */
#include "storyfs/activity_changes.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "storyfs/alloc.h"

static const char *const types[] = {
	[ACTIVITY_CREATE] = "create",
	[ACTIVITY_UPDATE] = "update",
	[ACTIVITY_DELETE] = "delete",
};

/* What is told under a name of its own, and is seen in another resource. */
static const struct {
	const char *name;
	enum kind kind;
} other_names[] = {
	{ "iteration_override", KIND_iteration },
};

static enum kind find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(other_names) / sizeof(*other_names); i++) {
		if (strcmp(other_names[i].name, name) == 0)
			return other_names[i].kind;
	}
	return schema_find_kind(name);
}

static int find_type(const char *name)
{
	for (int i = 0; name && i < (int)(sizeof(types) / sizeof(*types)); i++) {
		if (strcmp(types[i], name) == 0)
			return i;
	}
	return -1;
}

static int64_t number_at(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* `counts`, and the time at which they became others. */
static bool are_counts(const json_t *values)
{
	size_t n = json_object_size(values);

	return json_object_get(values, "counts") &&
	       n == (json_object_get(values, "updated_at") ? 2 : 1);
}

static int read_change(const json_t *change, struct activity_change *ret)
{
	const char *kind = json_string_value(json_object_get(change, "kind"));
	const json_t *values = json_object_get(change, "new_values");
	int type = find_type(json_string_value(json_object_get(change, "change_type")));

	if (!kind || type < 0)
		return -EBADMSG;
	*ret = (struct activity_change){
		.kind = find_kind(kind),
		.type = (enum activity_change_type)type,
		.id = number_at(change, "id"),
		.story_id = number_at(values, "story_id"),
		.epic_id = number_at(values, "epic_id"),
		.has_before = json_object_get(values, "before_id"),
		.has_after = json_object_get(values, "after_id"),
		.before_id = number_at(values, "before_id"),
		.after_id = number_at(values, "after_id"),
		.only_counts = type == ACTIVITY_UPDATE && are_counts(values),
	};
	return 0;
}

void activity_changes_fini(struct activity_changes *c)
{
	free(c->items);
	*c = (struct activity_changes){ 0 };
}

int activity_changes_read(const char *text, struct activity_changes *ret)
{
	struct activity_changes list = { 0 };
	json_t *root = json_loads(text, 0, NULL);
	int e = json_is_array(root) ? 0 : -EBADMSG;
	size_t i;
	json_t *change;

	list.items = xcalloc(json_array_size(root) + 1, sizeof(*list.items));
	json_array_foreach(root, i, change)
	{
		if (e == 0)
			e = read_change(change, &list.items[list.n++]);
	}
	json_decref(root);
	if (e < 0)
		activity_changes_fini(&list);
	else
		*ret = list;
	return e;
}

void activity_resources_read(const char *text, enum kind kind, struct ids *ret)
{
	json_t *root = json_loads(text, 0, NULL);
	size_t i;
	json_t *resource;

	json_array_foreach(root, i, resource)
	{
		const char *name = json_string_value(json_object_get(resource, "kind"));

		if (name && strcmp(name, schema_resource(kind)->name) == 0)
			ids_add(ret, number_at(resource, "id"));
	}
	json_decref(root);
}
