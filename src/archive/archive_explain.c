/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What SQLite's failures mean to who runs storyfs, and the way out of each. */
#include <errno.h>
#include <stdlib.h>

#include "storyfs/archive.h"
#include "storyfs/text.h"

static const struct {
	int number;
	const char *words;
} explanations[] = {
	{ ENOSPC, "the disk is full, and nothing was written; free some space, and try again" },
	{ ETIMEDOUT,
		"another program has been writing for 30 s; try again when it is done, or end it" },
	{ EACCES,
		"it may not be written, nor read without: make the file and its folder writable, or "
		"copy it to where they are" },
	{ EROFS, "it lies where nothing may be written, which it needs to be read, too; copy it to "
		 "where that is allowed" },
	{ EBADMSG, "it is damaged; put a backup in its place, or save what can be read: `sqlite3 "
		   "ARCHIVE .recover | sqlite3 NEW`" },
	{ EIO, "the disk fails (its words are in the log, and the system's); nothing was written" },
};

const char *archive_explain(int error)
{
	for (size_t i = 0; i < sizeof(explanations) / sizeof(*explanations); i++) {
		if (explanations[i].number == abs(error))
			return explanations[i].words;
	}
	return text_errno(error);
}
