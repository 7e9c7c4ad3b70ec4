/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The serving threads: one leads, some wait at an answer, the others wait to lead.
 *
 * Who leads asks for the next request for a moment before it sleeps: programs ask one thing after
 * the other, and to be woken up costs more than most answers. (`grep -r` of 2,000 stories that the
 * kernel knows took 1.1 s instead of 1.8 s in a virtual machine.)
 */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "mount.h"
#include "storyfs/alloc.h"
#include "storyfs/thread.h"

enum {
	MAX_IDLE = 4,
	SPIN_NS = 30 * 1000,
};

struct worker {
	struct loop *loop;
	struct fuse_buf request;
	bool leads; /* its own thread's */
};

struct loop {
	struct fuse_session *session;
	unsigned max_threads;
	int64_t spin_ns; /* 0 where one processor would keep the others from asking */
	int end_fd;	 /* readable: no further request is to be taken */

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
	l->spin_ns = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? SPIN_NS : 0;
	l->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
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
	close(l->end_fd);
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
	pthread_cond_broadcast(&l->moved);
	if (!l->n_idle && l->n_threads < l->max_threads && !l->ended)
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

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void wait_for_request(struct loop *l)
{
	struct pollfd fds[] = { { .fd = fuse_session_fd(l->session), .events = POLLIN },
		{ .fd = l->end_fd, .events = POLLIN } };

	poll(fds, 2, -1);
}

/* How long the request is; 0 at the end, -errno. */
static int receive(struct worker *w)
{
	struct loop *l = w->loop;
	int64_t until = now_ns() + l->spin_ns;

	for (;;) {
		int r = fuse_session_receive_buf(l->session, &w->request);

		if (fuse_session_exited(l->session))
			return 0;
		if (r != -EAGAIN && r != -EINTR)
			return r;
		if (now_ns() >= until)
			wait_for_request(l);
	}
}

static void serve_one(struct worker *w)
{
	int r = receive(w);

	if (r > 0)
		fuse_session_process_buf(w->loop->session, &w->request);
	else
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
	int fd = fuse_session_fd(l->session);
	int r = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
	lock_scope(&l->lock);

	if (r == 0 && !l->ended)
		r = add_worker(l);
	while (l->n_threads)
		pthread_cond_wait(&l->moved, &l->lock);
	l->ended = true;
	return r < 0 ? r : l->error;
}

void loop_end(struct loop *l)
{
	fuse_session_exit(l->session);
	eventfd_write(l->end_fd, 1);
	lock_scope(&l->lock);
	while (l->leader && !l->ended)
		pthread_cond_wait(&l->moved, &l->lock);
	l->ended = true;
	pthread_cond_broadcast(&l->moved);
}
