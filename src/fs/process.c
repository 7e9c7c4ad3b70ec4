/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes. Descriptors are known by the inode number in /proc/PID/fdinfo/N, for looking at the
 * file itself would ask the mount, that is, us. A file of another filesystem with the same number
 * could be taken for ours; the save would then wait for the last close, and lose nothing.
 */
#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "storyfs/alloc.h"
#include "storyfs/buf.h"
#include "storyfs/clock.h"
#include "storyfs/file.h"

/* The number after `key` at the start of a line, in the base. */
static bool find_number(const char *text, const char *key, int base, uint64_t *ret)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) != 0)
			continue;
		*ret = strtoull(line + len, NULL, base);
		return true;
	}
	return false;
}

/* A program opens many files; a number is not given to another one as soon as that. */
enum { N_KEPT = 64, KEPT_MS = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct kept {
	pid_t tid;
	int64_t at_ms;
	struct process process;
} kept[N_KEPT];

static struct process read_process(pid_t tid)
{
	scoped(free_ptr) char *path = xasprintf("/proc/%d/status", (int)tid);
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct process p = { .id = tid };
	uint64_t n;

	if (file_read(path, 1 << 16, &text) < 0)
		return p;
	if (find_number(buf_str(&text), "Tgid:", 10, &n))
		p.id = (pid_t)n;
	if (find_number(buf_str(&text), "PPid:", 10, &n) && n > 1)
		p.parent = (pid_t)n;
	return p;
}

struct process process_of_thread(pid_t tid)
{
	struct kept *k = &kept[(unsigned)tid % N_KEPT];
	int64_t now = clock_monotonic_ms();

	lock_scope(&lock);
	if (k->tid != tid || !k->at_ms || now - k->at_ms > KEPT_MS)
		*k = (struct kept){ tid, now, read_process(tid) };
	return k->process;
}

static bool is_writer_of(const char *path, uint64_t number)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	uint64_t found, flags;

	if (file_read(path, 1 << 16, &text) < 0)
		return false;
	return find_number(buf_str(&text), "ino:", 10, &found) && found == number &&
	       find_number(buf_str(&text), "flags:", 8, &flags) && (flags & O_ACCMODE) != O_RDONLY;
}

bool process_may_write(pid_t pid, uint64_t number)
{
	scoped(free_ptr) char *path = xasprintf("/proc/%d/fdinfo", (int)pid);
	DIR *dir = opendir(path);
	bool found = false;

	if (!dir)
		return false;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own */
	for (struct dirent *d; !found && (d = readdir(dir));) {
		scoped(free_ptr) char *info = xasprintf("%s/%s", path, d->d_name);

		found = d->d_name[0] != '.' && is_writer_of(info, number);
	}
	closedir(dir);
	return found;
}

/* Of /proc/TID/stat (proc(5)), behind the name, which may hold anything but ends with the last `)`:
 * the 9th field is the kernel's flags of the thread, the 52nd its exit code, a wait status. */
bool process_was_killed(pid_t tid)
{
	enum { FLAGS = 9, EXIT_CODE = 52, IS_EXITING = 4 };
	scoped(free_ptr) char *path = xasprintf("/proc/%d/stat", (int)tid);
	scoped(buf_fini) struct buf text = BUF_INIT;
	uint64_t flags = 0, code = 0;

	if (file_read(path, 1 << 16, &text) < 0)
		return false;
	const char *at = strrchr(buf_str(&text), ')');

	for (int field = 2; at && field < EXIT_CODE; field++) {
		at = strchr(at + 1, ' ');
		if (at && field + 1 == FLAGS)
			flags = strtoull(at, NULL, 10);
		if (at && field + 1 == EXIT_CODE)
			code = strtoull(at, NULL, 10);
	}
	return (flags & IS_EXITING) && WIFSIGNALED((int)code);
}
