/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache's life, and the thread that writes. */
#include "cache.h"

#include <errno.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"
#include "storyfs/text.h"
#include "storyfs/thread.h"

enum {
	GATHER_MS = 300,    /* what changes together is written together */
	LOADING_MS = 10000, /* what is being loaded need not compete with its writing so long */
};

/* ---- the file ---- */

static void close_reader(struct cache *c)
{
	lock_scope(&c->read_lock);
	cache_db_close(take_ptr(c->reader));
}

/* An existing one, to read. */
static int open_reader(struct cache *c)
{
	int e = cache_file_prepare(&c->file, false);

	return e < 0 ? e : cache_db_open(c->file.path, false, &c->reader);
}

/* Another one of that name was put there, or it was taken away; ours has none any more. */
static void abandon(struct cache *c)
{
	cache_db_abandon(take_ptr(c->writer));
	lock_scope(&c->read_lock);
	cache_db_abandon(take_ptr(c->reader));
}

static int open_writer(struct cache *c)
{
	int e = cache_file_prepare(&c->file, true);

	if (e == 0)
		e = cache_db_open(c->file.path, true, &c->writer);
	if (e != -EBADMSG)
		return e;
	close_reader(c);
	e = cache_file_set_aside(&c->file);
	if (e == 0)
		e = cache_file_prepare(&c->file, true);
	return e < 0 ? e : cache_db_open(c->file.path, true, &c->writer);
}

/* ---- writing ---- */

static void give_up(struct store *s, int e)
{
	struct cache *c = s->cache;

	log_warning("%s: %s; nothing more is kept for the next mount", c->file.path, text_errno(e));
	cache_db_close(take_ptr(c->writer));
	lock_scope(&s->lock);
	c->failure = e;
	cache_forget(s);
}

static bool take_damaged(struct store *s)
{
	lock_scope(&s->lock);
	bool is = s->cache->is_damaged;

	s->cache->is_damaged = false;
	return is;
}

static void want_all(struct store *s)
{
	lock_scope(&s->lock);
	cache_forget(s);
}

/* See to it that there is a writer, and what it is to be told. */
static int prepare(struct store *s)
{
	struct cache *c = s->cache;
	bool is_damaged = take_damaged(s);

	if (c->writer && !is_damaged && cache_file_is_same(&c->file))
		return 0;
	if (c->writer)
		want_all(s);
	if (is_damaged) {
		cache_db_close(take_ptr(c->writer));
		close_reader(c);
		want_all(s);
		cache_file_set_aside(&c->file);
	} else if (c->writer || (c->reader && !cache_file_is_same(&c->file))) {
		abandon(c);
	}
	dev_t device = c->file.device;
	ino_t number = c->file.number;
	int e = open_writer(c);

	if (e == 0 && (device != c->file.device || number != c->file.number))
		want_all(s);
	return e;
}

static int write_once(struct store *s)
{
	scoped(cache_batch_fini) struct cache_batch batch = { 0 };
	int e = prepare(s);

	if (e < 0)
		return e;
	pthread_mutex_lock(&s->lock);
	cache_take(s, &batch);
	pthread_mutex_unlock(&s->lock);
	e = batch.n || batch.looked_ms ? cache_db_write(s->cache->writer, &batch) : 0;
	if (e < 0)
		want_all(s);
	return e;
}

static bool take_turn(struct store *s)
{
	bool is_ours = cache_file_lock(&s->cache->file);

	lock_scope(&s->lock);
	if (!is_ours || !s->cache->is_writer)
		cache_forget(s);
	s->cache->is_writer = is_ours;
	return is_ours;
}

static bool has_work(struct store *s)
{
	lock_scope(&s->lock);
	return s->cache->is_damaged || cache_has_loads(s);
}

static void write_behind(struct store *s)
{
	struct cache *c = s->cache;

	if (c->failure || !has_work(s))
		return;
	/* Another mount of the source writes: when it ends it may be our turn. */
	if (!take_turn(s))
		return;
	int e = write_once(s);

	if (e == -EBADMSG) {
		pthread_mutex_lock(&s->lock);
		c->is_damaged = true;
		pthread_mutex_unlock(&s->lock);
		e = write_once(s);
	}
	/* Whoever holds it up (a backup, a person with a shell) will not for ever. */
	if (e < 0 && e != -EBUSY)
		give_up(s, e);
}

/* The lock is held. */
static bool is_loading(const struct store *s)
{
	for (const struct load *l = NULL; (l = table_next(&s->loads, l));) {
		if (l->running)
			return true;
	}
	return false;
}

/* Until it is time to write, or to stop. The lock is held. */
static void gather(struct store *s)
{
	struct cache *c = s->cache;
	int64_t last_ms = clock_deadline(LOADING_MS);

	do {
		struct timespec until = clock_timespec(clock_deadline(GATHER_MS));

		while (!c->stopping &&
			pthread_cond_timedwait(&c->wake, &s->lock, &until) != ETIMEDOUT)
			;
	} while (!c->stopping && is_loading(s) && clock_monotonic_ms() < last_ms);
}

/* False when it is time to stop. */
static bool wait_for_work(struct store *s)
{
	struct cache *c = s->cache;

	lock_scope(&s->lock);
	while (!c->is_moved && !c->stopping)
		pthread_cond_wait(&c->wake, &s->lock);
	gather(s);
	c->is_moved = false;
	return !c->stopping;
}

static void *run(void *data)
{
	while (wait_for_work(data)) {
		write_behind(data);
		alloc_give_back();
	}
	write_behind(data);
	return NULL;
}

/* ---- life ---- */

static void cache_free(struct cache *c)
{
	cache_db_close(c->reader);
	cache_db_close(c->writer);
	record_unref(c->me);
	cache_file_fini(&c->file);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->read_lock);
	free(c);
}

/* What cannot be read is put aside by whoever may write. */
static int begin_reading(struct cache *c)
{
	bool may_write = c->is_writer = cache_file_lock(&c->file);
	int e = open_reader(c);

	if (may_write)
		cache_file_prune(&c->file);
	if (e == 0)
		e = cache_db_read_looked(c->reader, &c->former_ms);
	if (e == 0)
		return 0;
	cache_db_close(take_ptr(c->reader));
	c->is_damaged = e == -EBADMSG && may_write;
	return e == -ENOENT || e == -EBADMSG || e == -EBUSY ? 0 : e;
}

void cache_open(struct store *s, const struct store_config *config)
{
	struct cache *c;

	if (!config->cache_name || !config->cache_dir)
		return;
	c = xcalloc(1, sizeof(*c));
	c->file.lock = -1;
	pthread_mutex_init(&c->read_lock, NULL);
	thread_init_cond(&c->wake);
	int e = cache_file_init(config->cache_dir, config->cache_name, &c->file);

	if (e == 0)
		e = begin_reading(c);
	s->cache = c;
	if (e == 0)
		e = thread_start(run, s, &c->thread);
	if (e == 0)
		return;
	log_warning("%s: %s; nothing is kept for the next mount", config->cache_dir, text_errno(e));
	s->cache = NULL;
	cache_free(c);
}

void cache_close(struct store *s)
{
	struct cache *c = s->cache;

	if (!c)
		return;
	pthread_mutex_lock(&s->lock);
	c->stopping = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(c->thread, NULL);
	cache_forget(s);
	s->cache = NULL;
	cache_free(c);
}

void cache_add_status(const struct store *s, struct buf *ret)
{
	const struct cache *c = s->cache;

	if (!c)
		return;
	if (c->failure)
		buf_add_fmt(ret, "cache: given up: %s\n", text_errno(c->failure));
	else
		buf_add_fmt(ret, "cache: %s\n", c->file.path);
}
