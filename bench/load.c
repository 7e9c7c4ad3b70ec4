/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocking sockets: what they cost is the same for all that is measured. */
#include "load.h"

#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "storyfs/alloc.h"

enum { ROOM = 1 << 16 };

struct connection {
	int fd;
	char *room; /* ROOM bytes, and one for a NUL */
	size_t got;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void connection_open(struct connection *c, unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int on = 1;

	*c = (struct connection){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	c->room = xmalloc(ROOM + 1);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		err(1, "connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void connection_close(struct connection *c)
{
	close(c->fd);
	free(c->room);
}

static void send_all(struct connection *c, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			err(1, "send");
		data += n;
		len -= (size_t)n;
	}
}

static size_t receive(struct connection *c, char *to, size_t len)
{
	ssize_t n = recv(c->fd, to, len, 0);

	if (n <= 0)
		errx(1, "the server closed the connection");
	return (size_t)n;
}

/* Reads an answer; all of it goes to keep, too, when that is not NULL. */
static int read_answer(struct connection *c, size_t *ret_body, struct buf *keep)
{
	char *end = NULL;

	for (c->got = 0; !end; end = strstr(c->room, "\r\n\r\n")) {
		c->got += receive(c, c->room + c->got, ROOM - c->got);
		c->room[c->got] = '\0';
	}
	const char *length = strcasestr(c->room, "\r\nContent-Length:");
	size_t body = length && length < end ? (size_t)atoll(length + 17) : 0;
	size_t have = c->got - (size_t)(end + 4 - c->room);
	int status = atoi(c->room + sizeof("HTTP/1.1"));

	if (keep)
		buf_add(keep, c->room, c->got);
	while (have < body) {
		size_t n = receive(c, c->room, body - have < ROOM ? body - have : ROOM);

		if (keep)
			buf_add(keep, c->room, n);
		have += n;
	}
	*ret_body = body;
	return status;
}

void load_ask(unsigned port, const char *request, struct buf *ret_answer)
{
	struct connection c;
	size_t body;

	connection_open(&c, port);
	send_all(&c, request, strlen(request));
	read_answer(&c, &body, ret_answer);
	connection_close(&c);
}

/* ---- many ---- */

struct client {
	const struct load *load;
	int number;
	int64_t until_ns;
	int64_t n, n_failed;
	size_t body;
	int64_t *took_ns;
	size_t cap;
};

static void note(struct client *c, int64_t took_ns)
{
	if ((size_t)c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 1024;
		c->took_ns = xrealloc(c->took_ns, c->cap, sizeof(*c->took_ns));
	}
	c->took_ns[c->n++] = took_ns;
}

static void *run_client(void *data)
{
	struct client *c = data;
	struct connection connection;
	scoped(buf_fini) struct buf request = BUF_INIT;
	int64_t before = now_ns();

	connection_open(&connection, c->load->port);
	while (before < c->until_ns) {
		buf_reset(&request);
		c->load->make(c->load->data, c->number, c->n, &request);
		send_all(&connection, request.data, request.len);
		int status = read_answer(&connection, &c->body, NULL);
		int64_t after = now_ns();

		c->n_failed += status / 100 != 2;
		note(c, after - before);
		before = after;
	}
	connection_close(&connection);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static void sum_up(struct client *clients, int n_clients, struct load_result *ret)
{
	int64_t *all, n = 0;

	for (int i = 0; i < n_clients; i++)
		ret->n += clients[i].n;
	all = xcalloc((size_t)ret->n + 1, sizeof(*all));
	for (int i = 0; i < n_clients; i++) {
		if (clients[i].n)
			memcpy(all + n, clients[i].took_ns, (size_t)clients[i].n * sizeof(*all));
		n += clients[i].n;
		ret->n_failed += clients[i].n_failed;
		ret->body = clients[i].body;
		free(clients[i].took_ns);
	}
	qsort(all, (size_t)n, sizeof(*all), by_size);
	ret->p50_us = (double)all[n / 2] / 1000;
	ret->p99_us = (double)all[n * 99 / 100] / 1000;
	free(all);
}

struct load_result load_run(const struct load *load)
{
	struct client *clients = xcalloc((size_t)load->n_clients, sizeof(*clients));
	pthread_t *threads = xcalloc((size_t)load->n_clients, sizeof(*threads));
	struct load_result result = { 0 };
	int64_t start = now_ns();

	for (int i = 0; i < load->n_clients; i++) {
		clients[i] = (struct client){
			.load = load, .number = i, .until_ns = start + load->duration_ms * 1000000
		};
		if (pthread_create(&threads[i], NULL, run_client, &clients[i]))
			errx(1, "no thread");
	}
	for (int i = 0; i < load->n_clients; i++)
		pthread_join(threads[i], NULL);
	double seconds = (double)(now_ns() - start) / 1e9;

	sum_up(clients, load->n_clients, &result);
	result.per_s = (double)result.n / seconds;
	free(threads);
	free(clients);
	return result;
}
