/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An archive that is filled beside its place and goes there when all is in it (stage.h): what fails
 * or is killed leaves nothing in that place, and nobody else's archive is in the way of it.
 */
#ifndef STORYFS_APP_NEW_ARCHIVE_H
#define STORYFS_APP_NEW_ARCHIVE_H

#include "stage.h"
#include "storyfs/archive.h"

struct new_archive {
	struct stage stage;
	struct archive *archive; /* to be filled, by one thread at once */
};

/* There is nothing at the path, which is borrowed. -errno, and why: -EBUSY when another process
 * makes one there, -EEXIST when it would not stand alone there. */
int new_archive_open(const char *path, struct new_archive *ret, struct buf *ret_reason);
/* All is in it. -EEXIST when somebody else was faster. */
int new_archive_put(struct new_archive *n, struct buf *ret_reason);
/* What was not put goes. Zeroed is closed. */
void new_archive_close(struct new_archive *n);

SCOPED_VALUE(struct new_archive, new_archive_close);

#endif
