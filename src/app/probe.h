/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A question that may never be answered, such as one to a mount whose process is stopped: a process
 * of its own asks. It is killed when it takes too long, and not waited for: what waits for a mount
 * cannot always be killed. It keeps nothing open that others wait for.
 */
#ifndef STORYFS_APP_PROBE_H
#define STORYFS_APP_PROBE_H

#include <stdint.h>
#include <sys/types.h>

#include "storyfs/buf.h"

struct probe {
	pid_t pid;
	int fd; /* from it */
};

/* Ask in another process, which this one may do while it has no threads. 0 or -errno, and text. */
int probe_start(int (*ask)(void *data, struct buf *ret), void *data, struct probe *ret);
/* What ask returned, with its text; -ETIMEDOUT when that was not before the deadline (of
 * clock_monotonic_ms). The probe is gone then. */
int probe_finish(struct probe *p, int64_t deadline_ms, struct buf *ret);

#endif
