/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What older archives lack beyond columns and tables: data that later versions derive when they
 * write. Each step is taken once an archive, in the order of the table in upgrade.c; before them,
 * whenever the schema got new kinds, what was kept of these as it came becomes resources. */
#ifndef STORYFS_SERVER_UPGRADE_H
#define STORYFS_SERVER_UPGRADE_H

#include "storyfs/archive.h"

/* In one transaction; none is begun when there is nothing to do. -errno. */
int upgrade_archive(struct archive *a);

#endif
