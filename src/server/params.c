/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters as two JSON objects: `typed` from a JSON body, `loose` from query and form, whose
 * brackets are read as Rack does: a repeated member of `a[]` begins a new object. */
#include "params.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "storyfs/alloc.h"
#include "storyfs/text.h"

enum {
	MAX_DEPTH = 8,
	MAX_PAIRS = 2000,
	MAX_TEXT = 4 << 20, /* of all parts of a body that are no files */
};

#define CHOICES(set, ...)                                               \
	static const char *const words_##set[] = { __VA_ARGS__, NULL }; \
	static const struct choices choices_##set = { #set, words_##set };
#define PARAMS(set)
#define PARAM(set, key, ...)
#define PARAMS_END(set)
#include "params.def"

#define CHOICES(set, ...)
#define PARAMS(set) static const struct field fields_##set[] = {
#define PARAM(set, name, value_type, ...) { .key = #name, .type = TYPE_##value_type, __VA_ARGS__ },
#define PARAMS_END(set) \
	}               \
	;
#include "params.def"

const struct param_set params_none = { NULL, 0 };
#define CHOICES(set, ...)
#define PARAMS(set) const struct param_set params_##set = { fields_##set, N_P_##set };
#define PARAM(set, key, ...)
#define PARAMS_END(set)
#include "params.def"

struct params {
	json_t *typed;
	json_t *loose;
	json_t *list; /* the body, when it is an array */
	struct parts parts;
	struct http_source *body; /* what the parts are of */
	struct http_source *own;  /* that, when it was made here */
};

const struct choices *param_choices(const struct field *param)
{
	if (param->choices)
		return param->choices;
	return schema_field(param->of, schema_find_field(param->of, param->via))->choices;
}

/* ---- `a[][b]=c` ---- */

/* What a key names: `labels[][name]` is "labels", "", "name". */
struct key_path {
	char *parts[MAX_DEPTH];
	int n;
};

/* Cuts key into its parts in place; false when it is none. */
static bool split_key(char *key, struct key_path *ret)
{
	char *p = strchr(key, '[');

	*ret = (struct key_path){ .parts = { key }, .n = 1 };
	while (p) {
		char *end = strchr(p, ']');

		if (!end || ret->n == MAX_DEPTH || (end[1] && end[1] != '['))
			return false;
		*p = '\0';
		*end = '\0';
		ret->parts[ret->n++] = p + 1;
		p = end[1] ? end + 1 : NULL;
	}
	return key[0] != '\0';
}

/* The member of an object (or, for "", a fitting item of an array) that holds what is next. */
static json_t *descend(json_t *in, const char *part, const char *next, json_t *fresh)
{
	json_t *child = NULL;

	if (json_is_object(in)) {
		child = json_object_get(in, part);
		if (!child || json_typeof(child) != json_typeof(fresh)) {
			json_object_set(in, part, fresh);
			child = fresh;
		}
		return child;
	}
	size_t n = json_array_size(in);

	child = n ? json_array_get(in, n - 1) : NULL;
	if (!json_is_object(child) || !json_is_object(fresh) || json_object_get(child, next)) {
		json_array_append(in, fresh);
		child = fresh;
	}
	return child;
}

static void put_leaf(json_t *in, const char *part, const char *value)
{
	if (json_is_object(in))
		json_object_set_new(in, part, json_string(value));
	else
		json_array_append_new(in, json_string(value));
}

static void put_pair(json_t *root, const struct key_path *path, const char *value)
{
	json_t *in = root;

	for (int i = 0; i + 1 < path->n; i++) {
		const char *next = path->parts[i + 1];
		json_t *fresh = *next ? json_object() : json_array();

		in = descend(in, path->parts[i], next, fresh);
		json_decref(fresh);
	}
	put_leaf(in, path->parts[path->n - 1], value);
}

static int refuse_encoding(struct v5_error *ret_error)
{
	return v5_error_problem(ret_error, "parameters must be well-formed and encoded as UTF-8");
}

/* The key is cut in place. */
static int add_pair(json_t *root, struct buf *key, struct buf *value, struct v5_error *ret_error)
{
	struct key_path path;

	if (!key->len || !text_is_valid(key->data, key->len) ||
		!text_is_valid(buf_str(value), value->len) || !split_key(key->data, &path))
		return refuse_encoding(ret_error);
	put_pair(root, &path, buf_str(value));
	return 0;
}

static int read_pair(json_t *root, const char *text, size_t len, struct v5_error *ret_error)
{
	scoped(buf_fini) struct buf key = BUF_INIT;
	scoped(buf_fini) struct buf value = BUF_INIT;
	const char *equals = memchr(text, '=', len);
	size_t key_len = equals ? (size_t)(equals - text) : len;

	http_add_decoded(&key, text, key_len, true);
	if (equals)
		http_add_decoded(&value, equals + 1, len - key_len - 1, true);
	return add_pair(root, &key, &value, ret_error);
}

static int read_form(json_t *root, const char *text, size_t len, struct v5_error *ret_error)
{
	int n = 0;

	while (len) {
		const char *end = memchr(text, '&', len);
		size_t pair = end ? (size_t)(end - text) : len;

		if (++n > MAX_PAIRS)
			return refuse_encoding(ret_error);
		int r = pair ? read_pair(root, text, pair, ret_error) : 0;

		if (r < 0)
			return r;
		pair += end != NULL;
		text += pair;
		len -= pair;
	}
	return 0;
}

/* ---- multipart ---- */

/* Parts that are no files are what a form's pairs are. */
static int read_part(struct params *p, const struct part *part, struct v5_error *ret_error)
{
	scoped(buf_fini) struct buf key = BUF_INIT;
	scoped(buf_fini) struct buf value = BUF_INIT;
	size_t len = (size_t)part->len;
	int r = http_source_read(p->body, part->at, buf_reserve(&value, len), len);

	if (r < 0)
		return r;
	value.len = len;
	value.data[len] = '\0';
	buf_add_str(&key, part->name);
	return add_pair(p->loose, &key, &value, ret_error);
}

static int read_texts(struct params *p, struct v5_error *ret_error)
{
	int64_t len = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->parts.n; i++) {
		const struct part *part = &p->parts.items[i];

		if (part->filename)
			continue;
		len += part->len;
		r = len > MAX_TEXT
			    ? v5_error_problem(ret_error,
				      "the parts of the body that are no files are too large")
			    : read_part(p, part, ret_error);
	}
	return r;
}

static int read_multipart(
	struct params *p, const struct http_request *req, struct v5_error *ret_error)
{
	if (!req->source)
		p->own = http_source_new(req->body.data, req->body.len);
	p->body = req->source ? req->source : p->own;
	int r = multipart_read(http_headers_get(&req->headers, "Content-Type"), p->body, &p->parts);

	if (r == -EBADMSG)
		return v5_error_problem(
			ret_error, "the body is not well-formed as multipart/form-data (RFC 7578)");
	return r < 0 ? r : read_texts(p, ret_error);
}

/* ---- bodies ---- */

/* A number beyond 64 bits is no broken body: read as a float, it is refused as what it is. */
static json_t *parse_body(const struct buf *body)
{
	json_error_t error;
	json_t *root = json_loadb(body->data, body->len, 0, &error);

	if (root || json_error_code(&error) != json_error_numeric_overflow)
		return root;
	return json_loadb(body->data, body->len, JSON_DECODE_INT_AS_REAL, NULL);
}

int params_refuse_body(struct v5_error *ret_error)
{
	int r = v5_error_set(ret_error, V5_unhandled_condition);

	ret_error->general_problem = xstrdup("Cannot parse the JSON-encoded request body.");
	return r;
}

static int read_json(struct params *p, const struct buf *body, struct v5_error *ret_error)
{
	json_t *root = parse_body(body);

	if (json_is_array(root)) {
		p->list = root;
		return 0;
	}
	if (!json_is_object(root)) {
		json_decref(root);
		return params_refuse_body(ret_error);
	}
	json_decref(p->typed);
	p->typed = root;
	return 0;
}

/* Bodies of no or another declared type are JSON when they look so: that is what scripts with a
 * bare `curl -d` send. */
static bool is_form(const struct http_request *req)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = http_headers_get(&req->headers, "Content-Type");

	if (type && strncasecmp(type, "application/json", strlen("application/json")) == 0)
		return false;
	size_t i = strspn(req->body.data, " \t\r\n");

	return type && strncasecmp(type, form, strlen(form)) == 0 && req->body.data[i] != '{';
}

static bool is_blank(const struct http_request *req)
{
	const struct buf *b = &req->body;

	return !req->source && (!b->len || strspn(b->data, " \t\r\n") == b->len);
}

static int read_body(struct params *p, const struct http_request *req, struct v5_error *ret_error)
{
	const char *type = http_headers_get(&req->headers, "Content-Type");

	if (multipart_is_one(type))
		return read_multipart(p, req, ret_error);
	if (req->source)
		return params_refuse_body(ret_error);
	if (is_form(req))
		return read_form(p->loose, req->body.data, req->body.len, ret_error);
	return read_json(p, &req->body, ret_error);
}

int params_read(const struct http_request *req, const char *query, struct params **ret,
	struct v5_error *ret_error)
{
	scoped(params_free) struct params *p = xcalloc(1, sizeof(*p));
	int r = 0;

	p->typed = json_object();
	p->loose = json_object();
	if (query)
		r = read_form(p->loose, query, strlen(query), ret_error);
	if (r == 0 && !is_blank(req))
		r = read_body(p, req, ret_error);
	if (r < 0)
		return r;
	*ret = take_ptr(p);
	return 0;
}

void params_free(struct params *p)
{
	if (!p)
		return;
	json_decref(p->typed);
	json_decref(p->loose);
	json_decref(p->list);
	parts_fini(&p->parts);
	http_source_free(p->own);
	free(p);
}

struct param_value params_get(const struct params *p, const char *key)
{
	const json_t *typed = json_object_get(p->typed, key);

	if (typed)
		return (struct param_value){ typed, false };
	return (struct param_value){ json_object_get(p->loose, key), true };
}

static const char *nth_key(json_t *object, size_t i)
{
	void *iter = json_object_iter(object);

	while (iter && i--)
		iter = json_object_iter_next(object, iter);
	return iter ? json_object_iter_key(iter) : NULL;
}

size_t params_n_files(const struct params *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->parts.n; i++)
		n += p->parts.items[i].filename != NULL;
	return n;
}

const struct part *params_file(const struct params *p, const char *name)
{
	for (size_t i = 0; i < p->parts.n; i++) {
		const struct part *part = &p->parts.items[i];

		if (part->filename && strcmp(part->name, name) == 0)
			return part;
	}
	return NULL;
}

int params_read_file(
	const struct params *p, const struct part *file, int64_t at, char *to, size_t n)
{
	return http_source_read(p->body, file->at + at, to, n);
}

const struct json_t *params_list(const struct params *p)
{
	return p->list;
}

static const char *nth_file(const struct params *p, size_t i)
{
	for (size_t k = 0; k < p->parts.n; k++) {
		if (p->parts.items[k].filename && i-- == 0)
			return p->parts.items[k].name;
	}
	return NULL;
}

const char *params_key(const struct params *p, size_t i)
{
	size_t typed = json_object_size(p->typed), loose = json_object_size(p->loose);

	if (i < typed)
		return nth_key(p->typed, i);
	return i < typed + loose ? nth_key(p->loose, i - typed) : nth_file(p, i - typed - loose);
}
