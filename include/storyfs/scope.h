/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope cleanup: what a variable holds is given back when its scope ends, so that no error path
 * can forget it.
 *
 *	scoped(buf_fini) struct buf text = BUF_INIT;
 *	scoped(free_ptr) char *name = xstrdup("x");
 *
 * A module makes its release function usable here with one line at the end of its header:
 * SCOPED_PTR for a pointer (NULL is skipped), SCOPED_VALUE for a struct.
 */
#ifndef STORYFS_SCOPE_H
#define STORYFS_SCOPE_H

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define scoped(fn) __attribute__((cleanup(scoped_##fn)))

#define SCOPED_PTR(type, fn)                     \
	static inline void scoped_##fn(type **p) \
	{                                        \
		if (*p)                          \
			fn(*p);                  \
	}                                        \
	struct scope_needs_semicolon

#define SCOPED_VALUE(type, fn)                  \
	static inline void scoped_##fn(type *p) \
	{                                       \
		fn(p);                          \
	}                                       \
	struct scope_needs_semicolon

/* Memory from malloc and its kin. */
static inline void scoped_free_ptr(void *p)
{
	free(*(void **)p);
}

/* A file descriptor; -1 is none. */
static inline void scoped_close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Give a scoped pointer away: the scope no longer frees it. */
#define take_ptr(p)                         \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

static inline pthread_mutex_t *lock_mutex(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
	return m;
}

static inline void scoped_unlock(pthread_mutex_t **m)
{
	pthread_mutex_unlock(*m);
}

/* Hold a mutex until the end of the scope. */
#define lock_scope(m) \
	scoped(unlock) __attribute__((unused)) pthread_mutex_t *scope_lock_ = lock_mutex(m)

#endif
