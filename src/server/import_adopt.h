/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an archive holds of kinds that its version did not know becomes resources. */
#ifndef STORYFS_SERVER_IMPORT_ADOPT_H
#define STORYFS_SERVER_IMPORT_ADOPT_H

#include "storyfs/archive.h"

/* Does this version have kinds that the archive has not been looked through for? */
int import_adopt_is_due(struct tx *tx, bool *ret);
int import_adopt(struct tx *tx);

/* Transitions out of the activity that the archive has, for one that did not write them. */
int import_history_complete(struct tx *tx, int64_t now_ms);

#endif
