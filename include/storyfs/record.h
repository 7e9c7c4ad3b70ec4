/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A record is one V5 resource in memory: a value for each field of its kind, and what V5 sent
 * beyond the table (`extra`), which survives a round trip. Records are counted; whoever made one
 * fills it with the record_set functions, and from the moment it is shared (put into a store, given
 * to another thread, counted twice) nobody changes it any more. A change is a copy.
 *
 * A patch is a record too: ABSENT fields stay as they are, NULL ones are cleared, SET ones are set.
 */
#ifndef STORYFS_RECORD_H
#define STORYFS_RECORD_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "storyfs/schema.h"
#include "storyfs/scope.h"

struct record;

/* A list of records, each counted once by the list. Lists grow by their _add functions only. */
struct records {
	size_t n;
	struct record **items;
};

/* A list of ids. */
struct ids {
	size_t n;
	int64_t *v;
};

enum value_state {
	VALUE_ABSENT,
	VALUE_NULL,
	VALUE_SET,
};

/* The value of a field; which member counts follows from the field's type. A list is made and
 * changed as a struct ids or records, and lies here in less. */
struct value {
	enum value_state state;
	uint32_t n; /* of IDS and OBJECTS that are SET: how many; of all else 0 */
	union {
		int64_t i;		 /* INT, BOOL, DATETIME, DATE, ENUM */
		double f;		 /* FLOAT */
		char *s;		 /* STRING, XSTRING, JSON (compact text) */
		int64_t *ids;		 /* IDS */
		struct record *record;	 /* OBJECT */
		struct record **records; /* OBJECTS */
	};
};

static_assert(sizeof(struct value) == 16, "a mount holds millions of values");

/* All fields ABSENT; counted once, for the caller. */
struct record *record_new(enum kind kind);
struct record *record_ref(const struct record *r);
void record_unref(struct record *r);
/* So many values will be set, if that is known. */
void record_reserve(struct record *r, size_t n);
/* All is set that will be: takes no more memory than it needs. Nobody has borrowed a value. How
 * many there are. */
size_t record_trim(struct record *r);
/* A record of its own to change; nested records are shared. */
struct record *record_copy(const struct record *r);

enum kind record_kind(const struct record *r);
/* 0 when the kind has no id or none is set. */
int64_t record_id(const struct record *r);

/* Borrowed from the record. */
const struct value *record_get(const struct record *r, int f);
bool record_has(const struct record *r, int f);
/* The number, or otherwise when the field is not SET. */
int64_t record_int(const struct record *r, int f, int64_t otherwise);
double record_float(const struct record *r, int f, double otherwise);
/* The text, or "" when the field is not SET. */
const char *record_text(const struct record *r, int f);
/* The word of an ENUM, or "" when the field is not SET. */
const char *record_word(const struct record *r, int f);

/* These free what the field held. record_set takes the value over; the others copy. */
void record_set(struct record *r, int f, struct value v);
void record_set_int(struct record *r, int f, int64_t i);
void record_set_float(struct record *r, int f, double d);
void record_set_text(struct record *r, int f, const char *s);
void record_set_null(struct record *r, int f);
void record_set_ids(struct record *r, int f, const struct ids *ids);
/* Counts the nested record once more. */
void record_set_object(struct record *r, int f, const struct record *nested);
/* Takes the list over and leaves it empty. */
void record_set_objects(struct record *r, int f, struct records *list);
void record_clear(struct record *r, int f);
/* One more or one less in an IDS field; NULL and ABSENT are as an empty list. Nothing changes when
 * it is there already, or is not there. */
void record_add_id(struct record *r, int f, int64_t id);
void record_remove_id(struct record *r, int f, int64_t id);

/* Unknown keys as a JSON object's compact text, or NULL. record_set_extra takes the text over. */
const char *record_extra(const struct record *r);
void record_set_extra(struct record *r, char *json);

/* The list of an IDS or OBJECTS value, borrowed from it; empty when the value is not SET. */
struct ids value_ids(const struct value *v);
struct records value_records(const struct value *v);
/* A SET value, which takes the list over. */
struct value value_of_ids(struct ids ids);
struct value value_of_records(struct records list);
/* Is the id one of an IDS value? Not of one that is not SET. */
bool value_has_id(const struct value *v, int64_t id);

/* Deep copy; nested records are shared. */
struct value value_copy(const struct field *field, const struct value *v);
void value_fini(const struct field *field, struct value *v);
/* ABSENT and NULL are the same to it: no value; an empty text is one. Nested resources are equal
 * when their ids are, whatever else they hold, or their labels where one side has no id yet. */
bool value_equal(const struct field *field, const struct value *a, const struct value *b);

/* Nothing at all differs, extra and nested resources included. */
bool value_same(const struct field *field, const struct value *a, const struct value *b);
bool record_same(const struct record *a, const struct record *b);

/* The patch that makes a of b, over the fields both kinds of write could carry; NULL when nothing
 * differs. Only fields that are not ABSENT in b are compared. Both are of one kind. */
struct record *record_diff(const struct record *a, const struct record *b);
/* Does r hold what the patch sets? Lists are sets here: V5 orders labels by name. */
bool record_fulfils(const struct record *r, const struct record *patch);
/* A copy of r with the patch put in; a NULL in the patch becomes ABSENT. An object form whose id
 * form alone is patched goes, for it would tell the old value. */
struct record *record_patched(const struct record *r, const struct record *patch);

/* A record of another kind, with the values of all fields that both kinds have by key and type. */
struct record *record_as(const struct record *r, enum kind kind);

void records_fini(struct records *list);
/* Takes the reference over. */
void records_add(struct records *list, struct record *r);
/* The one with this id in a list that is sorted by id; NULL when there is none. */
struct record *records_find(const struct records *sorted, int64_t id);

void ids_fini(struct ids *ids);
void ids_add(struct ids *ids, int64_t id);
/* All of an IDS value; none when it is not SET. */
void ids_add_value(struct ids *ids, const struct value *v);
bool ids_has(const struct ids *ids, int64_t id);
/* False when it was not there. */
bool ids_remove(struct ids *ids, int64_t id);

/* Two loops in one: the inner one runs once, and lets go of the outer one only when its body was
 * not left by `break`. */
#define each_record(r, list)                                                          \
	for (size_t r##_i_ = 0, r##_go_ = 1; r##_go_ && r##_i_ < (list)->n; r##_i_++) \
		for (struct record *r = (r##_go_ = 0, (list)->items[r##_i_]); !r##_go_; r##_go_ = 1)

SCOPED_PTR(struct record, record_unref);
SCOPED_VALUE(struct records, records_fini);
SCOPED_VALUE(struct ids, ids_fini);

#endif
