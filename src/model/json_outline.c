/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few facts out of JSON that is not made into records. */
#include "storyfs/json_outline.h"

#include <jansson.h>
#include <string.h>

int64_t json_outline_count(const struct buf *text)
{
	json_t *root = json_loadb(buf_str(text), text->len, 0, NULL);
	int64_t n = json_is_array(root) ? (int64_t)json_array_size(root) : -1;

	json_decref(root);
	return n;
}

bool json_outline_number(const struct buf *text, const char *key, int64_t *ret)
{
	json_t *root = json_loadb(buf_str(text), text->len, 0, NULL);
	bool is_object = json_is_object(root);

	*ret = json_integer_value(json_object_get(root, key));
	json_decref(root);
	return is_object;
}

struct walk {
	int (*each)(void *data, const struct outline_file *file);
	void *data;
};

static int take_file(const struct walk *w, const json_t *value)
{
	const struct outline_file file = {
		.id = json_integer_value(json_object_get(value, "id")),
		.size = json_integer_value(json_object_get(value, "size")),
		.download_url = json_string_value(json_object_get(value, "download_url")),
	};

	return w->each(w->data, &file);
}

static int walk(const struct walk *w, json_t *value, bool are_files)
{
	const char *key;
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach(value, i, item)
	{
		r = are_files ? take_file(w, item) : walk(w, item, false);
		if (r)
			return r;
	}
	json_object_foreach(value, key, item)
	{
		r = walk(w, item, strcmp(key, "file_attachments") == 0);
		if (r)
			return r;
	}
	return 0;
}

int json_outline_each_file(const struct buf *text,
	int (*each)(void *data, const struct outline_file *file), void *data)
{
	json_t *root = json_loadb(buf_str(text), text->len, 0, NULL);
	int r = walk(&(struct walk){ each, data }, root, false);

	json_decref(root);
	return r;
}
