/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serving threads: one leads, some wait at an answer, the others wait to lead. */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "mount.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

enum {
	MAX_IDLE = 4,
	NUDGE_MS = 20,
	NUDGE = SIGHUP, /* which is handled (fs_loop), and so ends the wait for a request */
};

struct worker {
	struct loop *loop;
	pthread_t thread;
	struct fuse_buf request;
	bool leads; /* its own thread's */
};

struct loop {
	struct fuse_session *session;
	unsigned max_threads;

	pthread_mutex_t lock; /* guards the members below; below all others */
	pthread_cond_t moved; /* nobody leads, it has ended, or a thread has left */
	struct worker *leader;
	unsigned n_threads, n_idle;
	bool ended;
	int error;
};

struct loop *loop_new(struct fuse_session *session, unsigned max_threads)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	l->session = session;
	l->max_threads = max_threads;
	pthread_mutex_init(&l->lock, NULL);
	thread_init_cond(&l->moved);
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	assert(!l->n_threads);
	pthread_cond_destroy(&l->moved);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static int add_worker(struct loop *l);

/* When there can be no further thread, the next that is through with its answer leads. */
static void give_way(void *data)
{
	struct worker *w = data;
	struct loop *l = w->loop;

	if (!w->leads)
		return;
	lock_scope(&l->lock);
	w->leads = false;
	l->leader = NULL;
	if (l->n_idle)
		pthread_cond_broadcast(&l->moved);
	else if (l->n_threads < l->max_threads && !l->ended)
		add_worker(l);
}

/* False: there are enough who wait to lead, or it has ended. */
static bool take_lead(struct worker *w)
{
	struct loop *l = w->loop;
	lock_scope(&l->lock);

	if (w->leads && !l->ended)
		return true;
	if (l->ended || (l->leader && l->n_idle >= MAX_IDLE))
		return false;
	l->n_idle++;
	while (l->leader && !l->ended)
		pthread_cond_wait(&l->moved, &l->lock);
	l->n_idle--;
	if (l->ended)
		return false;
	l->leader = w;
	w->leads = true;
	return true;
}

static void end(struct loop *l, int error)
{
	lock_scope(&l->lock);
	l->ended = true;
	l->error = error;
	pthread_cond_broadcast(&l->moved);
}

static void serve_one(struct worker *w)
{
	struct fuse_session *session = w->loop->session;
	int r = fuse_session_receive_buf(session, &w->request);

	if (fuse_session_exited(session))
		end(w->loop, 0);
	else if (r > 0)
		fuse_session_process_buf(session, &w->request);
	else if (r != -EINTR)
		end(w->loop, r);
}

static void leave(struct worker *w)
{
	struct loop *l = w->loop;
	lock_scope(&l->lock);

	if (w->leads)
		l->leader = NULL;
	l->n_threads--;
	pthread_cond_broadcast(&l->moved);
	free(w->request.mem);
	free(w);
}

static void *work(void *data)
{
	struct worker *w = data;
	sigset_t nudge;

	w->thread = pthread_self();
	sigemptyset(&nudge);
	sigaddset(&nudge, NUDGE);
	pthread_sigmask(SIG_UNBLOCK, &nudge, NULL);
	thread_before_waits(give_way, w);
	while (take_lead(w))
		serve_one(w);
	thread_before_waits(NULL, NULL);
	leave(w);
	return NULL;
}

/* The caller holds the lock. -errno. */
static int add_worker(struct loop *l)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	w->loop = l;
	int r = thread_start_detached(work, w);

	if (r < 0)
		free(w);
	else
		l->n_threads++;
	return r;
}

int loop_run(struct loop *l)
{
	lock_scope(&l->lock);
	int r = l->ended ? 0 : add_worker(l);

	while (l->n_threads)
		pthread_cond_wait(&l->moved, &l->lock);
	l->ended = true;
	return r < 0 ? r : l->error;
}

/* A nudge that comes just before the wait for a request ends nothing: it is given again. */
void loop_end(struct loop *l)
{
	fuse_session_exit(l->session);
	pthread_mutex_lock(&l->lock);
	while (!l->ended) {
		struct timespec until = clock_timespec(clock_deadline(NUDGE_MS));

		if (l->leader)
			pthread_kill(l->leader->thread, NUDGE);
		else
			l->ended = true;
		pthread_cond_timedwait(&l->moved, &l->lock, &until);
	}
	pthread_cond_broadcast(&l->moved);
	pthread_mutex_unlock(&l->lock);
}
