/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far a long command is, on standard error: a bar on a terminal, else a line a folder. */
#ifndef STORYFS_APP_PROGRESS_H
#define STORYFS_APP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/scope.h"

struct progress {
	const char *command; /* its name */
	/* private */
	int64_t drawn_ms;
	bool is_drawn;
	char *folder; /* the last one that was named */
};

/* data is the progress; what is a path, or one word. total 0: it is done. */
void progress_show(void *data, const char *what, int64_t done, int64_t total);
/* Ends the line of a bar that was not full. */
void progress_fini(struct progress *p);

SCOPED_VALUE(struct progress, progress_fini);

#endif
