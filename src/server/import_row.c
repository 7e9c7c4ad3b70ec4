/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row of an export becomes a story or an epic, and what hangs on it. What cannot be read is
 * noted, and kept as it stands beside the cells of unknown columns.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "import_export.h"
#include "initial.h"
#include "kept_cells.h"
#include "storyfs/alloc.h"
#include "storyfs/json.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

enum { MAX_RECORDS = 3000000 };

/* Bytes that are no text are something, too. */
static bool is_blank(const struct csv_cell *cell)
{
	return strspn(cell->text, " \t\r\n") == cell->len;
}

/* ---- cells of a row ---- */

/* The nth cell of a column; NULL when the row has none, or a blank one. */
static const struct csv_cell *cell_at(const struct export_row *w, int column, size_t n)
{
	if (n >= w->csv->n_places[column])
		return NULL;
	size_t place = w->csv->places[column][n];

	if (place >= w->row->n || is_blank(&w->row->cells[place]))
		return NULL;
	return &w->row->cells[place];
}

/* The id, and that an epic is one. */
static bool is_read_before(const struct export_row *w, int i)
{
	return i == columns_of(F_story_id) ||
	       (i == columns_of(F_story_story_type) && record_kind(w->record) != KIND_story);
}

/* A title that comes twice is the second time no title we know. */
static int read_own(struct export_row *w, int i)
{
	const struct column *column = &columns[i];
	int f = columns_field(column, record_kind(w->record)), e = 0;

	for (size_t n = 0; e == 0 && n < w->csv->n_places[i]; n++) {
		const struct csv_cell *cell = cell_at(w, i, n);

		if (!cell || (n == 0 && is_read_before(w, i)))
			continue;
		w->nth = n;
		scoped(free_ptr) char *text = import_cell_text(w, cell, column->title);

		if (n > 0)
			import_cell_refuse(w, column, text, "stands in a column that comes twice");
		else if (f >= 0)
			e = import_cell_set(w, w->record, column, f, take_ptr(text));
		else
			import_cell_refuse(w, column, text, "is nothing that an epic has");
	}
	return e;
}

static bool is_in_list(const struct export_row *w, int from, int to, size_t n)
{
	for (int i = from; i < to; i++) {
		if (cell_at(w, i, n))
			return true;
	}
	return false;
}

static size_t longest(const struct export_row *w, int from, int to)
{
	size_t n = 0;

	for (int i = from; i < to; i++)
		n = w->csv->n_places[i] > n ? w->csv->n_places[i] : n;
	return n;
}

/* ---- what hangs on it ---- */

static int add_person(struct export_row *w, int column, size_t n)
{
	const struct field *field = schema_field(KIND_story, columns[column].list);
	int via = schema_find_field(KIND_story, field->via);
	scoped(free_ptr) char *name =
		import_cell_text(w, cell_at(w, column, n), columns[column].title);
	int64_t id;

	w->nth = n;
	if (record_kind(w->record) != KIND_story) {
		import_cell_refuse(w, &columns[column], name, "is nothing that an epic has");
		return 0;
	}
	int e = import_named(w->csv, KIND_person, import_cell_trim(name), &id);

	if (!record_has(w->record, via))
		record_set_ids(w->record, via, &(struct ids){ 0 });
	if (id)
		record_add_id(w->record, via, id);
	return e;
}

static int64_t id_at(const struct record *owner, size_t place)
{
	return record_id(owner) * IDS_A_STORY +
	       (record_kind(owner) == KIND_story ? 0 : EPIC_PLACES) + (int64_t)place;
}

static struct record *new_record(const struct export_row *w, enum kind kind, int64_t id)
{
	struct record *r = record_new(kind);

	record_reserve(r, w->csv->n_values[kind]);
	record_set_int(r, 0, id);
	return r;
}

static bool set_owner(struct record *r, const struct record *owner)
{
	const struct resource *res = schema_resource(record_kind(r));

	if (res->parent == record_kind(owner))
		record_set_int(r, res->parent_key, record_id(owner));
	else if (res->parent2 == record_kind(owner))
		record_set_int(r, res->parent2_key, record_id(owner));
	else
		return false;
	return true;
}

/* Stories and epics were looked for by check_id, and the ids of what is in their lists are made of
 * theirs. */
static bool is_new(const struct export_row *w, const struct record *r)
{
	return r == w->record || w->csv->is_first_of[record_kind(r)];
}

static int add_record(struct export_row *w, struct record *r)
{
	struct import_table *table = &w->csv->run->table;

	initial_fill(r);
	if (w->csv->run->exports->n_records++ >= MAX_RECORDS) {
		record_unref(r);
		buf_add_fmt(w->csv->run->reason, "more than %d resources", MAX_RECORDS);
		return -EFBIG;
	}
	w->csv->n_values[record_kind(r)] = record_trim(r);
	if (is_new(w, r))
		import_table_add_new(table, r, w->csv->file, w->csv->project->id);
	else
		import_table_add_own(table, r, w->csv->file);
	return 0;
}

/* One of a list: the nth cells of its columns. */
static int add_item(struct export_row *w, int from, int to, size_t n, size_t place)
{
	enum kind kind = columns_kind(&columns[from]);
	scoped(record_unref) struct record *r = new_record(w, kind, id_at(w->record, place));
	int position = schema_find_field(kind, "position");
	bool is_had = set_owner(r, w->record);
	int e = 0;

	w->nth = place - 1;
	for (int i = from; e == 0 && i < to; i++) {
		const struct csv_cell *cell = cell_at(w, i, n);

		if (!cell)
			continue;
		scoped(free_ptr) char *text = import_cell_text(w, cell, columns[i].title);

		if (is_had)
			e = import_cell_set(w, r, &columns[i], columns[i].field, take_ptr(text));
		else
			import_cell_refuse(w, &columns[i], text, "is nothing that an epic has");
	}
	if (position >= 0)
		record_set_int(r, position, (int64_t)place);
	return e < 0 || !is_had ? e : add_record(w, take_ptr(r));
}

static int read_list(struct export_row *w, int from, int to)
{
	size_t n = longest(w, from, to), place = 0;
	bool is_people = columns_kind(&columns[from]) == KIND_person;
	int e = 0;

	for (size_t i = 0; e == 0 && i < n; i++) {
		if (!is_in_list(w, from, to, i))
			continue;
		e = is_people ? add_person(w, from, i) : add_item(w, from, to, i, ++place);
	}
	return e;
}

/* ---- the row ---- */

static void keep_unknown(struct export_row *w)
{
	for (size_t i = 0; i < w->csv->n_titles && i < w->row->n; i++) {
		struct export_title *title = &w->csv->titles[i];

		if (title->column >= 0 || is_blank(&w->row->cells[i]))
			continue;
		scoped(free_ptr) char *text = import_cell_text(w, &w->row->cells[i], title->text);

		kept_add(&w->kept, title->name, title->before, text);
		title->n_kept++;
	}
}

static void note_beyond(struct export_row *w)
{
	for (size_t i = w->csv->n_titles; i < w->row->n; i++) {
		if (is_blank(&w->row->cells[i]))
			continue;
		scoped(free_ptr) char *text = import_cell_text(w, &w->row->cells[i], "(no title)");

		import_csv_note(w->csv, w->row->line, "(no title)", text,
			"stands behind the last column; left out");
		return;
	}
}

static void add_kept(struct import_run *run, const struct export_project *p, const char *kind,
	char *key, const json_t *json)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	json_write(json, &text);
	run->unknowns = xrealloc(run->unknowns, run->n_unknowns + 1, sizeof(*run->unknowns));
	run->unknowns[run->n_unknowns++] = (struct unknown){
		.kind = xstrdup(kind),
		.key = key,
		.json = buf_take(&text),
		.project_id = p->id,
	};
	run->report.n_unknown++;
}

static enum kind find_kind(struct export_row *w)
{
	const struct csv_cell *cell = cell_at(w, columns_of(F_story_story_type), 0);
	scoped(free_ptr) char *text = cell ? xstrdup(cell->text) : xstrdup("");

	return strcasecmp(import_cell_trim(text), schema_resource(KIND_epic)->name) == 0
		       ? KIND_epic
		       : KIND_story;
}

/* A row without an id is known by its title, and by how many of this title came before. */
static int64_t make_id(struct export_row *w, enum kind kind)
{
	const struct csv_cell *cell = cell_at(w, columns_of(F_story_name), 0);
	int64_t n = import_count_title(w->csv, kind, cell ? cell->text : "");
	scoped(free_ptr) char *text = xasprintf("%s %" PRId64, cell ? cell->text : "", n);
	int64_t id = import_id_of_text(kind, w->csv->project->id, text);

	while (import_table_find(&w->csv->run->table, kind, id))
		id++;
	return id;
}

static int64_t read_id(struct export_row *w, enum kind kind)
{
	int column = columns_of(F_story_id);
	const struct csv_cell *cell = cell_at(w, column, 0);
	int64_t id;

	if (!cell)
		return make_id(w, kind);
	scoped(free_ptr) char *text = import_cell_text(w, cell, columns[column].title);

	if (parse_int(import_cell_trim(text), 1, MAX_STORY_ID, &id))
		return id;
	import_cell_refuse(
		w, &columns[column], import_cell_trim(text), "is no id; it got one of its own");
	return make_id(w, kind);
}

static bool is_empty(const struct csv_row *row)
{
	for (size_t i = 0; i < row->n; i++) {
		if (!is_blank(&row->cells[i]))
			return false;
	}
	return true;
}

static void note_other_project(struct export_row *w, const char *id, int64_t project)
{
	scoped(free_ptr) char *why = xasprintf(
		"is in project %" PRId64
		" of the archive; this row was left out; for an export of that project: --project %" PRId64,
		project, project);

	import_csv_note(w->csv, w->row->line, "Id", id, why);
}

/* May this id be put into this project? */
static int check_id(struct export_row *w, enum kind kind, int64_t id, bool *ret_ok)
{
	struct import_run *run = w->csv->run;
	scoped(record_unref) struct record *old = NULL;
	scoped(free_ptr) char *text = xasprintf("%" PRId64, id);
	int key = schema_resource(kind)->parent_key;
	int r = tx_get(run->tx, kind, id, &old);

	*ret_ok = false;
	if (r < 0)
		return r;
	if (import_table_find(&run->table, kind, id))
		import_csv_note(w->csv, w->row->line, "Id", text,
			"stands in an earlier row already; this row was left out");
	else if (old && record_int(old, key, 0) != w->csv->project->id)
		note_other_project(w, text, record_int(old, key, 0));
	else
		*ret_ok = true;
	return 0;
}

static void complete(struct export_row *w)
{
	enum kind kind = record_kind(w->record);
	struct export_project *p = w->csv->project;
	int64_t *n = kind == KIND_epic ? &p->n_epics : &p->n_rows;
	const struct resource *res = schema_resource(kind);

	record_set_int(w->record, res->parent_key, p->id);
	record_set_int(w->record, schema_find_field(kind, "rank"), ++*n * 65536);
	if (w->touched_at)
		record_set_int(w->record, schema_find_field(kind, "updated_at"), w->touched_at);
	if (!record_has(w->record, res->label)) {
		import_csv_note(w->csv, w->row->line, "Title", "", "is empty");
		record_set_text(w->record, res->label, "");
	}
	if (w->iteration)
		import_note_iteration(p, w->iteration, w->first_day, w->last_day);
}

static int read_row(struct export_row *w)
{
	int e = 0;

	for (int i = 0; e == 0 && i < N_COLUMNS; i = columns_end_of_group(i)) {
		if (columns[i].list == NONE)
			e = read_own(w, i);
		else
			e = read_list(w, i, columns_end_of_group(i));
	}
	if (e < 0)
		return e;
	keep_unknown(w);
	note_beyond(w);
	complete(w);
	if (w->kept)
		add_kept(w->csv->run, w->csv->project, kept_cells_kind,
			kept_key(record_kind(w->record), record_id(w->record)), w->kept);
	return add_record(w, record_ref(w->record));
}

int import_row(struct export_csv *csv, const struct csv_row *row)
{
	struct export_row w = { .csv = csv, .row = row };
	bool ok;

	if (is_empty(row))
		return 0;
	enum kind kind = find_kind(&w);
	int64_t id = read_id(&w, kind);
	int e = check_id(&w, kind, id, &ok);

	if (e == 0 && ok) {
		w.record = new_record(&w, kind, id);
		e = read_row(&w);
	}
	record_unref(w.record);
	json_decref(w.kept);
	return e;
}

/* The same row again is another one when it stands several times. */
static char *make_history_key(struct export_csv *csv, const struct json_t *cells)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	char digest[DIGEST_SHA256_SIZE];

	json_write(cells, &text);
	digest_sha256(text.data, text.len, digest);
	size_t before = import_csv_count(csv, digest);

	return before ? xasprintf("%s %zu", digest, before + 1) : xstrdup(digest);
}

int import_history_row(struct export_csv *csv, const struct csv_row *row)
{
	struct export_row w = { .csv = csv, .row = row };

	for (size_t i = 0; i < row->n && i < csv->n_titles; i++) {
		const struct export_title *title = &csv->titles[i];
		scoped(free_ptr) char *cell = import_cell_text(&w, &row->cells[i], title->text);

		kept_add(&w.kept, title->name, title->before, cell);
	}
	note_beyond(&w);
	if (w.kept) {
		json_t *placed = kept_place(w.kept, csv->n_rows);

		add_kept(csv->run, csv->project, kept_history_kind, make_history_key(csv, w.kept),
			placed);
		json_decref(placed);
	}
	json_decref(w.kept);
	return 0;
}
