/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One CSV of an export: its header, and what may be said of its cells. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import_export.h"
#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/text.h"

enum {
	SHOWN_NOTES = 100, /* about single cells, a file */
	SHOWN_BYTES = 60,  /* of a cell */
	PIECE = 1 << 16,
	PROGRESS_EVERY = 1 << 18,
};
static const int64_t max_csv = INT64_C(1) << 30;

void import_csv_note(struct export_csv *csv, int64_t line, const char *title, const char *text,
	const char *problem)
{
	struct buf *notes = &csv->run->report.notes;

	if (csv->n_notes++ >= SHOWN_NOTES)
		return;
	buf_add_fmt(notes, "%s: line %" PRId64 ", %s: '", csv->path, line, title);
	scoped(buf_fini) struct buf shown = BUF_INIT;

	text_add_excerpt(&shown, text, strlen(text), SHOWN_BYTES);
	buf_add_fmt(notes, "%s%s' %s\n", buf_str(&shown), strlen(text) > SHOWN_BYTES ? "..." : "",
		problem);
}

/* ---- the header ---- */

static int fail(struct export_csv *csv, const char *what)
{
	buf_add_fmt(csv->run->reason, "%s", what);
	return -EBADMSG;
}

size_t import_csv_count(struct export_csv *csv, const char *text)
{
	if (!csv->counts)
		csv->counts = json_object();
	size_t n = (size_t)json_integer_value(json_object_get(csv->counts, text));

	json_object_set_new(csv->counts, text, json_integer((json_int_t)n + 1));
	return n;
}

static void add_title(struct export_csv *csv, const struct csv_cell *cell)
{
	struct export_title *title = &csv->titles[csv->n_titles];
	struct export_row header = { .csv = csv, .row = &(struct csv_row){ .line = 1 } };
	scoped(buf_fini) struct buf text = BUF_INIT;

	text_add_excerpt(&text, cell->text, cell->len, SHOWN_BYTES);
	*title = (struct export_title){ .text = buf_take(&text),
		.name = import_cell_text(&header, cell, "(title)"),
		.column = strlen(cell->text) == cell->len ? columns_find(cell->text) : -1 };
	title->before = import_csv_count(csv, title->name);
	if (title->column >= 0) {
		size_t n = csv->n_places[title->column]++;
		size_t **places = &csv->places[title->column];

		*places = xrealloc(*places, n + 1, sizeof(**places));
		(*places)[n] = csv->n_titles;
	}
	csv->n_titles++;
}

static bool holds_word(const char *name, const char *word)
{
	return strcasestr(name, word) != NULL;
}

static int read_header(struct export_csv *csv, const struct csv_row *row)
{
	if (row->n_beyond)
		return fail(csv, "more columns than any export has");
	csv->titles = xcalloc(row->n, sizeof(*csv->titles));
	for (size_t i = 0; i < row->n; i++)
		add_title(csv, &row->cells[i]);
	if (csv->n_places[columns_of(F_story_name)])
		csv->is_history = false;
	else if (csv->is_history)
		return 0;
	else if (row->n == 1 && strchr(row->cells[0].text, ';'))
		return fail(csv, "its cells have ';' between them: save it with commas");
	else if (memchr(row->cells[0].text, '\0', row->cells[0].len) ||
		 strncmp(row->cells[0].text, "\xff\xfe", 2) == 0)
		return fail(csv, "this is no UTF-8 text; is it UTF-16? Save it as UTF-8");
	else
		return fail(csv, "its first line has no column Title (or Story), as exports do");
	return 0;
}

static int take_row(void *data, const struct csv_row *row)
{
	struct export_csv *csv = data;

	if (!csv->titles)
		return read_header(csv, row);
	csv->n_rows++;
	return csv->is_history ? import_history_row(csv, row) : import_row(csv, row);
}

/* ---- reading ---- */

int import_csv_begin(
	struct import_run *run, const char *path, const char *name, struct export_csv *ret)
{
	struct export_project *project;
	int r = import_find_project(run, name, &project);

	if (r < 0)
		return r;
	run->files = xrealloc(run->files, run->n_files + 1, sizeof(*run->files));
	run->files[run->n_files] = xstrdup(path);
	*ret = (struct export_csv){ .run = run,
		.project = project,
		.path = run->files[run->n_files],
		.file = run->n_files,
		.is_history = holds_word(name, "history") };
	for (int kind = KIND_none; kind < N_KINDS; kind++)
		ret->is_first_of[kind] = !run->table.first[kind];
	run->n_files++;
	return 0;
}

int import_csv_feed(void *data, const char *bytes, size_t len)
{
	struct export_csv *csv = data;
	int64_t before = csv->run->bytes_done;

	if (!csv->reader)
		csv->reader = csv_reader_new(take_row, csv);
	csv->run->bytes_done += (int64_t)len;
	if (before / PROGRESS_EVERY != csv->run->bytes_done / PROGRESS_EVERY)
		import_progress(csv->run, csv->path);
	return csv_reader_feed(csv->reader, bytes, len, csv->run->reason);
}

static void note_titles(struct export_csv *csv)
{
	struct buf *notes = &csv->run->report.notes;

	for (size_t i = 0; i < csv->n_titles; i++) {
		const struct export_title *title = &csv->titles[i];

		if (title->column < 0 && !csv->is_history && title->n_kept)
			buf_add_fmt(notes, "%s: the unknown column '%s': %" PRId64 " cells, kept\n",
				csv->path, title->text, title->n_kept);
	}
	if (csv->is_history)
		buf_add_fmt(notes, "%s: %" PRId64 " rows of history, kept as they are\n", csv->path,
			csv->n_rows);
	if (csv->n_notes > SHOWN_NOTES)
		buf_add_fmt(notes, "%s: %" PRId64 " more of these\n", csv->path,
			csv->n_notes - SHOWN_NOTES);
}

static void csv_fini(struct export_csv *csv)
{
	csv_reader_free(csv->reader);
	json_decref(csv->counts);
	for (size_t i = 0; i < csv->n_titles; i++) {
		free(csv->titles[i].text);
		free(csv->titles[i].name);
	}
	free(csv->titles);
	for (int i = 0; i < N_COLUMNS; i++)
		free(csv->places[i]);
}

static int finish(struct export_csv *csv, int error)
{
	if (error >= 0 && csv->reader)
		error = csv_reader_finish(csv->reader, csv->run->reason);
	if (error >= 0 && !csv->titles)
		error = fail(csv, "the file is empty");
	return error;
}

int import_csv_end(struct export_csv *csv, int error)
{
	scoped(buf_fini) struct buf why = BUF_INIT;
	struct buf *reason = csv->run->reason;

	error = finish(csv, error);
	if (error >= 0) {
		note_titles(csv);
		import_progress(csv->run, csv->path);
	} else if (reason->len) {
		why = *reason;
		*reason = BUF_INIT;
		buf_add_fmt(reason, "%s: %s", csv->path, why.data);
	}
	csv_fini(csv);
	return error;
}

/* ---- a file of its own ---- */

static int read_pieces(struct export_csv *csv, int fd)
{
	scoped(free_ptr) char *piece = xmalloc(PIECE);
	int64_t at = 0, n;
	int r = 0;

	while (r >= 0 && (n = file_read_at(fd, piece, PIECE, at)) != 0) {
		if (n < 0)
			return (int)n;
		at += n;
		r = at > max_csv ? -EFBIG : import_csv_feed(csv, piece, (size_t)n);
	}
	return r;
}

static bool is_zip(int fd)
{
	char head[4] = { 0 };

	return file_read_at(fd, head, sizeof(head), 0) == sizeof(head) &&
	       memcmp(head, "PK", 2) == 0 && (head[2] == 3 || head[2] == 5 || head[2] == 7);
}

static int read_csv(struct import_run *run, const char *path, int fd)
{
	struct export_csv csv;
	int r = import_csv_begin(run, path, path, &csv);

	if (r < 0)
		return r;
	r = read_pieces(&csv, fd);
	if (r < 0 && !run->reason->len)
		buf_add_str(run->reason, text_errno(r));
	return import_csv_end(&csv, r);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool import_is_export(const char *path)
{
	return is_folder(path) ? import_is_unpacked(path) : access(path, F_OK) == 0;
}

static int read_path(struct import_run *run, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;

	if (r < 0)
		buf_add_fmt(run->reason, "%s: %s", path, text_errno(r));
	else
		r = is_zip(fd) ? import_read_zip(run, path) : read_csv(run, path, fd);
	if (fd >= 0)
		close(fd);
	return r;
}

int import_read_export(struct import_run *run, const char *path)
{
	return is_folder(path) ? import_read_unpacked(run, path) : read_path(run, path);
}
