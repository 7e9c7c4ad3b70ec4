/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes inputs for fuzz_handle out of the tables into a folder: for each route one request with
 * all its parameters and, when it writes, all the fields that it takes.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "route.h"
#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/json.h"
#include "storyfs/server.h"

static json_t *sample(const struct field *field, const struct choices *choices);

/* A nested resource, by its first field that a client writes. */
static json_t *sample_object(enum kind kind)
{
	json_t *object = json_object();

	each_field(f, kind) {
		const struct field *field = schema_field(kind, f);
		bool nests = field->type == TYPE_OBJECT || field->type == TYPE_OBJECTS;

		if (!(field->write & WRITE_CREATE) || nests)
			continue;
		json_object_set_new(object, field->key, sample(field, field->choices));
		break;
	}
	return object;
}

static json_t *in_list(json_t *item)
{
	json_t *list = json_array();

	json_array_append_new(list, item);
	return list;
}

static json_t *sample(const struct field *field, const struct choices *choices)
{
	switch (field->type) {
	case TYPE_INT:
		return json_integer(1);
	case TYPE_FLOAT:
		return json_real(1);
	case TYPE_BOOL:
		return json_true();
	case TYPE_STRING:
	case TYPE_XSTRING:
		return json_string("x");
	case TYPE_DATETIME:
		return json_string("2024-05-06T07:08:09Z");
	case TYPE_DATE:
		return json_string("2024-05-06");
	case TYPE_ENUM:
		return json_string(choices->words[choices_count(choices) - 1]);
	case TYPE_IDS:
		return in_list(json_integer(1));
	case TYPE_OBJECT:
		return sample_object(field->of);
	case TYPE_OBJECTS:
		return in_list(sample_object(field->of));
	case TYPE_JSON:
		return json_object();
	}
	return json_null();
}

/* Path parameters are all 1. */
static void add_path(const char *path, struct buf *b)
{
	buf_add_str(b, SERVER_PREFIX);
	for (; *path; path++) {
		if (*path == '{') {
			buf_add_char(b, '1');
			path += strcspn(path, "}");
		} else {
			buf_add_char(b, *path);
		}
	}
}

static void add_query(const struct param_set *set, char *separator, struct buf *b)
{
	for (int i = 0; i < set->n; i++) {
		const struct field *param = &set->params[i];
		const struct choices *words =
			param->type == TYPE_ENUM ? param_choices(param) : NULL;
		json_auto_t *value = sample(param, words);
		scoped(buf_fini) struct buf text = BUF_INIT;

		if (json_is_array(value) || json_is_object(value))
			continue;
		if (json_is_string(value))
			buf_add_str(&text, json_string_value(value));
		else
			json_write(value, &text);
		buf_add_fmt(b, "%c%s=", *separator, param->key);
		http_add_encoded(b, buf_str(&text));
		*separator = '&';
	}
}

static void add_body(const struct route *route, struct buf *b)
{
	json_auto_t *object = json_object();

	for (int i = 0; i < route_params(route)->n; i++) {
		const struct field *param = &route_params(route)->params[i];

		json_object_set_new(object, param->key,
			sample(param, param->type == TYPE_ENUM ? param_choices(param) : NULL));
	}
	each_field(f, route->kind) {
		const struct field *field = schema_field(route->kind, f);

		if (field->write & route->write)
			json_object_set_new(object, field->key, sample(field, field->choices));
	}
	buf_add_str(b, "\nContent-Type: application/json\n\n");
	json_write(object, b);
}

static int write_seed(const char *folder, size_t i)
{
	const struct route *route = route_nth(i);
	scoped(free_ptr) char *path = xasprintf("%s/route%03zu", folder, i);
	scoped(buf_fini) struct buf b = BUF_INIT;
	char separator = '?';

	buf_add_fmt(&b, "%s ", http_method_name(route->method));
	add_path(route->path, &b);
	if (route->method == HTTP_GET)
		add_query(route_params(route), &separator, &b);
	if (route->paged)
		add_query(&params_page, &separator, &b);
	if (route->method == HTTP_POST || route->method == HTTP_PUT)
		add_body(route, &b);
	return file_write_atomic(path, b.data, b.len, 0644);
}

int main(int argc, char **argv)
{
	int r = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	if (mkdir(argv[1], 0755) < 0 && errno != EEXIST)
		r = -errno;
	for (size_t i = 0; r == 0 && route_nth(i); i++)
		r = write_seed(argv[1], i);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", argv[1], strerrordesc_np(-r));
	return r < 0;
}
