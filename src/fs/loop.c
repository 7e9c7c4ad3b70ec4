/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The serving threads: one leads, some are at an answer, the others wait to lead.
 *
 * Who leads asks for the next request for a moment before it rests: programs ask one thing after
 * the other, and to be woken up costs more than most answers. (`grep -r` of 2,000 stories that the
 * kernel knows took 1.1 s instead of 1.8 s in a virtual machine.)
 *
 * A guard looks now and then whether who leads is still at the answer that it was at before: then
 * it waits for something without having said so, and the lead is taken from it. While nothing is
 * asked the guard sleeps; who leads wakes it up when it goes on.
 */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "mount.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

enum {
	MAX_IDLE = 4,
	SPIN_NS = 30 * 1000,
	LOOK_MS = 10,
};

struct worker {
	struct loop *loop;
	struct fuse_buf request;
	atomic_uint n_turns;	/* odd: it is at an answer */
	atomic_bool is_resting; /* it waits for a request, in poll */
};

struct loop {
	struct fuse_session *session;
	unsigned max_threads;
	int64_t spin_ns; /* 0 where one processor would keep the others from asking */
	int end_fd;	 /* readable: no further request is to be taken */

	/* These are changed with the lock held. */
	struct worker *_Atomic leader;
	atomic_bool ended;
	atomic_bool guard_sleeps;

	pthread_mutex_t lock;	    /* guards the members below; below all others */
	pthread_cond_t moved;	    /* nobody leads, it has ended, or a thread has left */
	pthread_cond_t guard_wakes; /* it has ended, or somebody leads and goes on */
	unsigned n_threads, n_idle;
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
	thread_init_cond(&l->guard_wakes);
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	assert(!l->n_threads);
	pthread_cond_destroy(&l->moved);
	pthread_cond_destroy(&l->guard_wakes);
	pthread_mutex_destroy(&l->lock);
	close(l->end_fd);
	free(l);
}

/* ---- who leads ---- */

static int add_worker(struct loop *l);

/* The caller holds the lock. When there can be no further thread, the next that is through with its
 * answer leads. */
static void pass_on(struct loop *l)
{
	l->leader = NULL;
	pthread_cond_broadcast(&l->moved);
	if (!l->n_idle && l->n_threads < l->max_threads && !l->ended)
		add_worker(l);
}

static bool leads(const struct worker *w)
{
	return w->loop->leader == w;
}

static void give_way(void *data)
{
	struct worker *w = data;

	if (!leads(w))
		return;
	lock_scope(&w->loop->lock);
	if (leads(w))
		pass_on(w->loop);
}

static void end(struct loop *l, int error)
{
	lock_scope(&l->lock);
	l->ended = true;
	l->error = error;
	pthread_cond_broadcast(&l->moved);
	pthread_cond_signal(&l->guard_wakes);
}

static void wake_guard(struct loop *l)
{
	if (!l->guard_sleeps)
		return;
	lock_scope(&l->lock);
	l->guard_sleeps = false;
	pthread_cond_signal(&l->guard_wakes);
}

/* False: there are enough who wait to lead, or it has ended. */
static bool take_lead(struct worker *w)
{
	struct loop *l = w->loop;

	if (leads(w) && !l->ended)
		return true;
	{
		lock_scope(&l->lock);
		if (l->ended || (l->leader && l->n_idle >= MAX_IDLE))
			return false;
		l->n_idle++;
		while (l->leader && !l->ended)
			pthread_cond_wait(&l->moved, &l->lock);
		l->n_idle--;
		if (l->ended)
			return false;
		l->leader = w;
	}
	wake_guard(l);
	return true;
}

/* ---- the guard ---- */

/* The caller holds the lock. Is there nothing to look after? Who goes on after the look at whether
 * it rests sees that the guard sleeps. */
static bool may_sleep(struct loop *l)
{
	l->guard_sleeps = true;
	if (!l->leader || l->leader->is_resting)
		return true;
	l->guard_sleeps = false;
	return false;
}

static void look_again_later(struct loop *l)
{
	struct timespec until = clock_timespec(clock_deadline(LOOK_MS));

	pthread_cond_timedwait(&l->guard_wakes, &l->lock, &until);
}

static void *guard(void *data)
{
	struct loop *l = data;
	const struct worker *seen = NULL;
	unsigned n_turns = 0;
	lock_scope(&l->lock);

	while (!l->ended) {
		const struct worker *w = l->leader;
		bool is_same = w && w == seen && w->n_turns == n_turns;

		if (is_same && n_turns % 2)
			pass_on(l);
		seen = l->leader;
		n_turns = seen ? seen->n_turns : 0;
		if ((is_same || !w) && may_sleep(l)) {
			while (l->guard_sleeps && !l->ended)
				pthread_cond_wait(&l->guard_wakes, &l->lock);
		} else {
			look_again_later(l);
		}
	}
	return NULL;
}

/* ---- serving ---- */

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void rest(struct worker *w)
{
	struct loop *l = w->loop;
	struct pollfd fds[] = { { .fd = fuse_session_fd(l->session), .events = POLLIN },
		{ .fd = l->end_fd, .events = POLLIN } };

	w->is_resting = true;
	poll(fds, 2, -1);
	w->is_resting = false;
	wake_guard(l);
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
			rest(w);
	}
}

static void serve_one(struct worker *w)
{
	int r = receive(w);

	if (r > 0) {
		w->n_turns++;
		fuse_session_process_buf(w->loop->session, &w->request);
		w->n_turns++;
	} else {
		end(w->loop, r);
	}
}

static void leave(struct worker *w)
{
	struct loop *l = w->loop;
	lock_scope(&l->lock);

	if (leads(w))
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

/* Until the last has left. */
static int serve(struct loop *l)
{
	lock_scope(&l->lock);
	int r = l->ended ? 0 : add_worker(l);

	while (l->n_threads)
		pthread_cond_wait(&l->moved, &l->lock);
	l->ended = true;
	pthread_cond_signal(&l->guard_wakes);
	return r < 0 ? r : l->error;
}

int loop_run(struct loop *l)
{
	int fd = fuse_session_fd(l->session);
	pthread_t thread;

	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	int r = thread_start(guard, l, &thread);

	if (r < 0)
		return r;
	r = serve(l);
	pthread_join(thread, NULL);
	return r;
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
	pthread_cond_signal(&l->guard_wakes);
}
