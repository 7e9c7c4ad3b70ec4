/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target.h"

#include <string.h>

#include "storyfs/http.h"
#include "storyfs/parse.h"

/* ---- the path ---- */

/* Segments that are no collection: an id, and V5's word for some of a list. */
static bool is_collection(const char *segment, size_t len)
{
	static const char some[] = "bulk";

	return len && strspn(segment, "0123456789") < len &&
	       (len != strlen(some) || strncmp(segment, some, len) != 0);
}

static enum kind find_plural(const char *segment, size_t len)
{
	for (int k = KIND_none + 1; k < N_KINDS; k++) {
		const char *plural = schema_resource((enum kind)k)->plural;

		if (strlen(plural) == len && strncmp(plural, segment, len) == 0)
			return (enum kind)k;
	}
	return KIND_none;
}

enum kind target_kind(const char *target)
{
	const char *end = target + strcspn(target, "?");
	const char *last = NULL;
	size_t last_len = 0;

	for (const char *p = target; p < end;) {
		size_t len = strcspn(p, "/?");

		if (is_collection(p, len)) {
			last = p;
			last_len = len;
		}
		p += len + (p + len < end);
	}
	return last ? find_plural(last, last_len) : KIND_none;
}

/* ---- the query ---- */

struct parameter {
	const char *name, *value;
	size_t name_len, value_len;
};

/* The next one; *at is NULL to begin with. */
static bool next_parameter(const char *target, const char **at, struct parameter *ret)
{
	const char *query = strchr(target, '?');
	const char *p = *at ? *at : query ? query + 1 : "";

	if (!*p)
		return false;
	size_t len = strcspn(p, "&"), name_len = strcspn(p, "=&");

	*ret = (struct parameter){ .name = p, .name_len = name_len, .value = p + len };
	if (name_len < len) {
		ret->value = p + name_len + 1;
		ret->value_len = len - name_len - 1;
	}
	*at = p + len + (p[len] == '&');
	return true;
}

static bool is_named(const struct parameter *p, const char *name)
{
	return strlen(name) == p->name_len && strncmp(name, p->name, p->name_len) == 0;
}

static bool find_parameter(const char *target, const char *name, struct parameter *ret)
{
	const char *at = NULL;

	while (next_parameter(target, &at, ret)) {
		if (is_named(ret, name))
			return true;
	}
	return false;
}

bool target_get(const char *target, const char *name, struct buf *ret)
{
	struct parameter p;

	if (!find_parameter(target, name, &p))
		return false;
	http_add_decoded(ret, p.value, p.value_len, true);
	return true;
}

bool target_get_number(const char *target, const char *name, int64_t *ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	return target_get(target, name, &text) &&
	       parse_int(buf_str(&text), INT64_MIN, INT64_MAX, ret);
}

char *target_set(const char *target, const char *name, const char *value)
{
	struct buf b = BUF_INIT;
	struct parameter p;

	if (!find_parameter(target, name, &p)) {
		buf_add_str(&b, target);
		return buf_take(&b);
	}
	buf_add(&b, target, (size_t)(p.name - target));
	buf_add(&b, p.name, p.name_len);
	buf_add_char(&b, '=');
	http_add_encoded(&b, value);
	buf_add_str(&b, p.value + p.value_len);
	return buf_take(&b);
}

static bool is_one_of(const struct parameter *p, const char *const *names)
{
	while (*names && !is_named(p, *names))
		names++;
	return *names;
}

bool target_has_only(const char *target, const char *const *names)
{
	struct parameter p;

	for (const char *at = NULL; next_parameter(target, &at, &p);) {
		if (!is_one_of(&p, names))
			return false;
	}
	return true;
}
