/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the real service answered, through the codec and back. The data is no part of the project:
 * it is looked for in $STORYFS_V5_DATA/dump, else beside the source tree in ../shared/data/dump, a
 * folder a project with one array of resources a file, named for their kind.
 */
#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/json.h"

enum { MAX_FILE = 64 * 1024 * 1024 };

static glob_t files;

/* The resource kind that a path's last part names. */
static enum kind kind_of(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	scoped(free_ptr) char *kind = xstrndup(name, strcspn(name, "."));

	return schema_find_kind(kind);
}

/* All fields that there are, so that nothing is left out. */
static struct fields *ask_for_all(enum kind kind)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	size_t at;

	buf_add_str(&text, ":default");
	each_field(f, kind)
		buf_add_fmt(&text, ",%s", schema_field(kind, f)->key);
	return fields_parse(buf_str(&text), &at);
}

static bool is_same(const json_t *sent, const json_t *written);

/* Only `kind` may be added: an answer to fields= goes without it. */
static bool is_same_object(json_t *sent, json_t *written)
{
	const char *key;
	json_t *value;

	json_object_foreach(sent, key, value)
	{
		if (!is_same(value, json_object_get(written, key)))
			return false;
	}
	json_object_foreach(written, key, value)
	{
		if (!json_object_get(sent, key) && strcmp(key, "kind") != 0)
			return false;
	}
	return true;
}

static bool is_same_array(const json_t *sent, const json_t *written)
{
	if (json_array_size(sent) != json_array_size(written))
		return false;
	for (size_t i = 0; i < json_array_size(sent); i++) {
		if (!is_same(json_array_get(sent, i), json_array_get(written, i)))
			return false;
	}
	return true;
}

/* V5 writes whole floats with a fraction or without, and leaves nulls out. */
static bool is_same(const json_t *sent, const json_t *written)
{
	if (json_is_null(sent) && !written)
		return true;
	if (json_is_object(sent) && json_is_object(written))
		return is_same_object((json_t *)sent, (json_t *)written);
	if (json_is_array(sent) && json_is_array(written))
		return is_same_array(sent, written);
	if (json_is_number(sent) && json_is_number(written))
		return fabs(json_number_value(sent) - json_number_value(written)) <= 0;
	return json_equal(sent, written);
}

/* Whoever merged the dumps put an iteration's stories in by their ids. */
static json_t *load_as_sent(struct buf *text)
{
	json_t *sent = json_loadb(text->data, text->len, 0, NULL);
	size_t i;
	json_t *item;

	json_array_foreach(sent, i, item)
	{
		json_t *stories = json_object_get(item, "stories");

		if (!json_is_integer(json_array_get(stories, 0)))
			continue;
		json_object_set(item, "story_ids", stories);
		json_object_del(item, "stories");
	}
	buf_reset(text);
	json_write(sent, text);
	return sent;
}

static void compare_file(const char *path)
{
	enum kind kind = kind_of(path);
	scoped(fields_free) struct fields *all = ask_for_all(kind);
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(buf_fini) struct buf problems = BUF_INIT;
	scoped(records_fini) struct records list = { 0 };

	assert_int_equal(file_read(path, MAX_FILE, &text), 0);
	json_t *sent = load_as_sent(&text);

	if (json_read_records(kind, text.data, text.len, &problems, &list) < 0 || problems.len)
		fail_msg("%s: %s", path, buf_str(&problems));
	assert_int_equal(json_array_size(sent), list.n);
	for (size_t i = 0; i < list.n; i++) {
		scoped(buf_fini) struct buf out = BUF_INIT;

		json_write_record(list.items[i], all, 0, &out);
		json_t *written = json_loadb(out.data, out.len, 0, NULL);

		if (!is_same(json_array_get(sent, i), written))
			fail_msg("%s [%zu] became %s", path, i, buf_str(&out));
		json_decref(written);
	}
	fprintf(stderr, "%s: %zu\n", path, list.n);
	json_decref(sent);
}

static void recorded_resources_come_back_as_they_are(void **state)
{
	(void)state;
	size_t n = 0;

	for (size_t i = 0; i < files.gl_pathc; i++) {
		if (kind_of(files.gl_pathv[i]) == KIND_none)
			continue;
		compare_file(files.gl_pathv[i]);
		n++;
	}
	assert_true(n > 0);
}

int main(void)
{
	const char *data = getenv("STORYFS_V5_DATA");
	scoped(free_ptr) char *pattern =
		xasprintf("%s/dump/*/*.json", data ? data : "../shared/data");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_resources_come_back_as_they_are),
	};

	if (glob(pattern, 0, NULL, &files) != 0) {
		printf("1..0 # SKIP no recorded data at %s\n", pattern);
		return 0;
	}
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	globfree(&files);
	return r;
}
