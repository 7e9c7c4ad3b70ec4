/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fields of a story as YAML, and back. */
#ifndef STORYFS_VIEW_FRONT_MATTER_H
#define STORYFS_VIEW_FRONT_MATTER_H

#include "storyfs/markdown.h"

/* Is it a key of the front matter? */
bool front_matter_has(int f);
/* A line a key, all that are not NULL. */
void front_matter_write(const struct markdown_field *fields, struct buf *b);
/* -EINVAL with `line N: why`; the text begins in that line of its document. */
int front_matter_read(const char *text, size_t len, size_t line, struct markdown_field *ret_fields,
	struct buf *ret_reason);
/* The keys there are, for a reason. */
void front_matter_add_keys(struct buf *b);

#endif
