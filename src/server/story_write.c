/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stories into the archive, each change as a command with its activity. */
#include <string.h>

#include "blockers.h"
#include "change.h"
#include "initial.h"
#include "labels.h"
#include "order.h"
#include "story.h"
#include "storyfs/alloc.h"
#include "transitions.h"

/* ---- what happened, in V5's words ---- */

struct words {
	const char *kind;
	const char *highlight;
	char *message;
};

static void words_fini(struct words *w)
{
	free(w->message);
}

SCOPED_VALUE(struct words, words_fini);

static bool is_changed(const struct record *a, const struct record *b, int f)
{
	return !value_equal(schema_field(KIND_story, f), record_get(a, f), record_get(b, f));
}

static int name_move(struct call *c, const struct record *now, struct words *ret)
{
	scoped(record_unref) struct record *other = NULL;
	struct neighbours n = { 0, 0 };
	int r = order_neighbours(c, now, &n);
	int64_t id = n.after_id ? n.after_id : n.before_id;

	if (r == 0 && id)
		r = tx_get(c->tx, KIND_story, id, &other);
	if (r < 0)
		return r;
	ret->kind = "story_move_activity";
	ret->highlight = "moved";
	ret->message =
		other ? xasprintf("moved this story %s '%s'", n.after_id ? "after" : "before",
				record_text(other, F_story_name))
		      : xstrdup("moved this story");
	return 0;
}

static char *estimate_message(const struct record *now)
{
	double points = record_float(now, F_story_estimate, 0);

	return xasprintf("estimated this %s as %g point%s", record_word(now, F_story_story_type),
		points, points < 1 || points > 1 ? "s" : "");
}

/* A new state beats a new estimate, which beats an edit; nothing but a new place is a move. */
static int name_change(struct call *c, const struct story_request *req, const struct record *old,
	const struct record *now, struct words *ret)
{
	const char *type = record_word(now, F_story_story_type);
	bool asked = req && (req->has_before || req->has_after || req->group >= 0) &&
		     !record_has(req->patch, F_story_current_state);

	ret->kind = "story_update_activity";
	if (is_changed(old, now, F_story_rank) && !change_differs(old, now, F_story_rank, -1))
		return name_move(c, now, ret);
	if (asked && !change_differs(old, now, F_story_rank, F_story_current_state))
		return name_move(c, now, ret);
	if (is_changed(old, now, F_story_current_state)) {
		ret->highlight = record_word(now, F_story_current_state);
		ret->message = xasprintf("%s this %s", ret->highlight, type);
	} else if (is_changed(old, now, F_story_estimate) && record_has(now, F_story_estimate)) {
		ret->highlight = "estimated";
		ret->message = estimate_message(now);
	} else {
		ret->highlight = "edited";
		ret->message = xasprintf("edited this %s", type);
	}
	return 0;
}

int story_write_update(struct call *c, const struct story_request *req, const struct record *old,
	struct record *now)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	scoped(scoped_json_fini) struct scoped_json after = { NULL };
	scoped(words_fini) struct words words = { 0 };

	if (!change_differs(old, now, F_story_rank, -1) && !is_changed(old, now, F_story_rank))
		return 0;
	scoped(record_unref) struct record *was = record_copy(old);
	int r = 0;

	initial_touch(now, call_now_ms(c));
	if (is_changed(old, now, F_story_current_state) &&
		record_int(now, F_story_current_state, STATE_UNSCHEDULED) == STATE_ACCEPTED)
		r = blockers_settle(c, &a, now, true);
	if (r == 0)
		r = activity_take_differing(c, old, now, &before.json);
	if (r == 0)
		r = tx_put(c->tx, now);
	if (r == 0) {
		record_set_int(was, F_story_updated_at, record_int(now, F_story_updated_at, 0));
		r = name_change(c, req, was, now, &words);
	}
	if (r == 0)
		r = labels_tell_counts(c, &a, old, now);
	if (r == 0)
		r = activity_take_differing(c, now, old, &after.json);
	if (r == 0)
		activity_add_update(&a, now, before.json, after.json);
	if (r == 0)
		r = story_notify_update(c, &a, old, now);
	activity_add_primary(&a, now);
	if (r == 0)
		r = activity_write(c, &a, words.kind, words.highlight, words.message);
	return r < 0 ? r : transitions_note(c, old, now);
}

int story_update(struct call *c, const struct story_request *req, const struct record *old,
	struct record **ret)
{
	scoped(record_unref) struct record *now = record_copy(old);
	int r = story_apply(c, req, now);

	if (r == 0)
		r = story_place(c, req, old, now);
	if (r == 0)
		r = story_check(c, req->patch, old, now);
	if (r == 0)
		r = story_write_update(c, req, old, now);
	if (r == 0)
		*ret = take_ptr(now);
	return r;
}
