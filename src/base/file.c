/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files, and files without a name. */
#include "storyfs/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

int file_read(const char *path, size_t max, struct buf *ret_data)
{
	scoped(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t got = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		char *end = buf_reserve(ret_data, 65536);
		ssize_t n = read(fd, end, 65536);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		got += (size_t)n;
		if (got > max)
			return -EFBIG;
		ret_data->len += (size_t)n;
		end[n] = '\0';
	}
}

int file_read_pipe(int fd, int64_t deadline_ms, size_t max, struct buf *ret_data)
{
	for (size_t got = 0;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ms - clock_monotonic_ms();
		int r = poll(&p, 1, left > 0 ? (int)left : 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -ETIMEDOUT;
		char *end = buf_reserve(ret_data, 4096);
		ssize_t n = read(fd, end, 4096);

		if (n <= 0)
			return n < 0 ? -errno : 0;
		got += (size_t)n;
		if (got > max)
			return -EFBIG;
		ret_data->len += (size_t)n;
		end[n] = '\0';
	}
}

int file_write(int fd, const void *data, size_t len)
{
	const char *from = data;

	while (len) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	int r = file_write(fd, data, len);

	if (r < 0)
		return r;
	thread_will_wait();
	return fsync(fd) < 0 ? -errno : 0;
}

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode)
{
	scoped(free_ptr) char *temp = xasprintf("%s.XXXXXX", path);
	scoped(close_fd) int fd = mkostemp(temp, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int r = fchmod(fd, mode) < 0 ? -errno : write_all(fd, data, len);

	if (r == 0 && rename(temp, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(temp);
	return r;
}

int file_make_dirs(const char *path)
{
	scoped(free_ptr) char *copy = xstrdup(path);

	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Who took the folder away meanwhile had locked another one than the next who asks. */
static bool is_at(int fd, const char *path)
{
	struct stat st, named;

	return fstat(fd, &st) == 0 && stat(path, &named) == 0 && st.st_dev == named.st_dev &&
	       st.st_ino == named.st_ino;
}

int file_lock_folder(const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_at(fd, path))
		return fd;
	close(fd);
	return -EBUSY;
}

void file_remove_tree(const char *path)
{
	DIR *dir = unlink(path) < 0 ? opendir(path) : NULL;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		scoped(free_ptr) char *inner = xasprintf("%s/%s", path, entry->d_name);

		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			file_remove_tree(inner);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

int file_get_room(const char *dir, uint64_t *ret)
{
	struct statvfs st;

	if (statvfs(dir, &st) < 0)
		return -errno;
	*ret = (uint64_t)st.f_bavail * st.f_frsize;
	return 0;
}

/* Some file systems know no files without a name; there it is taken off at once. */
int file_open_nameless(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	scoped(free_ptr) char *path = xasprintf("%s/storyfs-XXXXXX", dir);

	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

int file_write_at(int fd, const void *data, size_t len, int64_t at)
{
	const char *from = data;

	while (len) {
		ssize_t n = pwrite(fd, from, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

int64_t file_read_at(int fd, void *to, size_t max, int64_t at)
{
	ssize_t n;

	do
		n = pread(fd, to, max, at);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}
