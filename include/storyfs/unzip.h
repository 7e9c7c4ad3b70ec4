/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ZIP files, read by libzip; nothing of them is ever written to where their names point. */
#ifndef STORYFS_UNZIP_H
#define STORYFS_UNZIP_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/buf.h"

struct unzip;

struct unzip_entry {
	const char *name; /* as it stands there, maybe no UTF-8; until unzip_close */
	int64_t size;	  /* unpacked, as the ZIP says; unzip_read holds it to that */
	const char *odd;  /* why it cannot be read (a link, encrypted, ...), or NULL */
};

/* -EBADMSG or the system's; the reason, without the path, is appended to ret_reason. */
int unzip_open(const char *path, struct unzip **ret, struct buf *ret_reason);
void unzip_close(struct unzip *z);
int64_t unzip_count(const struct unzip *z);
struct unzip_entry unzip_entry(struct unzip *z, int64_t index);
/* Give the entry's bytes in pieces. 0, what take answered below 0, or -EBADMSG: damaged, or not
 * of the size it says; the reason is appended to ret_reason. */
int unzip_read(struct unzip *z, int64_t index,
	int (*take)(void *data, const char *bytes, size_t len), void *data, struct buf *ret_reason);

SCOPED_PTR(struct unzip, unzip_close);

#endif
