/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of an export, within one transaction. Private to export*.c. */
#ifndef STORYFS_SERVER_EXPORT_RUN_H
#define STORYFS_SERVER_EXPORT_RUN_H

#include "desk.h"
#include "kept_cells.h"
#include "storyfs/export.h"

struct export_run {
	const struct export_config *config;
	struct export_report report;
	struct desk desk;
	struct buf *reason;
	struct records projects;
	bool is_whole; /* these are all that the archive has */
	struct kept kept;
	struct unknown_resources history;
	const char *what; /* is being written */
	int64_t done, total;
};

static inline struct tx *export_tx(const struct export_run *run)
{
	return run->desk.call.tx;
}

/* Say what failed at a path, and return the error. */
int export_fail(struct export_run *run, const char *path, int error);
/* So much more is done. */
void export_progress(struct export_run *run, int64_t n);
/* How many stories and epics a project has. */
int export_count(struct export_run *run, const struct record *project, int64_t *ret);
/* A project's stories or epics, in their order. */
int export_list_ids(
	struct export_run *run, enum kind kind, const struct record *project, struct ids *ret);

/* Of a list of what was kept, which is by projects, those of one. They stay the list's. */
struct unknown_resources export_select_kept(
	const struct unknown_resources *list, int64_t project_id);

/* ---- export_csv.c ---- */

/* Into the file, which is called name for a person. */
int export_write_csv(
	struct export_run *run, const struct record *project, int fd, const char *name);

/* ---- export_history.c ---- */

/* Those rows of the history that are the project's, as CSV. */
int export_write_history(
	struct export_run *run, const struct unknown_resources *rows, int fd, const char *name);

/* ---- export_zip.c, export_dump.c ---- */

int export_zip(struct export_run *run);
int export_dump(struct export_run *run);

#endif
