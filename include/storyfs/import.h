/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Import of what Tracker gave out, into an archive. Importing the same again changes nothing.
 *
 * V5 dumps are folders of `<kind>.json`, each one array of resources as V5 sent them. Ids, times,
 * order and versions are kept; kinds and keys that the schema does not have are kept, too, and
 * reported. The bytes of attached files may lie beside them, as files/<id>.
 *
 * Exports are a CSV, or a ZIP of CSVs and attached files, packed or not. Columns go by their titles
 * (columns.def); what has no id there gets one that the same export, or a newer one of the project,
 * gives it again. So a newer one updates; what only the older one had stays, and is reported. Cells
 * of other columns are kept.
 */
#ifndef STORYFS_IMPORT_H
#define STORYFS_IMPORT_H

#include <stdbool.h>

#include "storyfs/archive.h"
#include "storyfs/buf.h"

struct import_report {
	int64_t read[N_KINDS];	  /* resources read, a kind */
	int64_t changed[N_KINDS]; /* of these, new or different from what the archive held */
	int64_t n_unknown;	  /* resources of other kinds, kept as they are */
	struct buf notes; /* a line each: what is unknown or cannot be read, with file and place */
};

struct import_config {
	const char *const *paths; /* of dumps and exports */
	size_t n_paths;
	const char *
		project; /* of the exports: a name, or the id of one in the archive; else by file */
	bool dry_run;	 /* do it all, and undo it */
	/* The dumps are of projects as they are at their host: what one lacks goes, unless the
	 * project was changed in the archive since it was mirrored last. */
	bool mirror;
	/* Called now and then with what is done of how much, in bytes. May be NULL. */
	void (*progress)(void *data, const char *what, int64_t done, int64_t total);
	void *data;
	const char *owner; /* name, username, e-mail or id of who the archive belongs to; or NULL */
};

/* All in one transaction: all of it or nothing. -errno, and the reason as a line in
 * ret_reason. */
int import_all(struct archive *a, const struct import_config *config, struct import_report *ret,
	struct buf *ret_reason);
/* The version at which a project was mirrored last, if the archive still has that; else 0. */
int import_get_mirrored(struct tx *tx, int64_t project_id, int64_t *ret);
void import_report_fini(struct import_report *report);

/* For a person: a line a kind, then the notes. */
void import_report_write_text(const struct import_report *report, struct buf *b);
/* For a program: {"read":{kind: n},"changed":{kind: n},"unknown":n,"notes":[...]} and a newline. */
void import_report_write_json(const struct import_report *report, struct buf *b);

SCOPED_VALUE(struct import_report, import_report_fini);

#endif
