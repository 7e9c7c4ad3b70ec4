/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several GETs in one request: as the same person and in one transaction, so that the answers fit
 * each other. A POST is nothing that can be asked so, which is why there is no recursion.
 */
#include <jansson.h>
#include <stdlib.h>

#include "params.h"
#include "route.h"

/* V5's clients found about 15 to be the most. */
enum { MAX_PATHS = 20 };

static int check_paths(struct call *c, const json_t *paths)
{
	size_t i;
	json_t *path;

	if (!paths)
		return params_refuse_body(&c->error);
	if (json_array_size(paths) > MAX_PATHS)
		return v5_error_requirement(
			&c->error, "an aggregation must have %d paths or less.", MAX_PATHS);
	json_array_foreach((json_t *)paths, i, path)
	{
		if (!json_is_string(path))
			return v5_error_problem(
				&c->error, "the body must be an array of paths, each a string");
	}
	return 0;
}

static bool is_asked_before(const json_t *paths, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (json_equal(json_array_get(paths, k), json_array_get(paths, i)))
			return true;
	}
	return false;
}

static int add_answer(struct call *c, json_t *path, struct buf *ret)
{
	char *key = json_dumps(path, JSON_ENCODE_ANY);

	buf_add_fmt(ret, "%s%s:", ret->len > 1 ? "," : "", key);
	free(key);
	return call_ask(c, json_string_value(path), ret);
}

/* The failure of one is its error object, under its path as the others' answers. */
int aggregator_ask(struct call *c)
{
	const json_t *paths = params_list(c->params);
	int r = check_paths(c, paths);

	buf_add_char(&c->body, '{');
	for (size_t i = 0; r == 0 && i < json_array_size(paths); i++) {
		if (!is_asked_before(paths, i))
			r = add_answer(c, json_array_get(paths, i), &c->body);
	}
	buf_add_char(&c->body, '}');
	c->status = 200;
	return r;
}
