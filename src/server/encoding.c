/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Encodings: the header fields by their grammar, the bytes by zlib. */
#include "encoding.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"

enum {
	LEAST_BYTES = 1024, /* below, the packet is the same */
	LEVEL = 4,	    /* of 9: three times as fast as 6 for a tenth more */
	GZIP_WINDOW = 15 + 16,
	ZLIB_WINDOW = 15,
	RAW_WINDOW = -15,
};

static const struct {
	const char *name;
	enum encoding encoding;
} names[] = {
	{ "identity", ENCODING_IDENTITY },
	{ "gzip", ENCODING_GZIP },
	{ "x-gzip", ENCODING_GZIP },
	{ "deflate", ENCODING_DEFLATE },
};

static const char *const encoding_names[] = {
	[ENCODING_GZIP] = "gzip",
	[ENCODING_DEFLATE] = "deflate",
};

/* What is worth it; anything else is likely packed already. */
static const char *const packed_types[] = { "application/json", "text/" };

static enum encoding find_name(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strlen(names[i].name) == len && strncasecmp(names[i].name, word, len) == 0)
			return names[i].encoding;
	}
	return ENCODING_OTHER;
}

/* ---- Accept-Encoding ---- */

/* The weight behind a coding, `;q=0.5`; 1 when there is none, 0 for what is no number. */
static double read_weight(const char *text, size_t len)
{
	scoped(free_ptr) char *copy = xstrndup(text, len);
	char *q = strcasestr(copy, "q=");
	double weight;

	if (!q)
		return 1;
	q += 2;
	q[strspn(q, "0123456789.")] = '\0';
	return parse_float(q, &weight) && weight >= 0 && weight <= 1 ? weight : 0;
}

/* One item of the list into the weights of what it means; -1: not said. */
static void read_coding(const char *item, size_t len, double weights[ENCODING_OTHER], double *rest)
{
	size_t skip = strspn(item, " \t");

	if (skip >= len)
		return;
	item += skip;
	len -= skip;
	size_t name = strcspn(item, "; \t,");
	double weight = read_weight(item + name, len - name);

	if (name == 1 && *item == '*') {
		*rest = weight;
		return;
	}
	enum encoding encoding = find_name(item, name);

	if (encoding != ENCODING_OTHER)
		weights[encoding] = weight;
}

enum encoding encoding_choose(const char *accept)
{
	double weights[ENCODING_OTHER] = { -1, -1, -1 }, rest = -1;

	while (accept && *accept) {
		size_t len = strcspn(accept, ",");

		read_coding(accept, len, weights, &rest);
		accept += len + (accept[len] == ',');
	}
	double gzip = weights[ENCODING_GZIP] >= 0 ? weights[ENCODING_GZIP] : rest;
	double deflate = weights[ENCODING_DEFLATE] >= 0 ? weights[ENCODING_DEFLATE] : rest;
	enum encoding best = deflate > gzip ? ENCODING_DEFLATE : ENCODING_GZIP;
	double most = deflate > gzip ? deflate : gzip;

	return most > 0 && most >= weights[ENCODING_IDENTITY] ? best : ENCODING_IDENTITY;
}

enum encoding encoding_parse(const char *content_encoding)
{
	if (!content_encoding)
		return ENCODING_IDENTITY;
	content_encoding += strspn(content_encoding, " \t");
	size_t len = strcspn(content_encoding, " \t");

	if (!len)
		return ENCODING_IDENTITY;
	return content_encoding[len + strspn(content_encoding + len, " \t")]
		       ? ENCODING_OTHER
		       : find_name(content_encoding, len);
}

/* ---- packing ---- */

static bool pack(enum encoding encoding, const struct buf *in, struct buf *ret)
{
	int window = encoding == ENCODING_GZIP ? GZIP_WINDOW : ZLIB_WINDOW;
	z_stream z = { 0 };

	if (in->len > UINT_MAX ||
		deflateInit2(&z, LEVEL, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	size_t most = deflateBound(&z, in->len);

	z.next_in = (unsigned char *)in->data;
	z.avail_in = (unsigned)in->len;
	z.next_out = (unsigned char *)buf_reserve(ret, most);
	z.avail_out = (unsigned)most;
	bool done = deflate(&z, Z_FINISH) == Z_STREAM_END;

	ret->len += most - z.avail_out;
	deflateEnd(&z);
	return done;
}

static bool is_packable(const struct http_response *resp)
{
	const char *type = http_headers_get(&resp->headers, "Content-Type");

	if (!type || resp->body.len < LEAST_BYTES ||
		http_headers_get(&resp->headers, "Content-Encoding"))
		return false;
	for (size_t i = 0; i < sizeof(packed_types) / sizeof(*packed_types); i++) {
		if (strncasecmp(type, packed_types[i], strlen(packed_types[i])) == 0)
			return true;
	}
	return false;
}

void encoding_apply(const struct http_headers *request, struct http_response *resp)
{
	scoped(buf_fini) struct buf packed = BUF_INIT;

	http_headers_add(&resp->headers, "Vary", "Accept-Encoding");
	enum encoding encoding = encoding_choose(http_headers_get(request, "Accept-Encoding"));

	if (encoding == ENCODING_IDENTITY || !is_packable(resp) ||
		!pack(encoding, &resp->body, &packed))
		return;
	buf_fini(&resp->body);
	resp->body = packed;
	packed = (struct buf)BUF_INIT;
	http_headers_add(&resp->headers, "Content-Encoding", encoding_names[encoding]);
}

/* ---- unpacking ---- */

static int run_inflate(z_stream *z, size_t max, struct buf *ret)
{
	char piece[16 << 10];
	int state = Z_OK;

	while (state == Z_OK) {
		z->next_out = (unsigned char *)piece;
		z->avail_out = sizeof(piece);
		state = inflate(z, Z_NO_FLUSH);
		size_t n = sizeof(piece) - z->avail_out;

		if (n > max - ret->len)
			return -EMSGSIZE;
		buf_add(ret, piece, n);
	}
	return state == Z_STREAM_END && !z->avail_in ? 0 : -EBADMSG;
}

static int unpack(int window, const char *data, size_t len, size_t max, struct buf *ret)
{
	z_stream z = { 0 };

	if (len > UINT_MAX || inflateInit2(&z, window) != Z_OK)
		return -EBADMSG;
	z.next_in = (unsigned char *)data;
	z.avail_in = (unsigned)len;
	int r = run_inflate(&z, max, ret);

	inflateEnd(&z);
	return r;
}

int encoding_unpack(
	enum encoding encoding, const char *data, size_t len, size_t max, struct buf *ret)
{
	if (encoding == ENCODING_GZIP)
		return unpack(GZIP_WINDOW, data, len, max, ret);
	int r = unpack(ZLIB_WINDOW, data, len, max, ret);

	if (r != -EBADMSG)
		return r;
	buf_reset(ret);
	return unpack(RAW_WINDOW, data, len, max, ret);
}

int encoding_unpack_request(struct http_request *req, size_t max)
{
	enum encoding encoding =
		encoding_parse(http_headers_get(&req->headers, "Content-Encoding"));
	scoped(buf_fini) struct buf plain = BUF_INIT;

	if (encoding == ENCODING_IDENTITY || !req->body.len)
		return 0;
	int r = encoding == ENCODING_OTHER
			? -ENOTSUP
			: encoding_unpack(encoding, req->body.data, req->body.len, max, &plain);

	buf_fini(&req->body);
	if (r < 0)
		return r;
	req->body = plain;
	plain = BUF_INIT;
	return 0;
}
