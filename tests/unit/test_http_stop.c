/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of an HTTP server whose threads are awake: clients send while it stops. Leaving an epoll
 * set is slow here, so that two threads that both take a socket out of one meet.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "served.h"
#include "storyfs/http_server.h"

enum {
	N_THREADS = 4,
	N_CLIENTS = 2 * N_THREADS,
	SLOW_MS = 40,
	DEADLINE_S = 20,
};

static pthread_t main_thread;
static atomic_bool is_slow;

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* In the place of libc's, for libmicrohttpd, too. */
int epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
	if (op == EPOLL_CTL_DEL && atomic_load(&is_slow) &&
		pthread_equal(pthread_self(), main_thread))
		sleep_ms(SLOW_MS);
	return (int)syscall(SYS_epoll_ctl, set, op, fd, event);
}

struct client {
	pthread_t thread;
	int fd;
	atomic_bool *is_over;
};

/* A body that comes byte by byte keeps the connection's thread awake. */
static void *drip(void *data)
{
	struct client *c = data;

	while (!atomic_load(c->is_over) && send(c->fd, " ", 1, MSG_NOSIGNAL) == 1)
		sleep_ms(1);
	return NULL;
}

static int connect_to(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void stop_while_they_send(struct served *s)
{
	static const char begin[] = "PUT /services/v5/stories/1 HTTP/1.1\r\nHost: x\r\n"
				    "Content-Length: 100000\r\n\r\n{";
	struct http_server_config config = { .listen = "127.0.0.1:0", .n_threads = N_THREADS };
	struct http_server *h = NULL;
	struct client clients[N_CLIENTS];
	atomic_bool is_over = false;
	struct buf reason = { 0 };

	assert_int_equal(http_server_start(s->server, &config, &h, &reason), 0);
	unsigned port = http_server_port(h);

	for (int i = 0; i < N_CLIENTS; i++) {
		clients[i].fd = connect_to(port);
		clients[i].is_over = &is_over;
		assert_true(clients[i].fd >= 0);
		assert_int_equal(send(clients[i].fd, begin, sizeof(begin) - 1, 0),
			(ssize_t)sizeof(begin) - 1);
		assert_int_equal(pthread_create(&clients[i].thread, NULL, drip, &clients[i]), 0);
	}
	atomic_store(&is_slow, true);
	http_server_stop(h);
	atomic_store(&is_slow, false);
	atomic_store(&is_over, true);
	for (int i = 0; i < N_CLIENTS; i++) {
		pthread_join(clients[i].thread, NULL);
		close(clients[i].fd);
	}
	assert_int_equal(connect_to(port), -1);
	buf_fini(&reason);
}

static void test_it_stops_while_clients_send(void **state)
{
	for (int round = 0; round < 5; round++)
		stop_while_they_send(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_it_stops_while_clients_send, served_set_up, served_tear_down),
	};

	main_thread = pthread_self();
	alarm(DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
