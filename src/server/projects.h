/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which projects a person has. */
#ifndef STORYFS_SERVER_PROJECTS_H
#define STORYFS_SERVER_PROJECTS_H

#include "call.h"

/* Those in which the person has a role; all for who may see everything. */
int projects_list_visible(struct call *c, struct ids *ret);
/* The same, looked up once a call; borrowed from it. */
int projects_visible(struct call *c, const struct ids **ret);
/* May whoever asks see it: the call's own project, or one of those? */
int projects_is_visible(struct call *c, int64_t project_id, bool *ret);
/* Drop from a list what is of projects (or is a project) that whoever asks may not see. */
int projects_drop_invisible(struct call *c, enum kind kind, struct records *list);

#endif
