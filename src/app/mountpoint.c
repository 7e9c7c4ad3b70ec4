/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mountpoints, as /proc/self/mountinfo tells of them; fusermount3 unmounts, being allowed to. */
#include "mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <mntent.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/fs.h"
#include "storyfs/text.h"

enum { ANSWER_MS = 3000 };

extern char **environ;

static void close_mounts(FILE **f)
{
	if (*f)
		endmntent(*f);
}

bool mountpoint_is_ours(const char *path, struct buf *ret_source)
{
	__attribute__((cleanup(close_mounts))) FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent entry;
	char text[8192];
	bool ours = false;

	while (mounts && getmntent_r(mounts, &entry, text, sizeof(text))) {
		if (strcmp(entry.mnt_dir, path) != 0)
			continue;
		ours = strcmp(entry.mnt_type, "fuse.storyfs") == 0;
		if (ret_source) {
			buf_reset(ret_source);
			buf_add_str(ret_source, entry.mnt_fsname);
		}
	}
	return ours;
}

/* What is mounted later at the same place hides it. */
static void forget(struct mounted_list *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->items[i].path, path) != 0)
			continue;
		free(list->items[i].path);
		free(list->items[i].source);
		memmove(list->items + i, list->items + i + 1,
			(--list->n - i) * sizeof(*list->items));
		return;
	}
}

void mountpoint_list(struct mounted_list *ret)
{
	__attribute__((cleanup(close_mounts))) FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent entry;
	char text[8192];

	*ret = (struct mounted_list){ 0 };
	while (mounts && getmntent_r(mounts, &entry, text, sizeof(text))) {
		forget(ret, entry.mnt_dir);
		if (strcmp(entry.mnt_type, "fuse.storyfs") != 0)
			continue;
		ret->items = xrealloc(ret->items, ret->n + 1, sizeof(*ret->items));
		ret->items[ret->n++] =
			(struct mounted){ xstrdup(entry.mnt_dir), xstrdup(entry.mnt_fsname) };
	}
}

void mounted_list_fini(struct mounted_list *list)
{
	while (list->n)
		forget(list, list->items[list->n - 1].path);
	free(list->items);
}

/* The path without links, also when what is mounted at its end is dead: then only what leads there
 * can be asked. */
static char *absolute_path(const char *path)
{
	char *real = realpath(path, NULL);

	if (real || errno != ENOTCONN)
		return real;
	scoped(free_ptr) char *copy = xstrdup(path);
	size_t len = strlen(copy);

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	char *slash = strrchr(copy, '/');
	const char *name = slash ? slash + 1 : copy;

	if (slash)
		*slash = '\0';
	scoped(free_ptr) char *parent = realpath(!slash ? "." : slash == copy ? "/" : copy, NULL);

	return parent ? xasprintf("%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name) : NULL;
}

int mountpoint_find(const char *path, char **ret, struct buf *ret_reason)
{
	scoped(free_ptr) char *real = realpath(path, NULL);

	if (!real) {
		int e = -errno;

		buf_add_fmt(ret_reason, "%s: %s", path, text_errno(e));
		if (e == -ENOTCONN)
			buf_add_str(ret_reason,
				": its mount died; mount there again, or take it away with: "
				"storyfs umount MOUNTPOINT");
		return e;
	}
	while (!mountpoint_is_ours(real, NULL)) {
		char *slash = strrchr(real, '/');

		if (slash == real) {
			buf_add_fmt(ret_reason,
				"%s: no storyfs is mounted there; see: findmnt -t fuse.storyfs",
				path);
			return -ENOENT;
		}
		*slash = '\0';
	}
	*ret = take_ptr(real);
	return 0;
}

static int ask_room(void *data, struct buf *ret)
{
	struct statvfs st;

	(void)ret;
	return statvfs(data, &st) < 0 ? -errno : 0;
}

/* What asks a mount whose process is stopped would wait with it. */
static int check_answers(const char *path, struct buf *ret_reason)
{
	struct probe probe;

	if (!mountpoint_is_ours(path, NULL) ||
		probe_start(ask_room, (void *)(uintptr_t)path, &probe) < 0 ||
		probe_finish(&probe, clock_deadline(ANSWER_MS), ret_reason) != -ETIMEDOUT)
		return 0;
	buf_add_fmt(ret_reason,
		"%s is mounted, and its process does not answer: it is stopped or stuck; when that "
		"lasts, take the mount away: fusermount3 -uz '%s'",
		path, path);
	return -ETIMEDOUT;
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		return -errno;
	for (struct dirent *d; (d = readdir(dir));)
		n += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static int check_directory(const char *path, struct buf *ret_reason)
{
	int n = count_entries(path);

	if (n == -ENOTDIR)
		buf_add_fmt(ret_reason, "%s is no directory; mount on one", path);
	else if (n < 0)
		buf_add_fmt(ret_reason, "%s: %s", path, text_errno(n));
	else if (n > 0) {
		buf_add_fmt(ret_reason,
			"%s is not empty, and a mount would hide what it holds; "
			"mount on an empty directory",
			path);
		return -ENOTEMPTY;
	}
	return n < 0 ? n : 0;
}

int mountpoint_prepare(const char *path, char **ret, struct buf *ret_reason)
{
	scoped(free_ptr) char *real = absolute_path(path);
	scoped(buf_fini) struct buf source = BUF_INIT;

	if (!real) {
		int e = -errno;

		buf_add_fmt(ret_reason,
			e == -ENOENT ? "%s does not exist; make it: mkdir -p '%s'"
				     : "%s: cannot be used as '%s'",
			path, path);
		return e;
	}
	int e = check_answers(real, ret_reason);

	if (e < 0)
		return e;
	e = fs_heal(real);
	if (e < 0) {
		buf_add_fmt(ret_reason,
			"%s holds a dead mount that could not be taken away (%s); "
			"try: fusermount3 -uz '%s'",
			real, text_errno(e), real);
		return e;
	}
	if (mountpoint_is_ours(real, &source)) {
		buf_add_fmt(ret_reason,
			"%s is mounted already (%s); unmount it with: storyfs umount '%s'", real,
			buf_str(&source), real);
		return -EBUSY;
	}
	e = check_directory(real, ret_reason);
	if (e < 0)
		return e;
	*ret = take_ptr(real);
	return 0;
}

/* Its messages go where ours go. */
static int run_fusermount(const char *path)
{
	char *argv[] = { (char[]){ "fusermount3" }, (char[]){ "-u" }, (char[]){ "--" },
		(char *)path, NULL };
	pid_t pid;
	int status;
	int e = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

	if (e)
		return -e;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return status ? -EBUSY : 0;
}

int mountpoint_release(const char *path, struct buf *ret_reason)
{
	scoped(free_ptr) char *real = absolute_path(path);
	int e = real ? 0 : -errno;

	if (!real) {
		buf_add_fmt(ret_reason, "%s: %s", path, text_errno(e));
		return e;
	}
	e = check_answers(real, ret_reason);
	if (e < 0)
		return e;
	e = fs_heal(real);
	if (e > 0)
		return 0;
	if (!mountpoint_is_ours(real, NULL)) {
		buf_add_fmt(ret_reason,
			"%s: no storyfs is mounted there; see: findmnt -t fuse.storyfs", real);
		return -EINVAL;
	}
	if (geteuid() == 0 && umount2(real, UMOUNT_NOFOLLOW) == 0)
		return 0;
	e = run_fusermount(real);
	if (e < 0)
		buf_add_fmt(ret_reason,
			"%s is in use: end the programs that have files or their working "
			"directory in it (fuser -vm '%s')",
			real, real);
	return e;
}
