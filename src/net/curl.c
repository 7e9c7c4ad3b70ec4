/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network transport. A call is prepared by its caller, carried as a job by the network thread,
 * and read by its caller again; libcurl's multi handle and all that is in it are the network
 * thread's, which sleeps in curl_multi_poll() until a socket, a timer or the queue wakes it.
 */
#include "storyfs/curl.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#include "storyfs/address.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/job.h"
#include "storyfs/log.h"
#include "storyfs/text.h"

#define TOKEN_HEADER "X-TrackerToken"
#define DEFAULT_USER_AGENT "storyfs/" STORYFS_VERSION
#define MAX_HEADER_BYTES ((size_t)256 * 1024)

enum {
	DEFAULT_CONNECT_TIMEOUT_MS = 10 * 1000,
	DEFAULT_TIMEOUT_MS = 60 * 1000,
	DEFAULT_MAX_BODY = 64 * 1024 * 1024,
	MAX_IDLE_CONNECTIONS = 16,
	LONGEST_POLL_MS = 60 * 1000, /* orders wake the thread earlier */
};

/* A request on its way, from prepare_call() to fini_call(). */
struct call {
	struct job job; /* first: the queue hands out jobs */
	const struct http_request *req;
	CURL *easy;
	struct curl_slist *headers;
	size_t max_body;
	size_t header_bytes;
	unsigned int n_sent;
	bool too_big;
	bool is_refused; /* an address was */
	char words[CURL_ERROR_SIZE];
	struct http_response resp;
};

struct curl_transport {
	struct transport base;
	char *origin;
	bool is_https;
	char *user_agent;
	char *ca_file;
	char *ca_dir;
	int64_t connect_timeout_ms;
	int64_t timeout_ms;
	size_t max_body;
	bool public_only;
	int (*get_token)(void *data, struct buf *ret_token);
	void *token_data;

	atomic_int last_error; /* 0: the host answers */
	struct job_queue queue;
	CURLM *multi;
	pthread_t thread;
	struct job *running; /* the network thread's alone */
};

/* What libcurl says, in the words of transport.h. CURLE_COULDNT_CONNECT depends on errno. */
static const struct {
	CURLcode code;
	int error;
} errors[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH },
	{ CURLE_COULDNT_RESOLVE_PROXY, -EHOSTUNREACH },
	{ CURLE_PROXY, -EHOSTUNREACH },
	{ CURLE_OPERATION_TIMEDOUT, -EHOSTUNREACH }, /* only connecting is timed by libcurl */
	{ CURLE_GOT_NOTHING, -ECONNRESET },
	{ CURLE_PARTIAL_FILE, -ECONNRESET },
	{ CURLE_SEND_ERROR, -ECONNRESET },
	{ CURLE_RECV_ERROR, -ECONNRESET },
	{ CURLE_SEND_FAIL_REWIND, -ECONNRESET },
	{ CURLE_ABORTED_BY_CALLBACK, -ECONNRESET }, /* count_sending() */
	{ CURLE_SSL_CONNECT_ERROR, -ECONNRESET },   /* cut while shaking hands, too */
	{ CURLE_HTTP2, -ECONNRESET },
	{ CURLE_HTTP2_STREAM, -ECONNRESET },
	{ CURLE_WRITE_ERROR, -EPROTO }, /* over a limit */
	{ CURLE_UNSUPPORTED_PROTOCOL, -EPROTO },
	{ CURLE_WEIRD_SERVER_REPLY, -EPROTO },
	{ CURLE_BAD_CONTENT_ENCODING, -EPROTO },
	{ CURLE_PEER_FAILED_VERIFICATION, -EKEYREJECTED },
	{ CURLE_SSL_CACERT_BADFILE, -EKEYREJECTED },
	{ CURLE_SSL_ISSUER_ERROR, -EKEYREJECTED },
	{ CURLE_SSL_INVALIDCERTSTATUS, -EKEYREJECTED },
	{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, -EKEYREJECTED },
};

static int error_of(const struct call *call, CURLcode code)
{
	CURL *easy = call->easy;
	long os_error = 0;

	if (code == CURLE_COULDNT_CONNECT && call->is_refused)
		return -EACCES;
	if (code == CURLE_COULDNT_CONNECT) {
		curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
		return os_error == ECONNREFUSED ? -ECONNREFUSED : -EHOSTUNREACH;
	}
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		if (errors[i].code == code)
			return errors[i].error;
	}
	return -EIO;
}

/* One line of the answer's head. Lines of an earlier head (100 Continue) are forgotten. */
static size_t take_header(char *data, size_t size, size_t n, void *arg)
{
	struct call *call = arg;
	size_t len = size * n;

	call->header_bytes += len;
	if (call->header_bytes > MAX_HEADER_BYTES) {
		call->too_big = true;
		return 0;
	}
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		http_headers_fini(&call->resp.headers);
		return len;
	}
	scoped(free_ptr) char *line = xstrndup(data, len);
	char *value = strchr(line, ':');

	if (!value)
		return len;
	*value++ = '\0';
	value += strspn(value, " \t");
	for (size_t end = strlen(value); end && strchr(" \t\r\n", value[end - 1]); end--)
		value[end - 1] = '\0';
	http_headers_add(&call->resp.headers, line, value);
	return len;
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct call *call = arg;
	size_t len = size * n;

	if (len > call->max_body - call->resp.body.len) {
		call->too_big = true;
		return 0;
	}
	buf_add(&call->resp.body, data, len);
	return len;
}

/* Before every sending of the request: the second one of a write is stopped. */
static int count_sending(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct call *call = arg;

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	if (call->n_sent++ > 0 && !http_method_is_safe(call->req->method))
		return CURL_PREREQFUNC_ABORT;
	return CURL_PREREQFUNC_OK;
}

/* The one place where a resolved address becomes a socket. */
static curl_socket_t open_public(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct call *call = arg;

	if (purpose != CURLSOCKTYPE_IPCXN || !address_is_public(&address->addr)) {
		call->is_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_body(CURL *easy, const struct buf *body)
{
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_str(body));
}

static void set_method(CURL *easy, const struct http_request *req)
{
	switch (req->method) {
	case HTTP_GET:
		return;
	case HTTP_HEAD:
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	case HTTP_POST:
	case HTTP_PUT:
	case HTTP_PATCH:
		set_body(easy, &req->body); /* empty too: Content-Length: 0 */
		break;
	case HTTP_DELETE:
	case HTTP_OPTIONS:
		if (req->body.len)
			set_body(easy, &req->body);
		break;
	case HTTP_OTHER:
	case N_HTTP_METHODS:
	default:
		assert(!"a method that is not valid");
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http_method_name(req->method));
}

static void set_security(struct call *call, const struct curl_transport *c)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, c->is_https ? "https" : "http");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	if (c->public_only) {
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_public);
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
	}
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (c->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_file);
	if (c->ca_file || c->ca_dir) /* NULL: not the system's either */
		curl_easy_setopt(easy, CURLOPT_CAPATH, c->ca_dir);
}

/*
 * NOSIGNAL and QUICK_EXIT go together with the network thread's blocked signals and with
 * giving up: without QUICK_EXIT, removing a handle waits for its name to be resolved, and one dead
 * name server would hold up all calls.
 */
static void set_handling(struct curl_transport *c, struct call *call)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->words);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, c->is_https ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, count_sending);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

/* A line of libcurl's header list: `name: value`, `name;` sends no value, `name:` is not sent. */
static void add_header_line(struct call *call, const char *line)
{
	struct curl_slist *list = curl_slist_append(call->headers, line);

	assert(list);
	call->headers = list;
}

static void add_header(struct call *call, const char *name, const char *value)
{
	scoped(free_ptr) char *line =
		value[0] ? xasprintf("%s: %s", name, value) : xasprintf("%s;", name);

	add_header_line(call, line);
}

static int add_token(const struct curl_transport *c, struct call *call)
{
	scoped(buf_fini) struct buf token = BUF_INIT;

	if (!c->get_token)
		return 0;
	int r = c->get_token(c->token_data, &token);

	if (r < 0)
		return r;
	if (token.len != strlen(buf_str(&token)) || !http_is_header_value(buf_str(&token))) {
		log_error("the token holds control characters and cannot be sent");
		return -EINVAL;
	}
	if (token.len)
		add_header(call, TOKEN_HEADER, token.data);
	return 0;
}

static int prepare_headers(const struct curl_transport *c, struct call *call)
{
	const struct http_headers *h = &call->req->headers;

	for (size_t i = 0; i < h->n; i++)
		add_header(call, h->items[i].name, h->items[i].value);
	add_header_line(call, "Expect:");
	if (!http_headers_get(h, "Content-Type"))
		add_header_line(call, "Content-Type:");
	return add_token(c, call);
}

static int prepare_call(struct curl_transport *c, struct call *call)
{
	scoped(free_ptr) char *url = xasprintf("%s%s", c->origin, call->req->target);

	call->easy = curl_easy_init();
	if (!call->easy)
		return -EIO;
	set_handling(c, call);
	set_security(call, c);
	set_method(call->easy, call->req);
	curl_easy_setopt(call->easy, CURLOPT_URL, url);
	curl_easy_setopt(call->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(call->easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(call->easy, CURLOPT_USERAGENT, c->user_agent);
	int r = prepare_headers(c, call);

	if (r == 0)
		curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	return r;
}

static void fini_call(struct call *call)
{
	if (call->easy)
		curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	http_response_fini(&call->resp);
	job_fini(&call->job);
}

SCOPED_VALUE(struct call, fini_call);

static void start_call(struct curl_transport *c, struct call *call)
{
	if (curl_multi_add_handle(c->multi, call->easy) == CURLM_OK)
		DL_APPEND(c->running, &call->job);
	else
		job_end(&c->queue, &call->job, -EIO);
}

static void end_call(struct curl_transport *c, struct call *call, int result)
{
	struct job *job = &call->job;

	curl_multi_remove_handle(c->multi, call->easy);
	DL_DELETE(c->running, job);
	job_end(&c->queue, job, result);
}

static void end_given_up(struct curl_transport *c)
{
	for (struct job *job = c->running, *next; job; job = next) {
		next = job->next;
		if (job_is_given_up(&c->queue, job))
			end_call(c, (struct call *)job, -EINTR);
	}
}

static int outcome_of(struct call *call, CURLcode code)
{
	long status = 0;

	if (code != CURLE_OK)
		return error_of(call, code);
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 100 || status > 599)
		return -EPROTO;
	call->resp.status = (int)status;
	return 0;
}

static void end_finished(struct curl_transport *c)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(c->multi, &left))) {
		struct call *call = NULL;
		CURLcode code = msg->data.result; /* msg does not outlive the handle */

		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call);
		end_call(c, call, outcome_of(call, code));
	}
}

static void *run_network(void *arg)
{
	struct curl_transport *c = arg;
	struct job *job;
	int n_running;

	while (!job_queue_is_stopping(&c->queue)) {
		while ((job = job_queue_take(&c->queue)))
			start_call(c, (struct call *)job);
		if (job_queue_has_given_up(&c->queue))
			end_given_up(c);
		curl_multi_perform(c->multi, &n_running);
		end_finished(c);
		curl_multi_poll(c->multi, NULL, 0, LONGEST_POLL_MS, NULL);
	}
	return NULL;
}

static void wake_network(void *data)
{
	struct curl_transport *c = data;

	curl_multi_wakeup(c->multi);
}

/* Told once, until it changes: an unreachable server would fill the log otherwise. */
static void log_outcome(struct curl_transport *c, const struct call *call, int r)
{
	const char *target = call->req->target;
	int path_len = (int)strcspn(target, "?");
	int before = r == -EINTR ? r : atomic_exchange(&c->last_error, r);

	if (r == before)
		return;
	if (r == 0) {
		log_info("%s answers again", c->origin);
		return;
	}
	log_warning("%s %s%.*s: %s", http_method_name(call->req->method), c->origin, path_len,
		target,
		call->is_refused  ? "its address is none that may be asked"
		: call->too_big	  ? "the answer is too big"
		: r == -ETIMEDOUT ? "no answer in time"
		: call->words[0]  ? call->words
				  : text_errno(r));
}

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct curl_transport *c = (struct curl_transport *)t;
	struct call_limit bounded = *limit;

	if (!http_request_is_valid(req)) {
		log_error("a request that HTTP cannot carry was not sent");
		return -EINVAL;
	}
	if (!bounded.deadline_ms)
		bounded.deadline_ms = clock_deadline(c->timeout_ms);
	scoped(fini_call) struct call call = { .req = req, .max_body = c->max_body };

	job_init(&call.job);
	int r = prepare_call(c, &call);

	if (r < 0)
		return r;
	r = job_run(&c->queue, &call.job, &bounded);
	log_outcome(c, &call, r);
	if (r < 0)
		return r;
	*ret = call.resp;
	call.resp = (struct http_response){ 0 };
	return 0;
}

static void free_parts(struct curl_transport *c)
{
	if (c->multi)
		curl_multi_cleanup(c->multi);
	job_queue_fini(&c->queue);
	free(c->origin);
	free(c->user_agent);
	free(c->ca_file);
	free(c->ca_dir);
	free(c);
	curl_global_cleanup();
}

static void stop_and_free(struct transport *t)
{
	struct curl_transport *c = (struct curl_transport *)t;

	job_queue_stop(&c->queue);
	pthread_join(c->thread, NULL);
	assert(!c->running);
	free_parts(c);
}

SCOPED_PTR(CURLU, curl_url_cleanup);
SCOPED_PTR(char, curl_free);

/* The URL without path, query and fragment: `https://host:port`. */
static int parse_origin(const char *base_url, char **ret_origin)
{
	scoped(curl_url_cleanup) CURLU *url = curl_url();
	scoped(curl_free) char *scheme = NULL;
	scoped(curl_free) char *user = NULL;
	scoped(curl_free) char *origin = NULL;

	if (curl_url_set(url, CURLUPART_URL, base_url, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return -EINVAL;
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return -EINVAL;
	if (curl_url_get(url, CURLUPART_USER, &user, 0) != CURLUE_NO_USER)
		return -EINVAL;
	curl_url_set(url, CURLUPART_PATH, NULL, 0);
	curl_url_set(url, CURLUPART_QUERY, NULL, 0);
	curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
	if (curl_url_get(url, CURLUPART_URL, &origin, 0) != CURLUE_OK)
		return -EINVAL;
	char *host = strstr(origin, "//") + 2;

	host[strcspn(host, "/")] = '\0';
	*ret_origin = xstrdup(origin);
	return 0;
}

static char *copy_or_env(const char *value, const char *variable)
{
	const char *s = value ? value : getenv(variable);

	return s && s[0] ? xstrdup(s) : NULL;
}

static struct curl_transport *new_parts(const struct curl_config *config, char *origin)
{
	struct curl_transport *c = xcalloc(1, sizeof(*c));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	c->base = (struct transport){ .perform = perform, .free = stop_and_free };
	c->origin = origin;
	c->is_https = strncmp(origin, "https:", 6) == 0;
	c->user_agent = xstrdup(config->user_agent ? config->user_agent : DEFAULT_USER_AGENT);
	c->ca_file = copy_or_env(config->ca_file, "CURL_CA_BUNDLE");
	if (!c->ca_file)
		c->ca_file = copy_or_env(NULL, "SSL_CERT_FILE");
	if (!config->ca_file)
		c->ca_dir = copy_or_env(NULL, "SSL_CERT_DIR");
	c->connect_timeout_ms = config->connect_timeout_ms ? config->connect_timeout_ms
							   : DEFAULT_CONNECT_TIMEOUT_MS;
	c->timeout_ms = config->timeout_ms ? config->timeout_ms : DEFAULT_TIMEOUT_MS;
	c->max_body = config->max_body ? config->max_body : DEFAULT_MAX_BODY;
	c->public_only = config->public_only;
	c->get_token = config->get_token;
	c->token_data = config->token_data;
	job_queue_init(&c->queue, wake_network, c);
	return c;
}

/* All signals are blocked in the network thread: they are the others', and a connection that the
 * other side closed must not end the program with SIGPIPE. */
static int start_network(struct curl_transport *c)
{
	sigset_t all, before;

	c->multi = curl_multi_init();
	if (!c->multi || curl_multi_wakeup(c->multi) != CURLM_OK)
		return -EMFILE; /* there is no pipe to wake the thread by */
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&c->thread, NULL, run_network, c);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int curl_transport_new(const struct curl_config *config, struct transport **ret)
{
	char *origin;
	int r = parse_origin(config->base_url, &origin);

	if (r < 0) {
		/* Not with its words: they may hold a password. */
		log_error("the server's URL is not http:// or https://, a host, and no user or "
			  "password");
		return r;
	}
	struct curl_transport *c = new_parts(config, origin);

	r = start_network(c);
	if (r < 0) {
		log_error("the network thread did not start: %s", text_errno(r));
		free_parts(c);
		return r;
	}
	*ret = &c->base;
	return 0;
}
