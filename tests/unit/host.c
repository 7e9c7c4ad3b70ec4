/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A V5 host of nothing but JSON. */
#include "host.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

static const char *const nested_keys[] = { "comments", "tasks", "blockers", "reviews",
	"transitions" };

/* ---- what it holds ---- */

static json_t *parse(const char *text)
{
	scoped(free_ptr) char *json = xstrdup(text);
	json_error_t error;

	for (char *p = json; *p; p++) {
		if (*p == '\'')
			*p = '"';
	}
	json_t *value = json_loads(json, JSON_DECODE_ANY, &error);

	if (!value)
		fprintf(stderr, "host: %s in: %s\n", error.text, text);
	assert(value);
	return value;
}

/* A resource of a list by its path; *ret_list and *ret_at say where it is. */
static json_t *find_item(struct host *h, const char *path, json_t **ret_list, size_t *ret_at)
{
	const char *slash = strrchr(path, '/');
	scoped(free_ptr) char *list_path = xstrndup(path, slash ? (size_t)(slash - path) : 0);
	json_t *list = json_object_get(h->held, list_path), *item;
	int64_t id;
	size_t i;

	if (!slash || !parse_int(slash + 1, 1, INT64_MAX, &id))
		return NULL;
	json_array_foreach(list, i, item)
	{
		if (json_integer_value(json_object_get(item, "id")) != id)
			continue;
		*ret_list = list;
		*ret_at = i;
		return item;
	}
	return NULL;
}

static json_t *find(struct host *h, const char *path)
{
	json_t *one = json_object_get(h->held, path), *list;
	size_t at;

	return one ? one : find_item(h, path, &list, &at);
}

static json_t *project_of(struct host *h, const char *path)
{
	scoped(free_ptr) char *project = xstrdup(path);

	if (!text_has_prefix(path, "/projects/"))
		return NULL;
	project[strlen("/projects/") + strspn(project + strlen("/projects/"), "0123456789")] = '\0';
	return find(h, project);
}

static int64_t version_of(struct host *h, const char *path)
{
	return json_integer_value(json_object_get(project_of(h, path), "version"));
}

/* ---- answers ---- */

struct question {
	enum http_method method;
	char *path;
	char *query; /* into path, "" for none */
	const char *body;
};

/* A parameter's text, decoded; NULL when it is not there. */
static char *get_parameter(const struct question *q, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = q->query; *p; p += strcspn(p, "&"), p += *p == '&') {
		struct buf value = BUF_INIT;

		if (strncmp(p, name, len) != 0 || p[len] != '=')
			continue;
		p += len + 1;
		http_add_decoded(&value, p, strcspn(p, "&"), true);
		return buf_take(&value);
	}
	return NULL;
}

static int64_t get_number(const struct question *q, const char *name, int64_t otherwise)
{
	scoped(free_ptr) char *text = get_parameter(q, name);
	int64_t n;

	return text && parse_int(text, 0, INT64_MAX, &n) ? n : otherwise;
}

static bool is_nested(const char *key)
{
	for (size_t i = 0; i < sizeof(nested_keys) / sizeof(*nested_keys); i++) {
		if (strcmp(key, nested_keys[i]) == 0)
			return true;
	}
	return false;
}

static bool is_wanted(const struct host *h, const char *fields, const char *key, json_t *value)
{
	bool nested = is_nested(key);

	if (nested && (h->without_nesting || (h->without_empty && !json_array_size(value))))
		return false;
	if (!fields)
		return !nested;
	scoped(free_ptr) char *list = xasprintf(",%s,", fields);
	scoped(free_ptr) char *name = xasprintf(",%s,", key);

	scoped(free_ptr) char *deeper = xasprintf(",%s(", key);

	return strcmp(key, "id") == 0 || strstr(list, name) || strstr(list, deeper) ||
	       (!nested && strstr(list, ",:default,"));
}

static json_t *show(const struct host *h, json_t *item, const char *fields)
{
	json_t *shown = json_object(), *value;
	const char *key;

	json_object_foreach(item, key, value)
	{
		if (is_wanted(h, fields, key, value))
			json_object_set(shown, key, value);
	}
	return shown;
}

static json_t *show_page(
	const struct host *h, const struct question *q, json_t *list, struct http_response *ret)
{
	scoped(free_ptr) char *fields = get_parameter(q, "fields");
	size_t n = json_array_size(list);
	int64_t limit = get_number(q, "limit", -1), offset = get_number(q, "offset", 0);
	json_t *page = json_array();

	if (limit >= 0 && h->max_limit && limit > h->max_limit)
		limit = h->max_limit;
	for (size_t i = (size_t)offset;
		i < n && (limit < 0 || json_array_size(page) < (size_t)limit); i++)
		json_array_append_new(page, show(h, json_array_get(list, i), fields));
	if (limit >= 0) {
		http_headers_add_fmt(&ret->headers, "X-Tracker-Pagination-Total", "%" PRId64,
			h->total ? h->total : (int64_t)n);
		http_headers_add_fmt(
			&ret->headers, "X-Tracker-Pagination-Limit", "%" PRId64, limit);
		http_headers_add_fmt(
			&ret->headers, "X-Tracker-Pagination-Offset", "%" PRId64, offset);
		http_headers_add_fmt(&ret->headers, "X-Tracker-Pagination-Returned", "%zu",
			json_array_size(page));
	}
	return page;
}

static void add_json(struct buf *b, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	buf_add_str(b, text);
	free(text);
	json_decref(json);
}

static void say_not_found(struct http_response *ret)
{
	ret->status = 404;
	buf_add_str(&ret->body, "{\"kind\":\"error\",\"code\":\"unfound_resource\",\"error\":\"The "
				"object you tried to access could not be found.\"}");
}

/* A label that comes without an id is a new one of the project. */
static void make_labels(struct host *h, const struct question *q, json_t *labels)
{
	json_t *project = project_of(h, q->path), *label;
	size_t i;

	json_array_foreach(labels, i, label)
	{
		if (json_object_get(label, "id"))
			continue;
		json_object_set_new(label, "id", json_integer(++h->last_label_id));
		json_object_set(label, "project_id", json_object_get(project, "id"));
	}
}

static void move_on(struct host *h, const struct question *q)
{
	json_t *project = project_of(h, q->path);

	if (project)
		json_object_set_new(project, "version", json_integer(version_of(h, q->path) + 1));
}

/* What is numbered is in this order from 1 on; at is one that says itself where it belongs. */
static void number(json_t *list, size_t at)
{
	json_t *item = json_array_get(list, at);
	json_int_t position = json_integer_value(json_object_get(item, "position"));
	size_t i;

	if (position > 0 && (size_t)position <= json_array_size(list)) {
		json_incref(item);
		json_array_remove(list, at);
		json_array_insert_new(list, (size_t)position - 1, item);
	}
	json_array_foreach(list, i, item)
	{
		if (json_object_get(item, "position"))
			json_object_set_new(item, "position", json_integer((json_int_t)i + 1));
	}
}

static void change(struct host *h, const struct question *q, json_t *item)
{
	json_t *patch = json_loads(q->body, 0, NULL), *value;
	const char *key;

	assert(patch);
	make_labels(h, q, json_object_get(patch, "labels"));
	json_object_foreach(patch, key, value)
	{
		if (json_is_null(value))
			json_object_del(item, key);
		else
			json_object_set(item, key, value);
	}
	json_t *list = NULL;
	size_t at = 0;

	if (json_object_get(patch, "position") && find_item(h, q->path, &list, &at))
		number(list, at);
	json_decref(patch);
	if (h->updated_at)
		json_object_set_new(item, "updated_at", json_string(h->updated_at));
	move_on(h, q);
}

/* A new one at the list's end, which is then what the answer shows. */
static json_t *make(struct host *h, const struct question *q, json_t *list)
{
	json_t *item = json_loads(q->body, 0, NULL);

	assert(item);
	json_object_set_new(item, "id", json_integer(++h->last_made_id));
	json_array_append_new(list, item);
	if (h->numbers && !json_object_get(item, "position"))
		json_object_set_new(
			item, "position", json_integer((json_int_t)json_array_size(list)));
	number(list, json_array_size(list) - 1);
	move_on(h, q);
	return item;
}

static void delete (struct host *h, const struct question *q, struct http_response *ret)
{
	json_t *list = NULL;
	size_t at = 0;

	find_item(h, q->path, &list, &at);
	json_array_remove(list, at);
	number(list, json_array_size(list));
	move_on(h, q);
	ret->status = 204;
}

static bool is_possible(const struct question *q, const json_t *found)
{
	if (q->method == HTTP_POST)
		return json_is_array(found);
	if (q->method == HTTP_DELETE)
		return json_is_object(found);
	return found && (q->method == HTTP_GET || q->method == HTTP_PUT);
}

static void answer(struct host *h, const struct question *q, struct http_response *ret)
{
	json_t *found = find(h, q->path);

	if (!is_possible(q, found)) {
		say_not_found(ret);
		return;
	}
	if (q->method == HTTP_DELETE) {
		delete (h, q, ret);
		return;
	}
	scoped(free_ptr) char *fields = get_parameter(q, "fields");

	if (q->method == HTTP_PUT)
		change(h, q, found);
	if (q->method == HTTP_POST)
		found = make(h, q, found);
	ret->status = 200;
	if (!h->without_version && version_of(h, q->path))
		http_headers_add_fmt(&ret->headers, "X-Tracker-Project-Version", "%" PRId64,
			version_of(h, q->path));
	add_json(&ret->body,
		json_is_array(found) ? show_page(h, q, found, ret) : show(h, found, fields));
}

/* ---- the transport ---- */

static struct host_asked *remember(struct host *h, const struct http_request *req)
{
	assert(http_request_is_valid(req));
	assert(text_has_prefix(req->target, HOST_BASE));
	h->asked = xrealloc(h->asked, h->n_asked + 1, sizeof(*h->asked));
	h->asked[h->n_asked] = (struct host_asked){ req->method,
		xstrdup(req->target + strlen(HOST_BASE)), xstrdup(buf_str(&req->body)) };
	return &h->asked[h->n_asked++];
}

static struct host_fault take_fault(struct host *h, const struct host_asked *asked)
{
	for (size_t i = 0; i < h->n_faults; i++) {
		struct host_fault *f = &h->faults[i];

		if (f->times < 0 || f->method != asked->method ||
			(f->path && !strstr(asked->target, f->path)))
			continue;
		struct host_fault found = *f;

		if (f->times)
			f->times = f->times > 1 ? f->times - 1 : -1;
		return found;
	}
	return (struct host_fault){ 0 };
}

static int answer_badly(struct host *h, const struct host_fault *fault, const struct question *q,
	struct http_response *ret)
{
	scoped(http_response_fini) struct http_response real = { 0 };

	if (fault->done || (!fault->error && !fault->status))
		answer(h, q, &real);
	if (fault->error)
		return fault->error;
	if (fault->status) {
		ret->status = fault->status;
		buf_add_str(&ret->body, fault->body ? fault->body : "");
		return 0;
	}
	*ret = real;
	real = (struct http_response){ 0 };
	assert(ret->body.len >= fault->cut);
	ret->body.len -= fault->cut;
	if (ret->body.data)
		ret->body.data[ret->body.len] = '\0';
	return 0;
}

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct host *h = (struct host *)t;
	scoped(free_ptr) char *target = xstrdup(req->target + strlen(HOST_BASE));
	struct question q = { req->method, target, target + strcspn(target, "?"),
		buf_str(&req->body) };

	if (*q.query)
		*q.query++ = '\0';
	pthread_mutex_lock(&h->lock);
	struct host_fault fault = take_fault(h, remember(h, req));

	pthread_mutex_unlock(&h->lock);
	int slept = fault.delay_ms ? call_limit_sleep(limit, fault.delay_ms) : 0;

	lock_scope(&h->lock);
	if (slept < 0) {
		fault.error = slept;
		return answer_badly(h, &fault, &q, ret);
	}
	int e = answer_badly(h, &fault, &q, ret);

	if (h->answered)
		h->answered(h,
			&(struct host_asked){ req->method, req->target + strlen(HOST_BASE), NULL });
	return e;
}

static void count_free(struct transport *t)
{
	((struct host *)t)->n_freed++;
}

void host_init(struct host *h)
{
	pthread_mutexattr_t attr;

	*h = (struct host){ .base = { perform, count_free },
		.held = json_object(),
		.last_label_id = 9000,
		.last_made_id = 8000 };
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&h->lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

void host_fini(struct host *h)
{
	host_forget(h);
	free(h->asked);
	json_decref(h->held);
	pthread_mutex_destroy(&h->lock);
}

void host_set_json(struct host *h, const char *path, json_t *json)
{
	lock_scope(&h->lock);
	json_object_set_new(h->held, path, json);
}

void host_set(struct host *h, const char *path, const char *json)
{
	host_set_json(h, path, parse(json));
}

void host_change(struct host *h, const char *path, const char *key, const char *json)
{
	lock_scope(&h->lock);
	json_t *item = find(h, path);

	assert(item);
	if (json)
		json_object_set_new(item, key, parse(json));
	else
		json_object_del(item, key);
}

void host_nest(struct host *h, const char *path, const char *key)
{
	lock_scope(&h->lock);
	scoped(free_ptr) char *list_path = xasprintf("%s/%s", path, key);
	json_t *list = json_object_get(find(h, path), key);

	assert(list);
	json_object_set(h->held, list_path, list);
}

void host_remove(struct host *h, const char *path)
{
	lock_scope(&h->lock);
	json_t *list = NULL;
	size_t at = 0;
	json_t *item = find_item(h, path, &list, &at);

	assert(item);
	json_array_remove(list, at);
}

void host_add(struct host *h, const char *list, const char *json)
{
	lock_scope(&h->lock);
	json_array_append_new(json_object_get(h->held, list), parse(json));
}

void host_move(struct host *h, int64_t project_id, int64_t version)
{
	scoped(free_ptr) char *path = xasprintf("/projects/%" PRId64, project_id);
	scoped(free_ptr) char *number = xasprintf("%" PRId64, version);

	host_change(h, path, "version", number);
}

void host_fail(struct host *h, const struct host_fault *fault)
{
	lock_scope(&h->lock);
	assert(h->n_faults < HOST_MAX_FAULTS);
	h->faults[h->n_faults++] = *fault;
}

void host_heal(struct host *h)
{
	lock_scope(&h->lock);
	h->n_faults = 0;
}

size_t host_count(struct host *h, const char *text)
{
	lock_scope(&h->lock);
	size_t n = 0;

	for (size_t i = 0; i < h->n_asked; i++) {
		scoped(free_ptr) char *line = xasprintf(
			"%s %s", http_method_name(h->asked[i].method), h->asked[i].target);

		n += !text || strstr(line, text);
	}
	return n;
}

void host_forget(struct host *h)
{
	lock_scope(&h->lock);
	for (size_t i = 0; i < h->n_asked; i++) {
		free(h->asked[i].target);
		free(h->asked[i].body);
	}
	h->n_asked = 0;
}
