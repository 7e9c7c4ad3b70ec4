/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread looks at all connections twice a second; a socket is shut down, never closed. */
#include "watch.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utlist.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/thread.h"

enum {
	LOOK_EVERY_MS = 500,
	LOOKS_TO_BE_SURE = 6, /* what a closed side sent last may just be read, by a thread that
				 waits for a processor */
};

struct watched {
	struct watched *prev, *next;
	int fd;
	enum watch_phase phase;
	int64_t entered_ms;
	uint64_t received; /* bytes by the time the phase was entered */
	int n_closed;	   /* so many looks in a row found its other side closed */
	bool is_cut;
};

struct watch {
	struct watch_config config;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t stopped;
	struct watched *connections;
	bool is_stopping;
};

static uint64_t received_bytes(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	return info.tcpi_bytes_received;
}

/* ---- looking ---- */

/* Did the client close its side, with nothing left to be read? */
static bool is_closed(const struct watched *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };
	int unread = 0;

	return poll(&p, 1, 0) == 1 && (p.revents & POLLRDHUP) &&
	       ioctl(c->fd, FIONREAD, &unread) == 0 && unread == 0;
}

static bool is_late(const struct watch *w, const struct watched *c, int64_t now)
{
	switch (c->phase) {
	case WATCH_HEAD:
		return now - c->entered_ms > w->config.head_ms;
	case WATCH_BODY:
	case WATCH_ANSWER:
		return now - c->entered_ms > w->config.request_ms;
	case WATCH_WORK:
		break;
	}
	return false;
}

static bool is_asking(const struct watched *c)
{
	return c->phase == WATCH_BODY ||
	       (c->phase == WATCH_HEAD && received_bytes(c->fd) > c->received);
}

static void cut(struct watched *c)
{
	c->is_cut = true;
	shutdown(c->fd, SHUT_RDWR);
}

static void look_at(const struct watch *w, struct watched *c, int64_t now)
{
	const char *answer = w->config.late_answer;

	if (is_late(w, c, now)) {
		/* Nobody else writes to it now: there is no answer yet. */
		if (answer && is_asking(c))
			send(c->fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
		cut(c);
		return;
	}
	bool is_open = c->phase != WATCH_HEAD && c->phase != WATCH_BODY;

	c->n_closed = !is_open && is_closed(c) ? c->n_closed + 1 : 0;
	if (c->n_closed >= LOOKS_TO_BE_SURE)
		cut(c);
}

static void look(struct watch *w)
{
	int64_t now = clock_monotonic_ms();
	struct watched *c;

	DL_FOREACH(w->connections, c) {
		if (!c->is_cut)
			look_at(w, c, now);
	}
}

static void *run_watch(void *data)
{
	struct watch *w = data;

	lock_scope(&w->lock);
	while (!w->is_stopping) {
		struct timespec until = clock_timespec(clock_deadline(LOOK_EVERY_MS));

		while (!w->is_stopping &&
			pthread_cond_timedwait(&w->stopped, &w->lock, &until) == 0)
			;
		look(w);
	}
	return NULL;
}

/* ---- connections ---- */

static void enter(struct watched *c, enum watch_phase phase)
{
	c->phase = phase;
	c->entered_ms = clock_monotonic_ms();
	c->n_closed = 0;
	if (phase == WATCH_HEAD)
		c->received = received_bytes(c->fd);
}

struct watched *watch_add(struct watch *w, int fd)
{
	struct watched *c = xcalloc(1, sizeof(*c));

	c->fd = fd;
	enter(c, WATCH_HEAD);
	c->received = 0;
	lock_scope(&w->lock);
	DL_APPEND(w->connections, c);
	return c;
}

void watch_enter(struct watch *w, struct watched *c, enum watch_phase phase)
{
	lock_scope(&w->lock);
	enter(c, phase);
}

void watch_remove(struct watch *w, struct watched *c)
{
	lock_scope(&w->lock);
	DL_DELETE(w->connections, c);
	free(c);
}

/* ---- life ---- */

static void free_parts(struct watch *w)
{
	pthread_cond_destroy(&w->stopped);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int watch_start(const struct watch_config *config, struct watch **ret)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->config = *config;
	pthread_mutex_init(&w->lock, NULL);
	thread_init_cond(&w->stopped);
	int r = thread_start(run_watch, w, &w->thread);

	if (r < 0) {
		free_parts(w);
		return r;
	}
	*ret = w;
	return 0;
}

static void tell_to_stop(struct watch *w)
{
	lock_scope(&w->lock);
	w->is_stopping = true;
	pthread_cond_broadcast(&w->stopped);
}

void watch_stop(struct watch *w)
{
	if (!w)
		return;
	tell_to_stop(w);
	pthread_join(w->thread, NULL);
	free_parts(w);
}
