/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files in the person's cache directory. In a directory that is ours alone nobody else can put
 * anything in the way; the names in it are looked at all the same, and no link is followed. */
#include "cache_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/log.h"

#define SUFFIX ".db"
#define ASIDE ".damaged"
#define LOCK ".lock"

enum { KEPT_S = 90 * 24 * 60 * 60 };

/* What SQLite has beside a file. */
static const char *const beside[] = { "-wal", "-shm" };

/* ---- the directory ---- */

static int check_directory(const char *dir)
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	/* Others may have been let in to read it before there was anything to be read. */
	return st.st_mode & (S_IRWXG | S_IRWXO) && chmod(dir, S_IRWXU) < 0 ? -errno : 0;
}

int cache_file_init(const char *dir, const char *name, struct cache_file *ret)
{
	int e = file_make_dirs(dir);

	if (e == 0)
		e = check_directory(dir);
	scoped(free_ptr) char *real = e == 0 ? realpath(dir, NULL) : NULL;

	if (!real)
		return e < 0 ? e : -errno;
	*ret = (struct cache_file){ .dir = xstrdup(real),
		.path = xasprintf("%s/%s" SUFFIX, real, name),
		.lock_path = xasprintf("%s/%s" LOCK, real, name),
		.lock = -1 };
	return 0;
}

/* Of a cache that came to nothing nothing is left. */
void cache_file_fini(struct cache_file *f)
{
	if (f->lock >= 0 && access(f->path, F_OK) < 0)
		unlink(f->lock_path);
	free(f->dir);
	free(f->path);
	free(f->lock_path);
	scoped_close_fd(&f->lock);
	*f = (struct cache_file){ .lock = -1 };
}

/* ---- the file ---- */

/* Who took the file away meanwhile has locked another one than the next who asks. */
static bool is_there(int fd, const char *path)
{
	struct stat st, named;

	return fstat(fd, &st) == 0 && lstat(path, &named) == 0 && st.st_dev == named.st_dev &&
	       st.st_ino == named.st_ino;
}

bool cache_file_lock(struct cache_file *f)
{
	if (f->lock >= 0 && is_there(f->lock, f->lock_path))
		return true;
	scoped_close_fd(&f->lock);
	f->lock = -1;
	if (file_make_dirs(f->dir) < 0)
		return false;
	int fd = open(f->lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_there(fd, f->lock_path))) {
		close(fd);
		fd = -1;
	}
	f->lock = fd;
	return fd >= 0;
}

static int make(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	close(fd);
	return 0;
}

/* One that is there is not opened: our own locks on it, by SQLite, would go with the close. */
int cache_file_prepare(struct cache_file *f, bool may_make)
{
	struct stat st;
	int e = may_make ? make(f->path) : 0;

	if (e < 0 || lstat(f->path, &st) < 0)
		return e < 0 ? e : -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink > 1)
		return -EBADMSG;
	if (st.st_mode & (S_IRWXG | S_IRWXO) && chmod(f->path, S_IRUSR | S_IWUSR) < 0)
		return -errno;
	f->device = st.st_dev;
	f->number = st.st_ino;
	return 0;
}

bool cache_file_is_same(const struct cache_file *f)
{
	struct stat st;

	return lstat(f->path, &st) == 0 && st.st_dev == f->device && st.st_ino == f->number;
}

static void unlink_beside(const char *path)
{
	for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++) {
		scoped(free_ptr) char *name = xasprintf("%s%s", path, beside[i]);

		unlink(name);
	}
}

int cache_file_set_aside(struct cache_file *f)
{
	scoped(free_ptr) char *aside = xasprintf("%s" ASIDE, f->path);

	if (rename(f->path, aside) < 0 && errno != ENOENT)
		return -errno;
	unlink_beside(f->path);
	log_warning("%s was no cache of this program's, or a damaged one; it is %s now, and what "
		    "was in it is fetched again",
		f->path, aside);
	return 0;
}

/* ---- others ---- */

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), n = strlen(suffix);

	return len > n && strcmp(name + len - n, suffix) == 0;
}

/* Who has it open holds its lock. */
static void remove_unused(char *dir, const char *path)
{
	struct stat st;
	size_t stem = strlen(path) - strlen(SUFFIX);
	scoped(free_ptr) char *lock_path = xasprintf("%.*s" LOCK, (int)stem, path);
	scoped(free_ptr) char *aside = xasprintf("%s" ASIDE, path);
	struct cache_file other = { .dir = dir, .lock_path = lock_path, .lock = -1 };

	if (lstat(path, &st) < 0 || st.st_mtime + KEPT_S > time(NULL) || !cache_file_lock(&other))
		return;
	unlink(path);
	unlink(aside);
	unlink_beside(path);
	unlink(lock_path);
	close(other.lock);
}

void cache_file_prune(const struct cache_file *f)
{
	DIR *d = opendir(f->dir);

	for (struct dirent *one; d && (one = readdir(d));) {
		scoped(free_ptr) char *path = xasprintf("%s/%s", f->dir, one->d_name);

		if (has_suffix(path, SUFFIX) && strcmp(path, f->path) != 0)
			remove_unused(f->dir, path);
	}
	if (d)
		closedir(d);
}
