/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spool is a source from its beginning, whose length grows with what is added. */
#include "spool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"

enum { MAX_FILES = 64 };

struct spools {
	char *dir;
	int64_t max_bytes;
	pthread_mutex_t lock; /* guards the members below */
	int64_t n_bytes;
	int n_files;
};

struct spool {
	struct http_source source;
	struct spools *all;
	int fd;
};

struct spools *spools_new(const char *dir, int64_t max_bytes)
{
	struct spools *s = xcalloc(1, sizeof(*s));

	s->dir = xstrdup(dir);
	s->max_bytes = max_bytes;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void spools_free(struct spools *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->dir);
	free(s);
}

static bool take_bytes(struct spools *s, int64_t n)
{
	lock_scope(&s->lock);
	if (n > s->max_bytes - s->n_bytes)
		return false;
	s->n_bytes += n;
	return true;
}

static void give_bytes(struct spools *s, int64_t n)
{
	lock_scope(&s->lock);
	s->n_bytes -= n;
}

static bool take_file(struct spools *s)
{
	lock_scope(&s->lock);
	if (s->n_files >= MAX_FILES)
		return false;
	s->n_files++;
	return true;
}

static void give_file(struct spools *s)
{
	lock_scope(&s->lock);
	s->n_files--;
}

static int64_t read_spool(struct http_source *source, int64_t at, char *to, size_t max)
{
	int64_t n = file_read_at(((struct spool *)source)->fd, to, max, at);

	return n ? n : -EIO;
}

static void free_spool(struct http_source *source)
{
	struct spool *spool = (struct spool *)source;

	close(spool->fd);
	give_bytes(spool->all, source->len);
	give_file(spool->all);
	free(spool);
}

int spool_open(struct spools *s, struct spool **ret)
{
	if (!take_file(s))
		return 1;
	int fd = file_open_nameless(s->dir);

	if (fd < 0) {
		give_file(s);
		return fd;
	}
	*ret = xcalloc(1, sizeof(**ret));
	**ret = (struct spool){ { 0, read_spool, free_spool }, s, fd };
	return 0;
}

int spool_add(struct spool *spool, const void *data, size_t len)
{
	if (!take_bytes(spool->all, (int64_t)len))
		return 1;
	int e = file_write_at(spool->fd, data, len, spool->source.len);

	if (e < 0)
		give_bytes(spool->all, (int64_t)len);
	else
		spool->source.len += (int64_t)len;
	return e;
}

struct http_source *spool_source(struct spool *spool)
{
	return &spool->source;
}
