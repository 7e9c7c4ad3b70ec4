/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request's way: target → route → parameters → transaction → who asks → what the path names →
 * handler → commit → response. Whatever goes wrong on the way ends in one of V5's error objects.
 */
#include "storyfs/server.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "activity.h"
#include "auth.h"
#include "cache.h"
#include "console.h"
#include "content.h"
#include "encoding.h"
#include "failure.h"
#include "input.h"
#include "login.h"
#include "respond.h"
#include "route.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"
#include "upgrade.h"

enum {
	CACHE_BYTES = 32 << 20,
	PIECE = 256 << 10, /* of a body, in a transport */
};

struct server {
	struct archive *archive;
	struct cache *cache; /* NULL: none */
	char *prefix;
	void (*written)(void *data);
	void *data;
	struct login *login;
};

/* ---- life ---- */

int server_new(struct archive *a, const struct server_config *config, struct server **ret)
{
	scoped(server_free) struct server *s = xcalloc(1, sizeof(*s));

	s->archive = a;
	s->login = login_new();
	s->prefix = xstrdup(config && config->prefix ? config->prefix : SERVER_PREFIX);
	s->written = config ? config->written : NULL;
	s->data = config ? config->data : NULL;
	int64_t cache_bytes = config && config->cache_bytes ? config->cache_bytes : CACHE_BYTES;

	if (cache_bytes > 0)
		s->cache = cache_new((size_t)cache_bytes);
	int r = upgrade_archive(a);

	if (r < 0)
		return r;
	*ret = take_ptr(s);
	return 0;
}

void server_free(struct server *s)
{
	if (!s)
		return;
	login_free(s->login);
	cache_free(s->cache);
	free(s->prefix);
	free(s);
}

uint64_t server_n_kept(struct server *s)
{
	return s->cache ? cache_n_found(s->cache) : 0;
}

/* ---- one call ---- */

static void call_fini(struct call *c)
{
	for (int i = 0; c->given && i < route_params(c->route)->n; i++)
		value_fini(&route_params(c->route)->params[i], &c->given[i]);
	free(c->given);
	for (int kind = 0; kind < N_KINDS; kind++)
		record_unref(c->at[kind]);
	ids_fini(&c->visible);
	params_free(c->params);
	fields_free(c->fields);
	buf_fini(&c->body);
	content_free(c->content);
	v5_error_fini(&c->error);
}

SCOPED_VALUE(struct call, call_fini);

/* HEAD is a GET whose body nobody sees; V5's overview names PATCH beside PUT. */
static enum http_method routed_method(enum http_method method)
{
	if (method == HTTP_HEAD)
		return HTTP_GET;
	return method == HTTP_PATCH ? HTTP_PUT : method;
}

/* The target's path behind the prefix, and its query. Doubled slashes count as one here, too. */
static bool split_target(const char *prefix, const char *target, const char **ret_path,
	size_t *ret_len, const char **ret_query)
{
	const char *query = strchr(target, '?');
	const char *p = target;

	for (const char *want = prefix; *want;) {
		if (*p != *want)
			return false;
		while (*want == '/' && p[1] == '/')
			p++;
		p++;
		want++;
	}
	*ret_path = p;
	*ret_len = query ? (size_t)(query - p) : strlen(p);
	*ret_query = query ? query + 1 : NULL;
	return !query || p <= query;
}

static bool find_route(const struct server *s, const struct http_request *req,
	struct route_match *ret_match, const char **ret_query)
{
	enum http_method method = routed_method(req->method);
	const char *path, *target = req->target;
	size_t len;

	if (target && split_target(s->prefix, target, &path, &len, ret_query))
		return route_find(method, path, len, ret_match);
	return target && split_target("", target, &path, &len, ret_query) &&
	       route_find(method, path, len, ret_match) && ret_match->route->outside;
}

/* A packed one is unpacked in memory, and no larger than other bodies. */
bool server_takes_file(const struct server *s, const struct http_request *req)
{
	struct route_match match;
	const char *query;

	return multipart_is_one(http_headers_get(&req->headers, "Content-Type")) &&
	       encoding_parse(http_headers_get(&req->headers, "Content-Encoding")) ==
		       ENCODING_IDENTITY &&
	       find_route(s, req, &match, &query) && match.route->file;
}

/* Within the transaction, as the person who asks. */
static int run(struct call *c, const struct route_match *match)
{
	int r = auth_load_path(c, match);

	if (r == 0)
		r = input_check_keys(c);
	if (r == 0)
		r = input_read_given(c);
	return r < 0 ? r : c->route->handle(c);
}

static int perform(struct server *s, struct call *c, const struct route_match *match)
{
	bool reads = c->route->method == HTTP_GET || c->route->reads;
	enum tx_mode mode = reads ? TX_READ : TX_WRITE;
	int r = tx_begin(s->archive, mode, &c->tx);

	if (r < 0)
		return r;
	r = auth_identify(c);
	if (r == 0)
		r = run(c, match);
	if (r < 0) {
		tx_abort(c->tx);
		return r;
	}
	r = tx_commit(c->tx);
	if (r == 0 && mode == TX_WRITE && s->written)
		s->written(s->data);
	return r;
}

/* What can be read without the archive. */
static int prepare(struct server *s, struct call *c, struct route_match *ret_match)
{
	const char *query = NULL;

	if (!find_route(s, c->req, ret_match, &query)) {
		input_read_envelope(c);
		return v5_error_set(&c->error, V5_route_not_found);
	}
	c->route = ret_match->route;
	int r = params_read(c->req, query, &c->params, &c->error);

	return r < 0 ? r : input_read_shape(c);
}

int call_ask(struct call *c, const char *target, struct buf *ret)
{
	struct http_request req = { .method = HTTP_GET, .target = (char *)target };
	scoped(call_fini) struct call inner = { .req = &req,
		.server = c->server,
		.archive = c->archive,
		.tx = c->tx,
		.who = c->who,
		.moment = c->moment };
	struct route_match match;
	int r = prepare(c->server, &inner, &match);

	if (r == 0)
		r = run(&inner, &match);
	/* What is no JSON has no place in one. */
	if (r == 0 && !inner.body.len)
		r = v5_error_set(&inner.error, V5_route_not_found);
	if (r < 0 && !inner.error.code)
		return r;
	respond_add_json(&inner, ret);
	return 0;
}

/* `filter` makes a search of a list. */
static bool takes_long(const struct call *c)
{
	return c->route->slow ||
	       (c->route->method == HTTP_GET && params_get(c->params, "filter").json);
}

static void answer(struct server *s, struct call *c)
{
	struct route_match match = { 0 };
	int r = prepare(s, c, &match);

	assert(r < 0 || match.route);
	c->put_off = r == 0 && c->hurried && takes_long(c);
	if (c->put_off)
		return;
	if (r == 0 && match.route->basic)
		r = login_by_password(c, s->login, s->archive);
	if (r == 0)
		r = perform(s, c, &match);
	if (r < 0 && !c->error.code) {
		log_error("server: %s %s: %s", http_method_name(c->req->method), c->route->path,
			archive_explain(r));
		failure_answer(c, r);
	}
}

static void handle_call(struct server *s, struct call *c, struct http_response *ret)
{
	if (c->req->method == HTTP_OPTIONS)
		c->status = 204;
	else
		answer(s, c);
	if (!c->put_off)
		respond(c, ret);
}

/* ---- answers that are kept ---- */

/* All that an answer may be made from beside the archive and the clock: who asks, by which token,
 * and for what. False when there is more to it: a body, a password, a condition. */
static bool make_key(const struct who *who, const struct http_request *req, struct buf *ret)
{
	const char *token = http_headers_get(&req->headers, "X-TrackerToken");

	if (req->method != HTTP_GET || req->body.len || !req->target ||
		http_headers_get(&req->headers, "Authorization") ||
		http_headers_get(&req->headers, "If-None-Match"))
		return false;
	buf_add(ret, &who->person_id, sizeof(who->person_id));
	buf_add_char(ret, who->trusted ? 't' : 'p');
	buf_add_str(ret, req->target);
	if (token) {
		buf_add_char(ret, '\n');
		buf_add_str(ret, token);
	}
	return true;
}

/* Does it follow from the archive alone? */
static bool is_timeless(const struct call *c, const struct http_response *resp)
{
	return !c->content && !c->error.code && !c->moment->asked && resp->status == 200;
}

static void handle_kept(
	struct server *s, struct call *c, const struct buf *key, struct http_response *ret)
{
	int64_t version;

	if (archive_version(s->archive, &version) < 0) {
		handle_call(s, c, ret);
		return;
	}
	if (cache_find(s->cache, version, key, ret))
		return;
	handle_call(s, c, ret);
	if (!c->put_off && is_timeless(c, ret))
		cache_put(s->cache, version, key, ret);
}

static int handle(struct server *s, const struct who *who, const struct http_request *req,
	bool hurried, struct http_response *ret)
{
	int64_t now = clock_now_ms();
	struct moment moment = { .ms = now - now % 1000 };
	scoped(call_fini) struct call c = { .req = req,
		.who = *who,
		.moment = &moment,
		.server = s,
		.archive = s->archive,
		.hurried = hurried };
	scoped(buf_fini) struct buf key = BUF_INIT;
	int64_t started = clock_monotonic_ms();

	if (console_answer(s->prefix, req, ret))
		return 0;
	if (s->cache && make_key(who, req, &key))
		handle_kept(s, &c, &key, ret);
	else
		handle_call(s, &c, ret);
	if (c.put_off)
		return 1;
	respond_add_own(clock_monotonic_ms() - started, &ret->headers);
	return 0;
}

void server_handle(struct server *s, const struct http_request *req, struct http_response *ret)
{
	handle(s, &(struct who){ 0 }, req, false, ret);
}

int server_handle_soon(struct server *s, const struct http_request *req, struct http_response *ret)
{
	return handle(s, &(struct who){ 0 }, req, true, ret);
}

void server_handle_as(struct server *s, int64_t person_id, const struct http_request *req,
	struct http_response *ret)
{
	handle(s, &(struct who){ .person_id = person_id, .trusted = true }, req, false, ret);
}

/* ---- as a transport ---- */

struct server_transport {
	struct transport transport;
	struct server *server;
	int64_t person_id;
};

/* A body piece by piece into the sink; whoever asked may give up between two. */
static int pour(struct http_response *resp, struct http_sink *sink, const struct call_limit *limit)
{
	scoped(free_ptr) char *piece = xmalloc(PIECE);
	struct http_source *source = resp->source;
	int r = 0;

	sink->len = 0;
	if (!source)
		return http_sink_add(sink, buf_str(&resp->body), resp->body.len);
	while (r == 0 && sink->len < source->len) {
		int64_t n = source->read(source, sink->len, piece, PIECE);

		r = n > 0 ? http_sink_add(sink, piece, (size_t)n) : n < 0 ? (int)n : -EIO;
		if (r == 0)
			r = call_limit_check(limit);
	}
	return r;
}

static int perform_call(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct server_transport *st = (struct server_transport *)t;
	int r = call_limit_check(limit);

	if (r < 0)
		return r;
	server_handle_as(st->server, st->person_id, req, ret);
	bool to_sink = req->sink && ret->status >= 200 && ret->status < 300;

	r = to_sink ? pour(ret, req->sink, limit) : http_response_gather(ret);
	if (r < 0)
		http_response_fini(ret);
	return r < 0 && !to_sink ? -EIO : r;
}

static void free_transport(struct transport *t)
{
	free(t);
}

struct transport *server_transport_new(struct server *s, int64_t person_id)
{
	struct server_transport *st = xcalloc(1, sizeof(*st));

	*st = (struct server_transport){ { perform_call, free_transport }, s, person_id };
	return &st->transport;
}
