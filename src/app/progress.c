/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far a long command is. */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"

enum {
	BAR_WIDTH = 30,
	REDRAW_MS = 50,
};

static void clear_bar(struct progress *p)
{
	fprintf(stderr, "\r%*s\r", BAR_WIDTH + 40, "");
	p->is_drawn = false;
}

static void draw_bar(struct progress *p, const char *what, int64_t done, int64_t total)
{
	static const char full[] = "##############################";
	int percent = total > 0 ? (int)(done * 100 / total) : 100;
	int width = percent * BAR_WIDTH / 100;
	const char *name = strrchr(what, '/') ? strrchr(what, '/') + 1 : what;

	if (clock_monotonic_ms() - p->drawn_ms < REDRAW_MS && done < total)
		return;
	p->drawn_ms = clock_monotonic_ms();
	fprintf(stderr, "\r[%-*.*s] %3d%% %-30.30s", BAR_WIDTH, width, full, percent, name);
	p->is_drawn = true;
	if (done >= total)
		clear_bar(p);
}

/* A line a folder, for logs; what is no path (`storing`, `done`) goes unsaid. */
static void name_folder(struct progress *p, const char *what)
{
	const char *slash = strrchr(what, '/');
	size_t len = slash ? (size_t)(slash - what) : 0;

	if (!slash || (p->folder && strlen(p->folder) == len && memcmp(p->folder, what, len) == 0))
		return;
	free(p->folder);
	p->folder = xstrndup(what, len);
	fprintf(stderr, "storyfs: %s: %s\n", p->command, p->folder);
}

void progress_show(void *data, const char *what, int64_t done, int64_t total)
{
	struct progress *p = data;

	if (isatty(STDERR_FILENO))
		draw_bar(p, what, done, total);
	else
		name_folder(p, what);
}

void progress_fini(struct progress *p)
{
	if (p->is_drawn)
		fputc('\n', stderr);
	free(p->folder);
}
