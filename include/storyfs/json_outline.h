/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must be known of V5's JSON that is passed on as it came. */
#ifndef STORYFS_JSON_OUTLINE_H
#define STORYFS_JSON_OUTLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/buf.h"

/* How many items the list has; -1: it is no list. */
int64_t json_outline_count(const struct buf *text);
/* The number of that key in an object; 0 when it has none. False: it is no object. */
bool json_outline_number(const struct buf *text, const char *key, int64_t *ret);

/* A file_attachment. What is missing is 0 or NULL. */
struct outline_file {
	int64_t id, size;
	const char *download_url;
};

/* Each that stands in a `file_attachments`, however deep. Ends with each's first answer that is not
 * 0, and returns it. */
int json_outline_each_file(const struct buf *text,
	int (*each)(void *data, const struct outline_file *file), void *data);

#endif
