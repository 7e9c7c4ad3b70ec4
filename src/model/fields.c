/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `fields` parameter: recursive descent over one string. */
#include "storyfs/fields.h"

#include <ctype.h>
#include <string.h>

#include "storyfs/alloc.h"

enum { MAX_DEPTH = 16 };

struct item {
	char *name;
	struct fields *nested;
};

struct fields {
	bool has_default;
	size_t n;
	struct item *items;
};

void fields_free(struct fields *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++) {
		free(f->items[i].name);
		fields_free(f->items[i].nested);
	}
	free(f->items);
	free(f);
}

static size_t name_length(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

static struct fields *parse_list(const char **p, int depth);

/* One item at *p; false at the wrong byte. */
static bool parse_item(const char **p, int depth, struct fields *into)
{
	static const char all[] = ":default";

	if (strncmp(*p, all, sizeof(all) - 1) == 0 && !name_length(*p + sizeof(all) - 1)) {
		*p += sizeof(all) - 1;
		into->has_default = true;
		return true;
	}
	size_t n = name_length(*p);

	if (!n)
		return false;
	into->items = xrealloc(into->items, into->n + 1, sizeof(*into->items));
	struct item *item = &into->items[into->n++];

	*item = (struct item){ .name = xstrndup(*p, n) };
	*p += n;
	if (**p != '(')
		return true;
	(*p)++;
	item->nested = depth < MAX_DEPTH ? parse_list(p, depth + 1) : NULL;
	if (!item->nested || **p != ')')
		return false;
	(*p)++;
	return true;
}

static struct fields *parse_list(const char **p, int depth)
{
	scoped(fields_free) struct fields *f = xcalloc(1, sizeof(*f));

	for (;;) {
		while (**p == ' ')
			(*p)++;
		if (!parse_item(p, depth, f))
			return NULL;
		while (**p == ' ')
			(*p)++;
		if (**p != ',')
			return take_ptr(f);
		(*p)++;
	}
}

struct fields *fields_parse(const char *text, size_t *ret_at)
{
	const char *p = text;
	scoped(fields_free) struct fields *f = parse_list(&p, 0);

	if (!f || *p) {
		*ret_at = (size_t)(p - text);
		return NULL;
	}
	return take_ptr(f);
}

static const struct item *find_item(const struct fields *f, const char *name)
{
	for (size_t i = 0; f && i < f->n; i++) {
		if (strcmp(f->items[i].name, name) == 0)
			return &f->items[i];
	}
	return NULL;
}

bool fields_has_default(const struct fields *f)
{
	return !f || f->has_default;
}

bool fields_has(const struct fields *f, const char *name)
{
	return find_item(f, name) != NULL;
}

const struct fields *fields_nested(const struct fields *f, const char *name)
{
	const struct item *item = find_item(f, name);

	return item ? item->nested : NULL;
}

/* Is the object form of this id asked for in its place? */
static bool is_replaced(const struct fields *f, enum kind kind, const char *key)
{
	each_field(i, kind) {
		const struct field *pair = schema_field(kind, i);

		if (pair->via && (pair->flags & FIELD_INSTEAD) && strcmp(pair->via, key) == 0 &&
			fields_has(f, pair->key))
			return true;
	}
	return false;
}

bool fields_wants(const struct fields *f, enum kind kind, int field)
{
	const struct field *row = schema_field(kind, field);

	if (row->flags & FIELD_HIDDEN)
		return false;
	if ((row->flags & FIELD_IDENT) || fields_has(f, row->key))
		return true;
	return fields_has_default(f) && (row->flags & FIELD_DEF) &&
	       (!f || !is_replaced(f, kind, row->key));
}

bool fields_wants_kind(const struct fields *f)
{
	return fields_has_default(f) || fields_has(f, "kind");
}
