/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts whose process died. Nothing below such a mountpoint answers, so its path is made absolute
 * by its parent, and what is mounted there is read from /proc/self/mountinfo.
 */
#include "storyfs/fs.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"

enum { MAX_MOUNTS_BYTES = 16 << 20 };

extern char **environ;

/* The caller frees it; NULL with errno when the parent is not there. */
static char *absolute_path(const char *path)
{
	scoped(free_ptr) char *copy = xstrdup(path);
	scoped(free_ptr) char *copy2 = xstrdup(path);
	scoped(free_ptr) char *parent = realpath(dirname(copy), NULL);
	const char *name = basename(copy2);

	if (!parent)
		return NULL;
	return xasprintf("%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name);
}

/* mountinfo writes blanks, newlines and backslashes as three octal digits. */
static void decode_octal(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to = *s;
		}
	}
	*to = '\0';
}

/* `36 35 98:0 /root /mountpoint rw,noatime master:1 - type source options` */
static bool is_line_of(char *line, const char *path)
{
	char *save = NULL, *type = strstr(line, " - ");
	char *word = strtok_r(line, " ", &save);

	for (int i = 0; i < 4 && word; i++)
		word = strtok_r(NULL, " ", &save);
	if (!word || !type)
		return false;
	decode_octal(word);
	return strcmp(word, path) == 0 && strncmp(type + 3, "fuse.storyfs ", 13) == 0;
}

static bool is_ours(const char *path)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	char *save = NULL;
	bool found = false;

	if (file_read("/proc/self/mountinfo", MAX_MOUNTS_BYTES, &text) < 0 || !text.len)
		return false;
	for (char *line = strtok_r(text.data, "\n", &save); line && !found;
		line = strtok_r(NULL, "\n", &save))
		found = is_line_of(line, path);
	return found;
}

/* stat would be answered by the kernel, which knows the root's attributes for ever. */
static bool is_dead(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st) < 0 && errno == ENOTCONN;
}

/* What a user may do. */
static int run_fusermount(const char *path)
{
	char *argv[] = { (char *)"fusermount3", (char *)"-u", (char *)"-z", (char *)"--",
		(char *)(uintptr_t)path, NULL };
	pid_t pid;
	int status;
	int r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

	if (r)
		return -r;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

int fs_heal(const char *mountpoint)
{
	scoped(free_ptr) char *path = absolute_path(mountpoint);
	bool healed = false;

	if (!path)
		return 0;
	while (is_dead(path) && is_ours(path)) {
		int r = umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;

		if (r == -EPERM)
			r = run_fusermount(path);
		if (r < 0)
			return r;
		healed = true;
	}
	return healed;
}
