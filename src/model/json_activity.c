/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Items of activity in words. */
#include "storyfs/json_activity.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "storyfs/buf.h"

enum {
	WORD_BYTES = 24,     /* what is longer is no word to show */
	SUMMARY_BYTES = 400, /* many stories at once have many changes */
};

static json_t *load(const struct record *item, int f)
{
	return json_loads(record_text(item, f), 0, NULL);
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* ---- subjects ---- */

static void add_ids(const json_t *list, enum kind kind, struct ids *ret)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		int64_t id = json_integer_value(json_object_get(one, "id"));

		if (schema_find_kind(text_at(one, "kind")) == kind && id && !ids_has(ret, id))
			ids_add(ret, id);
	}
}

static void set_ids(
	struct record *item, int f, enum kind kind, const json_t *primary, const json_t *changes)
{
	scoped(ids_fini) struct ids ids = { 0 };

	add_ids(primary, kind, &ids);
	add_ids(changes, kind, &ids);
	record_set_ids(item, f, &ids);
}

static void set_subjects(struct record *item, const json_t *primary)
{
	scoped(buf_fini) struct buf b = BUF_INIT;
	size_t i;
	json_t *one;

	json_array_foreach(primary, i, one)
	{
		enum kind kind = schema_find_kind(text_at(one, "kind"));

		if (kind)
			buf_add_fmt(&b, "%s%s/%" PRId64, b.len ? "," : "",
				schema_resource(kind)->plural,
				(int64_t)json_integer_value(json_object_get(one, "id")));
	}
	record_set_text(item, F_activity_subjects, buf_str(&b));
}

/* ---- changes ---- */

static bool is_word(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_:.+-";
	size_t len = strlen(s);

	return len && len <= WORD_BYTES && strspn(s, letters) == len;
}

/* Nothing for null; false when it is more than a word. */
static bool add_word(const json_t *value, struct buf *b)
{
	if (json_is_string(value) && !is_word(json_string_value(value)))
		return false;
	if (json_is_string(value))
		buf_add_str(b, json_string_value(value));
	else if (json_is_boolean(value))
		buf_add_str(b, json_is_true(value) ? "true" : "false");
	else if (json_is_integer(value))
		buf_add_fmt(b, "%" PRId64, (int64_t)json_integer_value(value));
	else if (json_is_real(value))
		buf_add_fmt(b, "%g", json_real_value(value));
	return !json_is_object(value) && !json_is_array(value);
}

static void add_item(struct buf *b, const struct buf *item)
{
	if (b->len > SUMMARY_BYTES)
		return;
	buf_add_fmt(b, "%s%s", b->len ? "," : "", buf_str(item));
	if (b->len > SUMMARY_BYTES)
		buf_add_str(b, ",...");
}

/* That a resource changed is no news of it, nor how often a label is used. */
static bool is_noise(const char *key)
{
	static const char *const keys[] = { "updated_at", "counts" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (strcmp(keys[i], key) == 0)
			return true;
	}
	return false;
}

static void add_update(const json_t *change, struct buf *b)
{
	const json_t *before = json_object_get(change, "original_values");
	json_t *after = json_object_get(change, "new_values"), *value;
	const char *key;

	json_object_foreach(after, key, value)
	{
		scoped(buf_fini) struct buf item = BUF_INIT, words = BUF_INIT;

		if (is_noise(key))
			continue;
		buf_add_fmt(&item, "%s.%s", text_at(change, "kind"), key);
		buf_add_char(&words, '=');
		bool is_told = add_word(json_object_get(before, key), &words);

		buf_add_char(&words, '>');
		if (is_told && add_word(value, &words))
			buf_add_str(&item, buf_str(&words));
		add_item(b, &item);
	}
}

static void set_summary(struct record *item, const json_t *changes)
{
	scoped(buf_fini) struct buf b = BUF_INIT;
	size_t i;
	json_t *change;

	json_array_foreach(changes, i, change)
	{
		const char *type = text_at(change, "change_type");
		scoped(buf_fini) struct buf one = BUF_INIT;

		if (strcmp(type, "update") == 0) {
			add_update(change, &b);
			continue;
		}
		buf_add_fmt(&one, "%c%s", strcmp(type, "delete") == 0 ? '-' : '+',
			text_at(change, "kind"));
		add_item(&b, &one);
	}
	record_set_text(item, F_activity_summary, buf_str(&b));
}

/* ---- all ---- */

void json_activity_condense(struct record *item)
{
	json_t *primary = load(item, F_activity_primary_resources);
	json_t *changes = load(item, F_activity_changes);
	json_t *who = load(item, F_activity_performed_by);

	set_ids(item, F_activity_story_ids, KIND_story, primary, changes);
	set_ids(item, F_activity_epic_ids, KIND_epic, primary, changes);
	set_subjects(item, primary);
	set_summary(item, changes);
	record_set_text(item, F_activity_performer, text_at(who, "name"));
	record_clear(item, F_activity_primary_resources);
	record_clear(item, F_activity_changes);
	record_clear(item, F_activity_performed_by);
	json_decref(primary);
	json_decref(changes);
	json_decref(who);
}
