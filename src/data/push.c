/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sending: one request, and a look at the resource when nobody knows what became of it. */
#include <errno.h>
#include <inttypes.h>

#include "known.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/json.h"

enum { LOOK_MS = 5000 };

/* Resources that an answer holds nested and that are listed elsewhere (a new label of a story) are
 * known from now on. */
static void learn_nested(
	struct store *s, const struct record *r, int64_t project_id, struct intake *in)
{
	each_field(f, record_kind(r)) {
		const struct field *field = schema_field(record_kind(r), f);
		const struct value *v = record_get(r, f);
		struct place place = {
			.kind = field->of, .parent = KIND_project, .parent_id = project_id
		};

		if (field->type != TYPE_OBJECTS || !schema_resource(field->of)->by_name)
			continue;
		for (size_t i = 0; i < v->n; i++)
			known_add_written(s, v->records[i], &place, in);
	}
}

/* A place among the others is no value: the answer does not tell it. */
static void learn_place(
	struct store *s, const struct place *place, const struct record *patch, struct intake *in)
{
	int before = schema_find_field(place->kind, "before_id");
	int after = schema_find_field(place->kind, "after_id");

	if (!patch)
		return;
	if (before >= 0 && record_has(patch, before))
		known_move_written(s, place, record_int(patch, before, 0), false, in);
	else if (after >= 0 && record_has(patch, after))
		known_move_written(s, place, record_int(patch, after, 0), true, in);
}

/* Tasks are numbered from 1 on, in their order; so a host that does so goes on when one of them is
 * put elsewhere or goes, and another look at those behind it is not another value of theirs. */
struct numbered {
	int field; /* -1: they are not, or not all of them are known */
	const struct collection *collection;
};

static struct numbered find_numbered(struct store *s, const struct place *place)
{
	struct numbered n = { schema_find_field(place->kind, "position"),
		known_collection(s, place) };

	if (n.field < 0 || !n.collection)
		return (struct numbered){ .field = -1 };
	for (size_t i = 0; i < n.collection->ids.n; i++) {
		const struct entry *e = known_entry(s, place->kind, n.collection->ids.v[i]);

		if (!e || record_int(e->record, n.field, 0) != (int64_t)i + 1)
			return (struct numbered){ .field = -1 };
	}
	return n;
}

static void learn_numbers(struct store *s, const struct numbered *n, struct intake *in)
{
	for (size_t i = 0; n->field >= 0 && i < n->collection->ids.n; i++) {
		enum kind kind = n->collection->key.kind;
		const struct entry *e = known_entry(s, kind, n->collection->ids.v[i]);

		if (!e || record_int(e->record, n->field, 0) == (int64_t)i + 1)
			continue;
		scoped(record_unref) struct record *now = record_copy(e->record);

		record_set_int(now, n->field, (int64_t)i + 1);
		known_put_written(s, now, in);
	}
}

/* The one that a resource is put before, or behind when there is none. */
static int64_t neighbour_at(
	const struct ids *ids, int64_t id, int64_t position, bool *ret_is_behind)
{
	int64_t at = 0, last = 0;

	for (size_t i = 0; i < ids->n; i++) {
		if (ids->v[i] == id)
			continue;
		last = ids->v[i];
		if (++at == position)
			return last;
	}
	*ret_is_behind = true;
	return last;
}

static void learn_position(struct store *s, const struct place *place, const struct record *patch,
	const struct numbered *n, struct intake *in)
{
	int f = schema_find_field(place->kind, "position");
	const struct collection *c = known_collection(s, place);
	bool is_behind = false;

	if (f < 0 || !c || !patch || !record_has(patch, f))
		return;
	int64_t other = neighbour_at(&c->ids, place->id, record_int(patch, f, 0), &is_behind);

	if (other)
		known_move_written(s, place, other, is_behind, in);
	learn_numbers(s, n, in);
}

/* What a list is asked for beyond the default response, the answer of a write does not tell: it is
 * as it was, or as it was written. */
static void keep_untold(struct store *s, struct record *r, const struct record *patch)
{
	lock_scope(&s->lock);
	const struct entry *e = known_entry(s, record_kind(r), record_id(r));

	each_field(f, record_kind(r)) {
		const struct field *field = schema_field(record_kind(r), f);
		bool is_written = patch && record_has(patch, f);
		const struct record *from = is_written ? patch : e ? e->record : NULL;

		if (field->type != TYPE_IDS || field->flags & FIELD_DEF || record_has(r, f) ||
			!from || !record_has(from, f))
			continue;
		record_set(r, f, value_copy(field, record_get(from, f)));
	}
}

static void learn(struct store *s, const struct record *r, const struct place *place,
	const struct record *patch)
{
	scoped(intake_fini) struct intake in = { 0 };

	pthread_mutex_lock(&s->lock);
	struct numbered numbered = find_numbered(s, place);

	known_put_written(s, r, &in);
	learn_place(s, place, patch, &in);
	learn_position(s, place, patch, &numbered, &in);
	learn_nested(s, r, known_project(s, record_kind(r), record_id(r)), &in);
	pthread_mutex_unlock(&s->lock);
	intake_tell(s, &in);
}

/* Does a patch say where a story stands? */
static bool is_move(const struct place *place, const struct record *patch)
{
	return place->kind == KIND_story &&
	       (record_has(patch, F_story_before_id) || record_has(patch, F_story_after_id));
}

/* With its neighbours, which an answer about one story does not tell. */
static int get_in_its_place(
	struct store *s, const struct place *place, struct call *call, struct record **ret)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(ids_fini) struct ids ids = { 0 };
	struct place stories = { KIND_story, 0, KIND_project, place->project_id,
		place->project_id };

	ids_add(&ids, place->id);
	int e = api_list_some(s->api, &stories,
		&(struct api_some){ &ids, ":default,before_id,after_id" }, call, &listing);

	if (e < 0 || !listing.records.n)
		return e < 0 ? e : -ENOENT;
	*ret = record_copy(listing.records.items[0]);
	return 0;
}

/* Was it done all the same? 0 with the record as it is, else the error of the write. Whoever waits
 * may still give up. */
static int look(struct store *s, const struct place *place, const struct record *patch,
	const struct call_limit *limit, struct record **ret)
{
	scoped(call_fini) struct call call = { .limit = *limit };
	scoped(record_unref) struct record *now = NULL;

	call.limit.deadline_ms = clock_deadline(LOOK_MS);
	int e = is_move(place, patch) ? get_in_its_place(s, place, &call, &now)
				      : api_get(s->api, place, &call, &now);

	if (e < 0)
		return 1;
	bool is_done = record_fulfils(now, patch);

	if (place->kind == KIND_story) {
		record_clear(now, F_story_before_id);
		record_clear(now, F_story_after_id);
	}
	keep_untold(s, now, NULL);
	learn(s, now, place, is_done ? patch : NULL);
	if (!is_done)
		return 1;
	*ret = take_ptr(now);
	return 0;
}

static int refuse_gone(struct call *call)
{
	v5_error_fini(&call->error);
	call->error.code = V5_OTHER;
	call->error.code_text = xstrdup("gone");
	call->error.error = xstrdup("The server no longer has it; nothing was sent.");
	return -ESTALE;
}

bool store_find_place(struct store *s, const struct record *r, struct place *ret)
{
	enum kind kind = record_kind(r);
	int64_t id = record_id(r);

	lock_scope(&s->lock);
	struct entry *e = known_entry(s, kind, id);

	if (!e)
		return false;
	*ret = (struct place){ kind, id, e->parent, e->parent_id, known_project(s, kind, id) };
	return true;
}

/* An answer that is no news when we wrote after it was asked for. */
static void learn_seen(
	struct store *s, const struct record *r, const struct place *place, uint64_t since)
{
	scoped(intake_fini) struct intake in = { .since = since, .tell = true };

	pthread_mutex_lock(&s->lock);
	if (known_entry(s, place->kind, place->id))
		known_put(s, r, place, &in);
	pthread_mutex_unlock(&s->lock);
	intake_tell(s, &in);
}

int store_look(struct store *s, const struct record *old, struct call *call, struct record **ret)
{
	scoped(record_unref) struct record *now = NULL;
	struct place place;

	if (!store_find_place(s, old, &place))
		return refuse_gone(call);
	pthread_mutex_lock(&s->lock);
	uint64_t since = s->n_writes;

	pthread_mutex_unlock(&s->lock);
	int e = api_get(s->api, &place, call, &now);

	if (e < 0)
		return e;
	keep_untold(s, now, NULL);
	learn_seen(s, now, &place, since);
	*ret = take_ptr(now);
	return 0;
}

int store_look_back(struct store *s, const struct record *r, int64_t version, struct call *call,
	struct record **ret)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	scoped(free_ptr) char *since = xasprintf("since_version=%" PRId64, version - 1);
	struct place place = {
		.kind = KIND_activity, .parent = KIND_project, .parent_id = store_project_of(s, r)
	};
	int e = api_list(s->api, &place, &(struct api_query){ .filters = since }, call, &listing);

	if (e < 0)
		return e;
	each_record(item, &listing.records) {
		scoped(record_unref) struct record *original = NULL;

		if (record_int(item, F_activity_project_version, 0) != version ||
			json_read_original(record_kind(r), record_id(r),
				record_text(item, F_activity_changes), &original))
			continue;
		*ret = take_ptr(original);
		return 0;
	}
	return 1;
}

int store_update(struct store *s, const struct record *old, const struct record *patch,
	struct call *call, struct record **ret)
{
	scoped(record_unref) struct record *now = NULL;
	struct place place;

	if (!store_find_place(s, old, &place))
		return refuse_gone(call);
	int e = api_update(s->api, &place, patch, call, &now);

	/* Whoever interrupted does not want to wait for another answer. */
	if (e < 0 && api_is_outcome_unknown(e) && e != -EINTR &&
		look(s, &place, patch, &call->limit, ret) == 0) {
		v5_error_fini(&call->error);
		return 0;
	}
	if (e < 0)
		return e;
	keep_untold(s, now, patch);
	learn(s, now, &place, patch);
	*ret = take_ptr(now);
	return 0;
}

/* Look at the collection anew: whatever came of the POST will be seen there. */
static void look_for_new(struct store *s, const struct place *place, const struct call_limit *limit)
{
	scoped(call_fini) struct call call = { .limit = *limit };

	call.limit.deadline_ms = clock_deadline(LOOK_MS);
	load_collection_again(s, place, &call);
}

static void learn_new(struct store *s, const struct record *r, const struct place *place,
	const struct record *patch)
{
	scoped(intake_fini) struct intake in = { 0 };
	struct place at = *place;

	at.id = record_id(r);
	pthread_mutex_lock(&s->lock);
	struct numbered numbered = find_numbered(s, place);

	known_add_written(s, r, place, &in);
	learn_position(s, &at, patch, &numbered, &in);
	learn_nested(s, r, place->project_id, &in);
	pthread_mutex_unlock(&s->lock);
	intake_tell(s, &in);
}

/* Was it made all the same? */
static int find_made(struct store *s, const struct creation *what, const struct call_limit *limit,
	struct record **ret)
{
	scoped(call_fini) struct call call = { .limit = *limit };

	call.limit.deadline_ms = clock_deadline(LOOK_MS);
	return store_find_made(s, what, &call, ret);
}

static int64_t known_version(struct store *s, int64_t project_id)
{
	lock_scope(&s->lock);
	const struct entry *project = known_entry(s, KIND_project, project_id);

	return project ? record_int(project->record, F_project_version, 0) : 0;
}

int store_create(struct store *s, const struct place *place, const struct record *patch,
	struct call *call, struct record **ret)
{
	scoped(record_unref) struct record *now = NULL;
	scoped(ids_fini) struct ids before = { 0 };
	struct place at = *place;

	pthread_mutex_lock(&s->lock);
	at.project_id = known_project(s, at.parent, at.parent_id);
	pthread_mutex_unlock(&s->lock);
	bool is_known = store_peek_ids(s, &at, &before) == 0;
	const struct creation what = { at, patch, is_known ? &before : NULL,
		known_version(s, at.project_id) };
	int e = api_create(s->api, &at, patch, call, &now);

	if (e < 0 && api_is_outcome_unknown(e) && e != -EINTR &&
		find_made(s, &what, &call->limit, ret) == 0) {
		v5_error_fini(&call->error);
		return 0;
	}
	if (e < 0)
		return e;
	keep_untold(s, now, patch);
	learn_new(s, now, &at, patch);
	*ret = take_ptr(now);
	return 0;
}

/* The comment that holds a file, which its own record does not tell. -ENOENT when none does. */
static int find_holder(
	struct store *s, const struct place *file, struct call *call, struct place *ret)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	struct place comments = { KIND_comment, 0, file->parent, file->parent_id,
		file->project_id };
	int e = api_list(s->api, &comments, &(struct api_query){ .fields = "file_attachment_ids" },
		call, &listing);

	if (e < 0)
		return e;
	each_record(comment, &listing.records) {
		const struct value *v = record_get(comment, F_comment_file_attachment_ids);

		if (!value_has_id(v, file->id))
			continue;
		*ret = comments;
		ret->id = record_id(comment);
		return 0;
	}
	return -ENOENT;
}

static int delete_at(struct store *s, const struct place *place, struct call *call)
{
	struct place comment;

	if (place->kind != KIND_file_attachment)
		return api_delete(s->api, place, call);
	int e = find_holder(s, place, call, &comment);

	return e < 0 ? e : api_detach(s->api, &comment, place->id, call);
}

/* Of what V5 has no endpoint for one: does its list lack it? */
static bool is_out_of_list(struct store *s, const struct place *place, struct call *call)
{
	v5_error_fini(&call->error);
	if (load_collection_again(s, place, call) < 0)
		return false;
	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, place);

	return c && !ids_has(&c->ids, place->id);
}

/* Is it gone? */
static bool is_gone(struct store *s, const struct place *place, const struct call_limit *limit)
{
	scoped(call_fini) struct call call = { .limit = *limit };
	scoped(record_unref) struct record *now = NULL;
	struct place at;

	call.limit.deadline_ms = clock_deadline(LOOK_MS);
	if (place->kind == KIND_file_attachment)
		return find_holder(s, place, &call, &at) == -ENOENT;
	int e = api_get(s->api, place, &call, &now);

	return e == -ENOENT || (e == -EOPNOTSUPP && is_out_of_list(s, place, &call));
}

static void forget(struct store *s, const struct place *place)
{
	scoped(intake_fini) struct intake in = { 0 };

	pthread_mutex_lock(&s->lock);
	struct numbered numbered = find_numbered(s, place);

	known_remove_written(s, place->kind, place->id, &in);
	learn_numbers(s, &numbered, &in);
	pthread_mutex_unlock(&s->lock);
	intake_tell(s, &in);
}

int store_delete(struct store *s, const struct record *old, struct call *call)
{
	struct place place;

	if (!store_find_place(s, old, &place))
		return refuse_gone(call);
	int e = delete_at(s, &place, call);
	bool unknown = e < 0 && api_is_outcome_unknown(e) && e != -EINTR;

	if (e < 0 && e != -ENOENT && !(unknown && is_gone(s, &place, &call->limit)))
		return e;
	v5_error_fini(&call->error);
	forget(s, &place);
	return 0;
}

/* ---- files ---- */

/* The file's record learns which it is. */
static int post_comment(
	struct store *s, const struct place *place, struct record *file, struct call *call)
{
	scoped(record_unref) struct record *patch = record_new(KIND_comment);
	scoped(record_unref) struct record *comment = NULL;
	scoped(ids_fini) struct ids ids = { 0 };
	struct place comments = *place;

	ids_add(&ids, record_id(file));
	record_set_ids(patch, F_comment_file_attachment_ids, &ids);
	comments.kind = KIND_comment;
	int e = store_create(s, &comments, patch, call, &comment);

	if (e == 0)
		record_set_int(file, F_file_attachment_comment_id, record_id(comment));
	return e;
}

/* Did it come to a comment all the same? */
static bool is_attached(struct store *s, const struct place *place, const struct record *file,
	const struct call_limit *limit)
{
	look_for_new(s, place, limit);
	lock_scope(&s->lock);
	const struct collection *c = known_collection(s, place);

	return c && ids_has(&c->ids, record_id(file));
}

int store_attach(struct store *s, const struct place *place, const struct api_file *file,
	struct call *call, struct record **ret)
{
	scoped(record_unref) struct record *now = NULL;
	struct place at = *place;

	pthread_mutex_lock(&s->lock);
	at.project_id = known_project(s, at.parent, at.parent_id);
	pthread_mutex_unlock(&s->lock);
	int e = api_upload(s->api, at.project_id, file, call, &now);

	if (e < 0)
		return e;
	e = post_comment(s, &at, now, call);
	if (e < 0 && api_is_outcome_unknown(e) && e != -EINTR &&
		is_attached(s, &at, now, &call->limit)) {
		v5_error_fini(&call->error);
		e = 0;
	}
	if (e < 0)
		return e;
	learn_new(s, now, &at, NULL);
	*ret = take_ptr(now);
	return 0;
}
