/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dumps that say all of a project. What the archive has of it beyond that is gone at the host, and
 * goes. The archive remembers the version at which it was mirrored: a project that has another one
 * was changed here, one without came from elsewhere; both are left as they are.
 *
 * Activity and transitions tell what was, and stay.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "import_run.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"

static void write_meta_name(char name[32], int64_t project_id)
{
	snprintf(name, 32, "mirror %" PRId64, project_id);
}

/* 1: it was never mirrored. */
static int get_remembered(struct tx *tx, int64_t project_id, int64_t *ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	char name[32];

	write_meta_name(name, project_id);
	int r = tx_get_meta(tx, name, &text);

	if (r)
		return r;
	return !parse_int(buf_str(&text), 0, INT64_MAX, ret);
}

/* 1: the archive has no such project. */
static int get_version(struct tx *tx, int64_t project_id, int64_t *ret)
{
	scoped(record_unref) struct record *project = NULL;
	int r = tx_get(tx, KIND_project, project_id, &project);

	if (r == 0)
		*ret = record_int(project, F_project_version, 0);
	return r;
}

int import_get_mirrored(struct tx *tx, int64_t project_id, int64_t *ret)
{
	int64_t then = 0, now = 0;
	int r = get_remembered(tx, project_id, &then);

	if (r == 0)
		r = get_version(tx, project_id, &now);
	*ret = r == 0 && then == now ? now : 0;
	return r < 0 ? r : 0;
}

/* ---- before ---- */

static int find_changed(struct import_run *run, int64_t id)
{
	int64_t then = 0, now = 0;
	int r = get_version(run->tx, id, &now);

	if (r == 0)
		r = get_remembered(run->tx, id, &then);
	if (r < 0 || !now || then == now || ids_has(&run->newer, id))
		return r < 0 ? r : 0;
	ids_add(&run->newer, id);
	if (then)
		buf_add_fmt(&run->report.notes,
			"project %" PRId64 ": it was changed in the archive (version %" PRId64
			", cloned at %" PRId64 "); left as it is\n",
			id, now, then);
	else
		buf_add_fmt(&run->report.notes,
			"project %" PRId64
			": the archive has it, and not from a clone; left as it is\n",
			id);
	return 0;
}

/* Does the folder that the project came from have a list of this kind? */
static bool is_listed(const struct import_run *run, const struct entry *project, enum kind kind)
{
	const char *from = run->files[project->file];
	scoped(free_ptr) char *path = xasprintf("%.*s/%s.json", (int)(strrchr(from, '/') - from),
		from, schema_resource(kind)->name);

	for (size_t i = 0; i < run->n_files; i++) {
		if (strcmp(run->files[i], path) == 0)
			return true;
	}
	return false;
}

static bool is_history(enum kind kind)
{
	return kind == KIND_activity || kind == KIND_story_transition;
}

/* Of the mirrored project that it belongs to, is it one that the host has no more? */
static bool is_gone(const struct import_run *run, const struct record *r)
{
	enum kind kind = record_kind(r);
	const struct resource *res = schema_resource(kind);
	int64_t project_id = import_project_of(run, r);
	const struct entry *project =
		project_id ? import_table_find(&run->table, KIND_project, project_id) : NULL;

	if (!project || ids_has(&run->newer, project_id) ||
		import_table_find(&run->table, kind, record_id(r)))
		return false;
	/* What others keep to themselves is in no dump of mine. */
	if (res->whose && record_int(r, res->whose, 0) != run->me_id)
		return false;
	return res->parent != KIND_project || is_listed(run, project, kind);
}

/* Files that a comment holds, and that the host does not have. */
static int remove_files(struct import_run *run, const struct record *comment)
{
	const struct value *files = record_get(comment, F_comment_file_attachment_ids);
	int64_t project_id = import_project_of(run, comment);
	int r = 0;

	if (!files->n || ids_has(&run->newer, project_id) ||
		!import_table_find(&run->table, KIND_project, project_id))
		return 0;
	for (size_t i = 0; r >= 0 && i < files->n; i++) {
		int64_t id = files->ids[i];

		if (import_table_find(&run->table, KIND_file_attachment, id))
			continue;
		r = tx_delete(run->tx, KIND_file_attachment, id);
		if (r >= 0)
			r = tx_delete_bytes(run->tx, id);
	}
	return r < 0 ? r : 0;
}

static int remove_one(struct import_run *run, enum kind kind, int64_t id)
{
	scoped(record_unref) struct record *r = NULL;

	if (kind != KIND_comment && import_table_find(&run->table, kind, id))
		return 0;
	int e = tx_get(run->tx, kind, id, &r);

	if (e == 0 && kind == KIND_comment)
		e = remove_files(run, r);
	if (e || !is_gone(run, r))
		return e < 0 ? e : 0;
	run->report.changed[kind]++;
	e = tx_delete(run->tx, kind, id);
	return e < 0 ? e : 0;
}

static int remove_gone(struct import_run *run, enum kind kind)
{
	const struct query q = { .kind = kind, .limit = -1 };
	scoped(ids_fini) struct ids ids = { 0 };
	int e = tx_list_ids(run->tx, &q, &ids);

	for (size_t i = 0; e >= 0 && i < ids.n; i++)
		e = remove_one(run, kind, ids.v[i]);
	return e < 0 ? e : 0;
}

int import_mirror_begin(struct import_run *run)
{
	int e = 0;

	each_entry_of(entry, &run->table, KIND_project) {
		if (e == 0)
			e = find_changed(run, entry->key.id);
	}
	/* What hangs on others comes after them in the schema, and has to find them here. */
	for (int kind = N_KINDS - 1; e == 0 && kind > KIND_none; kind--) {
		const struct resource *res = schema_resource((enum kind)kind);

		if (res->fields[0].flags & FIELD_KEEP && res->parent &&
			!is_history((enum kind)kind))
			e = remove_gone(run, (enum kind)kind);
	}
	return e;
}

/* ---- after ---- */

int import_mirror_end(struct import_run *run)
{
	each_entry_of(entry, &run->table, KIND_project) {
		scoped(buf_fini) struct buf text = BUF_INIT;
		char name[32];

		if (ids_has(&run->newer, entry->key.id))
			continue;
		write_meta_name(name, entry->key.id);
		buf_add_fmt(&text, "%" PRId64, record_int(entry->record, F_project_version, 1));
		int e = tx_put_meta(run->tx, name, text.data);

		if (e < 0)
			return e;
	}
	return 0;
}
