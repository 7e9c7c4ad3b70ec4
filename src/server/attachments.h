/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files and Google documents that hang on comments, and the files' bytes. */
#ifndef STORYFS_SERVER_ATTACHMENTS_H
#define STORYFS_SERVER_ATTACHMENTS_H

#include "activity.h"

/* The projects a file belongs to: the one it was uploaded to, or, of imported ones, those of the
 * comments that hold it. Appends to ret. */
int attachments_projects(struct call *c, const struct record *file, struct ids *ret);
/* Add a file to the list unless it is there; one that the call's project may not show is refused.
 */
int attachments_add(struct call *c, struct ids *ids, int64_t id);
/* Delete those of these files that no comment holds any more, bytes and all. */
int attachments_release(struct call *c, const struct ids *files);
/* Where a new file's bytes are got; they are there. */
void attachments_set_urls(struct record *file);
/* Append the files that a comment holds. */
void attachments_note(const struct record *comment, struct ids *ret);

#endif
