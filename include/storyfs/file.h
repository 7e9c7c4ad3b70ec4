/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files: read with a limit, written so that a reader sees the old or the new one. */
#ifndef STORYFS_FILE_H
#define STORYFS_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "storyfs/buf.h"

/* Append the content of the file; -EFBIG when it is over max bytes, else -errno of open or read. */
int file_read(const char *path, size_t max, struct buf *ret_data);
/* Write to a temporary name beside path, fsync, rename. -errno; nothing is left behind then. */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode);
/* The directory and its missing parents, mode 0700 for what is made. */
int file_make_dirs(const char *path);

#endif
