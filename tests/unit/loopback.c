/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A web server for tests. */
#include "loopback.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"

enum { MAX_CONNECTIONS = 256, MAX_REQUESTS = 4096 };

struct connection {
	struct loopback *server;
	pthread_t thread;
	int fd;
	int number;
};

struct loopback {
	loopback_answer *answer;
	int fd;
	int port;
	pthread_t thread;

	pthread_mutex_t lock;
	struct connection connections[MAX_CONNECTIONS];
	size_t n_connections;
	struct http_request *requests[MAX_REQUESTS];
	size_t n_requests;
};

/* Add to in until it holds an empty line; where that ends, or 0. */
static size_t read_head(int fd, struct buf *in)
{
	for (;;) {
		char *end = in->len ? strstr(in->data, "\r\n\r\n") : NULL;

		if (end)
			return (size_t)(end - in->data) + 4;
		char *room = buf_reserve(in, 4096);
		ssize_t n = read(fd, room, 4096);

		if (n <= 0)
			return 0;
		in->len += (size_t)n;
		room[n] = '\0';
	}
}

static void parse_head(char *head, struct http_request *req)
{
	char *save;
	char *line = strtok_r(head, "\r\n", &save);
	char *target = strchr(line, ' ');

	assert(target);
	*target++ = '\0';
	req->method = http_method_parse(line);
	req->target = xstrndup(target, strcspn(target, " "));
	while ((line = strtok_r(NULL, "\r\n", &save))) {
		char *value = strchr(line, ':');

		assert(value);
		*value++ = '\0';
		http_headers_add(&req->headers, line, value + strspn(value, " "));
	}
}

static bool read_body(int fd, struct buf *in, size_t head_len, struct http_request *req)
{
	const char *length = http_headers_get(&req->headers, "Content-Length");
	int64_t len = 0;

	if (length && !parse_int(length, 0, 1 << 30, &len))
		return false;
	while (in->len < head_len + (size_t)len) {
		char *room = buf_reserve(in, 65536);
		ssize_t n = read(fd, room, 65536);

		if (n <= 0)
			return false;
		in->len += (size_t)n;
	}
	buf_add(&req->body, in->data + head_len, (size_t)len);
	return true;
}

/* The next request of the connection, or NULL at its end. in holds what was read beyond it. */
static struct http_request *read_request(int fd, struct buf *in)
{
	size_t head_len = read_head(fd, in);

	if (!head_len)
		return NULL;
	struct http_request *req = xcalloc(1, sizeof(*req));
	scoped(free_ptr) char *head = xstrndup(in->data, head_len);

	parse_head(head, req);
	if (!read_body(fd, in, head_len, req)) {
		http_request_fini(req);
		free(req);
		return NULL;
	}
	size_t used = head_len + req->body.len;
	struct buf rest = BUF_INIT;

	buf_add(&rest, in->data + used, in->len - used);
	buf_fini(in);
	*in = rest;
	return req;
}

static void *run_connection(void *arg)
{
	struct connection *c = arg;
	struct loopback *s = c->server;
	scoped(buf_fini) struct buf in = BUF_INIT;
	struct http_request *req;
	bool go_on = true;

	while (go_on && (req = read_request(c->fd, &in))) {
		{
			lock_scope(&s->lock);
			assert(s->n_requests < MAX_REQUESTS);
			s->requests[s->n_requests++] = req;
		}
		go_on = s->answer(c->fd, c->number, req);
	}
	shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static void *run_server(void *arg)
{
	struct loopback *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		lock_scope(&s->lock);
		assert(s->n_connections < MAX_CONNECTIONS);
		struct connection *c = &s->connections[s->n_connections];

		*c = (struct connection){ .server = s, .fd = fd, .number = (int)s->n_connections };
		int r = pthread_create(&c->thread, NULL, run_connection, c);

		assert(r == 0);
		s->n_connections++;
	}
	return NULL;
}

struct loopback *loopback_new(loopback_answer *answer)
{
	struct loopback *s = xcalloc(1, sizeof(*s));
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);

	s->answer = answer;
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = bind(s->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(s->fd, 64) < 0 ||
		getsockname(s->fd, (struct sockaddr *)&addr, &len) < 0;

	assert(r == 0);
	s->port = ntohs(addr.sin_port);
	r = pthread_create(&s->thread, NULL, run_server, s);
	assert(r == 0);
	return s;
}

void loopback_free(struct loopback *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (size_t i = 0; i < s->n_connections; i++) {
		shutdown(s->connections[i].fd, SHUT_RDWR);
		pthread_join(s->connections[i].thread, NULL);
		close(s->connections[i].fd);
	}
	for (size_t i = 0; i < s->n_requests; i++) {
		http_request_fini(s->requests[i]);
		free(s->requests[i]);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int loopback_port(const struct loopback *s)
{
	return s->port;
}

char *loopback_url(const struct loopback *s, const char *path)
{
	return xasprintf("http://127.0.0.1:%d%s", s->port, path);
}

size_t loopback_n_connections(struct loopback *s)
{
	lock_scope(&s->lock);
	return s->n_connections;
}

size_t loopback_n_requests(struct loopback *s)
{
	lock_scope(&s->lock);
	return s->n_requests;
}

const struct http_request *loopback_request(struct loopback *s, size_t i)
{
	lock_scope(&s->lock);
	assert(i < s->n_requests);
	return s->requests[i];
}

void loopback_send(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

void loopback_send_body(int fd, const char *status, const char *type, const char *body)
{
	scoped(free_ptr) char *answer = xasprintf("HTTP/1.1 %s\r\nContent-Type: %s\r\n"
						  "Content-Length: %zu\r\n\r\n%s",
		status, type ? type : "application/json", strlen(body), body);

	loopback_send(fd, answer);
}

void loopback_wait_gone(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) > 0)
		continue;
}
