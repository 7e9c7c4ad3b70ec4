/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comments on stories and epics. */
#include "comments.h"

#include <jansson.h>

#include "auth.h"
#include "change.h"
#include "initial.h"
#include "input.h"
#include "people.h"
#include "route.h"
#include "shape.h"
#include "story.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "storyfs/text.h"

/* ---- attachments ---- */

/* The project of a comment, by what it stands on; 0 when that is gone. */
static int project_of(struct call *c, const struct record *comment, int64_t *ret)
{
	bool on_story = record_has(comment, F_comment_story_id);
	int f = on_story ? F_comment_story_id : F_comment_epic_id;
	scoped(record_unref) struct record *parent = NULL;
	int r = tx_get(
		c->tx, on_story ? KIND_story : KIND_epic, record_int(comment, f, 0), &parent);

	if (r < 0)
		return r;
	*ret = parent ? record_int(parent, on_story ? F_story_project_id : F_epic_project_id, 0)
		      : 0;
	return 0;
}

/* A file on comments of other projects alone is not this project's to show. 1: so it is. */
static int is_foreign(struct call *c, int64_t file_id)
{
	struct query q = { .kind = KIND_comment, .limit = -1 };
	scoped(records_fini) struct records on = { 0 };
	int r = tx_list(
		c->tx, query_where(&q, F_comment_file_attachment_ids, OP_HAS, file_id), &on);

	for (size_t i = 0; r == 0 && i < on.n; i++) {
		int64_t project_id = 0;

		r = project_of(c, on.items[i], &project_id);
		if (r == 0 && project_id == call_project_id(c))
			return 0;
	}
	return r < 0 ? r : on.n > 0;
}

static int check_attachment(struct call *c, int64_t id)
{
	scoped(record_unref) struct record *file = NULL;
	int r = tx_get(c->tx, KIND_file_attachment, id, &file);

	if (r == 0)
		r = is_foreign(c, id);
	if (r > 0)
		return v5_error_problem(&c->error,
			"The file attachment with id %lld does not exist.", (long long)id);
	return r;
}

static int add_attachment(struct call *c, struct ids *ids, int64_t id)
{
	if (ids_has(ids, id))
		return 0;
	int r = check_attachment(c, id);

	if (r == 0)
		ids_add(ids, id);
	return r;
}

static int add_attachments(struct call *c, struct ids *ids, const struct value *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && list->state == VALUE_SET && i < list->ids.n; i++)
		r = add_attachment(c, ids, list->ids.v[i]);
	return r;
}

static int add_attachment_objects(struct call *c, struct ids *ids, const struct value *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && list->state == VALUE_SET && i < list->records.n; i++)
		r = add_attachment(c, ids, record_id(list->records.items[i]));
	return r;
}

/* What a new comment's activity says of its attachments, beside their ids. */
static int tell_attachments(struct call *c, const struct record *comment, json_t **ret)
{
	const struct value *v = record_get(comment, F_comment_file_attachment_ids);
	json_t *files = json_array();

	*ret = json_pack("{s[],s[],so,s[]}", "google_attachment_ids", "attachment_ids",
		"file_attachments", files, "google_attachments");
	for (size_t i = 0; v->state == VALUE_SET && i < v->ids.n; i++) {
		scoped(record_unref) struct record *file = NULL;
		int r = tx_get(c->tx, KIND_file_attachment, v->ids.v[i], &file);

		if (r < 0)
			return r;
		if (r == 0)
			json_array_append_new(files, json_from_record(file, NULL, 0));
	}
	return 0;
}

/* ---- adding ---- */

static int apply_attachments(struct call *c, const struct record *patch, struct record *comment)
{
	scoped(ids_fini) struct ids ids = { 0 };
	int r = add_attachments(c, &ids, record_get(patch, F_comment_file_attachment_ids));

	if (r == 0)
		r = add_attachment_objects(c, &ids, record_get(patch, F_comment_file_attachments));
	if (r == 0 && !ids.n && text_is_blank(record_text(patch, F_comment_text)))
		return v5_error_problem(&c->error, "Text can't be blank");
	record_set_ids(comment, F_comment_file_attachment_ids, &ids);
	return r;
}

static int tell_new(struct call *c, struct activity *a, const struct record *comment)
{
	scoped(scoped_json_fini) struct scoped_json values = { NULL };
	json_t *more = NULL;
	int r = activity_take_values(c, comment, &values.json);

	if (r == 0)
		r = tell_attachments(c, comment, &more);
	if (r < 0) {
		json_decref(more);
		return r;
	}
	activity_add_create(a, comment, values.json, more);
	return 0;
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
		r = apply_attachments(c, patch, comment);
	if (r == 0)
		r = tx_put(c->tx, comment);
	if (r == 0)
		r = tell_new(c, a, comment);
	if (r == 0 && ret)
		*ret = take_ptr(comment);
	return r;
}

static int touch(struct call *c, struct activity *a, struct record *parent, int64_t follower_id)
{
	bool follows = record_int(call_project(c), F_project_enable_following, 1);

	return change_touch(c, a, parent, follows ? follower_id : 0);
}

int comments_write(
	struct call *c, struct record *parent, const struct record *patch, struct record **ret)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(record_unref) struct record *comment = NULL;
	int r = comments_add(c, &a, parent, patch, &comment);

	if (r == 0)
		r = touch(c, &a, parent, record_int(comment, F_comment_person_id, 0));
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

static void remove_ids(struct ids *ids, const struct value *list)
{
	for (size_t i = 0; list->state == VALUE_SET && i < list->ids.n; i++)
		ids_remove(ids, list->ids.v[i]);
}

static int change_attachments(struct call *c, struct record *now)
{
	const struct field *field = schema_field(KIND_comment, F_comment_file_attachment_ids);
	struct value v = value_copy(field, record_get(now, F_comment_file_attachment_ids));
	size_t before = v.state == VALUE_SET ? v.ids.n : 0;

	v.state = VALUE_SET;
	int r = add_attachments(c, &v.ids, &c->given[P_comment_update_file_attachment_ids_to_add]);

	if (r == 0)
		r = add_attachment_objects(
			c, &v.ids, &c->given[P_comment_update_attachments_to_add]);
	remove_ids(&v.ids, &c->given[P_comment_update_file_attachment_ids_to_remove]);
	remove_ids(&v.ids, &c->given[P_comment_update_attachment_ids_to_remove]);
	if (before || v.ids.n)
		record_set(now, F_comment_file_attachment_ids, v);
	else
		value_fini(field, &v);
	return r;
}

static int write_update(struct call *c, const struct record *old, struct record *now)
{
	scoped(activity_fini) struct activity a = { 0 };
	scoped(scoped_json_fini) struct scoped_json before = { NULL };
	int r = activity_take_values(c, old, &before.json);

	initial_touch(now, call_now_ms(c));
	if (r == 0)
		r = tx_put(c->tx, now);
	if (r == 0)
		r = activity_updated(c, &a, now, before.json);
	if (r == 0)
		r = touch(c, &a, parent_of(c), 0);
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
	r = change_attachments(c, now);
	if (r == 0 && text_is_blank(record_text(now, F_comment_text)) &&
		change_is_given(patch, F_comment_text) &&
		!(record_has(now, F_comment_file_attachment_ids) &&
			record_get(now, F_comment_file_attachment_ids)->ids.n))
		return v5_error_problem(&c->error, "Text can't be blank");
	if (r == 0 && change_differs(old, now, -1, -1))
		r = write_update(c, old, now);
	return r < 0 ? r : answer_record(c, now);
}

int comments_delete(struct call *c)
{
	const struct record *comment = c->at[KIND_comment];
	scoped(activity_fini) struct activity a = { 0 };
	scoped(free_ptr) char *message =
		xasprintf("deleted comment: \"%s\"", record_text(comment, F_comment_text));

	if (!is_author(c) && c->role != ROLE_OWNER)
		return auth_refuse(c);
	int r = tx_delete(c->tx, KIND_comment, record_id(comment));

	activity_add_delete(&a, comment);
	if (r == 0)
		r = touch(c, &a, parent_of(c), 0);
	activity_add_primary(&a, parent_of(c));
	if (r == 0)
		r = activity_write(c, &a, "comment_delete_activity", "deleted comment:", message);
	return r < 0 ? r : answer_nothing(c);
}
