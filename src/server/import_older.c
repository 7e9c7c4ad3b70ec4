/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an older export had and a newer one has not. It stays: stories and epics as they are, and
 * what hung on one that is still there behind all that hangs on it now.
 *
 * Nothing but its place tells in an export which comment of a story is which. So lists are held
 * against each other by what they say. What is said elsewhere in the list now has moved. Where
 * something new stands in its place, it was edited; where something stands that was elsewhere
 * before, or nothing does, it is gone from the list.
 */
#include <inttypes.h>

#include "import_export.h"

enum { SHOWN_IDS = 20 };

/* What makes it the same one, whatever else changed; 0 ends them. */
static const struct identity {
	enum kind kind;
	int fields[3];
} identities[] = {
	{ KIND_comment, { F_comment_text, F_comment_person_id, F_comment_created_at } },
	{ KIND_task, { F_task_description } },
	{ KIND_blocker, { F_blocker_description } },
	{ KIND_review, { F_review_review_type_id, F_review_reviewer_id } },
	{ KIND_pull_request, { F_pull_request_original_url } },
	{ KIND_branch, { F_branch_name } },
	/* Its name is in its id. */
	{ KIND_file_attachment, { 0 } },
};

enum { N_IDENTITIES = sizeof(identities) / sizeof(*identities) };

static const struct identity *identity_of(const struct record *r)
{
	const struct identity *i = identities;

	while (i->kind != record_kind(r))
		i++;
	return i;
}

static bool same_item(const struct record *a, const struct record *b)
{
	const struct identity *identity = identity_of(a);

	for (int i = 0; i < 3 && identity->fields[i]; i++) {
		int f = identity->fields[i];

		if (!value_equal(
			    schema_field(identity->kind, f), record_get(a, f), record_get(b, f)))
			return false;
	}
	return identity->fields[0] != 0;
}

/* Before the first place of the list that it is in. */
static int64_t list_of(int64_t id)
{
	return id - id % EPIC_PLACES;
}

/* Does the list say it now? */
static bool is_said(const struct import_run *run, const struct record *r)
{
	const struct entry *e;

	for (int64_t id = list_of(record_id(r)) + 1;
		(e = import_table_find(&run->table, record_kind(r), id)) != NULL; id++) {
		if (same_item(e->record, r))
			return true;
	}
	return false;
}

static bool was_said(const struct records *list, const struct record *r)
{
	for (size_t i = 0; i < list->n; i++) {
		if (same_item(list->items[i], r))
			return true;
	}
	return false;
}

/* The story or epic that it hangs on was read, and may be changed. */
static bool is_of_read(const struct import_run *run, int64_t id)
{
	const struct entry *e = import_table_find(&run->table,
		id % IDS_A_STORY >= EPIC_PLACES ? KIND_epic : KIND_story, id / IDS_A_STORY);

	return e && !e->skip;
}

/* ---- before anything is stored ---- */

/* Of what is in the list now. */
static int64_t last_position(const struct import_run *run, const struct record *r, int position)
{
	const struct entry *e;
	int64_t last = 0;

	for (int64_t id = list_of(record_id(r)) + 1;
		(e = import_table_find(&run->table, record_kind(r), id)) != NULL; id++)
		last = record_int(e->record, position, last);
	return last;
}

/* Behind all that is and was in the list. */
static void move_behind(struct import_run *run, const struct records *list, const struct record *r)
{
	int64_t id = list_of(record_id(r)) + OLDER_PLACES;
	int position = schema_find_field(record_kind(r), "position");
	struct record *moved = record_copy(r);

	for (size_t i = 0; i < list->n; i++)
		id = record_id(list->items[i]) > id ? record_id(list->items[i]) : id;
	for (size_t i = 0; i < run->exports->older.n; i++) {
		const struct record *other = run->exports->older.items[i];

		if (record_kind(other) == record_kind(r) && record_id(other) > id &&
			list_of(record_id(other)) == list_of(record_id(r)))
			id = record_id(other);
	}
	record_set_int(moved, 0, id + 1);
	if (position >= 0)
		record_set_int(moved, position, last_position(run, r, position) + 1);
	records_add(&run->exports->older, moved);
}

/* The list as the archive has it. */
static void save_list(struct import_run *run, const struct records *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct record *r = list->items[i];
		const struct entry *e =
			import_table_find(&run->table, record_kind(r), record_id(r));

		if (e && !same_item(e->record, r) && !is_said(run, r) && was_said(list, e->record))
			move_behind(run, list, r);
	}
}

static int save_lists(struct import_run *run, enum kind kind)
{
	const struct query q = { .kind = kind, .limit = -1 };
	scoped(ids_fini) struct ids ids = { 0 };
	int r = tx_list_ids(run->tx, &q, &ids);

	/* By id, so what is of one list comes together. */
	for (size_t i = 0, end; r == 0 && i < ids.n; i = end) {
		scoped(records_fini) struct records list = { 0 };

		for (end = i; end < ids.n && list_of(ids.v[end]) == list_of(ids.v[i]); end++)
			continue;
		for (size_t k = i; r == 0 && k < end && is_of_read(run, ids.v[i]); k++) {
			struct record *old = NULL;

			r = tx_get(run->tx, kind, ids.v[k], &old);
			if (r == 0)
				records_add(&list, old);
		}
		save_list(run, &list);
	}
	return r < 0 ? r : 0;
}

int import_save_older(struct import_run *run)
{
	int r = 0;

	for (int i = 0; r == 0 && i < N_IDENTITIES; i++) {
		if (identities[i].fields[0])
			r = save_lists(run, identities[i].kind);
	}
	return r;
}

/* ---- afterwards ---- */

static int check_older(struct import_run *run, enum kind kind, int64_t id, int64_t *n_older)
{
	scoped(record_unref) struct record *r = NULL;
	int e = tx_get(run->tx, kind, id, &r);

	if (e)
		return e < 0 ? e : 0;
	if (!is_said(run, r)) {
		++*n_older;
		return 0;
	}
	import_touch(run, import_project_of(run, r));
	e = tx_delete(run->tx, kind, id);
	return e < 0 ? e : 0;
}

static int find_older_items(struct import_run *run, enum kind kind)
{
	const struct query q = { .kind = kind, .limit = -1 };
	scoped(ids_fini) struct ids ids = { 0 };
	int64_t n_older = 0;
	int r = tx_list_ids(run->tx, &q, &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		if (ids.v[i] >= IDS_A_STORY && is_of_read(run, ids.v[i]) &&
			!import_table_find(&run->table, kind, ids.v[i]))
			r = check_older(run, kind, ids.v[i], &n_older);
	}
	if (r == 0 && n_older)
		buf_add_fmt(&run->report.notes,
			"%" PRId64 " %s of the archive are not in the lists of these stories; they "
			"stay\n",
			n_older, schema_resource(kind)->plural);
	return r;
}

int import_find_older_items(struct import_run *run)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->exports->older.n; i++)
		r = import_put(run, run->exports->older.items[i]);
	for (int i = 0; r == 0 && i < N_IDENTITIES; i++) {
		if (!run->is_empty[identities[i].kind])
			r = find_older_items(run, identities[i].kind);
	}
	return r;
}

static int find_older(struct import_run *run, const struct export_project *p, enum kind kind)
{
	struct query q = { .kind = kind, .limit = -1 };
	scoped(ids_fini) struct ids ids = { 0 };
	scoped(buf_fini) struct buf which = BUF_INIT;
	int64_t n = 0;
	int r = tx_list_ids(
		run->tx, query_where(&q, schema_resource(kind)->parent_key, OP_EQ, p->id), &ids);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		if (ids.v[i] >= NAMED_TO || import_table_find(&run->table, kind, ids.v[i]))
			continue;
		if (n++ < SHOWN_IDS)
			buf_add_fmt(&which, "%s%" PRId64, n > 1 ? ", " : "", ids.v[i]);
	}
	if (r == 0 && n)
		buf_add_fmt(&run->report.notes,
			"project %" PRId64 ": %" PRId64
			" %s of the archive are not in this export; "
			"they stay: %s%s\n",
			p->id, n, schema_resource(kind)->plural, which.data,
			n > SHOWN_IDS ? ", ..." : "");
	return r;
}

int import_find_older(struct import_run *run, const struct export_project *p)
{
	int r = find_older(run, p, KIND_story);

	return r == 0 ? find_older(run, p, KIND_epic) : r;
}
