/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files: read with a limit, written so that a reader sees the old or the new one. Files
 * without a name. */
#ifndef STORYFS_FILE_H
#define STORYFS_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "storyfs/buf.h"

/* Append the content of the file; -EFBIG when it is over max bytes, else -errno of open or read. */
int file_read(const char *path, size_t max, struct buf *ret_data);
/* Append what comes out of a pipe until its other end is closed: -ETIMEDOUT when that is not so at
 * the deadline (of clock_monotonic_ms), -EFBIG when it is over max bytes, else -errno. */
int file_read_pipe(int fd, int64_t deadline_ms, size_t max, struct buf *ret_data);
/* Write to a temporary name beside path, fsync, rename. -errno; nothing is left behind then. */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode);
/* The directory and its missing parents, mode 0700 for what is made. */
int file_make_dirs(const char *path);
/* The folder, mode 0700 where it is made, for this process alone until the descriptor is closed;
 * who takes the folder away does so before that. -errno; -EBUSY when another process has it. */
int file_lock_folder(const char *path);
/* A file, or a folder with all that is in it, as far as that can be removed. */
void file_remove_tree(const char *path);
/* How many bytes whoever we are can still put into the directory's file system. -errno */
int file_get_room(const char *dir, uint64_t *ret);
/* A new file in the directory that has no name there, to read and write, for this user alone: it
 * goes when it is closed, whatever becomes of the process. A descriptor, or -errno. */
int file_open_nameless(const char *dir);
/* Write all of it where the descriptor stands, be it no file at all. -errno */
int file_write(int fd, const void *data, size_t len);
/* Put all of it from this byte on. -errno; -EIO where nothing more can be written. */
int file_write_at(int fd, const void *data, size_t len, int64_t at);
/* Up to max bytes from this one on: how many, 0 at the end, or -errno. */
int64_t file_read_at(int fd, void *to, size_t max, int64_t at);

#endif
