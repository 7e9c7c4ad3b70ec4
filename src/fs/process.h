/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc tells of a process that works with our files. */
#ifndef STORYFS_FS_PROCESS_H
#define STORYFS_FS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
	pid_t id;     /* the number of its first thread, which is that of the thread group */
	pid_t parent; /* 0: unknown, or none that could have started it for its own sake (init) */
};

/* The process a thread is of. With the thread's own number when /proc does not know it (it is gone,
 * or of another pid namespace). Any thread may call. */
struct process process_of_thread(pid_t tid);
/* Has the process a descriptor to write the file with this inode number? False when /proc does not
 * tell. Asks nothing of any mount. */
bool process_may_write(pid_t pid, uint64_t number);
/* Does the thread end because of a signal? False when /proc does not tell. */
bool process_was_killed(pid_t tid);

#endif
