/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hangs on what, and deleting it: a generation at a time, the youngest first. */
#include "children.h"

bool children_are(enum kind child, enum kind parent)
{
	const struct resource *res = schema_resource(child);

	return res->parent == parent || res->parent2 == parent;
}

int children_key(enum kind child, enum kind parent)
{
	const struct resource *res = schema_resource(child);

	return res->parent == parent ? res->parent_key : res->parent2_key;
}

static int delete_below(struct call *c, enum kind parent, const struct ids *parents);

static int delete_kind(struct call *c, enum kind kind, int key, const struct ids *parents)
{
	struct query q = { .kind = kind, .limit = -1 };
	scoped(ids_fini) struct ids ids = { 0 };

	query_where(&q, key, OP_IN, 0)->where[0].ids = parents;
	int r = tx_list_ids(c->tx, &q, &ids);

	if (r == 0 && ids.n)
		r = delete_below(c, kind, &ids);
	for (size_t i = 0; r >= 0 && i < ids.n; i++)
		r = tx_delete(c->tx, kind, ids.v[i]);
	return r < 0 ? r : 0;
}

static bool is_kept(enum kind kind)
{
	return schema_field(kind, 0)->flags & FIELD_KEEP;
}

static int delete_below(struct call *c, enum kind parent, const struct ids *parents)
{
	int r = 0;

	for (int k = KIND_none + 1; r == 0 && k < N_KINDS; k++) {
		enum kind kind = (enum kind)k;

		if (children_are(kind, parent) && is_kept(kind))
			r = delete_kind(c, kind, children_key(kind, parent), parents);
	}
	return r;
}

int children_delete(struct call *c, enum kind kind, int64_t id)
{
	scoped(ids_fini) struct ids ids = { 0 };

	ids_add(&ids, id);
	return delete_below(c, kind, &ids);
}
