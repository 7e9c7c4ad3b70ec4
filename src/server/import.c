/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Import: the run, and the table's way into the archive. */
#include "storyfs/import.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "import_export.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/plain.h"
#include "webhook.h"

enum { PROGRESS_EVERY = 256 };

void import_run_fini(struct import_run *run)
{
	import_free_exports(run);
	if (run->tx)
		tx_abort(run->tx);
	for (struct odd_key *odd = run->odd_keys, *next; odd; odd = next) {
		next = odd->next;
		free(odd->key);
		free(odd);
	}
	for (size_t i = 0; i < run->n_unknowns; i++) {
		free(run->unknowns[i].kind);
		free(run->unknowns[i].key);
		free(run->unknowns[i].json);
	}
	free(run->unknowns);
	for (size_t i = 0; i < run->n_paths; i++)
		free(run->paths[i]);
	free(run->paths);
	for (size_t i = 0; i < run->n_files; i++)
		free(run->files[i]);
	free(run->files);
	import_table_fini(&run->table);
	mentions_fini(&run->mentions);
	records_fini(&run->summaries);
	ids_fini(&run->newer);
	ids_fini(&run->unversioned);
	ids_fini(&run->touched);
	import_report_fini(&run->report);
}

void import_progress(struct import_run *run, const char *what)
{
	if (run->config->progress)
		run->config->progress(run->config->data, what, run->bytes_done, run->bytes_total);
}

/* ---- records ---- */

struct record *import_with_initials(const struct record *r)
{
	struct record *whole = record_copy(r);

	each_field(f, record_kind(r)) {
		const struct field *field = schema_field(record_kind(r), f);
		scoped(record_unref) struct record *patch = record_new(record_kind(r));
		scoped(buf_fini) struct buf text = BUF_INIT;
		scoped(buf_fini) struct buf reason = BUF_INIT;

		if (!field->initial || !(field->flags & FIELD_KEEP) || record_has(r, f))
			continue;
		buf_add_str(&text, field->initial);
		int e = plain_read(patch, f, &text, NULL, &reason);

		assert(e == 0);
		record_set(whole, f, value_copy(field, record_get(patch, f)));
	}
	return whole;
}

static bool same_extra(const struct record *a, const struct record *b)
{
	const char *x = record_extra(a) ? record_extra(a) : "";
	const char *y = record_extra(b) ? record_extra(b) : "";

	return strcmp(x, y) == 0;
}

static bool is_same(const struct record *a, const struct record *b)
{
	each_field(f, record_kind(a)) {
		const struct field *field = schema_field(record_kind(a), f);

		if (field->flags & FIELD_KEEP &&
			!value_equal(field, record_get(a, f), record_get(b, f)))
			return false;
	}
	return same_extra(a, b);
}

void import_touch(struct import_run *run, int64_t project_id)
{
	if (!ids_has(&run->touched, project_id))
		ids_add(&run->touched, project_id);
}

static void note_change(struct import_run *run, enum kind kind, int64_t project_id)
{
	run->report.changed[kind]++;
	import_touch(run, project_id);
}

/* What no dump tells, and the archive knows: who chose which time zone, how far a webhook is. */
static struct record *with_hidden(const struct record *r, const struct record *old)
{
	struct record *whole = record_copy(r);

	each_field(f, record_kind(r)) {
		const struct field *field = schema_field(record_kind(r), f);

		if (field->flags & FIELD_HIDDEN && record_has(old, f) && !record_has(r, f))
			record_set(whole, f, value_copy(field, record_get(old, f)));
	}
	return whole;
}

int import_put(struct import_run *run, const struct record *r)
{
	scoped(record_unref) struct record *old = NULL;
	int64_t project_id = import_project_of(run, r);
	int e = tx_get(run->tx, record_kind(r), record_id(r), &old);

	if (e > 0)
		note_change(run, record_kind(r), project_id);
	if (e)
		return e < 0 ? e : tx_add(run->tx, r);
	scoped(record_unref) struct record *whole = with_hidden(r, old);

	if (is_same(whole, old) || (project_id && ids_has(&run->unversioned, project_id)))
		return 0;
	note_change(run, record_kind(r), project_id);
	return tx_put(run->tx, whole);
}

int import_stored_id(struct import_run *run, const struct record *r, int64_t *ret_id)
{
	const struct resource *res = schema_resource(record_kind(r));
	struct query q = { .kind = record_kind(r), .limit = 1 };
	scoped(ids_fini) struct ids ids = { 0 };

	query_where(&q, res->label, OP_EQ, 0)->where[0].s = record_text(r, res->label);
	query_where(&q, res->parent_key, OP_EQ, record_int(r, res->parent_key, 0));
	int e = tx_list_ids(run->tx, &q, &ids);

	if (e < 0)
		return e;
	if (!ids.n)
		return 1;
	*ret_id = ids.v[0];
	return 0;
}

/* What tells one from another among resources that V5 gives no id. */
static const struct {
	enum kind kind;
	int keys[3];
} natural_keys[] = {
	{ KIND_activity, { F_activity_project_id, F_activity_project_version, F_activity_guid } },
	{ KIND_story_transition,
		{ F_story_transition_project_id, F_story_transition_project_version,
			F_story_transition_story_id } },
	{ KIND_iteration_override, { F_iteration_override_project_id, F_iteration_override_number,
					   F_iteration_override_project_id } },
};

static void find_by_key(const struct record *r, const int keys[3], struct query *ret)
{
	*ret = (struct query){ .kind = record_kind(r), .limit = 1 };
	for (int i = 0; i < 3; i++) {
		query_where(ret, keys[i], OP_EQ, record_int(r, keys[i], 0));
		if (schema_field(record_kind(r), keys[i])->type == TYPE_STRING)
			ret->where[i].s = record_text(r, keys[i]);
	}
}

int import_number(struct import_run *run, struct record *r)
{
	scoped(ids_fini) struct ids ids = { 0 };
	int64_t id = 0;
	int e = 0;

	for (size_t i = 0; i < sizeof(natural_keys) / sizeof(*natural_keys); i++) {
		struct query q;

		if (natural_keys[i].kind != record_kind(r))
			continue;
		find_by_key(r, natural_keys[i].keys, &q);
		e = tx_list_ids(run->tx, &q, &ids);
	}
	if (e < 0)
		return e;
	if (!ids.n)
		e = tx_next_id(run->tx, record_kind(r), &id);
	else
		id = ids.v[0];
	record_set_int(r, 0, id);
	return e < 0 ? e : !ids.n;
}

/* ---- projects ---- */

/* A project that was changed here after the dump was made is not set back. */
static int find_newer(struct import_run *run)
{
	each_entry_of(e, &run->table, KIND_project) {
		scoped(record_unref) struct record *old = NULL;
		int64_t version = record_int(e->record, F_project_version, 1);
		int r = tx_get(run->tx, KIND_project, e->key.id, &old);

		if (r < 0)
			return r;
		if (r > 0 || record_int(old, F_project_version, 1) <= version)
			continue;
		ids_add(&run->newer, e->key.id);
		buf_add_fmt(&run->report.notes,
			"project %" PRId64 " (%s): the archive has version %" PRId64
			", newer than the dump's %" PRId64 "; left as it is\n",
			e->key.id, record_text(old, F_project_name),
			record_int(old, F_project_version, 0), version);
	}
	return 0;
}

/* Stories need a project to be found in. One that the archive has may have been changed there, and
 * no version tells: it only gets what it lacks. */
static int find_or_make_project(struct import_run *run, int64_t id)
{
	scoped(record_unref) struct record *old = NULL;
	scoped(free_ptr) char *name = xasprintf("Project %" PRId64, id);
	int e = tx_get(run->tx, KIND_project, id, &old);

	if (e == 0 && !ids_has(&run->unversioned, id))
		ids_add(&run->unversioned, id);
	if (e <= 0)
		return e;
	scoped(record_unref) struct record *r = record_new(KIND_project);

	record_set_int(r, F_project_id, id);
	record_set_text(r, F_project_name, name);
	scoped(record_unref) struct record *whole = import_with_initials(r);

	buf_add_fmt(&run->report.notes,
		"project %" PRId64 ": the dump has its stories but no project.json; made with the "
		"name '%s'\n",
		id, name);
	import_table_add_nested(&run->table, whole, 0);
	return 0;
}

static int make_missing_projects(struct import_run *run)
{
	each_entry_of(e, &run->table, KIND_story) {
		int64_t id = import_project_of(run, e->record);

		if (!id || import_table_find(&run->table, KIND_project, id))
			continue;
		int r = find_or_make_project(run, id);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- storing ---- */

/* Of a story without any time: as an import before this one had it, else when its project began,
 * else now. */
static int guess_acceptance(struct import_run *run, const struct record *story, int64_t *ret)
{
	scoped(record_unref) struct record *stored = NULL;
	scoped(record_unref) struct record *project = NULL;
	int64_t project_id = import_project_of(run, story), now = clock_now_ms();
	int r = tx_get(run->tx, KIND_story, record_id(story), &stored);

	if (r >= 0 && stored && record_has(stored, F_story_accepted_at)) {
		*ret = record_int(stored, F_story_accepted_at, 0);
		return 0;
	}
	if (r >= 0)
		r = tx_get(run->tx, KIND_project, project_id, &project);
	if (r < 0)
		return r;
	*ret = now - now % 1000;
	if (project)
		*ret = record_int(project, F_project_created_at, *ret);
	return 0;
}

/* An accepted story without its time would be in no iteration: it was so when it last changed. */
static int date_acceptance(struct import_run *run, struct record *story)
{
	int64_t state = record_int(story, F_story_current_state, STATE_UNSCHEDULED);
	int64_t created_at = record_int(story, F_story_created_at, 0);
	int64_t at = record_int(story, F_story_updated_at, created_at);

	if (state != STATE_ACCEPTED || record_has(story, F_story_accepted_at))
		return 0;
	int r = at ? 0 : guess_acceptance(run, story, &at);

	if (r == 0)
		record_set_int(story, F_story_accepted_at, at);
	return r;
}

/* V5 says of each project what an old dump, or one of few fields, does not. */
static void complete(struct entry *e)
{
	struct record *whole = import_with_initials(e->record);

	record_unref(e->record);
	e->record = whole;
}

/* What the archive had none of is known not to be there, but for what two of a dump say alike. */
static int put_entry(struct import_run *run, const struct entry *e, int64_t project_id)
{
	bool is_new = run->is_empty[e->key.kind];
	int r = 0;

	if (schema_resource(e->key.kind)->plain) {
		r = import_number(run, e->record);
		is_new = r > 0;
	}
	if (r < 0 || !is_new)
		return r < 0 ? r : import_put(run, e->record);
	note_change(run, e->key.kind, project_id);
	return tx_add(run->tx, e->record);
}

static int store_entry(struct import_run *run, struct entry *e)
{
	int64_t project_id = e->project_id ? e->project_id : import_project_of(run, e->record);

	mentions_note(&run->mentions, e->record, project_id);
	if (e->key.kind == KIND_story) {
		int r = date_acceptance(run, e->record);

		if (r < 0)
			return r;
	}
	if (e->key.kind == KIND_iteration_override) {
		int r = import_trim_override(run, e->record);

		if (r)
			return r < 0 ? r : 0;
	}
	run->report.read[e->key.kind]++;
	if (e->skip)
		return 0;
	if (e->key.kind == KIND_project) {
		int r = import_keep_account(run, e->record);

		if (r < 0)
			return r;
	}
	if (project_id && ids_has(&run->newer, project_id))
		return 0;
	if (e->key.kind == KIND_project) {
		int r = webhooks_skip_import(run->tx, e->record);

		if (r < 0)
			return r;
		complete(e);
	}
	return put_entry(run, e, project_id);
}

/* What the archive has none of needs no look at what it has. */
static int find_empty(struct import_run *run)
{
	int r = 0;

	for (int kind = KIND_none + 1; r == 0 && kind < N_KINDS; kind++) {
		const struct query q = { .kind = (enum kind)kind, .limit = 1 };
		scoped(ids_fini) struct ids ids = { 0 };

		if (!(schema_field((enum kind)kind, 0)->flags & FIELD_KEEP))
			continue;
		r = tx_list_ids(run->tx, &q, &ids);
		run->is_empty[kind] = !ids.n;
	}
	return r;
}

static int store_kind(struct import_run *run, enum kind kind)
{
	int64_t left = run->bytes_total - run->bytes_done;
	int64_t n = 0, step = left / (run->table.n + 1);

	each_entry_of(e, &run->table, kind) {
		int r = store_entry(run, e);

		if (r < 0)
			return r;
		run->bytes_done += step;
		if (++n % PROGRESS_EVERY == 0)
			import_progress(run, "storing");
	}
	return 0;
}

static bool same_folder(const char *a, const char *b)
{
	size_t n = (size_t)(strrchr(a, '/') - a);

	return strncmp(a, b, n + 1) == 0 && !strchr(b + n + 1, '/');
}

/* The project whose folder the file is in. */
static int64_t find_project_beside(const struct import_run *run, size_t file)
{
	each_entry_of(e, &run->table, KIND_project) {
		if (same_folder(run->files[e->file], run->files[file]))
			return e->key.id;
	}
	return 0;
}

static int store_unknowns(struct import_run *run)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < run->n_unknowns; i++) {
		const struct unknown *u = &run->unknowns[i];
		int64_t project_id =
			u->project_id ? u->project_id : find_project_beside(run, u->file);

		if (!ids_has(&run->newer, project_id))
			e = tx_put_unknown(run->tx, project_id, u->kind, u->key, u->json);
	}
	return e;
}

int import_store_table(struct import_run *run)
{
	int e = 0;

	for (int kind = KIND_none + 1; e == 0 && kind < N_KINDS; kind++)
		e = store_kind(run, (enum kind)kind);
	return e;
}

/* Into an archive without stories; but where each is looked for by more than its id, that has to be
 * quick. */
static bool is_bulk(const struct import_run *run)
{
	for (size_t i = 0; i < sizeof(natural_keys) / sizeof(*natural_keys); i++) {
		if (run->table.first[natural_keys[i].kind])
			return false;
	}
	return run->is_empty[KIND_story];
}

static int store_all(struct import_run *run)
{
	bool bulk = is_bulk(run);
	int e = bulk ? tx_begin_bulk(run->tx) : 0;

	if (e == 0)
		e = import_store_table(run);
	return e == 0 && bulk ? tx_end_bulk(run->tx) : e;
}

static int store(struct import_run *run)
{
	int e = find_newer(run);

	if (e == 0 && run->config->mirror)
		e = import_mirror_begin(run);
	if (e == 0)
		e = make_missing_projects(run);
	if (e == 0)
		e = find_empty(run);
	if (e == 0)
		e = store_all(run);
	if (e == 0)
		e = import_store_files(run);
	if (e == 0)
		e = import_dumped_files(run);
	if (e == 0)
		e = import_transitions(run);
	if (e == 0)
		e = store_unknowns(run);
	if (e == 0)
		e = import_find_owner(run);
	if (e == 0)
		e = import_memberships(run);
	if (e == 0)
		e = import_accounts(run);
	if (e == 0)
		e = import_close_exports(run);
	if (e == 0 && run->config->mirror)
		e = import_mirror_end(run);
	return e;
}

/* ---- the run ---- */

/* Of a folder of an export nothing yet: what is in it is added as it is read. */
static int64_t measure(const char *path)
{
	struct stat st;

	if (!import_is_export(path))
		return import_measure_folder(path);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : 0;
}

static int read_folders(struct import_run *run)
{
	int e = 0;

	import_expand_paths(run);
	for (size_t i = 0; i < run->n_paths; i++)
		run->bytes_total += 2 * measure(run->paths[i]);
	for (size_t i = 0; e == 0 && i < run->n_paths; i++) {
		if (!import_is_export(run->paths[i]))
			e = import_read_folder(run, run->paths[i]);
	}
	return e;
}

static int read_exports(struct import_run *run)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < run->n_paths; i++) {
		if (import_is_export(run->paths[i]))
			e = import_read_export(run, run->paths[i]);
	}
	return e == 0 ? import_finish_exports(run) : e;
}

static int write_archive(struct import_run *run, struct archive *a)
{
	const struct entry *dumped = run->table.end;
	int e = tx_begin(a, TX_WRITE, &run->tx);

	if (e == 0)
		e = read_exports(run);
	if (e == 0) {
		import_flatten(run, dumped);
		e = store(run);
	}
	if (e == 0 && run->config->dry_run)
		tx_abort(take_ptr(run->tx));
	else if (e == 0)
		e = tx_commit(take_ptr(run->tx));
	return e;
}

int import_all(struct archive *a, const struct import_config *config, struct import_report *ret,
	struct buf *ret_reason)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(import_run_fini) struct import_run run = { .config = config, .reason = &reason };
	int e = read_folders(&run);

	if (e == 0)
		e = write_archive(&run, a);
	if (e < 0 && !reason.len)
		buf_add_fmt(&reason, "the archive cannot be written: %s", archive_explain(e));
	if (e < 0) {
		buf_add_fmt(ret_reason, "%s\n", buf_str(&reason));
		return e;
	}
	run.bytes_done = run.bytes_total;
	import_progress(&run, "done");
	*ret = run.report;
	run.report = (struct import_report){ 0 };
	return 0;
}
