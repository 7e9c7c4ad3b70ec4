/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests, by libcurl. */
#include "curl_call.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "storyfs/address.h"
#include "storyfs/alloc.h"
#include "storyfs/log.h"

#define TOKEN_HEADER "X-TrackerToken"
#define MAX_HEADER_BYTES ((size_t)256 * 1024)
/* How long an address of the host is remembered. Connections are kept, so few ask for it; but where
 * the host has moved, or the machine has, nobody should wait for the old one. */
#define ADDRESS_S 3L

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

static int error_of(const struct curl_call *call, CURLcode code)
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
	struct curl_call *call = arg;
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

static bool is_good(const struct curl_call *call)
{
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status < 300;
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct curl_call *call = arg;
	size_t len = size * n;

	if (call->req->sink && is_good(call)) {
		call->sink_error = http_sink_add(call->req->sink, data, len);
		return call->sink_error ? 0 : len;
	}
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
	struct curl_call *call = arg;

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
	struct curl_call *call = arg;

	if (purpose != CURLSOCKTYPE_IPCXN || !address_is_public(&address->addr)) {
		call->is_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* The next bytes of a body that is fetched as it is sent. */
static size_t give_body(char *to, size_t size, size_t n, void *arg)
{
	struct curl_call *call = arg;
	struct http_source *source = call->req->source;

	if (call->n_read == source->len)
		return 0;
	int64_t got = source->read(source, call->n_read, to, size * n);

	if (got <= 0)
		return CURL_READFUNC_ABORT;
	call->n_read += got;
	return (size_t)got;
}

static void set_source(CURL *easy, struct curl_call *call)
{
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->req->source->len);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(easy, CURLOPT_READDATA, call);
}

static void set_body(CURL *easy, const struct buf *body)
{
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_str(body));
}

static void set_method(CURL *easy, struct curl_call *call)
{
	const struct http_request *req = call->req;

	switch (req->method) {
	case HTTP_GET:
		return;
	case HTTP_HEAD:
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	case HTTP_POST:
	case HTTP_PUT:
	case HTTP_PATCH:
		if (req->source)
			set_source(easy, call);
		else
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

static void set_security(struct curl_call *call, const struct curl_transport *c)
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
static void set_handling(struct curl_transport *c, struct curl_call *call)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->words);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, ADDRESS_S);
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
static void add_header_line(struct curl_call *call, const char *line)
{
	struct curl_slist *list = curl_slist_append(call->headers, line);

	assert(list);
	call->headers = list;
}

static void add_header(struct curl_call *call, const char *name, const char *value)
{
	scoped(free_ptr) char *line =
		value[0] ? xasprintf("%s: %s", name, value) : xasprintf("%s;", name);

	add_header_line(call, line);
}

static void add_token_header(struct curl_call *call, const char *token)
{
	const char *scheme = call->req->token_scheme;
	scoped(free_ptr) char *line = scheme ? xasprintf("Authorization: %s %s", scheme, token)
					     : xasprintf(TOKEN_HEADER ": %s", token);

	add_header_line(call, line);
}

static int add_token(const struct curl_transport *c, struct curl_call *call)
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
		add_token_header(call, token.data);
	return 0;
}

static int prepare_headers(const struct curl_transport *c, struct curl_call *call)
{
	const struct http_headers *h = &call->req->headers;

	for (size_t i = 0; i < h->n; i++)
		add_header(call, h->items[i].name, h->items[i].value);
	add_header_line(call, "Expect:");
	if (!http_headers_get(h, "Content-Type"))
		add_header_line(call, "Content-Type:");
	return add_token(c, call);
}

int curl_call_prepare(struct curl_transport *c, struct curl_call *call)
{
	scoped(free_ptr) char *url = xasprintf("%s%s", c->origin, call->req->target);

	call->easy = curl_easy_init();
	if (!call->easy)
		return -EIO;
	set_handling(c, call);
	set_security(call, c);
	set_method(call->easy, call);
	if (call->req->sink)
		call->req->sink->len = 0;
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

void curl_call_fini(struct curl_call *call)
{
	if (call->easy)
		curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	http_response_fini(&call->resp);
	job_fini(&call->job);
}

int curl_call_outcome(struct curl_call *call, CURLcode code)
{
	long status = 0;

	if (call->sink_error)
		return call->sink_error;
	if (code != CURLE_OK)
		return error_of(call, code);
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 100 || status > 599)
		return -EPROTO;
	call->resp.status = (int)status;
	return 0;
}
