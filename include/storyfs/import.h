/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Import of V5 dumps: folders of `<kind>.json`, each one array of resources as V5 sent them. Ids,
 * times, order and versions are kept; kinds and keys that the schema does not have are kept, too,
 * and reported. Importing the same again changes nothing.
 */
#ifndef STORYFS_IMPORT_H
#define STORYFS_IMPORT_H

#include "storyfs/archive.h"
#include "storyfs/buf.h"

struct import_report {
	int64_t read[N_KINDS];	  /* resources read, a kind */
	int64_t changed[N_KINDS]; /* of these, new or different from what the archive held */
	int64_t n_unknown;	  /* resources of other kinds, kept as they are */
	struct buf notes; /* a line each: unknown kinds and keys, wrong types, with file and path */
};

struct import_config {
	const char *const *folders;
	size_t n_folders;
	/* Called now and then with what is done of how much, in bytes. May be NULL. */
	void (*progress)(void *data, const char *what, int64_t done, int64_t total);
	void *data;
	const char *owner; /* name, username, e-mail or id of who the archive belongs to; or NULL */
};

/* All folders in one transaction: all of it or nothing. -errno, and the reason as a line in
 * ret_reason. */
int import_dumps(struct archive *a, const struct import_config *config, struct import_report *ret,
	struct buf *ret_reason);
void import_report_fini(struct import_report *report);

/* For a person: a line a kind, then the notes. */
void import_report_write_text(const struct import_report *report, struct buf *b);
/* For a program: {"read":{kind: n},"changed":{kind: n},"unknown":n,"notes":[...]} and a newline. */
void import_report_write_json(const struct import_report *report, struct buf *b);

SCOPED_VALUE(struct import_report, import_report_fini);

#endif
