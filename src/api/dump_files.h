/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An attached file of a host, onto the disk. Private to dump*.c. */
#ifndef STORYFS_API_DUMP_FILES_H
#define STORYFS_API_DUMP_FILES_H

#include "storyfs/api.h"

/* All of it, or no file of this name. -errno; without words in the call, the disk is why. */
int dump_file(struct api *api, const char *url, const char *path, struct call *call);

#endif
