/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of resources as a host sent them, page by page, of which only some are wanted. */
#ifndef STORYFS_JSON_LIST_H
#define STORYFS_JSON_LIST_H

#include <stdint.h>

#include "storyfs/buf.h"

struct json_t;

/* Add the items of a page; the first one begins the list (*list is NULL), which the caller frees.
 * How many these are; -1 when the text is no list. */
int64_t json_list_add(struct json_t **list, const struct buf *page);
/* Leave in the list what the other one has, too, by its id. */
void json_list_keep(struct json_t *list, const struct json_t *other);
int64_t json_list_count(const struct json_t *list);
/* Append those from offset on, limit at most, as a list; how many these are. */
int64_t json_list_write(const struct json_t *list, int64_t offset, int64_t limit, struct buf *ret);
void json_list_free(struct json_t *list);

SCOPED_PTR(struct json_t, json_list_free);

#endif
