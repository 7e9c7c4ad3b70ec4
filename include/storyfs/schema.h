/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of V5's resources and fields (schema.def), as data. Everything is constant
 * and lives as long as the program; any thread may read.
 *
 * A field is named in code by its index within its resource, F_<kind>_<key>: a number that means
 * something only together with the kind.
 */
#ifndef STORYFS_SCHEMA_H
#define STORYFS_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

/* KIND_story and so on, in schema.def's order. */
enum kind {
	KIND_none,
#define CHOICES(set, ...)
#define RESOURCE(kind, plural, ...) KIND_##kind,
#define FIELD(kind, key, ...)
#define END(kind)
#include "storyfs/schema.def"
	N_KINDS,
};

#define CHOICES(set, ...)
#define RESOURCE(kind, plural, ...) \
	enum kind##_field           \
	{
#define FIELD(kind, key, ...) F_##kind##_##key,
#define END(kind)         \
	N_##kind##_FIELDS \
	}                 \
	;
#include "storyfs/schema.def"

/* The words of the enumerations that code must know, in schema.def's order. */
enum story_type {
	STORY_TYPE_FEATURE,
	STORY_TYPE_BUG,
	STORY_TYPE_CHORE,
	STORY_TYPE_RELEASE,
};

enum story_state {
	STATE_ACCEPTED,
	STATE_DELIVERED,
	STATE_FINISHED,
	STATE_STARTED,
	STATE_REJECTED,
	STATE_PLANNED,
	STATE_UNSTARTED,
	STATE_UNSCHEDULED,
};

enum role {
	ROLE_OWNER,
	ROLE_MEMBER,
	ROLE_VIEWER,
};

enum webhook_version {
	WEBHOOK_V3,
	WEBHOOK_V5,
};

enum value_type {
	TYPE_INT,   /* a whole number, ids too */
	TYPE_FLOAT, /* a number; whole ones are written without a fraction, unless FRACTION */
	TYPE_BOOL,
	TYPE_STRING,   /* text of one line by nature */
	TYPE_XSTRING,  /* V5's "extended string": any text */
	TYPE_DATETIME, /* ms since the epoch */
	TYPE_DATE,     /* days since the epoch */
	TYPE_ENUM,     /* index into the field's choices */
	TYPE_IDS,      /* a list of ids */
	TYPE_OBJECT,   /* a nested resource */
	TYPE_OBJECTS,  /* a list of nested resources */
	TYPE_JSON,     /* kept as it came */
};

enum field_write {
	WRITE_CREATE = 1,
	WRITE_UPDATE = 2,
};

enum field_flag {
	FIELD_DEF = 1 << 0,
	FIELD_REQ = 1 << 1,
	FIELD_KEEP = 1 << 2,
	FIELD_IDENT = 1 << 3,
	FIELD_LIST = 1 << 4,
	FIELD_FILE = 1 << 5,
	FIELD_SECRET = 1 << 6,
	FIELD_HIDDEN = 1 << 7,
	FIELD_INSTEAD = 1 << 8,
	FIELD_FRACTION = 1 << 9,
};

/* The words of an enumeration; NULL ends them. */
struct choices {
	const char *name;
	const char *const *words;
};

struct field {
	const char *key; /* V5's JSON key, and the file's name */
	enum value_type type;
	unsigned write; /* enum field_write, or 0 for read-only */
	unsigned flags; /* enum field_flag */
	enum kind of;
	const struct choices *choices;
	size_t max; /* 0: no limit */
	const char *via;
	const char *blank;   /* V5's words for a blank one; NULL: `Name can't be blank` */
	const char *initial; /* as plain_write writes it, or NULL */
};

struct resource {
	const char *name;   /* V5's kind */
	const char *plural; /* its directory and path segment */
	const struct field *fields;
	int n_fields;
	int label;    /* the field that stands for the resource where one line must do */
	bool by_name; /* naming one that does not exist makes it */
	bool plain;   /* has no id */
	bool paged;   /* lists come in pages (limit, offset) */
	enum kind parent, parent2; /* what it belongs to, by which key */
	int parent_key, parent2_key;
	enum kind summary_of; /* what is stored in its place, or KIND_none */
	int whose;	      /* the person who alone may see it; 0: others may, too */
};

const struct resource *schema_resource(enum kind kind);
const struct field *schema_field(enum kind kind, int f);
/* KIND_none when V5 has no such kind here. */
enum kind schema_find_kind(const char *name);
/* -1 when the resource has no such field. */
int schema_find_field(enum kind kind, const char *key);
/* The index of a word, whatever its case when fold is set; -1 for another word. */
int choices_find(const struct choices *c, const char *word, bool fold);
size_t choices_count(const struct choices *c);

/* The type as a person reads it: "integer", "text", "time". */
const char *value_type_name(enum value_type type);

#define each_field(f, kind) \
	for (int f = 0, f##_n_ = schema_resource(kind)->n_fields; f < f##_n_; f++)

#endif
