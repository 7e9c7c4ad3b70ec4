/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guard: a process that takes a mount away when the one that serves it ended without doing so. It
 * is ours, not libfuse's: that one looks once, by opendir(3), which the kernel answers for a dead
 * mount of ours, too.
 */
#ifndef STORYFS_APP_GUARD_H
#define STORYFS_APP_GUARD_H

#include <sys/types.h>

#include "storyfs/scope.h"

struct guard {
	pid_t pid;
	int line; /* to it; -1: there is none */
};

#define GUARD_NONE ((struct guard){ .line = -1 })

/* Before the calling process has threads, and before the mount: the path is absolute. -errno */
int guard_start(const char *mountpoint, struct guard *ret);
/* All is as it should be: there is nothing left to guard. */
void guard_end(struct guard *guard);

SCOPED_VALUE(struct guard, guard_end);

#endif
