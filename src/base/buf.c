/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growable run of bytes; capacity doubles. */
#include "storyfs/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "storyfs/alloc.h"

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buf_trim(struct buf *b)
{
	if (b->len + 1 >= b->cap)
		return;
	b->cap = b->len + 1;
	b->data = xrealloc(b->data, b->cap, 1);
}

char *buf_reserve(struct buf *b, size_t n)
{
	assert(n < SIZE_MAX / 2 - b->len);
	size_t need = b->len + n + 1;

	if (need > b->cap) {
		size_t cap = b->cap ? b->cap : 64;

		while (cap < need)
			cap *= 2;
		b->data = xrealloc(b->data, cap, 1);
		b->cap = cap;
		b->data[b->len] = '\0';
	}
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	char *end = buf_reserve(b, len);

	if (len)
		memcpy(end, data, len);
	end[len] = '\0';
	b->len += len;
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

/* Most texts fit into what is there. */
void buf_add_fmt(struct buf *b, const char *fmt, ...)
{
	size_t room = b->cap - b->len;
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(b->data ? b->data + b->len : NULL, room, fmt, ap);

	va_end(ap);
	assert(n >= 0);
	if ((size_t)n >= room) {
		buf_reserve(b, (size_t)n);
		va_start(ap, fmt);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *s = b->data ? b->data : xstrdup("");

	*b = BUF_INIT;
	return s;
}
