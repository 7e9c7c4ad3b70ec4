/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "idset.h"

#include "storyfs/alloc.h"

struct idset_item {
	struct table_item item;
	int64_t id;
};

static struct idset_item *find(const struct idset *set, int64_t id)
{
	return table_find(&set->table, &id, sizeof(id));
}

bool idset_add(struct idset *set, int64_t id)
{
	if (find(set, id))
		return false;
	struct idset_item *item = xcalloc(1, sizeof(*item));

	item->id = id;
	table_add(&set->table, &item->item, &item->id, sizeof(item->id));
	set->n++;
	return true;
}

void idset_add_all(struct idset *set, const struct ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		idset_add(set, ids->v[i]);
}

void idset_remove(struct idset *set, int64_t id)
{
	struct idset_item *item = find(set, id);

	if (!item)
		return;
	table_remove(&set->table, &item->item);
	free(item);
	set->n--;
}

bool idset_has(const struct idset *set, int64_t id)
{
	return find(set, id);
}

void idset_list(const struct idset *set, struct ids *ret)
{
	for (struct idset_item *item = NULL; (item = table_next(&set->table, item));)
		ids_add(ret, item->id);
}

void idset_fini(struct idset *set)
{
	struct idset_item *item;

	while ((item = table_pop(&set->table)))
		free(item);
	set->n = 0;
}
