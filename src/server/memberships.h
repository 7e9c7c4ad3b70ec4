/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memberships, as projects need them. */
#ifndef STORYFS_SERVER_MEMBERSHIPS_H
#define STORYFS_SERVER_MEMBERSHIPS_H

#include "activity.h"

/* Make a person a member of the call's project, as part of a command. */
int memberships_add(
	struct call *c, struct activity *a, int64_t person_id, enum role role, struct record **ret);
/* A person joins a project, as a command of its own. */
int memberships_join(
	struct call *c, const struct record *project, int64_t person_id, enum role role);
/* A person leaves a project, as a command of its own; nothing happens when it is not in it. */
int memberships_leave(struct call *c, const struct record *project, int64_t person_id);

#endif
