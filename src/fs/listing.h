/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directory listings in use. */
#ifndef STORYFS_FS_LISTING_H
#define STORYFS_FS_LISTING_H

#include "mount.h"

/* Free what is kept; nobody lists any more. */
void listings_fini(struct fs *fs);

#endif
