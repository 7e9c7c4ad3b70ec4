/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growable run of bytes. `data` is NULL while nothing was added, and always followed by a NUL
 * that `len` does not count. Bytes may hold NUL; the _str functions take C strings.
 */
#ifndef STORYFS_BUF_H
#define STORYFS_BUF_H

#include <stddef.h>

#include "storyfs/scope.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

#define BUF_INIT ((struct buf){ 0 })

void buf_fini(struct buf *b);
/* Forget the content, keep the memory. */
void buf_reset(struct buf *b);
/* Give back the memory behind the content. */
void buf_trim(struct buf *b);
/* Room for n more bytes; returns where they go. buf_add's len is set by the caller. */
char *buf_reserve(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_char(struct buf *b, char c);
void buf_add_str(struct buf *b, const char *s);
/* The arguments do not lie within b. */
void buf_add_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The content as a C string, never NULL; the buffer keeps it. */
const char *buf_str(const struct buf *b);
/* The content as a C string that the caller frees; the buffer is empty afterwards. */
char *buf_take(struct buf *b);

SCOPED_VALUE(struct buf, buf_fini);

#endif
