/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "storyfs/json_list.h"

#include <jansson.h>

#include "storyfs/json.h"
#include "storyfs/record.h"

int64_t json_list_add(struct json_t **list, const struct buf *page)
{
	json_t *items = json_loadb(buf_str(page), page->len, 0, NULL);
	int64_t n = json_is_array(items) ? (int64_t)json_array_size(items) : -1;

	if (!*list && n >= 0)
		*list = json_array();
	if (n > 0)
		json_array_extend(*list, items);
	json_decref(items);
	return n;
}

static int64_t id_of(const json_t *item)
{
	return json_integer_value(json_object_get(item, "id"));
}

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

void json_list_keep(struct json_t *list, const struct json_t *other)
{
	scoped(ids_fini) struct ids ids = { 0 };
	size_t i;
	json_t *item;

	json_array_foreach(other, i, item) ids_add(&ids, id_of(item));
	if (ids.n)
		qsort(ids.v, ids.n, sizeof(*ids.v), compare_ids);
	for (i = json_array_size(list); i-- > 0;) {
		int64_t id = id_of(json_array_get(list, i));

		if (!ids.n || !bsearch(&id, ids.v, ids.n, sizeof(id), compare_ids))
			json_array_remove(list, i);
	}
}

int64_t json_list_count(const struct json_t *list)
{
	return (int64_t)json_array_size(list);
}

int64_t json_list_write(const struct json_t *list, int64_t offset, int64_t limit, struct buf *ret)
{
	json_t *some = json_array();
	size_t i = offset < 0 ? 0 : (size_t)offset;

	while (i < json_array_size(list) && (int64_t)json_array_size(some) < limit)
		json_array_append(some, json_array_get(list, i++));
	int64_t n = json_list_count(some);

	json_write(some, ret);
	json_decref(some);
	return n;
}

void json_list_free(struct json_t *list)
{
	json_decref(list);
}
