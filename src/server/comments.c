/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comments on stories and epics. */
#include "comments.h"

#include <jansson.h>

#include "attached.h"
#include "auth.h"
#include "change.h"
#include "children.h"
#include "followers.h"
#include "initial.h"
#include "input.h"
#include "people.h"
#include "route.h"
#include "shape.h"
#include "story.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "storyfs/text.h"

/* ---- adding ---- */

static int tell_new(struct call *c, struct activity *a, const struct record *comment)
{
	scoped(scoped_json_fini) struct scoped_json values = { NULL };
	json_t *more = NULL;
	int r = activity_take_values(c, comment, &values.json);

	if (r == 0)
		r = attached_tell(c, comment, &more);
	if (r < 0) {
		json_decref(more);
		return r;
	}
	activity_add_create(a, comment, values.json, more);
	return 0;
}

/* Whoever follows is told; whom the text mentions, in words of their own. */
static int tell_followers(struct call *c, struct activity *a, const struct record *parent,
	const struct record *comment)
{
	const char *text = record_text(comment, F_comment_text);
	scoped(free_ptr) char *after = xasprintf(" added comment: \"%s\"", text);
	const struct notice notice = {
		.subject = parent,
		.type = "comment",
		.action = "create",
		.before = "",
		.after = after,
		.context = record_has(comment, F_comment_text) ? text : NULL,
		.comment_id = record_id(comment),
		.n_attachments = record_get(comment, F_comment_file_attachment_ids)->n +
				 record_get(comment, F_comment_google_attachment_ids)->n,
	};
	int r = followers_tell_mentioned(c, a, &notice, "comment_with_mention");

	return r < 0 ? r : followers_tell(c, a, &notice);
}

int comments_add(struct call *c, struct activity *a, const struct record *parent,
	const struct record *patch, struct record **ret)
{
	bool on_story = record_kind(parent) == KIND_story;
	scoped(record_unref) struct record *comment = NULL;
	int r = check_patch(patch, &c->error);

	if (r == 0)
		r = initial_make(c, patch, &comment);
	if (r < 0)
		return r;
	record_set_int(
		comment, on_story ? F_comment_story_id : F_comment_epic_id, record_id(parent));
	r = people_set_author(c, comment, F_comment_person_id, patch);
	if (r == 0)
		r = attached_apply(c, patch, comment);
	if (r == 0 && attached_is_empty(comment) &&
		text_is_blank(record_text(patch, F_comment_text)))
		return v5_error_problem(&c->error, "Text can't be blank");
	if (r == 0)
		r = tx_put(c->tx, comment);
	if (r == 0)
		r = tell_new(c, a, comment);
	if (r == 0)
		r = tell_followers(c, a, parent, comment);
	if (r == 0 && ret)
		*ret = take_ptr(comment);
	return r;
}

int comments_write(
	struct call *c, struct record *parent, const struct record *patch, struct record **ret)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *comment = NULL;
	scoped(ids_fini) struct ids followers = { 0 };
	int r = comments_add(c, &a, parent, patch, &comment);

	if (r == 0)
		r = followers_find(c, record_int(comment, F_comment_person_id, 0),
			record_text(comment, F_comment_text), &followers);
	if (r == 0)
		r = change_touch(c, &a, parent, &followers);
	if (r < 0)
		return r;
	scoped(free_ptr) char *message =
		xasprintf("added comment: \"%s\"", record_text(comment, F_comment_text));

	activity_add_primary(&a, parent);
	r = activity_write(c, &a, "comment_create_activity", "added comment:", message);
	if (r == 0 && ret)
		*ret = take_ptr(comment);
	return r;
}

/* ---- endpoints ---- */

static struct record *parent_of(const struct call *c)
{
	return c->at[KIND_story] ? c->at[KIND_story] : c->at[KIND_epic];
}

int comments_create(struct call *c)
{
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *comment = NULL;
	int r = input_read_patch(c, &patch);

	if (r == 0)
		r = comments_write(c, parent_of(c), patch, &comment);
	return r < 0 ? r : answer_record(c, comment);
}

static bool is_author(const struct call *c)
{
	return c->who.trusted ||
	       record_int(c->at[KIND_comment], F_comment_person_id, 0) == c->who.person_id;
}

/* Those who are mentioned only now follow from now on, and are told. */
static int tell_mentioned(struct call *c, struct activity *a, const struct record *comment,
	const struct ids *mentioned)
{
	const struct notice notice = {
		.subject = parent_of(c),
		.type = "comment_with_mention",
		.action = "update",
		.before = "You were mentioned by ",
		.after = "",
		.context = record_text(comment, F_comment_text),
		.comment_id = record_id(comment),
	};

	return notify_tell(c, a, &notice, mentioned);
}

static int write_update(struct call *c, const struct record *old, struct record *now)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	scoped(ids_fini) struct ids mentioned = { 0 };
	int r = activity_take_values(c, old, &before.json);

	initial_touch(now, call_now_ms(c));
	if (r == 0)
		r = tx_put(c->tx, now);
	if (r == 0)
		r = attached_release(c, old, now);
	if (r == 0)
		r = activity_updated(c, &a, now, before.json);
	if (r == 0)
		r = followers_find_new(c, record_text(old, F_comment_text),
			record_text(now, F_comment_text), &mentioned);
	if (r == 0)
		r = change_touch(c, &a, parent_of(c), &mentioned);
	if (r == 0)
		r = tell_mentioned(c, &a, now, &mentioned);
	activity_add_primary(&a, parent_of(c));
	return r < 0 ? r
		     : activity_write(
			       c, &a, "comment_update_activity", "edited", "edited this comment");
}

int comments_update(struct call *c)
{
	const struct record *old = c->at[KIND_comment];
	scoped(record_unref) struct record *patch = NULL;
	scoped(record_unref) struct record *now = NULL;
	int r = input_read_patch(c, &patch);

	if (r == 0 && !is_author(c))
		return auth_refuse(c);
	if (r == 0)
		r = check_patch(patch, &c->error);
	if (r < 0)
		return r;
	now = record_patched(old, patch);
	r = attached_change(c, now);
	if (r == 0 && text_is_blank(record_text(now, F_comment_text)) &&
		change_is_given(patch, F_comment_text) && attached_is_empty(now))
		return v5_error_problem(&c->error, "Text can't be blank");
	if (r == 0 && change_differs(old, now, -1, -1))
		r = write_update(c, old, now);
	return r < 0 ? r : answer_record(c, now);
}

static bool may_delete(const struct call *c)
{
	return is_author(c) || c->role == ROLE_OWNER;
}

static int detach(struct call *c, int f, int64_t id)
{
	const struct record *old = c->at[KIND_comment];
	scoped(record_unref) struct record *now = record_copy(old);

	if (!may_delete(c))
		return auth_refuse(c);
	if (!attached_remove(now, f, id))
		return v5_error_set(&c->error, V5_unfound_resource);
	int r = write_update(c, old, now);

	return r < 0 ? r : answer_nothing(c);
}

int comments_detach_file(struct call *c)
{
	return detach(c, F_comment_file_attachment_ids, record_id(c->at[KIND_file_attachment]));
}

int comments_detach_google(struct call *c)
{
	return detach(c, F_comment_google_attachment_ids, record_id(c->at[KIND_google_attachment]));
}

int comments_delete(struct call *c)
{
	const struct record *comment = c->at[KIND_comment];
	scoped(activity_fini) struct activity a = { 0 };
	scoped(free_ptr) char *message =
		xasprintf("deleted comment: \"%s\"", record_text(comment, F_comment_text));

	if (!may_delete(c))
		return auth_refuse(c);
	int r = children_delete(c, KIND_comment, record_id(comment));

	if (r == 0)
		r = tx_delete(c->tx, KIND_comment, record_id(comment));
	if (r == 0)
		r = attached_release(c, comment, NULL);
	activity_add_delete(&a, comment);
	if (r == 0)
		r = change_touch(c, &a, parent_of(c), NULL);
	activity_add_primary(&a, parent_of(c));
	if (r == 0)
		r = activity_write(c, &a, "comment_delete_activity", "deleted comment:", message);
	return r < 0 ? r : answer_nothing(c);
}
