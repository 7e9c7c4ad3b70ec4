/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stories and epics as lines of V5's CSV. A first pass over them finds how often the repeated
 * columns come, a second writes them; each takes them in batches, so that what hangs on them is
 * never in memory for all at once.
 */
#ifndef STORYFS_SERVER_EXPORT_ROWS_H
#define STORYFS_SERVER_EXPORT_ROWS_H

#include "call.h"
#include "kept_cells.h"

struct export_rows;

struct export_rows_config {
	struct call *call;	 /* who asks sees no more than is theirs to see */
	const struct kept *kept; /* what an import kept is written, too; NULL: nothing of it */
	int64_t project_id;	 /* the only one whose stories are wanted; 0: all */
	struct buf *out;
	/* Called after each batch of either pass, of so many lines, to take what is in out; below 0
	 * ends it. NULL: it stays there. */
	int (*batch)(void *data, size_t n);
	void *data;
};

struct export_rows *export_rows_new(const struct export_rows_config *config);
void export_rows_free(struct export_rows *x);
/* ids are of stories or epics, in the order of the lines; those that are gone, or not for who asks,
 * are left out, as `bulk` leaves them out. All are measured before titles and lines are written. */
int export_rows_measure(struct export_rows *x, enum kind kind, const struct ids *ids);
void export_rows_write_titles(struct export_rows *x);
int export_rows_write(struct export_rows *x, enum kind kind, const struct ids *ids);

/* Append the resources of these ids that there are, in the order of the ids. */
int export_list(struct tx *tx, enum kind kind, const struct ids *ids, struct records *ret);
/* Append a cell that a spreadsheet takes for a text, whatever it begins with, and an import for
 * just this text. */
void export_add_text(struct buf *b, const char *text);

SCOPED_PTR(struct export_rows, export_rows_free);

#endif
