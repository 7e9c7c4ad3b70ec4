/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a story stands. One order holds three lists: accepted stories, what is scheduled (Current
 * and Backlog), the Icebox. A place is "directly after that story"; it must lie in the list that
 * the story's state belongs to.
 */
#include "counts.h"
#include "order.h"
#include "params.h"
#include "story.h"

enum region {
	REGION_ACCEPTED,
	REGION_SCHEDULED,
	REGION_ICEBOX,
};

static enum region region_of_state(int64_t state)
{
	if (state == STATE_ACCEPTED)
		return REGION_ACCEPTED;
	return state == STATE_UNSCHEDULED ? REGION_ICEBOX : REGION_SCHEDULED;
}

static enum region region_of(const struct record *story)
{
	return region_of_state(record_int(story, F_story_current_state, STATE_UNSCHEDULED));
}

/* ---- where a state belongs ---- */

enum {
	ANY_STATE = (1U << N_STATES) - 1,
	SCHEDULED = ANY_STATE & ~(1U << STATE_UNSCHEDULED),
	IN_WORK = SCHEDULED & ~(1U << STATE_UNSTARTED | 1U << STATE_PLANNED),
};

static int last_accepted(struct call *c, const struct record *story, int64_t *ret)
{
	return order_last(c, story, 1U << STATE_ACCEPTED, ret);
}

static int last_scheduled(struct call *c, const struct record *story, int64_t *ret)
{
	return order_last(c, story, SCHEDULED, ret);
}

/* The last that somebody works on, or has: V5 put a story started from the Icebox behind it. */
static int last_in_work(struct call *c, const struct record *story, int64_t *ret)
{
	return order_last(c, story, IN_WORK, ret);
}

/* After which story one of this state goes when nobody says. */
static int usual_place(struct call *c, const struct record *story, int64_t *ret)
{
	int64_t state = record_int(story, F_story_current_state, STATE_UNSCHEDULED);

	if (state == STATE_ACCEPTED)
		return last_accepted(c, story, ret);
	if (state == STATE_UNSCHEDULED || state == STATE_UNSTARTED || state == STATE_PLANNED)
		return last_scheduled(c, story, ret);
	return last_in_work(c, story, ret);
}

/* ---- where the request says ---- */

static int check_neighbour(struct call *c, const struct record *story, int64_t id, const char *key)
{
	scoped(record_unref) struct record *other = NULL;
	int r = tx_get(c->tx, KIND_story, id, &other);

	if (r < 0)
		return r;
	if (r > 0 || id == record_id(story) ||
		record_int(other, F_story_project_id, 0) !=
			record_int(story, F_story_project_id, 0))
		return v5_error_requirement(
			&c->error, "'%s' must be the id of another story in this project.", key);
	return 0;
}

static int check_request(
	struct call *c, const struct story_request *req, const struct record *story)
{
	int64_t above;
	int r = 0;

	if (req->after_id)
		r = check_neighbour(c, story, req->after_id, "after_id");
	if (r == 0 && req->before_id)
		r = check_neighbour(c, story, req->before_id, "before_id");
	if (r < 0 || !req->has_before || !req->has_after || !req->before_id)
		return r;
	r = order_above(c, story, req->before_id, &above);
	if (r == 0 && above != req->after_id)
		return v5_error_requirement(
			&c->error, "'before_id' and 'after_id' must be neighbours.");
	return r;
}

/* After which story, as before_id and after_id say. */
static int asked_place(
	struct call *c, const struct story_request *req, const struct record *story, int64_t *ret)
{
	if (req->has_after && (req->after_id || !req->has_before)) {
		*ret = req->after_id;
		return 0;
	}
	if (req->has_before && req->before_id)
		return order_above(c, story, req->before_id, ret);
	return order_bottom(c, story, ret);
}

/* ---- lists and states ---- */

/* What stands above and below a place. The top is above all, the bottom below all. */
static int look_around(struct call *c, const struct record *story, int64_t after_id,
	enum region *ret_above, enum region *ret_below)
{
	scoped(record_unref) struct record *above = NULL;
	scoped(record_unref) struct record *below = NULL;
	int64_t below_id = 0;
	int r = order_below(c, story, after_id, &below_id);

	if (r == 0 && after_id)
		r = tx_get(c->tx, KIND_story, after_id, &above);
	if (r == 0 && below_id)
		r = tx_get(c->tx, KIND_story, below_id, &below);
	if (r < 0)
		return r;
	*ret_above = above ? region_of(above) : REGION_ACCEPTED;
	*ret_below = below ? region_of(below) : REGION_ICEBOX;
	return 0;
}

static void change_region(struct record *story, enum region region)
{
	if (region == REGION_ICEBOX && region_of(story) != REGION_ICEBOX)
		record_set_int(story, F_story_current_state, STATE_UNSCHEDULED);
	if (region != REGION_ICEBOX && region_of(story) == REGION_ICEBOX)
		record_set_int(story, F_story_current_state, STATE_UNSTARTED);
}

/* The state that a named list asks for. */
static void enter_group(const struct call *c, int group, struct record *story)
{
	if (group == GROUP_UNSCHEDULED)
		change_region(story, REGION_ICEBOX);
	if (group == GROUP_SCHEDULED)
		change_region(story, REGION_SCHEDULED);
	if (group == GROUP_CURRENT && region_of(story) != REGION_ACCEPTED) {
		bool by_hand = !record_int(call_project(c), F_project_automatic_planning, 1);

		change_region(story, REGION_SCHEDULED);
		if (by_hand && record_int(story, F_story_current_state, 0) == STATE_UNSTARTED)
			record_set_int(story, F_story_current_state, STATE_PLANNED);
	}
}

static int place_as_asked(
	struct call *c, const struct story_request *req, struct record *now, int64_t *ret_after)
{
	enum region above = REGION_ACCEPTED, below = REGION_ICEBOX;
	int r = check_request(c, req, now);

	if (r == 0)
		r = asked_place(c, req, now, ret_after);
	if (r == 0)
		r = look_around(c, now, *ret_after, &above, &below);
	if (r < 0)
		return r;
	if (!record_has(req->patch, F_story_current_state) && req->group < 0) {
		if (above == REGION_ICEBOX)
			change_region(now, REGION_ICEBOX);
		else if (below != REGION_ICEBOX)
			change_region(now, REGION_SCHEDULED);
	}
	/* A place in a list that the state does not belong to: its own list's end that is nearest.
	 */
	enum region mine = region_of(now);

	if (mine < above)
		return mine == REGION_ACCEPTED ? last_accepted(c, now, ret_after)
					       : last_scheduled(c, now, ret_after);
	if (mine > below)
		return mine == REGION_ICEBOX ? last_scheduled(c, now, ret_after)
					     : last_accepted(c, now, ret_after);
	return 0;
}

/* Has it left the list that it stood in, so that it must go elsewhere? */
static int must_move(struct call *c, const struct record *old, const struct record *now, bool *ret)
{
	enum region from = region_of(old), to = region_of(now);
	struct neighbours n = { 0, 0 };
	int64_t last = 0;

	*ret = from != to;
	if (from != REGION_ACCEPTED || to != REGION_SCHEDULED)
		return 0;
	/* Reopened, it stays where it is when no accepted story comes after it. */
	int r = last_accepted(c, now, &last);

	if (r == 0)
		r = order_neighbours(c, old, &n);
	if (r == 0)
		*ret = n.after_id != last;
	return r;
}

int story_place(struct call *c, const struct story_request *req, const struct record *old,
	struct record *now)
{
	struct neighbours n = { 0, 0 };
	int64_t after_id = 0, rank;
	bool move = !old;
	int r = 0;

	if (!record_has(req->patch, F_story_current_state) && req->group >= 0)
		enter_group(c, req->group, now);
	if (req->has_before || req->has_after) {
		move = true;
		r = place_as_asked(c, req, now, &after_id);
	} else {
		if (old)
			r = must_move(c, old, now, &move);
		if (r == 0 && move)
			r = usual_place(c, now, &after_id);
		if (r == 0 && move && old && region_of(old) == REGION_ACCEPTED &&
			region_of(now) == REGION_SCHEDULED)
			r = last_accepted(c, now, &after_id);
	}
	if (r == 0 && old && move)
		r = order_neighbours(c, old, &n);
	if (r < 0 || !move || (old && n.after_id == after_id))
		return r;
	r = order_rank_after(c, now, after_id, &rank);
	if (r == 0)
		record_set_int(now, F_story_rank, rank);
	return r;
}
