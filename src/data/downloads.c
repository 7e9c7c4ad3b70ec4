/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A download is a thread of its own, so that it goes on when a reader's time is over and the next
 * one finds more. It ends when nothing came for a while. The lock guards all members; it is held
 * neither while the network or the disk is asked nor while a limit is.
 */
#include "downloads.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/file.h"
#include "storyfs/log.h"
#include "storyfs/table.h"
#include "storyfs/text.h"
#include "storyfs/thread.h"

enum {
	MAX_FILES = 64,
	STALL_MS = 30 * 1000,
	FAILURE_KEPT_MS = 1000, /* who asks again within this gets the same answer */
	WAIT_MS = 50,
	LONGEST_MS = 24 * 60 * 60 * 1000,
};

#define MAX_BYTES (INT64_C(1) << 30)

/* The files themselves lie behind fd. */
struct download {
	struct table_item item;
	struct http_sink sink; /* the running thread's */
	struct downloads *all;
	int64_t id;
	int64_t size; /* as the host says */
	char *url;
	int fd;
	int64_t have; /* bytes that are there */
	bool running;
	unsigned n_tries; /* that ended */
	int failure;	  /* -errno of the last one, 0 when it brought all */
	char *words;
	int64_t failed_ms, came_ms; /* monotonic: the last failure; the last byte, or the start */
	int n_readers;
	uint64_t used; /* the greater the later */
};

struct downloads {
	struct api *api;
	char *dir;
	int64_t max_bytes, stall_ms;
	pthread_mutex_t lock;
	pthread_cond_t moved; /* a download went on, or ended; monotonic clock */
	struct table files;
	int64_t total; /* of their sizes */
	size_t n_files;
	int n_running;
	uint64_t n_used;
	bool stopping;
};

struct downloads *downloads_new(struct api *api, const struct store_config *config)
{
	struct downloads *d = xcalloc(1, sizeof(*d));

	d->api = api;
	d->dir = config->cache_dir ? xstrdup(config->cache_dir) : NULL;
	d->max_bytes = config->cache_bytes ? config->cache_bytes : MAX_BYTES;
	d->stall_ms = config->stall_ms ? config->stall_ms : STALL_MS;
	pthread_mutex_init(&d->lock, NULL);
	thread_init_cond(&d->moved);
	return d;
}

static void forget(struct downloads *d, struct download *f)
{
	table_remove(&d->files, &f->item);
	d->total -= f->size;
	d->n_files--;
	close(f->fd);
	free(f->url);
	free(f->words);
	free(f);
}

void downloads_free(struct downloads *d)
{
	struct download *f;

	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	while (d->n_running)
		pthread_cond_wait(&d->moved, &d->lock);
	pthread_mutex_unlock(&d->lock);
	while ((f = table_next(&d->files, NULL)))
		forget(d, f);
	pthread_cond_destroy(&d->moved);
	pthread_mutex_destroy(&d->lock);
	free(d->dir);
	free(d);
}

/* ---- the thread ---- */

static int put_bytes(struct http_sink *sink, int64_t at, const char *data, size_t n)
{
	struct download *f = (struct download *)((char *)sink - offsetof(struct download, sink));

	if ((int64_t)n > f->size - at)
		return -EPROTO;
	int e = file_write_at(f->fd, data, n, at);

	if (e < 0)
		return e;
	lock_scope(&f->all->lock);
	f->came_ms = clock_monotonic_ms();
	if (at + (int64_t)n > f->have)
		f->have = at + (int64_t)n;
	pthread_cond_broadcast(&f->all->moved);
	return 0;
}

static bool is_over(void *data)
{
	struct download *f = data;
	struct downloads *d = f->all;

	lock_scope(&d->lock);
	return d->stopping || clock_monotonic_ms() - f->came_ms >= d->stall_ms;
}

/* What the end of a download means: 0, or -errno with words. */
static int judge(const struct download *f, int e, const struct call *call, char **ret_words)
{
	const char *words = call->error.error;

	if (e == 0 && f->sink.len == f->size)
		return 0;
	if (e == 0 || (e == -EPROTO && f->sink.len)) {
		*ret_words = xasprintf("The host says %" PRId64 " bytes, and sent %s than that.",
			f->size, e == 0 ? "less" : "more");
		return -EIO;
	}
	if (e == -EINTR)
		words = "Nothing came for too long.";
	*ret_words = xstrdup(words ? words : text_errno(e));
	return e == -EINTR ? -ETIMEDOUT : e;
}

static void *fetch(void *data)
{
	struct download *f = data;
	struct downloads *d = f->all;
	scoped(call_fini) struct call call = { .limit = {
						       clock_deadline(LONGEST_MS), is_over, f } };
	char *words = NULL;
	int e = judge(f, api_download(d->api, f->url, &f->sink, &call), &call, &words);

	if (e < 0)
		log_info("file attachment %" PRId64 ": %s", f->id, words);
	lock_scope(&d->lock);
	free(f->words);
	f->words = words;
	f->failure = e;
	f->failed_ms = e < 0 ? clock_monotonic_ms() : 0;
	f->n_tries++;
	f->running = false;
	d->n_running--;
	pthread_cond_broadcast(&d->moved);
	return NULL;
}

/* The lock is held. */
static int start(struct downloads *d, struct download *f)
{
	f->came_ms = clock_monotonic_ms();
	int e = thread_start_detached(fetch, f);

	f->running = e == 0;
	d->n_running += e == 0;
	return e;
}

/* ---- readers; the lock is held ---- */

static bool is_idle(const struct download *f)
{
	return !f->running && !f->n_readers;
}

/* The one used longest ago that nobody needs; NULL when there is none. */
static struct download *find_oldest(struct downloads *d)
{
	struct download *f = NULL, *oldest = NULL;

	while ((f = table_next(&d->files, f))) {
		if (is_idle(f) && (!oldest || f->used < oldest->used))
			oldest = f;
	}
	return oldest;
}

static void make_room(struct downloads *d, int64_t size)
{
	struct download *f;

	while ((d->total + size > d->max_bytes || d->n_files >= MAX_FILES) && (f = find_oldest(d)))
		forget(d, f);
}

static int open_file(struct downloads *d)
{
	int fd = -ENOENT;

	if (d->dir && file_make_dirs(d->dir) == 0)
		fd = file_open_nameless(d->dir);
	return fd < 0 ? file_open_nameless(P_tmpdir) : fd;
}

static int make(struct downloads *d, const struct record *file, struct download **ret)
{
	int64_t size = record_int(file, F_file_attachment_size, 0);

	make_room(d, size);
	int fd = open_file(d);

	if (fd < 0)
		return fd;
	struct download *f = xcalloc(1, sizeof(*f));

	*f = (struct download){ .sink = { .write = put_bytes },
		.all = d,
		.id = record_id(file),
		.size = size,
		.url = xstrdup(record_text(file, F_file_attachment_download_url)),
		.fd = fd };
	table_add(&d->files, &f->item, &f->id, sizeof(f->id));
	d->total += size;
	d->n_files++;
	*ret = f;
	return 0;
}

/* The file, which may be there in part or not at all. */
static int get(struct downloads *d, const struct record *file, struct download **ret)
{
	int64_t id = record_id(file);
	struct download *f = table_find(&d->files, &id, sizeof(id));

	if (f && f->size != record_int(file, F_file_attachment_size, 0) && is_idle(f)) {
		forget(d, f);
		f = NULL;
	}
	int e = f ? 0 : make(d, file, &f);

	if (e < 0)
		return e;
	f->used = ++d->n_used;
	*ret = f;
	return 0;
}

static int tell(struct call *call, const char *code, const char *words, int error)
{
	v5_error_fini(&call->error);
	call->error.code = V5_OTHER;
	call->error.code_text = xstrdup(code);
	call->error.error = xstrdup(words);
	return error;
}

static void wait_a_little(struct downloads *d)
{
	struct timespec until = clock_timespec(clock_deadline(WAIT_MS));

	thread_will_wait();
	pthread_cond_timedwait(&d->moved, &d->lock, &until);
}

/* Did a download fail that this reader waited for, or one just before? */
static bool has_failed(const struct download *f, unsigned n_tries)
{
	return f->failure &&
	       (f->n_tries != n_tries || clock_monotonic_ms() - f->failed_ms < FAILURE_KEPT_MS);
}

static int check_limit(struct downloads *d, struct call *call)
{
	pthread_mutex_unlock(&d->lock);
	int e = call_limit_check(&call->limit);

	pthread_mutex_lock(&d->lock);
	return e < 0 ? tell(call, "no_answer", "The file is still on its way; read it again.", e)
		     : 0;
}

/* Wait until so many bytes are there. */
static int await(struct downloads *d, struct download *f, int64_t want, struct call *call)
{
	unsigned n_tries = f->n_tries;

	while (f->have < want) {
		int e = 0;

		if (!f->running && has_failed(f, n_tries))
			return tell(call, "download_failed", f->words, f->failure);
		if (!f->running)
			e = start(d, f);
		if (e == 0)
			e = check_limit(d, call);
		if (e < 0)
			return e;
		if (f->running && f->have < want)
			wait_a_little(d);
	}
	return 0;
}

/* Copy what is there; the file stays while it has a reader. */
static int copy(const struct download *f, int64_t at, size_t n, struct buf *ret)
{
	int64_t got = file_read_at(f->fd, buf_reserve(ret, n), n, at);

	if (got < 0)
		return (int)got;
	ret->len += (size_t)got;
	return 0;
}

static int read_file(struct downloads *d, struct download *f, const struct file_part *part,
	struct call *call, struct buf *ret)
{
	int e;

	{
		lock_scope(&d->lock);
		e = await(d, f, part->at + (int64_t)part->max, call);
	}
	if (e == 0)
		e = copy(f, part->at, part->max, ret);
	lock_scope(&d->lock);
	f->n_readers--;
	return e;
}

int downloads_read(struct downloads *d, const struct record *file, const struct file_part *part,
	struct call *call, struct buf *ret)
{
	int64_t left = record_int(file, F_file_attachment_size, 0) - part->at;
	struct file_part there = *part;
	struct download *f;

	if (left <= 0 || part->at < 0)
		return 0;
	if (left < (int64_t)there.max)
		there.max = (size_t)left;
	{
		lock_scope(&d->lock);
		int e = get(d, file, &f);

		if (e < 0)
			return e;
		f->n_readers++;
	}
	return read_file(d, f, &there, call, ret);
}
