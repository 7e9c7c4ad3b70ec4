/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was written upstream, with what was there before: a line a write, in a file that outlives
 * the process and in memory, where the last ones are kept. Six columns, separated by tabs: time,
 * what was done, `ok` or an errno, path, the text before, the text after; in texts `\n`, `\t`,
 * `\r`, `\\` and `\0` stand for what would end a cell, and `\xNN` for the bytes of what a terminal
 * would take for a command.
 *
 * A line is appended by one write(2), after the answer came; nothing that is in the file is ever
 * written again. A line that a crash cut off is no line, for whoever reads. Any thread may call.
 */
#ifndef STORYFS_JOURNAL_H
#define STORYFS_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/buf.h"

struct journal;

enum journal_act {
	JOURNAL_SAVE,	/* a field has another text */
	JOURNAL_MAKE,	/* a resource came; the text after is what stands for it */
	JOURNAL_DELETE, /* it went; the text before is what stood for it */
	JOURNAL_MOVE,	/* it has another place among the others */
};

struct journal_entry {
	int64_t at_ms;
	enum journal_act act;
	int error; /* 0 or -errno: nothing was done, as far as one knows */
	struct buf path, before, after;
};

void journal_entry_fini(struct journal_entry *e);

/* The file is made if it is missing, for its owner alone, with its directories; what its last lines
 * say is known then. NULL: in memory alone. -errno */
int journal_open(const char *path, struct journal **ret);
void journal_free(struct journal *j);
/* A file that cannot be written is logged once; what is in memory goes on. */
void journal_add(struct journal *j, const struct journal_entry *e);
/* The lines that are kept, oldest first, appended. */
void journal_read(struct journal *j, struct buf *ret);

void journal_write_line(const struct journal_entry *e, struct buf *b);
/* False when the line (without its newline) is none, cut off for example. */
bool journal_read_line(const char *line, size_t len, struct journal_entry *ret);

/* Where the journal of a source is kept: $XDG_STATE_HOME/storyfs/<hash of the source>/journal. NULL
 * when there is no such place; the caller frees it. */
char *journal_path(const char *source);

SCOPED_PTR(struct journal, journal_free);
SCOPED_VALUE(struct journal_entry, journal_entry_fini);

#endif
