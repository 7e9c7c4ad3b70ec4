/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The refusals as a table. */
#include "http_refusal.h"

#include <jansson.h>
#include <stdio.h>

#include "respond.h"
#include "storyfs/alloc.h"
#include "storyfs/error.h"
#include "storyfs/json.h"

static const struct {
	int status;
	const char *code;
	const char *error;
	const char *problem; /* a number of bytes stands before it; NULL: none */
} refusals[] = {
	[REFUSED_MALFORMED] = { 400, "malformed_request",
		"The request is not well-formed HTTP, or can be read in more than one way.", NULL },
	[REFUSED_LATE] = { 408, "request_timeout", "The request did not come whole in time.",
		NULL },
	[REFUSED_BODY] = { 413, "request_too_large",
		"The request is larger than this server takes.",
		"bytes are the most that the body of a request has here, unpacked" },
	[REFUSED_FILE] = { 413, "request_too_large", "The file is larger than this server takes.",
		"bytes are the most that a file has here" },
	[REFUSED_ENCODING] = { 415, "unsupported_encoding",
		"The body is not in an encoding that this server reads: gzip, deflate, identity.",
		NULL },
	[REFUSED_HEADER] = { 431, "header_too_large",
		"The header of the request is larger than this server takes.",
		"bytes are the most that a request line and its header have here" },
	[REFUSED_ENDING] = { 503, "server_is_ending",
		"The server is about to end; the request was not carried out.", NULL },
	[REFUSED_BUSY] = { 503, "too_many_uploads",
		"More files are being uploaded than this server takes at once.", NULL },
	[REFUSED_VERSION] = { 505, "version_not_supported", "This server speaks HTTP/1.1.", NULL },
	[REFUSED_SPACE] = { 507, "no_space", "The file cannot be kept while it comes.", NULL },
};

void http_refuse(enum http_refusal why, size_t limit, struct http_response *ret)
{
	scoped(v5_error_fini) struct v5_error error = { .code = V5_OTHER,
		.status = refusals[why].status };

	error.code_text = xstrdup(refusals[why].code);
	error.error = xstrdup(refusals[why].error);
	if (refusals[why].problem)
		error.general_problem = xasprintf("%zu %s", limit, refusals[why].problem);
	struct json_t *json = v5_error_encode(&error);

	json_write(json, &ret->body);
	json_decref(json);
	ret->status = error.status;
	respond_add_common(&ret->headers);
	http_headers_add(&ret->headers, "Content-Type", "application/json; charset=utf-8");
	http_headers_add(&ret->headers, "Cache-Control", "no-cache");
	if (why == REFUSED_BUSY)
		http_headers_add(&ret->headers, "Retry-After", "10");
}

char *http_refuse_late(void)
{
	scoped(http_response_fini) struct http_response resp = { 0 };
	scoped(buf_fini) struct buf text = BUF_INIT;

	http_refuse(REFUSED_LATE, 0, &resp);
	buf_add_fmt(&text, "HTTP/1.1 %d Request Timeout\r\nConnection: close\r\n", resp.status);
	for (size_t i = 0; i < resp.headers.n; i++)
		buf_add_fmt(&text, "%s: %s\r\n", resp.headers.items[i].name,
			resp.headers.items[i].value);
	buf_add_fmt(&text, "Content-Length: %zu\r\n\r\n%s", resp.body.len, buf_str(&resp.body));
	return buf_take(&text);
}
