/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever changes something upstream goes through here: it is looked at first, and noted in the
 * journal after.
 *
 * V5 knows no condition on a PUT, so the look is a request of its own, a GET of the resource right
 * before it. What is written between the two is overwritten, but not unnoticed: the versions that
 * the answers name are two apart or more then, and the project's activity tells what ours replaced.
 */
#include "write.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/journal.h"

/* ---- the journal ---- */

static void note(struct tree *t, struct journal_entry *e)
{
	e->at_ms = clock_now_ms();
	if (t->journal)
		journal_add(t->journal, e);
	control_touch(t);
}

/* The resource's directory; false when nothing shows it. */
static bool add_path(struct tree *t, const struct place *place, int64_t id, struct buf *ret)
{
	enum layout_row row = layout_find(ROW_RESOURCE, place->kind, place->parent);

	return row != N_ROWS && node_add_path(t, &(struct node){ row, id, -1 }, ret) == 0;
}

/* Of a membership, a person by name. */
static void add_label(struct tree *t, const struct record *r, int64_t project_id, struct buf *ret)
{
	struct people people = { t, project_id };
	struct resolver resolver = people_resolver(&people);

	plain_write(r, schema_resource(record_kind(r))->label, &resolver, ret);
}

/* The file whose save sends this field; -1 when there is none. */
static int file_of(enum kind kind, int f)
{
	if (layout_has_file(kind, f))
		return f;
	each_field(g, kind) {
		const struct field *field = schema_field(kind, g);

		if (field->via && schema_find_field(kind, field->via) == f &&
			layout_has_file(kind, g))
			return g;
	}
	return -1;
}

/* One field of a write: its file before and after; what has no file moves the resource. */
static void note_field(
	struct tree *t, const struct buf *path, const struct written *w, const struct place *place)
{
	scoped(journal_entry_fini) struct journal_entry e = { .error = w->error };
	int file = file_of(place->kind, w->field);

	buf_add_str(&e.path, buf_str(path));
	if (file >= 0) {
		buf_add_fmt(&e.path, "/%s", schema_field(place->kind, file)->key);
		field_write(t, w->before, file, &e.before);
		field_write(t, w->after, file, &e.after);
	} else {
		e.act = JOURNAL_MOVE;
		buf_add_fmt(&e.after, "%s ", schema_field(place->kind, w->field)->key);
		plain_write(w->after, w->field, NULL, &e.after);
	}
	note(t, &e);
}

static void note_update(struct tree *t, const struct record *before, const struct record *patch,
	const struct record *after, int error)
{
	scoped(buf_fini) struct buf path = BUF_INIT;
	scoped(record_unref) struct record *wanted = record_patched(before, patch);
	struct place place;

	if (!store_find_place(t->store, before, &place) ||
		!add_path(t, &place, record_id(before), &path))
		return;
	each_field(f, record_kind(patch)) {
		bool is_place = file_of(place.kind, f) < 0;

		if (record_get(patch, f)->state != VALUE_ABSENT)
			note_field(t, &path,
				&(struct written){ f, before,
					is_place	  ? patch
					: after && !error ? after
							  : wanted,
					error },
				&place);
	}
}

/* ---- updates ---- */

/* Has a field that is to be written another value than was known? */
static bool has_moved(
	const struct record *known, const struct record *now, const struct record *patch)
{
	enum kind kind = record_kind(patch);

	each_field(f, kind) {
		if (record_get(patch, f)->state != VALUE_ABSENT && file_of(kind, f) >= 0 &&
			!value_equal(
				schema_field(kind, f), record_get(known, f), record_get(now, f)))
			return true;
	}
	return false;
}

/* Does the host answer for single resources of this kind at all? */
static bool is_unanswered(int e, const struct call *call)
{
	return e == -EOPNOTSUPP || (e == -ENOENT && call->error.code == V5_route_not_found);
}

/* Somebody wrote between the look and our PUT: what did ours replace? */
static void find_overwritten(struct tree *t, const struct record *patch, const struct call *call,
	struct write_result *ret)
{
	scoped(record_unref) struct record *theirs = NULL;
	scoped(call_fini) struct call look = { .limit = call->limit };
	enum kind kind = record_kind(patch);

	if (store_look_back(t->store, ret->now, call->version, &look, &theirs))
		return;
	each_field(f, kind) {
		if (record_get(patch, f)->state == VALUE_ABSENT || file_of(kind, f) < 0 ||
			record_get(theirs, f)->state == VALUE_ABSENT ||
			value_equal(schema_field(kind, f), record_get(theirs, f),
				record_get(ret->seen, f)))
			continue;
		ret->overwritten = record_patched(ret->seen, theirs);
		return;
	}
}

static int update(struct tree *t, const struct record *known, const struct record *patch,
	struct call *call, struct write_result *ret)
{
	int e = store_look(t->store, known, call, &ret->seen);

	if (is_unanswered(e, call)) {
		v5_error_fini(&call->error);
		ret->seen = record_ref(known);
		call->version = 0;
		e = 0;
	}
	if (e < 0)
		return e;
	if (has_moved(known, ret->seen, patch)) {
		if (!record_fulfils(ret->seen, patch))
			return WRITE_MOVED;
		ret->now = record_ref(ret->seen);
		return 0;
	}
	int64_t version = call->version;

	ret->sent = true;
	e = store_update(t->store, ret->seen, patch, call, &ret->now);
	if (e == 0 && version && call->version > version + 1)
		find_overwritten(t, patch, call, ret);
	return e;
}

int write_update(struct tree *t, const struct record *known, const struct record *patch,
	struct call *call, struct write_result *ret)
{
	int e = update(t, known, patch, call, ret);
	const struct record *before = ret->overwritten ? ret->overwritten
				      : ret->seen      ? ret->seen
						       : known;

	note_update(t, before, patch, ret->now, e == WRITE_MOVED ? -EBUSY : e);
	return e;
}

void write_result_fini(struct write_result *r)
{
	record_unref(r->seen);
	record_unref(r->now);
	record_unref(r->overwritten);
}

/* ---- what comes and goes ---- */

int write_create(struct tree *t, const struct place *place, const struct record *patch,
	struct call *call, struct record **ret)
{
	scoped(journal_entry_fini) struct journal_entry e = { .act = JOURNAL_MAKE };
	enum layout_row row = layout_find(ROW_COLLECTION, place->kind, place->parent);

	e.error = store_create(t->store, place, patch, call, ret);
	if (e.error == 0)
		add_path(t, place, record_id(*ret), &e.path);
	else if (row != N_ROWS)
		node_add_path(t, &(struct node){ row, place->parent_id, -1 }, &e.path);
	add_label(t, patch, place->project_id, &e.after);
	note(t, &e);
	return e.error;
}

int write_delete(struct tree *t, const struct record *r, struct call *call)
{
	scoped(journal_entry_fini) struct journal_entry e = { .act = JOURNAL_DELETE };
	struct place place;

	if (store_find_place(t->store, r, &place))
		add_path(t, &place, record_id(r), &e.path);
	add_label(t, r, store_project_of(t->store, r), &e.before);
	e.error = store_delete(t->store, r, call);
	note(t, &e);
	return e.error;
}
