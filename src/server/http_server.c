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

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "encoding.h"
#include "gate.h"
#include "http_body.h"
#include "http_head.h"
#include "http_limits.h"
#include "http_refusal.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/listen.h"
#include "storyfs/log.h"
#include "storyfs/request_log.h"
#include "storyfs/text.h"
#include "tls.h"
#include "watch.h"
#include "workers.h"

enum {
	N_WORKERS = 16,		 /* so many writes can share one commit */
	N_STORERS = 1,		 /* a large file takes long, and who shares its commit waits */
	N_SEARCHERS = 2,	 /* so many searches take the processors at once */
	HEADER_ROOM = 64 << 10,	 /* beyond the largest header, so that one that is too large can
				    be read and answered; libmicrohttpd's own index of it, too */
	DRAIN_FACTOR = 3,	 /* so many times the limit of bodies is read beyond the limit, so
				    that the client gets to see why it is refused */
	UPLOAD_ROOM = 64 << 10,	 /* for what is around a file in its body */
	UPLOADS_FACTOR = 10,	 /* so many files of the largest size may come at once */
	PIECE_BYTES = 256 << 10, /* of a body that is fetched while it is sent */
	STOP_GRACE_MS = 10 * 1000,
};

/* For large files that need not outlast a boot; /tmp may be in memory. */
static const char default_spool_dir[] = "/var/tmp";

struct http_server {
	struct server *server;
	struct MHD_Daemon *daemon;
	struct request_log *log;
	struct workers *workers;
	struct workers *storers; /* of large files */
	struct workers *searchers;
	struct watch *watch;
	struct spools *spools;
	struct gate *running; /* whole requests whose answer is not sent yet */
	atomic_bool too_late; /* the end has waited long enough for searches to begin */
	int fd;
	bool is_tls;
	struct http_limits limits;
	char *late_answer;
};

struct exchange {
	struct work work;
	struct http_server *server;
	struct MHD_Connection *connection;
	struct http_request req;
	struct http_response resp;
	struct watched *watched;
	char *method;
	struct http_body body;
	enum http_refusal refused;
	int64_t began_ms;
	bool seen;    /* handle was called */
	bool running; /* it entered the gate */
	bool worked;  /* resp is what a worker answered */
	bool is_search;
};

static void exchange_free(struct exchange *x)
{
	http_request_fini(&x->req);
	http_response_fini(&x->resp);
	free(x->method);
	free(x);
}

/* A target in absolute form (RFC 9112, 3.2.2) means its path here. */
static char *plain_target(const char *target)
{
	scoped(free_ptr) char *origin = NULL;
	char *path = NULL;

	return http_split_url(target, &origin, &path) ? path : xstrdup(target);
}

static void *begin_exchange(void *data, const char *target, struct MHD_Connection *connection)
{
	struct exchange *x = xcalloc(1, sizeof(*x));

	(void)data;
	(void)connection;
	x->req.target = plain_target(target);
	x->body.req = &x->req;
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
	if (x->watched)
		watch_enter(h->watch, x->watched, WATCH_HEAD);
	if (x->running)
		gate_leave(h->running);
	exchange_free(x);
	*state = NULL;
}

/* ---- answers ---- */

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
	struct http_source *source = take_ptr(resp->source);
	size_t len = resp->body.len;

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

static void work_on(struct work *work);

/* At the end of a grace that was too short there is nobody else to do it. */
static void add_work(struct workers *workers, struct exchange *x)
{
	x->work.run = work_on;
	if (!workers_add(workers, &x->work))
		work_on(&x->work);
}

/* Whatever a search came with, it is searchers that search. */
static void work_on(struct work *work)
{
	struct exchange *x = (struct exchange *)work;
	struct http_server *h = x->server;

	if (x->is_search && atomic_load(&h->too_late)) {
		http_refuse(REFUSED_ENDING, 0, &x->resp);
	} else if (x->is_search) {
		server_handle(h->server, &x->req, &x->resp);
	} else if (server_handle_soon(h->server, &x->req, &x->resp)) {
		x->is_search = true;
		add_work(h->searchers, x);
		return;
	}
	x->worked = true;
	MHD_resume_connection(x->connection);
}

static enum MHD_Result give_to_worker(
	struct http_server *h, struct MHD_Connection *connection, struct exchange *x)
{
	x->server = h;
	x->connection = connection;
	MHD_suspend_connection(connection);
	if (x->is_search)
		add_work(h->searchers, x);
	else
		add_work(x->body.spool ? h->storers : h->workers, x);
	return MHD_YES;
}

static void log_exchange(
	struct http_server *h, const struct exchange *x, const struct http_response *resp)
{
	if (h->log)
		request_log_add(h->log, &(struct request_entry){
						.method = x->method,
						.target = x->req.target,
						.status = resp->status,
						.body = &x->req.body,
						.ms = clock_monotonic_ms() - x->began_ms,
					});
}

/* Bodies may come packed; the server sees them as they were meant. */
static void unpack_body(struct http_server *h, struct exchange *x)
{
	int r = encoding_unpack_request(&x->req, h->limits.body);

	x->refused = r == -ENOTSUP    ? REFUSED_ENCODING
		     : r == -EMSGSIZE ? REFUSED_BODY
		     : r < 0	      ? REFUSED_MALFORMED
				      : REFUSED_NOT;
}

static size_t refused_limit(const struct http_server *h, enum http_refusal why)
{
	const struct http_limits *limits = &h->limits;

	return why == REFUSED_HEADER ? limits->header
	       : why == REFUSED_FILE ? limits->upload
				     : limits->body;
}

/* Into x->resp; 1 when a worker is to see to it. */
static int ask(struct http_server *h, struct exchange *x)
{
	if (!x->refused)
		x->refused = x->body.refused;
	if (!x->refused)
		unpack_body(h, x);
	if (x->refused)
		http_refuse(x->refused, refused_limit(h, x->refused), &x->resp);
	else if (may_wait(x))
		return 1;
	else
		x->is_search = server_handle_soon(h->server, &x->req, &x->resp);
	return x->is_search;
}

/* The request is whole: from now on an end waits for it, unless it comes after the end. */
static void start_running(struct http_server *h, struct exchange *x)
{
	x->running = gate_enter(h->running);
	if (!x->running && !x->refused)
		x->refused = REFUSED_ENDING;
	watch_enter(h->watch, x->watched, WATCH_WORK);
}

/* The request is whole, or it is known that it will be refused; or a worker has answered it. */
static enum MHD_Result answer(
	struct http_server *h, struct MHD_Connection *connection, struct exchange *x)
{
	struct http_response *resp = &x->resp;

	if (!x->running)
		start_running(h, x);
	if (!x->worked && ask(h, x))
		return give_to_worker(h, connection, x);
	log_exchange(h, x, resp);
	encoding_apply(&x->req.headers, resp);
	watch_enter(h->watch, x->watched, WATCH_ANSWER);
	return send_response(connection, resp, x->refused || gate_is_ending(h->running));
}

/* ---- requests ---- */

/* NOLINTNEXTLINE(readability-function-size): the signature is libmicrohttpd's */
static enum MHD_Result add_header(void *data, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	(void)kind;
	http_head_add(
		data, &(struct http_head_line){ name, name_len, value ? value : "", value_len });
	return MHD_YES;
}

static char *describe_peer(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info ? listen_describe_peer(info->client_addr) : NULL;
}

/* Read the header into the exchange, and refuse what is too much or ambiguous. */
static void read_header(
	struct http_server *h, struct MHD_Connection *connection, struct exchange *x)
{
	struct http_head head = { .headers = &x->req.headers, .bytes = strlen(x->req.target) };

	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, add_header, &head);
	if (head.bytes > h->limits.header)
		x->refused = REFUSED_HEADER;
	else if (http_head_is_ambiguous(&head))
		x->refused = REFUSED_MALFORMED;
}

static void begin_body(struct http_server *h, struct exchange *x)
{
	const struct http_limits *limits = &h->limits;
	bool is_file = server_takes_file(h->server, &x->req);

	if (is_file)
		x->body.spools = h->spools;
	x->body.limit = is_file ? limits->upload + UPLOAD_ROOM : limits->body;
	x->body.most = x->body.limit + DRAIN_FACTOR * limits->body;
	if (!http_body_begin(&x->body))
		x->refused = x->body.refused;
}

static struct watched *find_watched(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info->socket_context;
}

/* The same answer: libmicrohttpd leaves the body out, and says how long it would be. Ranges are
 * GET's alone (RFC 9110, 14.2). */
static void read_head_as_get(struct http_request *req)
{
	req->method = HTTP_GET;
	http_headers_remove(&req->headers, "Range");
}

static enum MHD_Result begin_request(struct http_server *h, struct MHD_Connection *connection,
	struct exchange *x, const char *method)
{
	x->watched = find_watched(connection);
	watch_enter(h->watch, x->watched, WATCH_BODY);
	x->seen = true;
	x->method = xstrdup(method);
	x->req.method = http_method_parse(method);
	x->req.peer = describe_peer(connection);
	if (!x->refused)
		read_header(h, connection, x);
	if (x->req.method == HTTP_HEAD)
		read_head_as_get(&x->req);
	if (!x->refused)
		begin_body(h, x);
	return x->refused ? answer(h, connection, x) : MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is libmicrohttpd's */
static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **state)
{
	struct http_server *h = data;
	struct exchange *x = *state;

	(void)url;
	if (!x->seen) {
		if (!text_has_prefix(version, "HTTP/1."))
			x->refused = REFUSED_VERSION;
		return begin_request(h, connection, x, method);
	}
	if (!*upload_len)
		return answer(h, connection, x);
	enum MHD_Result goes_on = http_body_add(&x->body, upload, *upload_len) ? MHD_YES : MHD_NO;

	*upload_len = 0;
	return goes_on;
}

/* ---- connections ---- */

/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is libmicrohttpd's */
static void note_connection(void *data, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	struct http_server *h = data;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		watch_remove(h->watch, *context);
		*context = NULL;
		return;
	}
	*context = watch_add(h->watch,
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
}

/* ---- the server ---- */

__attribute__((format(printf, 2, 0))) static void write_mhd_log(
	void *data, const char *fmt, va_list ap)
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

/* A connection that comes while the end is on is closed without a word: what was not asked can be
 * asked again. */
static enum MHD_Result let_in(void *data, const struct sockaddr *from, socklen_t len)
{
	const struct http_server *h = data;

	(void)from;
	(void)len;
	return gate_is_ending(h->running) ? MHD_NO : MHD_YES;
}

static int start_daemon(struct http_server *h)
{
	const struct http_limits *limits = &h->limits;
	unsigned flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_callback() },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (char *)TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	int fd = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);

	/* Without one libmicrohttpd would open a port of its own. */
	if (fd < 0)
		return -errno;
	h->daemon = MHD_start_daemon(flags | (h->is_tls ? MHD_USE_TLS : 0), 0, let_in, h, handle, h,
		MHD_OPTION_EXTERNAL_LOGGER, write_mhd_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_THREAD_POOL_SIZE, limits->threads > 1 ? limits->threads : 0,
		MHD_OPTION_CONNECTION_LIMIT, limits->connections,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, limits->per_address,
		MHD_OPTION_CONNECTION_TIMEOUT, limits->idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		2 * limits->header + HEADER_ROOM, MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, end_exchange, h, MHD_OPTION_NOTIFY_CONNECTION,
		note_connection, h, MHD_OPTION_ARRAY, h->is_tls ? tls : none, MHD_OPTION_END);
	return h->daemon ? 0 : -EIO;
}

static int start_watch(struct http_server *h)
{
	/* Within TLS nobody but GnuTLS can write. */
	h->late_answer = h->is_tls ? NULL : http_refuse_late();
	return watch_start(&(struct watch_config){ .head_ms = h->limits.idle_s * INT64_C(1000),
				   .request_ms = h->limits.request_s * INT64_C(1000),
				   .late_answer = h->late_answer },
		&h->watch);
}

static void server_release(struct http_server *h)
{
	watch_stop(h->watch);
	if (h->is_tls)
		tls_unload();
	if (h->fd >= 0)
		close(h->fd);
	request_log_close(h->log);
	workers_free(h->workers);
	workers_free(h->storers);
	workers_free(h->searchers);
	gate_free(h->running);
	spools_free(h->spools);
	free(h->late_answer);
	free(h);
}

SCOPED_PTR(struct http_server, server_release);

static struct http_server *server_prepare(struct server *s, const struct http_server_config *config)
{
	struct http_server *h = xcalloc(1, sizeof(*h));

	h->fd = -1;
	h->server = s;
	h->is_tls = config->cert_file;
	h->limits = http_limits_of(config);
	h->running = gate_new();
	h->spools = spools_new(
		config->spool_dir && *config->spool_dir ? config->spool_dir : default_spool_dir,
		(int64_t)h->limits.upload * UPLOADS_FACTOR);
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
	if (h->is_tls)
		e = tls_load(config->cert_file, config->key_file, ret_reason);
	if (e == 0)
		e = listen_open(config->listen, &h->fd, ret_reason);
	if (e < 0)
		return e;
	e = workers_new(N_WORKERS, &h->workers);
	if (e == 0)
		e = workers_new(N_STORERS, &h->storers);
	if (e == 0)
		e = workers_new(N_SEARCHERS, &h->searchers);
	if (e == 0)
		e = start_watch(h);
	if (e == 0)
		e = start_daemon(h);
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

int http_server_reload(const struct http_server_config *config, struct buf *ret_reason)
{
	return config->cert_file ? tls_load(config->cert_file, config->key_file, ret_reason) : 0;
}

void http_server_stop(struct http_server *h)
{
	if (!h)
		return;
	/*
	 * Nobody gets in from here on (let_in). Not MHD_quiesce_daemon: in 0.9.75 a thread of the
	 * pool that wakes meanwhile takes the socket out of its epoll set, too, and the second of
	 * the two aborts. Not shutdown either: the threads would spin until the end.
	 */
	gate_close(h->running, STOP_GRACE_MS);
	atomic_store(&h->too_late, true);
	/* libmicrohttpd wants no connection suspended; what a worker has begun ends in time. */
	workers_end(h->workers);
	workers_end(h->storers);
	workers_end(h->searchers);
	MHD_stop_daemon(h->daemon);
	server_release(h);
}
