/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP messages, as plain values: what a client sends and a server answers, shared by the client
 * (net, api) and the V5 server. No connection, no parsing of the wire.
 */
#ifndef STORYFS_HTTP_H
#define STORYFS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storyfs/buf.h"

enum http_method {
	HTTP_GET,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_HEAD,
	HTTP_PATCH,
	HTTP_OTHER, /* anything else a client may send */
	N_HTTP_METHODS,
};

/* `GET`; "?" for HTTP_OTHER. */
const char *http_method_name(enum http_method method);
/* HTTP_OTHER for an unknown word; methods are case-sensitive (RFC 9110). */
enum http_method http_method_parse(const char *name);
/* GET, HEAD, OPTIONS: asking twice does what asking once does. */
bool http_method_is_safe(enum http_method method);

/* A list of header fields in order; names compare without case. */
struct http_header {
	char *name;
	char *value;
};

struct http_headers {
	struct http_header *items;
	size_t n;
};

void http_headers_fini(struct http_headers *h);
/* Copies both. */
void http_headers_add(struct http_headers *h, const char *name, const char *value);
void http_headers_add_fmt(struct http_headers *h, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The first one's value, borrowed, or NULL. */
const char *http_headers_get(const struct http_headers *h, const char *name);
/* All of that name. */
void http_headers_remove(struct http_headers *h, const char *name);

/* The bytes of a body that are fetched as they are needed: one piece in memory at a time. */
struct http_source {
	int64_t len;
	/* Put up to max bytes from this one on; how many (1 or more), or -errno when there is no
	 * going on. Any thread may call, one at a time. */
	int64_t (*read)(struct http_source *s, int64_t at, char *to, size_t max);
	void (*free)(struct http_source *s);
};

/* Of bytes in memory, which are borrowed. */
struct http_source *http_source_new(const void *data, size_t len);
void http_source_free(struct http_source *s);
/* Put just n bytes from this one on. -errno as its read, -EIO when there are fewer. */
int http_source_read(struct http_source *s, int64_t at, char *to, size_t n);

/* Where the bytes of a body go as they come, in place of memory. */
struct http_sink {
	int64_t len; /* of the body, so far */
	/* Put n bytes there, from this one on. -errno ends the exchange. */
	int (*write)(struct http_sink *s, int64_t at, const char *data, size_t n);
};

/* Put n more bytes there. -errno as its write. */
int http_sink_add(struct http_sink *s, const char *data, size_t n);

/*
 * A request. `target` is path and query as they stand in the request line, percent-encoded, without
 * scheme and host: `/services/v5/projects/99?fields=name`. Zeroed is a GET without a target.
 */
struct http_request {
	enum http_method method;
	char *target;
	char *peer; /* the address of who sent it, when a server knows it */
	struct http_headers headers;
	struct buf body;
	struct http_source *source; /* the body, in place of `body`; NULL: none */
	/* A client's token goes into Authorization, behind this word; NULL: into X-TrackerToken.
	 * Borrowed. */
	const char *token_scheme;
	/* Where a client wants the body of an answer 2xx; borrowed. Each answer begins it anew.
	 * NULL: in the response. */
	struct http_sink *sink;
};

void http_request_fini(struct http_request *req);
/* Can it be written on the wire as it stands, and not be read as something else? A known method, a
 * target that starts with a slash and holds nothing but printable ASCII without `#`, header names
 * of RFC 9110's characters, header values that http_is_header_value() takes. */
bool http_request_is_valid(const struct http_request *req);
/* Cut an http or https URL into its origin (`https://host:port`, all that comes before the path)
 * and the target that a request to it has; the fragment is dropped. The caller frees both. False
 * when it is none, holds a user or a password, or what a request line cannot carry. */
bool http_split_url(const char *url, char **ret_origin, char **ret_target);
/* Of the characters that RFC 9110 has for one. */
bool http_is_header_name(const char *name);
/* Free of control characters, so that it cannot end early and begin another header. */
bool http_is_header_value(const char *value);

/* A response. `status` is 100 to 599. */
struct http_response {
	int status;
	struct http_headers headers;
	struct buf body;
	struct http_source *source; /* the body, in place of `body`; NULL: none */
	bool is_doubtful; /* a refusal of a write that may have been carried out all the same */
};

void http_response_fini(struct http_response *resp);
/* Fetch what source has into body. -errno as its read; the response is as good as none then. */
int http_response_gather(struct http_response *resp);

/* Append text percent-encoded for a query value: all but RFC 3986's unreserved characters. */
void http_add_encoded(struct buf *b, const char *text);
/* Append len bytes percent-decoded; a `+` becomes a blank when form is set. Broken escapes stay as
 * they are. The result may hold any byte, NUL included. */
void http_add_decoded(struct buf *b, const char *text, size_t len, bool form);

/* An HTTP-date in any of RFC 9110's three forms (`Tue, 30 Apr 2013 04:25:15 GMT`, RFC 850's,
 * asctime's) as ms since the epoch. False when the text is something else or no such day exists. */
bool http_parse_date(const char *text, int64_t *ret_ms);

SCOPED_VALUE(struct http_headers, http_headers_fini);
SCOPED_VALUE(struct http_request, http_request_fini);
SCOPED_VALUE(struct http_response, http_response_fini);

#endif
