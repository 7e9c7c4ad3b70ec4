/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A blocker's links are kept with it (blocking_ids, hidden); from the other end, the linked story
 * keeps the blocked ones (blocked_story_ids). Both are written here only.
 */
#include "blockers.h"

#include <jansson.h>

#include "change.h"
#include "followers.h"
#include "initial.h"
#include "input.h"
#include "people.h"
#include "route.h"
#include "shape.h"
#include "story_links.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"

/* ---- links ---- */

/* May a blocker on a story wait for this one? 1: no. */
static int check_link(struct call *c, int64_t story_id, int64_t id)
{
	scoped(record_unref) struct record *other = NULL;
	int r = id == story_id ? 1 : tx_get(c->tx, KIND_story, id, &other);

	if (r)
		return r;
	return record_int(other, F_story_project_id, 0) != call_project_id(c) ||
	       record_int(other, F_story_current_state, STATE_UNSCHEDULED) == STATE_ACCEPTED;
}

static int set_links(struct call *c, struct record *blocker)
{
	scoped(ids_fini) struct ids named = { 0 };
	scoped(ids_fini) struct ids open = { 0 };

	if (!record_int(blocker, F_blocker_resolved, 0))
		story_links_find(record_text(blocker, F_blocker_description), &named);
	for (size_t i = 0; i < named.n; i++) {
		int r = check_link(c, record_int(blocker, F_blocker_story_id, 0), named.v[i]);

		if (r < 0)
			return r;
		if (r == 0)
			ids_add(&open, named.v[i]);
	}
	record_set_ids(blocker, F_blocker_blocking_ids, &open);
	return 0;
}

static const struct value *links_of(const struct record *blocker)
{
	static const struct value none = { 0 };

	return blocker ? record_get(blocker, F_blocker_blocking_ids) : &none;
}

/* Does any blocker on the story wait for that one? */
static int is_blocked_by(struct call *c, int64_t story_id, int64_t by_id, bool *ret)
{
	struct query q = { .kind = KIND_blocker };
	int64_t n = 0;

	query_where(&q, F_blocker_story_id, OP_EQ, story_id);
	query_where(&q, F_blocker_blocking_ids, OP_HAS, by_id);
	int r = tx_count(c->tx, &q, &n);

	*ret = n > 0;
	return r;
}

/* Does the story by_id block the other one? It tells so from now on. */
static int update_blocking(struct call *c, struct activity *a, int64_t story_id, int64_t by_id)
{
	scoped(record_unref) struct record *by = NULL;
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	bool on = false;
	int r = tx_get(c->tx, KIND_story, by_id, &by);

	if (r == 0)
		r = is_blocked_by(c, story_id, by_id, &on);
	if (r)
		return r < 0 ? r : 0;
	if (on == value_has_id(record_get(by, F_story_blocked_story_ids), story_id))
		return 0;
	r = activity_take_values(c, by, &before.json);
	if (on)
		record_add_id(by, F_story_blocked_story_ids, story_id);
	else
		record_remove_id(by, F_story_blocked_story_ids, story_id);
	initial_touch(by, call_now_ms(c));
	if (r == 0)
		r = tx_put(c->tx, by);
	return r < 0 ? r : activity_updated(c, a, by, before.json);
}

/* Tell the stories that a blocker waits for, or did; old or now is NULL when it is made or
 * deleted. The archive holds it as it is now. */
static int update_links(
	struct call *c, struct activity *a, const struct record *old, const struct record *now)
{
	int64_t story_id = record_int(now ? now : old, F_blocker_story_id, 0);
	const struct value *mine = links_of(now), *former = links_of(old);
	int r = 0;

	for (size_t i = 0; r == 0 && i < mine->n; i++)
		r = update_blocking(c, a, story_id, mine->ids[i]);
	for (size_t i = 0; r == 0 && i < former->n; i++) {
		if (!value_has_id(mine, former->ids[i]))
			r = update_blocking(c, a, story_id, former->ids[i]);
	}
	return r;
}

static char *blocking_message(const struct record *blocker)
{
	return xasprintf("This story is blocking #%lld: \"%s\"",
		(long long)record_int(blocker, F_blocker_story_id, 0),
		record_text(blocker, F_blocker_description));
}

/* What the item says of the stories that it is about from the other end. */
static int add_secondary(struct call *c, struct activity *a, const struct record *blocker)
{
	const struct value *links = links_of(blocker);
	scoped(free_ptr) char *message = blocking_message(blocker);

	for (size_t i = 0; i < links->n; i++) {
		scoped(record_unref) struct record *story = NULL;
		int r = tx_get(c->tx, KIND_story, links->ids[i], &story);

		if (r < 0)
			return r;
		if (r == 0)
			activity_add_secondary(a, story, message, "is blocking");
	}
	return 0;
}

/* ---- telling ---- */

/* Tell those who follow the blocked story; of a new one, also those of the stories it waits for. */
static int tell_followers(struct call *c, struct activity *a, const struct record *story,
	const struct record *blocker, const char *done)
{
	scoped(free_ptr) char *after =
		xasprintf(" %s: \"%s\"", done, record_text(blocker, F_blocker_description));
	const struct notice notice = {
		.subject = story,
		.type = "blocker",
		.action = "update",
		.before = "",
		.after = after,
		.context = record_text(blocker, F_blocker_description),
	};

	return followers_tell(c, a, &notice);
}

static int tell_blocking(struct call *c, struct activity *a, const struct record *blocker)
{
	const struct value *links = links_of(blocker);
	scoped(free_ptr) char *message = blocking_message(blocker);

	for (size_t i = 0; i < links->n; i++) {
		scoped(record_unref) struct record *story = NULL;
		int r = tx_get(c->tx, KIND_story, links->ids[i], &story);
		const struct notice notice = {
			.subject = story,
			.type = "blocker",
			.action = "create",
			.after = message,
			.context = record_text(blocker, F_blocker_description),
		};

		if (r == 0)
			r = followers_tell(c, a, &notice);
		if (r < 0)
			return r;
	}
	return 0;
}

static int tell_new(struct call *c, struct activity *a, const struct record *story,
	const struct record *blocker)
{
	scoped(free_ptr) char *after =
		xasprintf(" added a blocker: \"%s\"", record_text(blocker, F_blocker_description));
	const struct notice notice = {
		.subject = story,
		.type = "blocker",
		.action = "create",
		.before = "",
		.after = after,
		.context = record_text(blocker, F_blocker_description),
	};
	int r = followers_tell_mentioned(c, a, &notice, "blocker");

	if (r == 0)
		r = followers_tell(c, a, &notice);
	return r < 0 ? r : tell_blocking(c, a, blocker);
}

/* ---- stories that are done, or go ---- */

/* The blocker waits for that story no longer. Resolved, it is a change of the blocked one, too. */
static int settle_one(
	struct call *c, struct activity *a, struct record *blocker, int64_t story_id, bool done)
{
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	scoped(record_unref) struct record *blocked = NULL;
	int r = activity_take_values(c, blocker, &before.json);

	record_remove_id(blocker, F_blocker_blocking_ids, story_id);
	bool resolves = done && !links_of(blocker)->n;

	if (resolves) {
		record_set_int(blocker, F_blocker_resolved, true);
		initial_touch(blocker, call_now_ms(c));
	}
	if (r == 0)
		r = tx_put(c->tx, blocker);
	if (r == 0)
		r = activity_updated(c, a, blocker, before.json);
	if (r < 0 || !resolves)
		return r;
	r = tx_get(c->tx, KIND_story, record_int(blocker, F_blocker_story_id, 0), &blocked);
	if (r == 0)
		r = change_touch(c, a, blocked, NULL);
	if (r == 0)
		r = tell_followers(c, a, blocked, blocker, "resolved a blocker");
	return r < 0 ? r : 0;
}

int blockers_settle(struct call *c, struct activity *a, struct record *story, bool done)
{
	struct query q = { .kind = KIND_blocker, .limit = -1 };
	scoped(records_fini) struct records waiting = { 0 };
	struct ids none = { 0 };
	int r = tx_list(
		c->tx, query_where(&q, F_blocker_blocking_ids, OP_HAS, record_id(story)), &waiting);

	for (size_t i = 0; r == 0 && i < waiting.n; i++)
		r = settle_one(c, a, waiting.items[i], record_id(story), done);
	if (r == 0 && record_has(story, F_story_blocked_story_ids))
		record_set_ids(story, F_story_blocked_story_ids, &none);
	return r;
}

int blockers_release(struct call *c, struct activity *a, const struct record *story)
{
	struct query q = { .kind = KIND_blocker, .limit = -1 };
	scoped(records_fini) struct records mine = { 0 };
	struct ids none = { 0 };
	int r = tx_list(c->tx, query_where(&q, F_blocker_story_id, OP_EQ, record_id(story)), &mine);

	for (size_t i = 0; r == 0 && i < mine.n; i++) {
		scoped(record_unref) struct record *old = record_copy(mine.items[i]);

		if (!links_of(old)->n)
			continue;
		record_set_ids(mine.items[i], F_blocker_blocking_ids, &none);
		r = tx_put(c->tx, mine.items[i]);
		if (r == 0)
			r = update_links(c, a, old, mine.items[i]);
	}
	return r;
}

/* ---- adding ---- */

int blockers_add(struct call *c, struct activity *a, const struct record *story,
	const struct record *patch, struct record **ret)
{
	scoped(record_unref) struct record *blocker = NULL;
	int r = check_patch(patch, &c->error);

	if (r == 0 && !record_has(patch, F_blocker_description))
		return v5_error_problem(
			&c->error, "this endpoint requires the parameter: description");
	if (r == 0)
		r = initial_make(c, patch, &blocker);
	if (r < 0)
		return r;
	record_set_int(blocker, F_blocker_story_id, record_id(story));
	r = people_set_author(c, blocker, F_blocker_person_id, patch);
	if (r == 0)
		r = set_links(c, blocker);
	if (r == 0)
		r = tx_put(c->tx, blocker);
	if (r == 0)
		r = activity_created(c, a, blocker);
	if (r == 0)
		r = update_links(c, a, NULL, blocker);
	if (r == 0)
		r = add_secondary(c, a, blocker);
	if (r == 0)
		r = tell_new(c, a, story, blocker);
	if (r == 0 && ret)
		*ret = take_ptr(blocker);
	return r;
}

/* ---- endpoints ---- */

/* The blocked story changed, too; whom the text mentions only now follows it. */
static int touch_story(
	struct call *c, struct activity *a, const struct record *old, const struct record *now)
{
	scoped(ids_fini) struct ids mentioned = { 0 };
	int r = followers_find_new(c, old ? record_text(old, F_blocker_description) : "",
		record_text(now, F_blocker_description), &mentioned);

	return r < 0 ? r : change_touch(c, a, c->at[KIND_story], &mentioned);
}

/* The end of a command. */
static int write_activity(struct call *c, struct activity *a, const struct record *blocker,
	const char *kind, const char *highlight)
{
	scoped(free_ptr) char *message =
		xasprintf("%s: \"%s\"", highlight, record_text(blocker, F_blocker_description));

	activity_add_primary(a, c->at[KIND_story]);
	return activity_write(c, a, kind, highlight, message);
}

int blockers_create(struct call *c)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *blocker = NULL;
	int r = input_read_checked(c, &patch);

	if (r == 0)
		r = blockers_add(c, &a, c->at[KIND_story], patch, &blocker);
	if (r == 0)
		r = touch_story(c, &a, NULL, blocker);
	if (r == 0)
		r = write_activity(c, &a, blocker, "blocker_create_activity", "added a blocker");
	return r < 0 ? r : answer_record(c, blocker);
}

static const char *highlight_of(const struct record *old, const struct record *now)
{
	bool resolved = record_int(now, F_blocker_resolved, 0);

	if (resolved == (bool)record_int(old, F_blocker_resolved, 0))
		return "edited a blocker";
	return resolved ? "resolved a blocker" : "unresolved a blocker";
}

/* Those who are mentioned only now, then those who follow. */
static int tell_update(
	struct call *c, struct activity *a, const struct record *old, const struct record *now)
{
	scoped(ids_fini) struct ids mentioned = { 0 };
	const struct notice notice = {
		.subject = c->at[KIND_story],
		.type = "blocker",
		.action = "update",
		.before = "You were mentioned by ",
		.after = "",
		.context = record_text(now, F_blocker_description),
	};
	int r = followers_find_new(c, record_text(old, F_blocker_description),
		record_text(now, F_blocker_description), &mentioned);

	if (r == 0)
		r = notify_tell(c, a, &notice, &mentioned);
	return r < 0 ? r : tell_followers(c, a, c->at[KIND_story], now, highlight_of(old, now));
}

static int write_update(struct call *c, const struct record *old, struct record *now)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	int r = activity_take_values(c, old, &before.json);

	initial_touch(now, call_now_ms(c));
	if (r == 0)
		r = set_links(c, now);
	if (r == 0)
		r = tx_put(c->tx, now);
	if (r == 0)
		r = activity_updated(c, &a, now, before.json);
	if (r == 0)
		r = update_links(c, &a, old, now);
	if (r == 0)
		r = add_secondary(c, &a, now);
	if (r == 0)
		r = touch_story(c, &a, old, now);
	if (r == 0)
		r = tell_update(c, &a, old, now);
	return r < 0 ? r
		     : write_activity(
			       c, &a, now, "blocker_update_activity", highlight_of(old, now));
}

int blockers_update(struct call *c)
{
	const struct record *old = c->at[KIND_blocker];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = input_read_checked(c, &patch);

	if (r < 0)
		return r;
	now = record_patched(old, patch);
	if (change_differs(old, now, -1, -1))
		r = write_update(c, old, now);
	return r < 0 ? r : answer_record(c, now);
}

int blockers_delete(struct call *c)
{
	const struct record *blocker = c->at[KIND_blocker];
	scoped(activity_fini) struct activity a = { 0 };
	int r = tx_delete(c->tx, KIND_blocker, record_id(blocker));

	activity_add_delete(&a, blocker);
	if (r == 0)
		r = update_links(c, &a, blocker, NULL);
	if (r == 0)
		r = change_touch(c, &a, c->at[KIND_story], NULL);
	if (r == 0)
		r = write_activity(c, &a, blocker, "blocker_delete_activity", "deleted a blocker");
	return r < 0 ? r : answer_nothing(c);
}
