/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What V5 demands of a project's settings. */
#ifndef STORYFS_SERVER_PROJECT_RULES_H
#define STORYFS_SERVER_PROJECT_RULES_H

#include "call.h"

/* Check a project that is about to be written, where the patch touches it, and set what follows
 * from its settings (point_scale_is_custom, project_type). old is NULL for a new one.
 */
int project_check(
	struct call *c, const struct record *patch, const struct record *old, struct record *now);

/* The zone that a client means, as it is stored: by its Olson name, or where an offset stands
 * alone, by that (zone_of_offset). Refuses one that the system does not know. */
int project_read_zone(struct call *c, const struct record *told, struct record **ret);

#endif
