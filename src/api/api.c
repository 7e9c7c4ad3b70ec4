/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The V5 conversation. Every call is one function deep: build a request, exchange it (token,
 * deadline, error answers), read the body by the schema.
 */
#include "storyfs/api.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exchange.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/json.h"
#include "storyfs/log.h"
#include "storyfs/parse.h"

enum {
	MAX_LISTED = 1 << 22,
	PAGE_LIMIT = 500,
	TIMEOUT_MS = 30000,
	PAGES_AT_ONCE = 8,
};

struct api *api_new(struct transport *t, const struct api_config *config)
{
	struct api *api = xcalloc(1, sizeof(*api));

	api->transport = t;
	api->base_path = xstrdup(config->base_path);
	api->page_limit = config->page_limit ? config->page_limit : PAGE_LIMIT;
	api->timeout_ms = config->timeout_ms ? config->timeout_ms : TIMEOUT_MS;
	api->max_listed = config->max_listed ? config->max_listed : MAX_LISTED;
	api->pages_at_once = config->pages_at_once ? config->pages_at_once : PAGES_AT_ONCE;
	api->renew_token = config->renew_token;
	api->origin = config->origin ? xstrdup(config->origin) : NULL;
	api->open_elsewhere = config->open_elsewhere;
	api->data = config->data;
	return api;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	transport_free(api->transport);
	free(api->base_path);
	free(api->origin);
	free(api);
}

void call_fini(struct call *call)
{
	v5_error_fini(&call->error);
}

/* ---- paths ---- */

/* What hangs below a story is listed for a project by its full name. */
static bool is_of_stories(const struct place *place)
{
	return place->parent == KIND_project && schema_resource(place->kind)->parent == KIND_story;
}

/* What only one person sees. */
static bool is_mine(const struct place *place)
{
	const struct resource *res = schema_resource(place->kind);

	return res->whose || (res->parent && !place->parent && !place->id);
}

static void add_segment(enum kind kind, int64_t id, struct buf *b)
{
	buf_add_fmt(b, "/%s", schema_resource(kind)->plural);
	if (id)
		buf_add_fmt(b, "/%" PRId64, id);
}

void api_add_path(const struct place *place, struct buf *b)
{
	if (place->project_id && place->parent != KIND_project && place->kind != KIND_project)
		add_segment(KIND_project, place->project_id, b);
	if (place->parent)
		add_segment(place->parent, place->parent_id, b);
	if (is_of_stories(place)) {
		buf_add_fmt(b, "/%ss", schema_resource(place->kind)->name);
		return;
	}
	if (is_mine(place))
		buf_add_str(b, "/my");
	add_segment(place->kind, place->kind == KIND_me ? 0 : place->id, b);
}

/* A query in the making: begins with `?`, goes on with `&`. */
static void add_parameter(struct buf *target, const char *name, const char *value)
{
	buf_add_fmt(target, "%c%s=", strchr(target->data, '?') ? '&' : '?', name);
	http_add_encoded(target, value);
}

char *api_make_target(
	const struct api *api, const struct place *place, const struct api_query *query)
{
	struct buf target = BUF_INIT;

	buf_add_str(&target, api->base_path);
	api_add_path(place, &target);
	if (query && query->filters)
		buf_add_fmt(&target, "?%s", query->filters);
	if (query && query->fields)
		add_parameter(&target, "fields", query->fields);
	return buf_take(&target);
}

/* ---- one exchange ---- */

static const struct {
	int error;
	const char *words;
} no_answer[] = {
	{ -ETIMEDOUT, "no answer in time" },
	{ -EINTR, "interrupted before there was an answer" },
	{ -ECONNREFUSED, "the host refused the connection" },
	{ -ECONNRESET, "the connection was cut before the answer was whole" },
	{ -EHOSTUNREACH, "the host cannot be found or reached" },
	{ -EKEYREJECTED, "the host's certificate was not accepted" },
	{ -EPROTO, "the answer was no HTTP, or too large" },
};

static int explain_no_answer(int error, struct v5_error *ret_error)
{
	const char *words = strerrordesc_np(-error);

	for (size_t i = 0; i < sizeof(no_answer) / sizeof(no_answer[0]); i++) {
		if (no_answer[i].error == error)
			words = no_answer[i].words;
	}
	v5_error_fini(ret_error);
	ret_error->code = V5_OTHER;
	ret_error->code_text = xstrdup("no_answer");
	ret_error->error = xasprintf("The server did not answer: %s.%s", words,
		api_is_outcome_unknown(error) ? "  Whether it did what was asked is unknown." : "");
	return error;
}

bool api_is_outcome_unknown(int error)
{
	return error == -ETIMEDOUT || error == -EINTR || error == -ECONNRESET || error == -EPROTO ||
	       error == -EIO;
}

int64_t api_header_number(const struct http_response *resp, const char *name, int64_t otherwise)
{
	const char *text = http_headers_get(&resp->headers, name);
	int64_t n;

	return text && parse_int(text, INT64_MIN, INT64_MAX, &n) ? n : otherwise;
}

static int perform(struct api *api, const struct http_request *req, struct call *call,
	struct http_response *resp)
{
	struct call_limit limit = call->limit;

	if (!limit.deadline_ms)
		limit.deadline_ms = clock_deadline(api->timeout_ms);
	int e = transport_perform(api->transport, req, &limit, resp);

	if (e < 0)
		return explain_no_answer(e, &call->error);
	log_debug("%s %s: %d", http_method_name(req->method), req->target, resp->status);
	call->version = api_header_number(resp, "X-Tracker-Project-Version", 0);
	if (resp->status >= 200 && resp->status < 300)
		return 0;
	e = v5_error_decode(resp->status, buf_str(&resp->body), resp->body.len, &call->error);
	return resp->is_doubtful ? -EIO : e;
}

/* A token that was refused may have been replaced at its source since: asked for once more. */
int api_exchange(struct api *api, const struct http_request *req, struct call *call,
	struct http_response *resp)
{
	int e = perform(api, req, call, resp);

	if (e != -EKEYREJECTED || !resp->status || !api->renew_token ||
		!api->renew_token(api->data))
		return e;
	http_response_fini(resp);
	v5_error_fini(&call->error);
	return perform(api, req, call, resp);
}

int api_refuse_body(const struct http_response *resp, const char *problems, struct call *call)
{
	v5_error_decode(resp->status, buf_str(&resp->body), resp->body.len, &call->error);
	if (*problems) {
		free(call->error.general_problem);
		call->error.general_problem = xstrdup(problems);
	}
	return -EPROTO;
}

/* ---- one resource ---- */

/* Is the answer about what was asked for? Of me and of what is new the id is not known before. */
static bool is_of(const struct record *r, const struct place *place)
{
	return !place->id || place->kind == KIND_me || record_id(r) == place->id;
}

int api_read_one(const struct http_response *resp, const struct place *place, struct call *call,
	struct record **ret)
{
	const char *name = schema_resource(place->kind)->name;
	scoped(buf_fini) struct buf problems = BUF_INIT;
	scoped(record_unref) struct record *r = NULL;
	int e = json_read_record(place->kind, buf_str(&resp->body), resp->body.len, &problems, &r);

	if (e < 0)
		return api_refuse_body(resp, buf_str(&problems), call);
	if (!is_of(r, place)) {
		buf_add_fmt(&problems, "id: expected %s %" PRId64 ", got %" PRId64 "\n", name,
			place->id, record_id(r));
		return api_refuse_body(resp, buf_str(&problems), call);
	}
	if (problems.len)
		log_warning("%s: %s", name, buf_str(&problems));
	*ret = take_ptr(r);
	return 0;
}

/* A request without a body, or with the patch's fields. */
static struct http_request make_request(const struct api *api, enum http_method method,
	const struct place *place, const struct record *patch)
{
	struct http_request req = { .method = method, .target = api_make_target(api, place, NULL) };

	http_headers_add(&req.headers, "Accept", "application/json");
	if (patch) {
		http_headers_add(&req.headers, "Content-Type", "application/json");
		json_write_record(patch, NULL, JSON_AS_PATCH, &req.body);
	}
	return req;
}

static int exchange_one(struct api *api, const struct http_request *req, const struct place *place,
	struct call *call, struct record **ret)
{
	scoped(http_response_fini) struct http_response resp = { 0 };
	int e = api_exchange(api, req, call, &resp);

	return e < 0 ? e : api_read_one(&resp, place, call, ret);
}

int api_get(struct api *api, const struct place *place, struct call *call, struct record **ret)
{
	scoped(http_request_fini) struct http_request req =
		make_request(api, HTTP_GET, place, NULL);

	return exchange_one(api, &req, place, call, ret);
}

int api_get_text(struct api *api, const char *path, struct call *call, struct http_response *ret)
{
	scoped(http_request_fini) struct http_request req = { .target = xasprintf("%s%s",
								      api->base_path, path) };

	http_headers_add(&req.headers, "Accept", "application/json");
	return api_exchange(api, &req, call, ret);
}

int api_create(struct api *api, const struct place *place, const struct record *patch,
	struct call *call, struct record **ret)
{
	scoped(http_request_fini) struct http_request req =
		make_request(api, HTTP_POST, place, patch);

	return exchange_one(api, &req, place, call, ret);
}

int api_update(struct api *api, const struct place *place, const struct record *patch,
	struct call *call, struct record **ret)
{
	scoped(http_request_fini) struct http_request req =
		make_request(api, HTTP_PUT, place, patch);

	return exchange_one(api, &req, place, call, ret);
}

int api_delete(struct api *api, const struct place *place, struct call *call)
{
	scoped(http_request_fini) struct http_request req =
		make_request(api, HTTP_DELETE, place, NULL);
	scoped(http_response_fini) struct http_response resp = { 0 };

	return api_exchange(api, &req, call, &resp);
}
