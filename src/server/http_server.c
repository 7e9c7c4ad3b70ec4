/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP for the V5 server. libmicrohttpd's threads (epoll, one pool) read a request to its end into
 * an exchange, ask the server, and send the answer; nothing but the server's own work blocks a
 * thread, so slow clients cost a connection and no more. Requests that write may wait for their
 * turn: they are done by workers, while their connection is suspended.
 *
 * libmicrohttpd calls an exchange's functions in this order: begin_exchange (the request line is
 * there), handle (once when the header is there, once for each piece of the body, once at its end,
 * and once more when a worker has done it), end_exchange (sent, or the connection was lost).
 */
#include "storyfs/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "respond.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/error.h"
#include "storyfs/json.h"
#include "storyfs/listen.h"
#include "storyfs/log.h"
#include "storyfs/parse.h"
#include "storyfs/request_log.h"
#include "storyfs/text.h"
#include "workers.h"

enum {
	DEFAULT_BODY = 16 << 20,
	DEFAULT_CONNECTIONS = 512,
	DEFAULT_TIMEOUT_S = 60,
	LEAST_THREADS = 4,
	N_WORKERS = 16,		  /* so many writes can share one commit */
	HEADER_BYTES = 128 << 10, /* request line and header of a connection */
	DRAIN_FACTOR = 4,	  /* an oversized body is read to its end up to so many times the
				     limit, so that the client gets to see why */
	PIECE_BYTES = 256 << 10,  /* of a body that is fetched while it is sent */
	STOP_GRACE_S = 10,
	STATUS_TOO_LARGE = 413,
};

struct http_server {
	struct server *server;
	struct MHD_Daemon *daemon;
	struct request_log *log;
	struct workers *workers;
	int fd;
	size_t max_body;
	pthread_mutex_t mutex; /* guards the members below */
	pthread_cond_t idle;
	unsigned n_running; /* whole requests whose answer is not sent yet */
	bool stopping;
};

struct exchange {
	struct work work;
	struct http_server *server;
	struct MHD_Connection *connection;
	struct http_request req;
	struct http_response resp;
	char *method;
	size_t received;
	int64_t began_ms;
	bool seen;    /* handle was called */
	bool running; /* counted in n_running */
	bool worked;  /* resp is what a worker answered */
};

static void exchange_free(struct exchange *x)
{
	http_request_fini(&x->req);
	http_response_fini(&x->resp);
	free(x->method);
	free(x);
}

static void *begin_exchange(void *data, const char *target, struct MHD_Connection *connection)
{
	struct exchange *x = xcalloc(1, sizeof(*x));

	(void)data;
	(void)connection;
	x->req.target = xstrdup(target);
	x->began_ms = clock_monotonic_ms();
	return x;
}

static void end_exchange(void *data, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why)
{
	struct http_server *h = data;
	struct exchange *x = *state;

	(void)connection;
	(void)why;
	if (!x)
		return;
	if (x->running) {
		lock_scope(&h->mutex);
		if (--h->n_running == 0)
			pthread_cond_broadcast(&h->idle);
	}
	exchange_free(x);
	*state = NULL;
}

static void start_running(struct http_server *h, struct exchange *x)
{
	lock_scope(&h->mutex);
	h->n_running++;
	x->running = true;
}

static bool is_stopping(struct http_server *h)
{
	lock_scope(&h->mutex);
	return h->stopping;
}

/* ---- answers ---- */

static void make_too_large(const struct http_server *h, struct http_response *resp)
{
	scoped(v5_error_fini) struct v5_error error = { .code = V5_OTHER,
		.status = STATUS_TOO_LARGE };

	error.code_text = xstrdup("request_too_large");
	error.error = xstrdup("The request is larger than this server takes.");
	error.general_problem =
		xasprintf("the body of a request has at most %zu bytes here", h->max_body);
	struct json_t *json = v5_error_encode(&error);

	json_write(json, &resp->body);
	json_decref(json);
	resp->status = STATUS_TOO_LARGE;
	respond_add_common(&resp->headers);
	http_headers_add(&resp->headers, "Content-Type", "application/json; charset=utf-8");
	http_headers_add(&resp->headers, "Cache-Control", "no-cache");
}

static ssize_t read_piece(void *data, uint64_t at, char *to, size_t max)
{
	struct http_source *source = data;
	int64_t n = source->read(source, (int64_t)at, to, max);

	if (n > 0)
		return (ssize_t)n;
	log_error("http: an answer was cut short: %s", text_errno((int)n));
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_source(void *data)
{
	http_source_free(data);
}

/* With its body, which is taken over. */
static struct MHD_Response *make_response(struct http_response *resp)
{
	size_t len = resp->body.len;

	struct http_source *source = take_ptr(resp->source);

	if (source)
		return MHD_create_response_from_callback(
			(uint64_t)source->len, PIECE_BYTES, read_piece, source, free_source);
	return MHD_create_response_from_buffer(len, buf_take(&resp->body), MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_response(
	struct MHD_Connection *connection, struct http_response *resp, bool last)
{
	struct MHD_Response *out = make_response(resp);

	if (!out)
		return MHD_NO;
	for (size_t i = 0; i < resp->headers.n; i++)
		MHD_add_response_header(
			out, resp->headers.items[i].name, resp->headers.items[i].value);
	if (last)
		MHD_add_response_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
	enum MHD_Result queued = MHD_queue_response(connection, (unsigned)resp->status, out);

	MHD_destroy_response(out);
	return queued;
}

/* Can it take long: does it write, or is a password to be checked? */
static bool may_wait(const struct exchange *x)
{
	return !http_method_is_safe(x->req.method) ||
	       http_headers_get(&x->req.headers, "Authorization");
}

static void work_on(struct work *work)
{
	struct exchange *x = (struct exchange *)work;

	server_handle(x->server->server, &x->req, &x->resp);
	x->worked = true;
	MHD_resume_connection(x->connection);
}

static enum MHD_Result give_to_worker(
	struct http_server *h, struct MHD_Connection *connection, struct exchange *x)
{
	x->work.run = work_on;
	x->server = h;
	x->connection = connection;
	MHD_suspend_connection(connection);
	workers_add(h->workers, &x->work);
	return MHD_YES;
}

/* The request is whole, or already known to be too large; or a worker has answered it. */
static enum MHD_Result answer(
	struct http_server *h, struct MHD_Connection *connection, struct exchange *x)
{
	struct http_response *resp = &x->resp;

	if (!x->running)
		start_running(h, x);
	if (x->received > h->max_body)
		make_too_large(h, resp);
	else if (!x->worked && may_wait(x))
		return give_to_worker(h, connection, x);
	else if (!x->worked)
		server_handle(h->server, &x->req, resp);
	if (h->log)
		request_log_add(h->log, &(struct request_entry){
						.method = x->method,
						.target = x->req.target,
						.status = resp->status,
						.body = &x->req.body,
						.ms = clock_monotonic_ms() - x->began_ms,
					});
	return send_response(connection, resp, is_stopping(h));
}

/* ---- requests ---- */

static enum MHD_Result add_header(
	void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	http_headers_add(data, name, value ? value : "");
	return MHD_YES;
}

/* The client's address as text, NULL when it has none. */
static char *describe_peer(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	char text[INET6_ADDRSTRLEN];
	const void *bytes = NULL;

	if (address && address->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *)address)->sin_addr;
	else if (address && address->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
	return bytes && inet_ntop(address->sa_family, bytes, text, sizeof(text)) ? xstrdup(text)
										 : NULL;
}

/* Would reading the body be in vain? So it is when the client waits for a go-ahead, or when it is
 * too much to be read for courtesy. */
static bool is_hopeless(const struct http_server *h, const struct exchange *x)
{
	const char *text = http_headers_get(&x->req.headers, "Content-Length");
	const char *expect = http_headers_get(&x->req.headers, "Expect");
	int64_t len;

	if (!text || !parse_int(text, 0, INT64_MAX, &len) || (size_t)len <= h->max_body)
		return false;
	return (expect && strcasecmp(expect, "100-continue") == 0) ||
	       (size_t)len / DRAIN_FACTOR > h->max_body;
}

static enum MHD_Result begin_request(struct http_server *h, struct MHD_Connection *connection,
	struct exchange *x, const char *method)
{
	x->seen = true;
	x->method = xstrdup(method);
	x->req.method = http_method_parse(method);
	/* The same answer; libmicrohttpd leaves the body out, and says how long it would be. */
	if (x->req.method == HTTP_HEAD)
		x->req.method = HTTP_GET;
	x->req.peer = describe_peer(connection);
	MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, &x->req.headers);
	if (!is_hopeless(h, x))
		return MHD_YES;
	x->received = h->max_body + 1;
	return answer(h, connection, x);
}

/* A piece of the body; what is beyond the limit is counted and dropped. */
static enum MHD_Result take_piece(
	struct http_server *h, struct exchange *x, const char *data, size_t *len)
{
	x->received += *len;
	if (x->received <= h->max_body)
		buf_add(&x->req.body, data, *len);
	else
		buf_fini(&x->req.body);
	*len = 0;
	return x->received / DRAIN_FACTOR > h->max_body ? MHD_NO : MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is libmicrohttpd's */
static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **state)
{
	struct http_server *h = data;
	struct exchange *x = *state;

	(void)url;
	(void)version;
	if (!x->seen)
		return begin_request(h, connection, x, method);
	if (*upload_len)
		return take_piece(h, x, upload, upload_len);
	return answer(h, connection, x);
}

/* ---- the server ---- */

static void write_mhd_log(void *data, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void write_mhd_log(void *data, const char *fmt, va_list ap)
{
	scoped(free_ptr) char *text = NULL;

	(void)data;
	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}

static int start_daemon(struct http_server *h, const struct http_server_config *config)
{
	unsigned n_cpus = (unsigned)get_nprocs();
	unsigned n_threads = config->n_threads	      ? config->n_threads
			     : n_cpus > LEAST_THREADS ? n_cpus
						      : LEAST_THREADS;
	unsigned limit = config->max_connections ? config->max_connections : DEFAULT_CONNECTIONS;
	unsigned timeout_s = config->timeout_s ? config->timeout_s : DEFAULT_TIMEOUT_S;
	unsigned flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_ERROR_LOG;

	int fd = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);

	if (n_threads > limit)
		n_threads = limit;
	h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, h, MHD_OPTION_EXTERNAL_LOGGER,
		write_mhd_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
		n_threads > 1 ? n_threads : 0, MHD_OPTION_CONNECTION_LIMIT, limit,
		MHD_OPTION_CONNECTION_TIMEOUT, timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HEADER_BYTES, MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, end_exchange, h, MHD_OPTION_END);
	return h->daemon ? 0 : -EIO;
}

static void server_release(struct http_server *h)
{
	if (h->fd >= 0)
		close(h->fd);
	request_log_close(h->log);
	workers_free(h->workers);
	pthread_cond_destroy(&h->idle);
	pthread_mutex_destroy(&h->mutex);
	free(h);
}

SCOPED_PTR(struct http_server, server_release);

static struct http_server *server_prepare(struct server *s, const struct http_server_config *config)
{
	struct http_server *h = xcalloc(1, sizeof(*h));
	pthread_condattr_t attr;

	h->fd = -1;
	h->server = s;
	h->max_body = config->max_body ? config->max_body : DEFAULT_BODY;
	pthread_mutex_init(&h->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->idle, &attr);
	pthread_condattr_destroy(&attr);
	return h;
}

int http_server_start(struct server *s, const struct http_server_config *config,
	struct http_server **ret, struct buf *ret_reason)
{
	scoped(server_release) struct http_server *h = server_prepare(s, config);
	int e = config->request_log ? request_log_open(config->request_log, &h->log) : 0;

	if (e < 0) {
		buf_add_fmt(ret_reason, "cannot open the request log %s: %s", config->request_log,
			text_errno(e));
		return e;
	}
	e = listen_open(config->listen, &h->fd, ret_reason);
	if (e < 0)
		return e;
	e = workers_new(N_WORKERS, &h->workers);
	if (e == 0)
		e = start_daemon(h, config);
	if (e < 0) {
		buf_add_str(ret_reason, "the HTTP server cannot start its threads");
		return e;
	}
	*ret = take_ptr(h);
	return 0;
}

unsigned http_server_port(const struct http_server *h)
{
	return listen_port(h->fd);
}

void http_server_add_address(const struct http_server *h, struct buf *b)
{
	listen_add_address(h->fd, b);
}

bool http_server_is_local(const struct http_server *h)
{
	return listen_is_local(h->fd);
}

static void wait_for_running(struct http_server *h)
{
	struct timespec until;
	int e = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STOP_GRACE_S;
	lock_scope(&h->mutex);
	h->stopping = true;
	while (h->n_running && e == 0)
		e = pthread_cond_timedwait(&h->idle, &h->mutex, &until);
}

void http_server_stop(struct http_server *h)
{
	if (!h)
		return;
	close(MHD_quiesce_daemon(h->daemon));
	wait_for_running(h);
	/* libmicrohttpd wants no connection suspended; what a worker has begun ends in time. */
	workers_free(take_ptr(h->workers));
	MHD_stop_daemon(h->daemon);
	server_release(h);
}
