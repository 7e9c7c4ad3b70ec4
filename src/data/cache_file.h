/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cache's file: where it is, that it is ours alone, and who may write it. That is one process
 * at a time, whoever is the first, until it ends: two that know different states of the host would
 * put one's rows among the other's.
 */
#ifndef STORYFS_DATA_CACHE_FILE_H
#define STORYFS_DATA_CACHE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "storyfs/scope.h"

struct cache_file {
	char *dir, *path, *lock_path;
	int lock;     /* a descriptor, held by us; -1 */
	dev_t device; /* of the file that was there last, and its number; 0 */
	ino_t number;
};

/* Names it and nothing more. The directory is made when it is missing, for us alone. -EPERM when it
 * is somebody else's, or others may write into it. */
int cache_file_init(const char *dir, const char *name, struct cache_file *ret);
void cache_file_fini(struct cache_file *f);

/* May we write it, from now on? Asked before each write: somebody may have taken all away. */
bool cache_file_lock(struct cache_file *f);
/* See to it that there is a file to open, for us alone; an empty one is made if may_make is set.
 * -ENOENT; -EBADMSG when it is no file, or not ours. */
int cache_file_prepare(struct cache_file *f, bool may_make);
/* Is what lies there still what was prepared? */
bool cache_file_is_same(const struct cache_file *f);
/* Give it another name, in the place of what got that name before. */
int cache_file_set_aside(struct cache_file *f);
/* Take away what other runs left in the directory and nobody used for long. */
void cache_file_prune(const struct cache_file *f);

SCOPED_VALUE(struct cache_file, cache_file_fini);

#endif
