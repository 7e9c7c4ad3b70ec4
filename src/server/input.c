/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which parameters there are is the route's to say, what they hold is input_value.c's to read. */
#include "input.h"

#include <jansson.h>
#include <string.h>

#include "input_value.h"
#include "labels.h"
#include "route.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"

enum {
	DEFAULT_LIMIT = 100,
	MAX_LIMIT = 500,
	SHOWN_BYTES = 200,
	MAX_FIELDS_BYTES = 4096, /* each name is looked for in each resource that is sent */
};

/* A parameter that was not given is ABSENT. */
static int read_param(struct call *c, const struct field *field, struct value *ret)
{
	struct param_value given = params_get(c->params, field->key);

	*ret = (struct value){ .state = VALUE_ABSENT };
	return given.json ? input_value_read(field, &given, &c->error, ret) : 0;
}

/* ---- which parameters ---- */

static bool is_in_set(const struct param_set *set, const char *key)
{
	for (int i = 0; i < set->n; i++) {
		if (strcmp(set->params[i].key, key) == 0)
			return true;
	}
	return false;
}

static bool is_general(const struct call *c, const char *key)
{
	return is_in_set(&params_common, key) || (c->route->paged && is_in_set(&params_page, key));
}

/* Does the route take it as a field of its resource? */
static bool is_field_taken(const struct route *route, const char *key)
{
	int f = route->write ? schema_find_field(route->kind, key) : -1;

	return f >= 0 && (schema_field(route->kind, f)->write & route->write);
}

/* Is it a field, if one that this route does not write? */
static bool is_field_ignored(const struct route *route, const char *key)
{
	int f = route->write ? schema_find_field(route->kind, key) : -1;

	return strcmp(key, "kind") == 0 ||
	       (f >= 0 && !(schema_field(route->kind, f)->flags & FIELD_HIDDEN));
}

int input_check_keys(struct call *c)
{
	const char *key;

	if (params_list(c->params) && !c->route->list)
		return params_refuse_body(&c->error);
	for (size_t i = 0; (key = params_key(c->params, i)); i++) {
		if (!is_general(c, key) && !is_in_set(route_params(c->route), key) &&
			!is_field_taken(c->route, key) && !is_field_ignored(c->route, key))
			return v5_error_problem(&c->error,
				"this endpoint cannot accept the parameter: %.*s", SHOWN_BYTES,
				key);
	}
	return 0;
}

size_t input_count(const struct call *c)
{
	const char *key;
	size_t n = 0;

	for (size_t i = 0; (key = params_key(c->params, i)); i++)
		n += is_in_set(route_params(c->route), key) || is_field_taken(c->route, key);
	return n;
}

/* ---- what shapes the answer ---- */

static int read_fields(struct call *c, const char *text)
{
	size_t at;

	if (strlen(text) > MAX_FIELDS_BYTES)
		return v5_error_requirement(&c->error,
			"'fields' parameter must be %d characters or less.", MAX_FIELDS_BYTES);
	c->fields = fields_parse(text, &at);
	return c->fields ? 0
			 : v5_error_problem(&c->error,
				   "the 'fields' parameter is not well-formed at character %zu",
				   at + 1);
}

static int read_shape(struct call *c, const struct value *common)
{
	const struct value *format = &common[P_common_date_format];
	const struct value *fields = &common[P_common_fields];

	if (format->state == VALUE_SET && strcmp(format->s, "millis") == 0)
		c->json_flags |= JSON_AS_MILLIS;
	return fields->state == VALUE_SET ? read_fields(c, fields->s) : 0;
}

int input_read_shape(struct call *c)
{
	struct value common[N_P_common] = { 0 };
	int r = 0;

	for (int i = 0; r == 0 && i < N_P_common; i++)
		r = read_param(c, &params_common.params[i], &common[i]);
	c->envelope = common[P_common_envelope].state == VALUE_SET && common[P_common_envelope].i;
	if (r == 0)
		r = read_shape(c, common);
	for (int i = 0; i < N_P_common; i++)
		value_fini(&params_common.params[i], &common[i]);
	return r;
}

void input_read_envelope(struct call *c)
{
	const char *query = c->req->target ? strchr(c->req->target, '?') : NULL;
	scoped(v5_error_fini) struct v5_error ignored = { 0 };
	scoped(params_free) struct params *params = NULL;
	struct http_request bodiless = { 0 };

	if (query && params_read(&bodiless, query + 1, &params, &ignored) == 0) {
		const char *text = json_string_value(params_get(params, "envelope").json);

		c->envelope = text && strcmp(text, "true") == 0;
	}
}

static int read_page(struct call *c)
{
	struct value limit = { 0 }, offset = { 0 };
	int r = read_param(c, &params_page.params[P_page_limit], &limit);

	if (r == 0)
		r = read_param(c, &params_page.params[P_page_offset], &offset);
	if (r < 0)
		return r;
	int64_t usual = c->route->limit ? c->route->limit : DEFAULT_LIMIT;
	int64_t n = limit.state == VALUE_SET ? limit.i : usual;
	int64_t from = offset.state == VALUE_SET ? offset.i : 0;

	if (n < 0 || (from < 0 && !c->route->backwards))
		return v5_error_problem(&c->error, "'%s' must be an integer value of 0 or greater",
			n < 0 ? "limit" : "offset");
	c->page = (struct page){
		.given = true, .limit = n > MAX_LIMIT ? MAX_LIMIT : n, .offset = from
	};
	return 0;
}

int input_read_given(struct call *c)
{
	const struct param_set *set = route_params(c->route);
	int r = c->route->paged ? read_page(c) : 0;

	c->given = xcalloc((size_t)set->n + 1, sizeof(*c->given));
	for (int i = 0; r == 0 && i < set->n; i++)
		r = read_param(c, &set->params[i], &c->given[i]);
	return r;
}

int input_read_patch(struct call *c, struct record **ret)
{
	const struct route *route = c->route;
	scoped(record_unref) struct record *patch = record_new(route->kind);

	if (route->one_of && !input_count(c))
		return v5_error_problem(&c->error,
			"this endpoint requires at least one of the following parameters: %s",
			route->one_of);
	each_field(f, route->kind) {
		const struct field *field = schema_field(route->kind, f);
		struct value v;

		if (!(field->write & route->write))
			continue;
		int r = read_param(c, field, &v);

		if (r < 0)
			return r;
		record_set(patch, f, v);
	}
	*ret = take_ptr(patch);
	return 0;
}

static bool is_missing(const struct record *patch, int f)
{
	const struct field *field = schema_field(record_kind(patch), f);

	return (field->flags & FIELD_REQ) && !field->initial && (field->write & WRITE_CREATE) &&
	       record_get(patch, f)->state == VALUE_ABSENT;
}

int input_check_required(struct call *c, const struct record *patch)
{
	scoped(buf_fini) struct buf keys = BUF_INIT;
	size_t n = 0;

	each_field(f, record_kind(patch)) {
		if (is_missing(patch, f))
			buf_add_fmt(&keys, "%s%s", n++ ? ", " : "",
				schema_field(record_kind(patch), f)->key);
	}
	return n ? v5_error_problem(&c->error, "this endpoint requires the parameter%s: %s",
			   n > 1 ? "s" : "", buf_str(&keys))
		 : 0;
}

int input_read_checked(struct call *c, struct record **ret)
{
	scoped(record_unref) struct record *patch = NULL;
	int r = input_read_patch(c, &patch);

	if (r == 0 && c->route->write == WRITE_CREATE)
		r = input_check_required(c, patch);
	/* First: V5 has words of its own for a label without a name. */
	if (r == 0)
		r = labels_check_nested(c, patch);
	if (r == 0)
		r = check_patch(patch, &c->error);
	if (r == 0)
		*ret = take_ptr(patch);
	return r;
}
