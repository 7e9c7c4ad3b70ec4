/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A project as CSV, into a file, batch by batch. Epics come behind the stories. */
#include "export_rows.h"
#include "export_run.h"
#include "storyfs/file.h"

struct csv {
	struct export_run *run;
	int fd;
	const char *name; /* for a person */
	struct buf text;
};

static void csv_fini(struct csv *csv)
{
	buf_fini(&csv->text);
}

SCOPED_VALUE(struct csv, csv_fini);

static int flush(struct csv *csv)
{
	int r = file_write(csv->fd, buf_str(&csv->text), csv->text.len);

	buf_reset(&csv->text);
	return r < 0 ? export_fail(csv->run, csv->name, r) : 0;
}

static int take_batch(void *data, size_t n)
{
	struct csv *csv = data;

	export_progress(csv->run, (int64_t)n);
	return flush(csv);
}

static int write_kind(
	struct csv *csv, struct export_rows *rows, enum kind kind, const struct ids *ids)
{
	csv->run->report.written[kind] += (int64_t)ids->n;
	return export_rows_write(rows, kind, ids);
}

static int write_rows(struct csv *csv, struct export_rows *rows, const struct record *project)
{
	scoped(ids_fini) struct ids stories = { 0 };
	scoped(ids_fini) struct ids epics = { 0 };
	int r = export_list_ids(csv->run, KIND_story, project, &stories);

	if (r == 0)
		r = export_list_ids(csv->run, KIND_epic, project, &epics);
	if (r == 0)
		r = export_rows_measure(rows, KIND_story, &stories);
	if (r == 0)
		r = export_rows_measure(rows, KIND_epic, &epics);
	if (r < 0)
		return r;
	export_rows_write_titles(rows);
	r = write_kind(csv, rows, KIND_story, &stories);
	if (r == 0)
		r = write_kind(csv, rows, KIND_epic, &epics);
	return r == 0 ? flush(csv) : r;
}

int export_write_csv(struct export_run *run, const struct record *project, int fd, const char *name)
{
	scoped(csv_fini) struct csv csv = { .run = run, .fd = fd, .name = name };
	const struct export_rows_config config = {
		.call = &run->desk.call,
		.kept = &run->kept,
		.project_id = record_id(project),
		.out = &csv.text,
		.batch = take_batch,
		.data = &csv,
	};
	scoped(export_rows_free) struct export_rows *rows = export_rows_new(&config);

	return write_rows(&csv, rows, project);
}
