/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of JSON by other names: a walk over the tree, which knows what each object is. */
#include "storyfs/json_rename.h"

#include <jansson.h>
#include <string.h>

#include "json_mend.h"
#include "json_take.h"
#include "storyfs/json.h"

struct walk {
	const struct json_renames *renames;
	bool to_theirs;
};

/* ---- one key ---- */

/* An item of a list that is to be objects, or is; NULL when it is something else. */
static json_t *convert_item(json_t *item, const char *inner, bool to_theirs)
{
	return to_theirs ? json_pack("{sO}", inner, item)
			 : json_incref(json_object_get(item, inner));
}

/* NULL when it cannot be said otherwise. */
static json_t *convert(const struct json_rename *row, json_t *value, bool to_theirs)
{
	json_t *list, *item;
	size_t i;

	if (!row->inner || json_is_null(value))
		return json_incref(value);
	if (!json_is_array(value))
		return NULL;
	list = json_array();
	json_array_foreach(value, i, item)
		json_array_append_new(list, convert_item(item, row->inner, to_theirs));
	if (json_array_size(list) == json_array_size(value))
		return list;
	json_decref(list);
	return NULL;
}

/* In its place among the others, which is what a person sees of changes. */
static void replace(json_t *object, const char *from, const char *to, json_t *value)
{
	json_t *old = json_copy(object), *item;
	const char *key;

	json_object_clear(object);
	json_object_foreach(old, key, item)
	{
		bool is_it = strcmp(key, from) == 0;

		json_object_set(object, is_it ? to : key, is_it ? value : item);
	}
	json_decref(old);
}

static void rename_keys(const struct walk *w, enum kind kind, json_t *object)
{
	for (size_t i = 0; i < w->renames->n; i++) {
		const struct json_rename *row = w->renames->rows[i];
		const char *from = w->to_theirs ? row->ours : row->theirs;
		const char *to = w->to_theirs ? row->theirs : row->ours;
		json_t *value = row->kind == kind ? json_object_get(object, from) : NULL;
		json_t *converted = value && !json_object_get(object, to)
					    ? convert(row, value, w->to_theirs)
					    : NULL;

		if (!converted)
			continue;
		replace(object, from, to, converted);
		json_decref(converted);
	}
}

/* ---- all ---- */

/* An activity's change holds what it is of, before and after. */
static bool is_of_the_same(const char *key)
{
	return strcmp(key, "new_values") == 0 || strcmp(key, "original_values") == 0;
}

static enum kind kind_below(enum kind kind, const char *key)
{
	int f = schema_find_field(kind, key);

	if (is_of_the_same(key))
		return kind;
	return f < 0 ? KIND_none : schema_field(kind, f)->of;
}

static enum kind kind_of(const json_t *object, enum kind otherwise)
{
	const char *word = json_string_value(json_object_get(object, "kind"));
	enum kind kind = word ? schema_find_kind(word) : KIND_none;

	return kind ? kind : otherwise;
}

static void rename_all(const struct walk *w, enum kind kind, json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	json_array_foreach(value, i, item) rename_all(w, kind, item);
	if (!json_is_object(value))
		return;
	kind = kind_of(value, kind);
	rename_keys(w, kind, value);
	json_object_foreach(value, key, item) rename_all(w, kind_below(kind, key), item);
}

static json_t *load(const struct buf *text)
{
	scoped(buf_fini) struct buf mended = BUF_INIT;
	json_t *root = json_loadb(buf_str(text), text->len, 0, NULL);

	if (root)
		return root;
	json_mend(buf_str(text), text->len, &mended);
	return json_loadb(buf_str(&mended), mended.len, 0, NULL);
}

static void rename_text(const struct walk *w, enum kind kind, struct buf *text)
{
	json_t *root = load(text);

	if (!root)
		return;
	rename_all(w, kind, root);
	buf_reset(text);
	json_write(root, text);
	json_decref(root);
}

void json_rename_to_ours(enum kind kind, const struct json_renames *renames, struct buf *text)
{
	rename_text(&(struct walk){ renames, false }, kind, text);
}

void json_rename_to_theirs(enum kind kind, const struct json_renames *renames, struct buf *text)
{
	rename_text(&(struct walk){ renames, true }, kind, text);
}

/* ---- looking ---- */

/* The first resource alone: a page may hold a thousand. NULL when there is none. */
static json_t *first_resource(const struct buf *text)
{
	scoped(json_scan_fini) struct json_scan in;

	json_scan_init(&in, buf_str(text), text->len);
	if (json_scan_peek(&in) == '[' && !json_scan_open(&in, '['))
		return NULL;
	return json_scan_peek(&in) == '{' ? json_take_tree(&in) : NULL;
}

static enum json_spelling spelling_of(const struct json_rename *row, const json_t *object)
{
	json_t *theirs = json_object_get(object, row->theirs);
	json_t *converted = theirs ? convert(row, theirs, false) : NULL;

	json_decref(converted);
	if (json_object_get(object, row->ours))
		return JSON_SPELT_OURS;
	return converted ? JSON_SPELT_THEIRS : JSON_SPELT_NOT;
}

static enum json_spelling find_within(enum kind kind, const struct json_rename *row, json_t *value)
{
	enum json_spelling found = JSON_SPELT_NOT;
	const char *key;
	json_t *item;
	size_t i;

	json_array_foreach(value, i, item)
	{
		if (found == JSON_SPELT_NOT)
			found = find_within(kind, row, item);
	}
	if (!json_is_object(value))
		return found;
	kind = kind_of(value, kind);
	if (kind == row->kind)
		found = spelling_of(row, value);
	json_object_foreach(value, key, item)
	{
		if (found == JSON_SPELT_NOT)
			found = find_within(kind_below(kind, key), row, item);
	}
	return found;
}

enum json_spelling json_rename_find(
	enum kind kind, const struct json_rename *row, const struct buf *text)
{
	json_t *root = kind == row->kind ? first_resource(text) : load(text);
	enum json_spelling found = find_within(kind, row, root);

	json_decref(root);
	return found;
}
