/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocation that does not fail: what storyfs asks for is bounded by limits checked before, so
 * running out of memory is not an answer any caller could use. The program says so and aborts.
 * Free with free().
 */
#ifndef STORYFS_ALLOC_H
#define STORYFS_ALLOC_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
/* As reallocarray: the multiplication is checked. */
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
/* At most n bytes of s, terminated. */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Before there are threads: they shall share what is free. Else each of them keeps its own, and a
 * mount is larger, and slower. What is large lies apart and goes back when it is freed: after the
 * first large thing that is freed the C library would put others between small ones, which stay. */
void alloc_keep_small(void);
/* After much was allocated and freed again: what is free goes back to the system. */
void alloc_give_back(void);

#endif
