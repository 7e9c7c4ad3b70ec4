/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of resources, expanded. */
#include "storyfs/schema.h"

#include <string.h>
#include <strings.h>

#define CHOICES(set, ...)                                               \
	static const char *const words_##set[] = { __VA_ARGS__, NULL }; \
	static const struct choices choices_##set = { #set, words_##set };
#define RESOURCE(kind, plural, ...)
#define FIELD(kind, key, ...)
#define END(kind)
#include "storyfs/schema.def"

enum {
	RO = 0,
	C = WRITE_CREATE,
	U = WRITE_UPDATE,
	CU = C | U,
	DEF = FIELD_DEF,
	REQ = FIELD_REQ,
	KEEP = FIELD_KEEP,
	IDENT = FIELD_IDENT,
	LIST = FIELD_LIST,
	FILE = FIELD_FILE,
	SECRET = FIELD_SECRET,
	HIDDEN = FIELD_HIDDEN,
	INSTEAD = FIELD_INSTEAD,
	FRACTION = FIELD_FRACTION,
};

#define CHOICES(set, ...)
#define RESOURCE(kind, plural, ...) static const struct field fields_##kind[] = {
#define FIELD(kind, name, value_type, writable, flag_bits, ...) \
	{ .key = #name,                                         \
		.type = TYPE_##value_type,                      \
		.write = writable,                              \
		.flags = flag_bits,                             \
		__VA_ARGS__ },
#define END(kind) \
	}         \
	;
#include "storyfs/schema.def"

static const struct resource resources[N_KINDS] = {
	[KIND_none] = { .name = "none", .plural = "none" },
#define CHOICES(set, ...)
#define RESOURCE(kind, plural_name, ...)       \
	[KIND_##kind] = { .name = #kind,       \
		.plural = plural_name,         \
		.fields = fields_##kind,       \
		.n_fields = N_##kind##_FIELDS, \
		__VA_ARGS__ },
#define FIELD(kind, key, ...)
#define END(kind)
#include "storyfs/schema.def"
};

const struct resource *schema_resource(enum kind kind)
{
	return &resources[kind];
}

const struct field *schema_field(enum kind kind, int f)
{
	return &resources[kind].fields[f];
}

enum kind schema_find_kind(const char *name)
{
	for (int k = KIND_none + 1; k < N_KINDS; k++) {
		if (strcmp(resources[k].name, name) == 0)
			return (enum kind)k;
	}
	return KIND_none;
}

int schema_find_field(enum kind kind, const char *key)
{
	each_field(f, kind) {
		if (strcmp(resources[kind].fields[f].key, key) == 0)
			return f;
	}
	return -1;
}

int choices_find(const struct choices *c, const char *word, bool fold)
{
	for (int i = 0; c->words[i]; i++) {
		if ((fold ? strcasecmp : strcmp)(c->words[i], word) == 0)
			return i;
	}
	return -1;
}

size_t choices_count(const struct choices *c)
{
	size_t n = 0;

	while (c->words[n])
		n++;
	return n;
}

const char *value_type_name(enum value_type type)
{
	static const char *const names[] = {
		[TYPE_INT] = "integer",
		[TYPE_FLOAT] = "number",
		[TYPE_BOOL] = "true or false",
		[TYPE_STRING] = "text",
		[TYPE_XSTRING] = "text",
		[TYPE_DATETIME] = "time",
		[TYPE_DATE] = "date",
		[TYPE_ENUM] = "one of a set of words",
		[TYPE_IDS] = "list of ids",
		[TYPE_OBJECT] = "object",
		[TYPE_OBJECTS] = "list of objects",
		[TYPE_JSON] = "JSON",
	};

	return names[type];
}
