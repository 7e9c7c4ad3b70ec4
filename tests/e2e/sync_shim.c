/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For LD_PRELOAD: $SYNC_LOG tells in which order a file system was synced and names were changed.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void note(const char *call)
{
	FILE *f = fopen(getenv("SYNC_LOG"), "ae");

	if (!f)
		abort();
	fprintf(f, "%s\n", call);
	fclose(f);
}

int syncfs(int fd)
{
	note("syncfs");
	return (int)syscall(SYS_syncfs, fd);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	note("renameat2");
	return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}
