/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every question about the order is one step along an index, by rank and then by id, so that an
 * archive whose ranks have ties still has one order.
 *
 * Where ranks leave no room, a window around the place is spread evenly over the numbers between
 * its own neighbours. It is the smallest one, doubling, that ends up loose enough, and the larger
 * it is the looser it must be: so a window that was spread is far from tight, much must be put into
 * it before its turn comes again, and the work for each insertion grows with the logarithm of the
 * list, be they all made at one place.
 */
#include "order.h"

#include <errno.h>

#include "counts.h"
#include "shape.h"

enum {
	GAP = 1 << 16,	   /* between the ranks of two, when there is nothing to go by */
	WINDOW = 32,	   /* the smallest that is spread */
	LOOSE_ENOUGH = 32, /* the room between two that it must end up with; half as much again for
			      each doubling */
};

/* Where something stands; id 0 is nothing. */
struct spot {
	int64_t rank, id;
};

static int rank_field(const struct record *r)
{
	return shape_order(record_kind(r));
}

static struct query in_project(const struct record *like)
{
	int key = schema_resource(record_kind(like))->parent_key;
	struct query q = { .kind = record_kind(like), .limit = -1, .order = rank_field(like) };

	query_where(&q, key, OP_EQ, record_int(like, key, 0));
	return q;
}

/* As it is stored; 1 when it is not there or has no rank. */
static int find_rank(struct call *c, const struct record *like, int64_t id, int64_t *ret)
{
	struct query q = { .kind = record_kind(like) };

	return tx_extreme(c->tx, query_where(&q, 0, OP_EQ, id), rank_field(like), true, ret);
}

/* Along the order by one. */
struct step {
	struct spot from; /* nothing: from the end */
	bool down;
	int64_t but; /* passed over; 0: nothing */
};

static void begin_after(struct query *q, const struct spot *from)
{
	q->after.given = from->id != 0;
	q->after.value = from->rank;
	q->after.id = from->id;
}

static int find_beside(
	struct call *c, const struct record *like, const struct step *step, struct spot *ret)
{
	struct query q = in_project(like);
	struct spot found = { 0, 0 };

	begin_after(&q, &step->from);
	q.descending = !step->down;
	if (step->but)
		query_where(&q, 0, OP_NE, step->but);
	int r = tx_first(c->tx, &q, &found.id, &found.rank);

	if (r >= 0)
		*ret = found;
	return r < 0 ? r : 0;
}

/* ---- neighbours ---- */

/* The id beside; of where the step begins, the id is enough. */
static int find_neighbour(struct call *c, const struct record *like, struct step step, int64_t *ret)
{
	struct spot found = { 0, 0 };
	int r = step.from.id ? find_rank(c, like, step.from.id, &step.from.rank) : 0;

	if (r == 0)
		r = find_beside(c, like, &step, &found);
	if (r >= 0)
		*ret = found.id;
	return r < 0 ? r : 0;
}

int order_neighbours(struct call *c, const struct record *r, struct neighbours *ret)
{
	struct neighbours n = { 0, 0 };
	struct step step = { .from.id = record_id(r) };
	int e = find_neighbour(c, r, step, &n.after_id);

	step.down = true;
	if (e == 0)
		e = find_neighbour(c, r, step, &n.before_id);
	if (e == 0)
		*ret = n;
	return e;
}

int order_above(struct call *c, const struct record *moving, int64_t id, int64_t *ret_id)
{
	struct step step = { .from.id = id, .but = record_id(moving) };

	return find_neighbour(c, moving, step, ret_id);
}

int order_below(struct call *c, const struct record *moving, int64_t id, int64_t *ret_id)
{
	struct step step = { .from.id = id, .down = true, .but = record_id(moving) };

	return find_neighbour(c, moving, step, ret_id);
}

int order_bottom(struct call *c, const struct record *moving, int64_t *ret_id)
{
	return order_above(c, moving, 0, ret_id);
}

int order_last(struct call *c, const struct record *story, unsigned states, int64_t *ret_id)
{
	struct spot last = { 0, 0 };

	for (int state = 0; state < N_STATES; state++) {
		struct query q = in_project(story);
		struct spot found = { 0, 0 };

		if (!(states & 1U << state))
			continue;
		q.descending = true;
		query_where(&q, F_story_current_state, OP_EQ, state);
		query_where(&q, F_story_id, OP_NE, record_id(story));
		int r = tx_first(c->tx, &q, &found.id, &found.rank);

		if (r < 0)
			return r;
		if (!last.id ||
			(found.id && (found.rank > last.rank ||
					     (found.rank == last.rank && found.id > last.id))))
			last = found;
	}
	*ret_id = last.id;
	return 0;
}

/* ---- room ---- */

/* What is to be spread, in order, and what stands right outside. */
struct window {
	struct ids ids;
	struct spot above, below;
};

static void window_fini(struct window *w)
{
	ids_fini(&w->ids);
}

SCOPED_VALUE(struct window, window_fini);

/* One side of a gap: ids away from it, and what stands behind them. */
struct side {
	struct ids ids;
	struct spot outside;
};

static void side_fini(struct side *side)
{
	ids_fini(&side->ids);
}

SCOPED_VALUE(struct side, side_fini);

/* Up to n of what the query lists. */
static int list_side(
	struct call *c, const struct record *like, struct query *q, size_t n, struct side *ret)
{
	q->limit = (int64_t)n + 1;
	int r = tx_list_ids(c->tx, q, &ret->ids);

	if (r < 0 || ret->ids.n <= n)
		return r;
	ret->outside.id = ret->ids.v[--ret->ids.n];
	r = find_rank(c, like, ret->outside.id, &ret->outside.rank);
	return r > 0 ? -EIO : r;
}

/* n on both sides of the gap below a spot. */
static int load_window(struct call *c, const struct record *like, const struct spot *above,
	size_t n, struct window *ret)
{
	struct query up = in_project(like), down = in_project(like);
	scoped(side_fini) struct side uppers = { 0 };
	scoped(side_fini) struct side lowers = { 0 };
	int r = 0;

	up.descending = true;
	begin_after(&up, &(struct spot){ above->rank, above->id + 1 });
	begin_after(&down, above);
	if (above->id)
		r = list_side(c, like, &up, n, &uppers);
	if (r == 0)
		r = list_side(c, like, &down, n, &lowers);
	for (size_t i = uppers.ids.n; i > 0; i--)
		ids_add(&ret->ids, uppers.ids.v[i - 1]);
	for (size_t i = 0; i < lowers.ids.n; i++)
		ids_add(&ret->ids, lowers.ids.v[i]);
	ret->above = uppers.outside;
	ret->below = lowers.outside;
	return r;
}

/* Before which rank it begins, and the room that each of its ids, and one more, can have. */
static int64_t room_in(const struct window *w, int64_t *ret_begin)
{
	int64_t n = (int64_t)w->ids.n + 1;

	*ret_begin = w->above.id ? w->above.rank : w->below.id ? w->below.rank - n * GAP : 0;
	return w->above.id && w->below.id ? (w->below.rank - w->above.rank) / n : GAP;
}

static int spread(struct call *c, const struct record *like, const struct window *w)
{
	scoped(record_unref) struct record *r = record_new(record_kind(like));
	int64_t begin, room = room_in(w, &begin);

	for (size_t i = 0; i < w->ids.n; i++) {
		record_set_int(r, 0, w->ids.v[i]);
		record_set_int(r, rank_field(like), begin + (int64_t)(i + 1) * room);
		int e = tx_put_int(c->tx, r, rank_field(like));

		if (e < 0)
			return e;
	}
	return 0;
}

/* Room below a spot. The one that moves is spread with the others, where it still stands: its
 * neighbours are told from there. */
static int make_room(struct call *c, const struct record *like, const struct spot *above)
{
	int64_t enough = LOOSE_ENOUGH;

	for (size_t n = WINDOW / 2;; n *= 2, enough += enough / 2) {
		scoped(window_fini) struct window w = { 0 };
		int64_t begin;
		int r = load_window(c, like, above, n, &w);

		if (r < 0)
			return r;
		if (room_in(&w, &begin) >= enough || (!w.above.id && !w.below.id))
			return spread(c, like, &w);
	}
}

/* ---- ranks ---- */

/* The spot of after_id, or the bottom's when there is no such; nothing for 0. */
static int find_above(
	struct call *c, const struct record *moving, int64_t after_id, struct spot *ret)
{
	struct step up = { .but = record_id(moving) };

	*ret = (struct spot){ 0, after_id };
	if (!after_id)
		return 0;
	int r = find_rank(c, moving, after_id, &ret->rank);

	return r > 0 ? find_beside(c, moving, &up, ret) : r;
}

/* A rank between a spot and the next one; 1 when the numbers leave none. */
static int rank_below(
	struct call *c, const struct record *moving, const struct spot *above, int64_t *ret)
{
	struct step down = { *above, true, record_id(moving) };
	struct spot below = { 0, 0 };
	int r = find_beside(c, moving, &down, &below);

	if (r < 0)
		return r;
	if (!above->id || !below.id) {
		*ret = above->id ? above->rank + GAP : below.id ? below.rank - GAP : 0;
		return 0;
	}
	*ret = above->rank + (below.rank - above->rank) / 2;
	return below.rank - above->rank < 2;
}

int order_rank_after(struct call *c, const struct record *moving, int64_t after_id, int64_t *ret)
{
	struct spot above;
	int r = find_above(c, moving, after_id, &above);

	if (r == 0)
		r = rank_below(c, moving, &above, ret);
	if (r <= 0)
		return r;
	r = make_room(c, moving, &above);
	if (r == 0)
		r = find_rank(c, moving, above.id, &above.rank);
	if (r == 0)
		r = rank_below(c, moving, &above, ret);
	if (r > 0)
		return -EIO;
	/* A move is told by its rank's having changed. */
	if (r == 0)
		*ret += *ret == record_int(moving, rank_field(moving), 0);
	return r;
}

int order_fill(struct call *c, struct records *list, int f)
{
	bool is_story = record_kind(list->items[0]) == KIND_story;
	bool next = f == (is_story ? (int)F_story_before_id : (int)F_epic_before_id);
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		struct record *item = list->items[i];
		struct step step = { .from.id = record_id(item), .down = next };
		int64_t id = 0;

		r = find_neighbour(c, item, step, &id);
		if (id)
			record_set_int(item, f, id);
	}
	return r;
}
