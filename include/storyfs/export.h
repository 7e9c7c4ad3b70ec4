/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Export of an archive, as an import reads it again.
 *
 *   CSV    one project as Tracker's `Export CSV` gave it (columns.def), and the cells that an
 *          import kept
 *   ZIP    a CSV for each project, the history that an import kept, and attached files in a folder
 *          for each story
 *   dump   a folder with one for each project, of <kind>.json and files/<id>, and `people` for what
 *          belongs to none
 *
 * All of it is of one moment, and told as to the archive's owner.
 */
#ifndef STORYFS_EXPORT_H
#define STORYFS_EXPORT_H

#include <stdbool.h>

#include "storyfs/archive.h"
#include "storyfs/buf.h"

enum export_format {
	EXPORT_CSV,
	EXPORT_ZIP,
	EXPORT_DUMP,
};

struct export_report {
	int64_t written[N_KINDS]; /* resources, a kind */
	int64_t n_unknown;	  /* of other kinds, as they were kept */
	struct buf notes;	  /* a line each: what is left out */
};

struct export_config {
	enum export_format format;
	const char *projects; /* ids or names with commas between, or all; NULL: all */
	int fd;		      /* of a CSV: where it is written */
	const char *name;     /* and what that is called, for a person */
	const char *path;     /* of a ZIP or a dump: where it is made; nothing is there yet */
	const char *scratch; /* of a ZIP: a folder for parts of it; what is left there is useless */
	/* Called now and then with what is done of how much. May be NULL. */
	void (*progress)(void *data, const char *what, int64_t done, int64_t total);
	void *data;
};

/* -errno, with the reason as a line in ret_reason where errno says too little; what is written by
 * then is of no use. */
int export_all(struct archive *a, const struct export_config *config, struct export_report *ret,
	struct buf *ret_reason);
void export_report_fini(struct export_report *report);

/* For a person: a line a kind, then the notes. */
void export_report_write_text(const struct export_report *report, struct buf *b);
/* For a program: {"written":{kind: n},"unknown":n,"notes":[...]} and a newline. */
void export_report_write_json(const struct export_report *report, struct buf *b);

SCOPED_VALUE(struct export_report, export_report_fini);

#endif
