/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which projects a person has. */
#ifndef STORYFS_SERVER_PROJECTS_H
#define STORYFS_SERVER_PROJECTS_H

#include "call.h"

/* Those in which the person has a role; all for who may see everything. */
int projects_list_visible(struct call *c, struct ids *ret);

#endif
