/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes: a path is cut into decoded segments, which are laid beside each row's. */
#include "route.h"

#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"

enum { MAX_SEGMENTS = 12 };

static const struct route routes[] = {
#define ROUTE(verb, pattern, handler, who, what, ...) \
	{ .method = HTTP_##verb,                      \
		.path = pattern,                      \
		.handle = handler,                    \
		.access = who,                        \
		.kind = what,                         \
		##__VA_ARGS__ },
#include "routes.def"
};

struct segments {
	int n;
	char *items[MAX_SEGMENTS];
};

static void segments_fini(struct segments *s)
{
	for (int i = 0; i < s->n; i++)
		free(s->items[i]);
}

SCOPED_VALUE(struct segments, segments_fini);

/* False when there are more than any route has. */
static bool cut(const char *path, size_t len, struct segments *ret)
{
	while (len) {
		const char *slash = memchr(path, '/', len);
		size_t n = slash ? (size_t)(slash - path) : len;

		if (n) {
			struct buf text = BUF_INIT;

			if (ret->n == MAX_SEGMENTS)
				return false;
			http_add_decoded(&text, path, n, false);
			ret->items[ret->n++] = buf_take(&text);
		}
		n += slash != NULL;
		path += n;
		len -= n;
	}
	return true;
}

/* The kind that a pattern's `{kind}` of this length names, KIND_none for a literal. */
static enum kind id_kind(const char *pattern, size_t len)
{
	char name[64];

	if (pattern[0] != '{' || len - 2 >= sizeof(name))
		return KIND_none;
	memcpy(name, pattern + 1, len - 2);
	name[len - 2] = '\0';
	return schema_find_kind(name);
}

static void add_id(struct route_match *m, enum kind kind, const char *text)
{
	int64_t id = 0;

	m->ids[m->n].is_number = parse_int(text, INT64_MIN, INT64_MAX, &id);
	m->ids[m->n].kind = kind;
	m->ids[m->n++].id = id > 0 ? id : 0;
}

static bool fits(const struct route *route, const struct segments *s, struct route_match *m)
{
	const char *p = route->path;

	*m = (struct route_match){ .route = route };
	for (int i = 0; i < s->n; i++) {
		if (*p != '/')
			return false;
		size_t len = strcspn(++p, "/");

		if (*p == '{')
			add_id(m, id_kind(p, len), s->items[i]);
		else if (strlen(s->items[i]) != len || strncmp(p, s->items[i], len) != 0)
			return false;
		p += len;
	}
	return *p == '\0';
}

bool route_find(enum http_method method, const char *path, size_t len, struct route_match *ret)
{
	scoped(segments_fini) struct segments s = { 0 };

	if (!cut(path, len, &s))
		return false;
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		if (routes[i].method == method && fits(&routes[i], &s, ret))
			return true;
	}
	return false;
}

const struct route *route_nth(size_t i)
{
	return i < sizeof(routes) / sizeof(*routes) ? &routes[i] : NULL;
}
