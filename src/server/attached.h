/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is attached to a comment: files that were uploaded before, Google documents made with it. */
#ifndef STORYFS_SERVER_ATTACHED_H
#define STORYFS_SERVER_ATTACHED_H

#include "call.h"

struct json_t;

/* Attach what a new comment's patch says; the comment has its id and person. */
int attached_apply(struct call *c, const struct record *patch, struct record *comment);
/* Attach and take off what the call's parameters say (params.def's comment_update). */
int attached_change(struct call *c, struct record *comment);
/* Take one off. False when it is not on the comment. */
bool attached_remove(struct record *comment, int f, int64_t id);
/* Is nothing attached? */
bool attached_is_empty(const struct record *comment);
/* old was replaced by now (NULL: deleted): what is on no comment any more goes, bytes and all. */
int attached_release(struct call *c, const struct record *old, const struct record *now);
/* What a new comment's activity says of its attachments, beside their ids. */
int attached_tell(struct call *c, const struct record *comment, struct json_t **ret);
/* attachment_ids: all of them. For shape. */
int attached_fill(struct call *c, struct records *list, int f);

#endif
