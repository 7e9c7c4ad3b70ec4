/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files: an upload is a form with one part (RFC 7578), a download follows the host to where it
 * keeps them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "exchange.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"

enum { MAX_HOPS = 5 };

/* ---- up ---- */

/* A form around a file: what stands before it, its bytes, what stands behind. */
struct form {
	struct http_source source;
	struct buf before, after;
	struct http_source *bytes; /* borrowed */
};

static int64_t read_buf(const struct buf *b, int64_t at, char *to, size_t max)
{
	size_t left = b->len - (size_t)at, n = left < max ? left : max;

	memcpy(to, b->data + at, n);
	return (int64_t)n;
}

static int64_t read_form(struct http_source *source, int64_t at, char *to, size_t max)
{
	struct form *form = (struct form *)source;
	int64_t start = (int64_t)form->before.len, end = start + form->bytes->len;

	if (at < start)
		return read_buf(&form->before, at, to, max);
	if (at >= end)
		return read_buf(&form->after, at - end, to, max);
	int64_t left = end - at;

	return form->bytes->read(
		form->bytes, at - start, to, left < (int64_t)max ? (size_t)left : max);
}

static void free_form(struct http_source *source)
{
	struct form *form = (struct form *)source;

	buf_fini(&form->before);
	buf_fini(&form->after);
	free(form);
}

/* What no file holds by accident, nor on purpose. */
static int add_boundary(struct buf *b)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	buf_add_fmt(b, "storyfs-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	return 0;
}

/* What a plain name cannot say stands in RFC 8187's form. */
static void add_filename(struct buf *b, const char *name)
{
	bool is_plain = !strpbrk(name, "\"\\%");

	for (const char *p = name; *p; p++)
		is_plain = is_plain && (unsigned char)*p >= 0x20 && *p != 0x7f;
	if (is_plain) {
		buf_add_fmt(b, "filename=\"%s\"", name);
		return;
	}
	buf_add_str(b, "filename*=UTF-8''");
	http_add_encoded(b, name);
}

static struct form *make_form(const struct api_file *file, const char *boundary)
{
	struct form *form = xcalloc(1, sizeof(*form));

	buf_add_fmt(
		&form->before, "--%s\r\nContent-Disposition: form-data; name=\"file\"; ", boundary);
	add_filename(&form->before, file->name);
	buf_add_str(&form->before, "\r\nContent-Type: application/octet-stream\r\n\r\n");
	buf_add_fmt(&form->after, "\r\n--%s--\r\n", boundary);
	form->bytes = file->bytes;
	form->source = (struct http_source){
		.len = (int64_t)(form->before.len + form->after.len) + file->bytes->len,
		.read = read_form,
		.free = free_form,
	};
	return form;
}

int api_upload(struct api *api, int64_t project_id, const struct api_file *file, struct call *call,
	struct record **ret)
{
	scoped(http_request_fini) struct http_request req = { .method = HTTP_POST };
	scoped(http_response_fini) struct http_response resp = { 0 };
	scoped(buf_fini) struct buf boundary = BUF_INIT;
	struct place place = { .kind = KIND_file_attachment };
	int e = add_boundary(&boundary);

	if (e < 0)
		return e;
	req.target = xasprintf("%s/projects/%" PRId64 "/uploads", api->base_path, project_id);
	http_headers_add(&req.headers, "Accept", "application/json");
	http_headers_add_fmt(
		&req.headers, "Content-Type", "multipart/form-data; boundary=%s", boundary.data);
	req.source = &make_form(file, boundary.data)->source;
	e = api_exchange(api, &req, call, &resp);
	return e < 0 ? e : api_read_one(&resp, &place, call, ret);
}

int api_detach(struct api *api, const struct place *comment, int64_t file_id, struct call *call)
{
	scoped(http_request_fini) struct http_request req = { .method = HTTP_DELETE };
	scoped(http_response_fini) struct http_response resp = { 0 };
	struct buf target = BUF_INIT;

	buf_add_str(&target, api->base_path);
	api_add_path(comment, &target);
	buf_add_fmt(&target, "/file_attachments/%" PRId64, file_id);
	req.target = buf_take(&target);
	http_headers_add(&req.headers, "Accept", "application/json");
	return api_exchange(api, &req, call, &resp);
}

/* ---- down ---- */

static int refuse_address(struct call *call, const char *url)
{
	v5_error_fini(&call->error);
	call->error.code = V5_OTHER;
	call->error.code_text = xstrdup("elsewhere");
	call->error.error = xasprintf("The file lies where it cannot be fetched from: %.*s",
		(int)strcspn(url, "?#"), url);
	return -EPROTO;
}

/* One request for the file; a redirect's address goes to *ret_next. */
static int ask_host(
	struct api *api, const struct http_request *req, struct call *call, char **ret_next)
{
	scoped(http_response_fini) struct http_response resp = { 0 };
	int e = api_exchange(api, req, call, &resp);
	const char *location = http_headers_get(&resp.headers, "Location");

	if (e < 0 && location && resp.status >= 301 && resp.status <= 308) {
		v5_error_fini(&call->error);
		*ret_next = xstrdup(location);
		return 0;
	}
	return e;
}

static int ask_elsewhere(struct api *api, const char *origin, const struct http_request *req,
	struct call *call, char **ret_next)
{
	struct api other = { .timeout_ms = api->timeout_ms };
	int e = api->open_elsewhere(api->data, origin, &other.transport);

	if (e < 0)
		return refuse_address(call, origin);
	e = ask_host(&other, req, call, ret_next);
	transport_free(other.transport);
	return e;
}

/* The file, or the address where it is said to be. */
static int ask(struct api *api, const char *url, struct http_sink *sink, struct call *call,
	char **ret_next)
{
	scoped(http_request_fini) struct http_request req = { .method = HTTP_GET, .sink = sink };
	scoped(free_ptr) char *origin = NULL;

	if (url[0] == '/' && url[1] != '/') {
		req.target = xstrdup(url);
		return ask_host(api, &req, call, ret_next);
	}
	if (!http_split_url(url, &origin, &req.target))
		return refuse_address(call, url);
	if (api->origin && strcasecmp(origin, api->origin) == 0)
		return ask_host(api, &req, call, ret_next);
	if (!api->open_elsewhere)
		return refuse_address(call, url);
	return ask_elsewhere(api, origin, &req, call, ret_next);
}

int api_download(struct api *api, const char *url, struct http_sink *sink, struct call *call)
{
	scoped(free_ptr) char *at = xstrdup(url);

	for (int i = 0; i < MAX_HOPS; i++) {
		char *next = NULL;
		int e = ask(api, at, sink, call, &next);

		if (e < 0 || !next)
			return e;
		free(at);
		at = next;
	}
	return refuse_address(call, at);
}
