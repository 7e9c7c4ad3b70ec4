/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a ZIP file, by libzip. unzip.h reads one. */
#ifndef STORYFS_ZIPFILE_H
#define STORYFS_ZIPFILE_H

#include <stdint.h>

#include "storyfs/buf.h"

struct zipfile;

/* Where an entry's bytes come from. They are asked for in their order when the ZIP is finished. */
struct zipfile_source {
	/* Up to max bytes from this one on: how many, 0 at the end, or -errno. */
	int64_t (*read)(struct zipfile_source *s, int64_t at, void *to, size_t max);
	void (*free)(struct zipfile_source *s);
	int64_t size;
	int64_t at; /* zipfile's own */
	int error;  /* zipfile's own */
};

/* There is no file at path yet. The functions answer -errno, with the reason, without the path,
 * appended to ret_reason. */
int zipfile_create(const char *path, struct zipfile **ret, struct buf *ret_reason);
/* Add an entry, names being UTF-8 and each a new one: a file, packed, or a source, as it is, which
 * is taken over whatever becomes of it. at_s is the time it shows, in seconds since the epoch. */
int zipfile_add_file(struct zipfile *z, const char *name, const char *path, int64_t at_s,
	struct buf *ret_reason);
int zipfile_add_source(struct zipfile *z, const char *name, struct zipfile_source *source,
	int64_t at_s, struct buf *ret_reason);
/* Write the file, and free z whatever becomes of it. progress is told now and then which part is
 * done, from 0 to 1; it may be NULL. */
int zipfile_finish(struct zipfile *z, void (*progress)(void *data, double part), void *data,
	struct buf *ret_reason);
/* Nothing is written. */
void zipfile_free(struct zipfile *z);

SCOPED_PTR(struct zipfile, zipfile_free);

#endif
