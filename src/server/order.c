/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orders are looked at as lists of ids (one read of an index), so that an archive whose ranks have
 * ties or holes still has one order, and gets proper ranks with the next move. */
#include "order.h"

#include <assert.h>
#include <errno.h>

#include "shape.h"

/* Between the ranks of two, when there is nothing to go by. */
static const int64_t gap = 1 << 16;

static int rank_field(const struct record *r)
{
	return shape_order(record_kind(r));
}

static int project_field(const struct record *r)
{
	return schema_resource(record_kind(r))->parent_key;
}

static int list_ids(struct call *c, const struct record *like, struct ids *ret)
{
	struct query q = { .kind = record_kind(like), .limit = -1, .order = rank_field(like) };

	query_where(&q, project_field(like), OP_EQ, record_int(like, project_field(like), 0));
	return tx_list_ids(c->tx, &q, ret);
}

/* The place of an id; n when it is not there. */
static size_t find_id(const struct ids *ids, int64_t id)
{
	size_t i = 0;

	while (i < ids->n && ids->v[i] != id)
		i++;
	return i;
}

static struct neighbours neighbours_in(const struct ids *ids, int64_t id)
{
	size_t at = find_id(ids, id);
	struct neighbours n = { 0, 0 };

	if (at < ids->n && at > 0)
		n.after_id = ids->v[at - 1];
	if (at + 1 < ids->n)
		n.before_id = ids->v[at + 1];
	return n;
}

int order_neighbours(struct call *c, const struct record *r, struct neighbours *ret)
{
	scoped(ids_fini) struct ids ids = { 0 };
	int e = list_ids(c, r, &ids);

	if (e == 0)
		*ret = neighbours_in(&ids, record_id(r));
	return e;
}

int order_last(struct call *c, struct query *q, int64_t *ret_id)
{
	scoped(ids_fini) struct ids ids = { 0 };

	q->order = shape_order(q->kind);
	q->descending = true;
	q->limit = 1;
	int r = tx_list_ids(c->tx, q, &ids);

	if (r == 0)
		*ret_id = ids.n ? ids.v[0] : 0;
	return r;
}

int order_above(struct call *c, const struct record *moving, int64_t id, int64_t *ret_id)
{
	scoped(ids_fini) struct ids ids = { 0 };
	int r = list_ids(c, moving, &ids);

	ids_remove(&ids, record_id(moving));
	if (r == 0)
		*ret_id = neighbours_in(&ids, id).after_id;
	return r;
}

int order_below(struct call *c, const struct record *moving, int64_t id, int64_t *ret_id)
{
	scoped(ids_fini) struct ids ids = { 0 };
	int r = list_ids(c, moving, &ids);

	ids_remove(&ids, record_id(moving));
	if (r == 0 && id)
		*ret_id = neighbours_in(&ids, id).before_id;
	else if (r == 0)
		*ret_id = ids.n ? ids.v[0] : 0;
	return r;
}

int order_bottom(struct call *c, const struct record *moving, int64_t *ret_id)
{
	scoped(ids_fini) struct ids ids = { 0 };
	int r = list_ids(c, moving, &ids);

	ids_remove(&ids, record_id(moving));
	if (r == 0)
		*ret_id = ids.n ? ids.v[ids.n - 1] : 0;
	return r;
}

/* ---- ranks ---- */

static int renumber(struct call *c, const struct record *like, const struct ids *ids)
{
	for (size_t i = 0; i < ids->n; i++) {
		scoped(record_unref) struct record *r = NULL;
		int e = tx_get(c->tx, record_kind(like), ids->v[i], &r);

		if (e)
			return e < 0 ? e : -EIO;
		record_set_int(r, rank_field(like), (int64_t)(i + 1) * gap);
		e = tx_put(c->tx, r);
		if (e < 0)
			return e;
	}
	return 0;
}

/* 1: it has none. */
static int load_rank(struct call *c, const struct record *like, int64_t id, int64_t *ret)
{
	scoped(record_unref) struct record *r = NULL;
	int e = tx_get(c->tx, record_kind(like), id, &r);

	if (e)
		return e;
	if (!record_has(r, rank_field(like)))
		return 1;
	*ret = record_int(r, rank_field(like), 0);
	return 0;
}

/* A rank for the place `at` in the list; 1 when the numbers leave none. */
static int rank_at(
	struct call *c, const struct record *like, const struct ids *ids, size_t at, int64_t *ret)
{
	int64_t above = 0, below = 0;
	int r = at > 0 ? load_rank(c, like, ids->v[at - 1], &above) : 0;

	if (r == 0 && at < ids->n)
		r = load_rank(c, like, ids->v[at], &below);
	if (r)
		return r;
	if (at == 0)
		above = at < ids->n ? below - 2 * gap : -gap;
	if (at == ids->n)
		below = above + 2 * gap;
	if (below - above < 2)
		return 1;
	*ret = above + (below - above) / 2;
	return 0;
}

/* Proper ranks for all, the one that moves where it still stands (its neighbours are told from
 * there), and then its new one, which is not by chance the rank that it had. */
static int rank_anew(
	struct call *c, const struct record *moving, const struct ids *ids, size_t at, int64_t *ret)
{
	scoped(ids_fini) struct ids all = { 0 };
	int r = list_ids(c, moving, &all);

	if (r == 0)
		r = renumber(c, moving, &all);
	if (r == 0)
		r = rank_at(c, moving, ids, at, ret);
	assert(r <= 0);
	if (r == 0)
		*ret += *ret == record_int(moving, rank_field(moving), 0);
	return r;
}

int order_rank_after(struct call *c, const struct record *moving, int64_t after_id, int64_t *ret)
{
	scoped(ids_fini) struct ids ids = { 0 };
	int r = list_ids(c, moving, &ids);

	if (r < 0)
		return r;
	ids_remove(&ids, record_id(moving));
	size_t at = after_id ? find_id(&ids, after_id) + 1 : 0;

	if (at > ids.n)
		at = ids.n;
	r = rank_at(c, moving, &ids, at, ret);
	return r > 0 ? rank_anew(c, moving, &ids, at, ret) : r;
}

int order_fill(struct call *c, struct records *list, int f)
{
	bool is_story = record_kind(list->items[0]) == KIND_story;
	bool next = f == (is_story ? (int)F_story_before_id : (int)F_epic_before_id);
	scoped(ids_fini) struct ids ids = { 0 };
	int64_t project_id = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		struct record *item = list->items[i];
		int64_t mine = record_int(item, project_field(item), 0);

		if (mine != project_id) {
			ids_fini(&ids);
			r = list_ids(c, item, &ids);
			project_id = mine;
		}
		struct neighbours n = neighbours_in(&ids, record_id(item));
		int64_t id = next ? n.before_id : n.after_id;

		if (id)
			record_set_int(item, f, id);
	}
	return r;
}
