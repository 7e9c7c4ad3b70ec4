/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attachments as a comment has them: two lists of ids. Google documents belong to their comment and
 * take their ids from where files do, so that an attachment's id says by itself which one it is.
 */
#include "attached.h"

#include <jansson.h>

#include "attachments.h"
#include "initial.h"
#include "people.h"
#include "route.h"
#include "storyfs/alloc.h"

static const int lists[] = { F_comment_file_attachment_ids, F_comment_google_attachment_ids };

#define each_list(f) for (const int *f = lists; f < lists + sizeof(lists) / sizeof(*lists); f++)

/* A copy of one of the comment's lists. */
static struct ids copy_list(const struct record *comment, int f)
{
	struct ids ids = { 0 };

	ids_add_value(&ids, record_get(comment, f));
	return ids;
}

/* An empty list is only stored where there was one. */
static void set_list(struct record *comment, int f, const struct ids *ids)
{
	if (ids->n || record_has(comment, f))
		record_set_ids(comment, f, ids);
}

/* ---- adding ---- */

static int add_google(
	struct call *c, struct record *comment, const struct record *given, struct ids *ids)
{
	scoped(record_unref) struct record *google = NULL;
	int64_t id = 0;
	int r = initial_make(c, given, &google);

	if (r == 0)
		r = tx_next_id(c->tx, KIND_file_attachment, &id);
	if (r < 0)
		return r;
	record_set_int(google, F_google_attachment_id, id);
	record_set_int(google, F_google_attachment_comment_id, record_id(comment));
	r = people_set_author(c, google, F_google_attachment_person_id, given);
	if (r == 0)
		r = tx_put(c->tx, google);
	if (r == 0)
		r = tx_take_id(c->tx, KIND_file_attachment, id);
	if (r == 0)
		ids_add(ids, id);
	return r;
}

static bool is_google(const struct record *given)
{
	return record_kind(given) == KIND_google_attachment &&
	       !record_has(given, F_google_attachment_id);
}

/* Objects: with an id they are files that exist, without one Google documents to be made. */
static int add_objects(struct call *c, struct record *comment, const struct value *objects)
{
	scoped(ids_fini) struct ids files = copy_list(comment, F_comment_file_attachment_ids);
	scoped(ids_fini) struct ids google = copy_list(comment, F_comment_google_attachment_ids);
	int r = 0;

	for (size_t i = 0; r == 0 && i < objects->n; i++) {
		const struct record *given = objects->records[i];

		r = is_google(given) ? add_google(c, comment, given, &google)
				     : attachments_add(c, &files, record_id(given));
	}
	set_list(comment, F_comment_file_attachment_ids, &files);
	set_list(comment, F_comment_google_attachment_ids, &google);
	return r;
}

static int add_files(struct call *c, struct record *comment, const struct value *given)
{
	scoped(ids_fini) struct ids files = copy_list(comment, F_comment_file_attachment_ids);
	int r = 0;

	for (size_t i = 0; r == 0 && i < given->n; i++)
		r = attachments_add(c, &files, given->ids[i]);
	set_list(comment, F_comment_file_attachment_ids, &files);
	return r;
}

int attached_apply(struct call *c, const struct record *patch, struct record *comment)
{
	const struct ids none = { 0 };

	each_list(f) record_set_ids(comment, *f, &none);
	int r = add_files(c, comment, record_get(patch, F_comment_file_attachment_ids));

	if (r == 0)
		r = add_files(c, comment, record_get(patch, F_comment_attachment_ids));
	if (r == 0)
		r = add_objects(c, comment, record_get(patch, F_comment_file_attachments));
	if (r == 0)
		r = add_objects(c, comment, record_get(patch, F_comment_google_attachments));
	return r;
}

/* ---- taking off ---- */

bool attached_remove(struct record *comment, int f, int64_t id)
{
	scoped(ids_fini) struct ids ids = copy_list(comment, f);
	bool found = ids_remove(&ids, id);

	if (found)
		set_list(comment, f, &ids);
	return found;
}

/* What is not there need not be taken off. */
static void remove_all(struct record *comment, int f, const struct value *given)
{
	for (size_t i = 0; i < given->n; i++)
		attached_remove(comment, f, given->ids[i]);
}

int attached_change(struct call *c, struct record *comment)
{
	int r = add_files(c, comment, &c->given[P_comment_update_file_attachment_ids_to_add]);

	if (r == 0)
		r = add_objects(c, comment, &c->given[P_comment_update_attachments_to_add]);
	remove_all(comment, F_comment_file_attachment_ids,
		&c->given[P_comment_update_file_attachment_ids_to_remove]);
	remove_all(comment, F_comment_google_attachment_ids,
		&c->given[P_comment_update_google_attachment_ids_to_remove]);
	each_list(f) remove_all(comment, *f, &c->given[P_comment_update_attachment_ids_to_remove]);
	return r;
}

bool attached_is_empty(const struct record *comment)
{
	each_list(f)
	{
		if (record_get(comment, *f)->n)
			return false;
	}
	return true;
}

static struct ids removed(const struct record *old, const struct record *now, int f)
{
	struct ids ids = copy_list(old, f);
	const struct value *kept = now ? record_get(now, f) : NULL;

	for (size_t i = 0; kept && i < kept->n; i++)
		ids_remove(&ids, kept->ids[i]);
	return ids;
}

int attached_release(struct call *c, const struct record *old, const struct record *now)
{
	scoped(ids_fini) struct ids files = removed(old, now, F_comment_file_attachment_ids);
	scoped(ids_fini) struct ids google = removed(old, now, F_comment_google_attachment_ids);
	int r = 0;

	for (size_t i = 0; r >= 0 && i < google.n; i++)
		r = tx_delete(c->tx, KIND_google_attachment, google.v[i]);
	return r < 0 ? r : attachments_release(c, &files);
}

/* ---- telling ---- */

static int tell_list(
	struct call *c, const struct record *comment, int f, enum kind kind, json_t *ret)
{
	scoped(ids_fini) struct ids ids = copy_list(comment, f);

	for (size_t i = 0; i < ids.n; i++) {
		scoped(record_unref) struct record *one = NULL;
		int r = tx_get(c->tx, kind, ids.v[i], &one);

		if (r < 0)
			return r;
		if (r == 0)
			json_array_append_new(ret, json_from_record(one, NULL, 0));
	}
	return 0;
}

int attached_tell(struct call *c, const struct record *comment, json_t **ret)
{
	json_t *files = json_array(), *google = json_array(), *all = json_array();

	*ret = json_pack("{so,so,so}", "attachment_ids", all, "file_attachments", files,
		"google_attachments", google);
	each_list(f)
	{
		scoped(ids_fini) struct ids ids = copy_list(comment, *f);

		for (size_t i = 0; i < ids.n; i++)
			json_array_append_new(all, json_integer(ids.v[i]));
	}
	int r = tell_list(c, comment, F_comment_file_attachment_ids, KIND_file_attachment, files);

	return r < 0 ? r
		     : tell_list(c, comment, F_comment_google_attachment_ids,
			       KIND_google_attachment, google);
}

int attached_fill(struct call *c, struct records *comments, int f)
{
	(void)c;
	for (size_t i = 0; i < comments->n; i++) {
		scoped(ids_fini) struct ids all = { 0 };

		each_list(from) ids_add_value(&all, record_get(comments->items[i], *from));
		record_set_ids(comments->items[i], f, &all);
	}
	return 0;
}
