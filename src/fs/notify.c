/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The notifier. A notice waits in a table by its text, so that the queue is never longer than the
 * number of things the kernel can know.
 *
 * At a signal the thread ends first and the session after it: were it the other way round, it could
 * wait for ever for a directory that is locked by a request nobody answers any more.
 */
#include "notify.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "ahead.h"
#include "drops.h"
#include "loop.h"
#include "mount.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

enum notice_type {
	NOTICE_ATTR = 'a',
	NOTICE_DATA = 'd',
	NOTICE_ENTRY = 'e',
};

struct notice {
	enum notice_type type;
	uint64_t number;
	char *key;
	UT_hash_handle hh;
	char name[];
};

struct notifier {
	struct fs *fs;
	int64_t (*sweep)(void *fs);
	struct drops *drops;
	pthread_t thread;
	bool started;
	sem_t wake;
	atomic_bool stopping; /* the thread is to end */
	atomic_bool quitting; /* and to end the loop */

	pthread_mutex_t lock; /* guards the members below */
	struct notice *queue; /* in order of arrival */
	uint64_t n_queued, n_done;
	pthread_cond_t done; /* one more is carried out */
};

static void free_notice(struct notice *notice)
{
	free(notice->key);
	free(notice);
}

/* NOLINTBEGIN(readability-function-size, clang-analyzer-*): uthash's macros nest deep. */

static void add(struct notifier *n, enum notice_type type, uint64_t number, const char *name)
{
	scoped(free_ptr) char *key = xasprintf("%c%jx/%s", (int)type, (uintmax_t)number, name);
	struct notice *notice;

	{
		lock_scope(&n->lock);
		HASH_FIND_STR(n->queue, key, notice);
		if (notice)
			return;
		size_t size = strlen(name) + 1;

		notice = xcalloc(1, sizeof(*notice) + size);
		notice->type = type;
		notice->number = number;
		notice->key = take_ptr(key);
		memcpy(notice->name, name, size);
		HASH_ADD_KEYPTR(hh, n->queue, notice->key, strlen(notice->key), notice);
		n->n_queued++;
	}
	sem_post(&n->wake);
}

static struct notice *next_notice(struct notifier *n)
{
	lock_scope(&n->lock);
	struct notice *notice = n->queue;

	if (notice)
		HASH_DEL(n->queue, notice);
	return notice;
}

/* NOLINTEND(readability-function-size, clang-analyzer-*) */

void notify_attr(struct notifier *n, uint64_t number)
{
	add(n, NOTICE_ATTR, number, "");
}

void notify_text(struct notifier *n, uint64_t number)
{
	add(n, NOTICE_ATTR, number, "");
	drops_add(n->drops, number);
}

void notify_data(struct notifier *n, uint64_t number)
{
	add(n, NOTICE_DATA, number, "");
}

void notify_entry(struct notifier *n, uint64_t dir, const char *name)
{
	add(n, NOTICE_ENTRY, dir, name);
	add(n, NOTICE_DATA, dir, "");
}

void notifier_wake(struct notifier *n)
{
	sem_post(&n->wake);
}

/* Most fail with ENOENT: the kernel does not know the thing. */
static void carry_out(struct notifier *n, const struct notice *notice)
{
	switch (notice->type) {
	case NOTICE_ATTR:
		ahead_settle(n->fs->ahead, notice->number);
		fuse_lowlevel_notify_inval_inode(n->fs->session, notice->number, -1, 0);
		break;
	case NOTICE_DATA:
		ahead_settle(n->fs->ahead, notice->number);
		fuse_lowlevel_notify_inval_inode(n->fs->session, notice->number, 0, 0);
		break;
	case NOTICE_ENTRY:
		fuse_lowlevel_notify_inval_entry(
			n->fs->session, notice->number, notice->name, strlen(notice->name));
		break;
	}
}

static void wait_for_work(struct notifier *n, int64_t ms)
{
	struct timespec until = clock_timespec(clock_deadline(ms));

	sem_clockwait(&n->wake, CLOCK_MONOTONIC, &until);
}

static void note_done(struct notifier *n)
{
	lock_scope(&n->lock);
	n->n_done++;
	pthread_cond_broadcast(&n->done);
}

void notifier_settle(struct notifier *n, int64_t ms)
{
	struct timespec until = clock_timespec(clock_deadline(ms));

	thread_will_wait();
	lock_scope(&n->lock);
	uint64_t wanted = n->n_queued;

	while (n->n_done < wanted && !atomic_load(&n->stopping) &&
		pthread_cond_timedwait(&n->done, &n->lock, &until) == 0)
		;
}

/* Those that work for the kernel's pages, in threads of their own. */
static void stop_helpers(struct notifier *n)
{
	ahead_stop(n->fs->ahead);
	drops_stop(n->drops);
}

static void *run(void *data)
{
	struct notifier *n = data;

	while (!atomic_load(&n->stopping)) {
		wait_for_work(n, n->sweep(n->fs));
		for (struct notice *notice;
			!atomic_load(&n->stopping) && (notice = next_notice(n));) {
			carry_out(n, notice);
			free_notice(notice);
			note_done(n);
		}
	}
	if (atomic_load(&n->quitting)) {
		stop_helpers(n);
		loop_end(n->fs->loop);
	}
	return NULL;
}

struct notifier *notifier_new(struct fs *fs, int64_t (*sweep)(void *fs))
{
	struct notifier *n = xcalloc(1, sizeof(*n));

	n->fs = fs;
	n->drops = drops_new(fs->session);
	n->sweep = sweep;
	sem_init(&n->wake, 0, 0);
	pthread_mutex_init(&n->lock, NULL);
	thread_init_cond(&n->done);
	return n;
}

void notifier_free(struct notifier *n)
{
	assert(!n->started);
	for (struct notice *notice; (notice = next_notice(n));)
		free_notice(notice);
	drops_free(n->drops);
	sem_destroy(&n->wake);
	pthread_cond_destroy(&n->done);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

int notifier_start(struct notifier *n)
{
	int r = drops_start(n->drops);

	if (r < 0)
		return r;
	r = ahead_start(n->fs->ahead);
	if (r == 0)
		r = thread_start(run, n, &n->thread);
	n->started = r == 0;
	if (r < 0)
		stop_helpers(n);
	return r;
}

void notifier_stop(struct notifier *n)
{
	if (!n->started)
		return;
	atomic_store(&n->stopping, true);
	sem_post(&n->wake);
	pthread_join(n->thread, NULL);
	stop_helpers(n);
	n->started = false;
}

void notifier_quit(struct notifier *n)
{
	atomic_store(&n->quitting, true);
	atomic_store(&n->stopping, true);
	sem_post(&n->wake);
}
