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

/* Both before there are threads. Threads allocate from n (at least 1) arenas at most. Each keeps
 * what is free in it, so many of them make a process large; fewer than threads that run at the same
 * time make these wait for each other. The C library has eight for each processor. */
void alloc_limit_arenas(int n);
/* What is large lies apart and goes back when it is freed. Else the C library would put it between
 * small things, which stay, as soon as one that is as large was freed. */
void alloc_lay_large_apart(void);
/* After much was allocated and freed again: what is free goes back to the system. */
void alloc_give_back(void);

#endif
