/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file or folder that is made beside the place where it is to be, in a folder of its own, and
 * goes there when it is whole: nobody ever sees half of it there. A signal that ends the process
 * takes the folder, TARGET.part, with it; what SIGKILL leaves there, the next one for the same
 * place takes away. One stage at a time, opened and closed by one thread; others have no signals
 * (thread.h).
 */
#ifndef STORYFS_APP_STAGE_H
#define STORYFS_APP_STAGE_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "storyfs/buf.h"

struct stage {
	const char *target; /* borrowed */
	char *folder;
	char *work; /* in it: for parts of what is made */
	char *path; /* in that: where it is to be made; nothing is there yet */
	int lock;   /* on the folder */
	bool is_guarded;
	pthread_t guard; /* who waits for these signals: */
	sigset_t signals;
};

/* -errno, and why. Another process that is at work there is a reason, too. It stays where it is
 * until it is closed. */
int stage_open(const char *target, struct stage *ret, struct buf *ret_reason);
/* It is whole, and on the disk once this returns 0. replaces: in place of what is there, which
 * goes. */
int stage_put(struct stage *s, bool replaces, struct buf *ret_reason);
/* The folder goes. Zeroed is closed. */
void stage_close(struct stage *s);

SCOPED_VALUE(struct stage, stage_close);

#endif
