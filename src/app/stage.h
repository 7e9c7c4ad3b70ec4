/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file or folder that is made beside the place where it is to be, in a folder of its own, and
 * goes there when it is whole: nobody ever sees half of it there. What a killed process leaves in
 * that folder, TARGET.part, the next one for the same place takes away.
 */
#ifndef STORYFS_APP_STAGE_H
#define STORYFS_APP_STAGE_H

#include <stdbool.h>

#include "storyfs/buf.h"

struct stage {
	const char *target; /* borrowed */
	char *folder;
	char *work; /* in it: for parts of what is made */
	char *path; /* in that: where it is to be made; nothing is there yet */
	int lock;   /* on the folder */
};

/* -errno, and why. Another process that is at work there is a reason, too. */
int stage_open(const char *target, struct stage *ret, struct buf *ret_reason);
/* It is whole, and on the disk once this returns 0. replaces: in place of what is there, which
 * goes. */
int stage_put(struct stage *s, bool replaces, struct buf *ret_reason);
/* The folder goes. Zeroed is closed. */
void stage_close(struct stage *s);

SCOPED_VALUE(struct stage, stage_close);

#endif
