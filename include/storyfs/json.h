/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records as V5's JSON and back. What V5 sends is never lost: keys that the table does not know,
 * and known ones of another type than the table says, are kept as they came in the record's
 * `extra`, until the field is set; the latter are also reported, one line each with their path
 * (`[3].estimate: expected number, got "x"`). Unknown keys are no problem: V5 grew, and hosts
 * differ.
 *
 * The functions with json_t are for the server, which builds documents of its own.
 */
#ifndef STORYFS_JSON_H
#define STORYFS_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/buf.h"
#include "storyfs/fields.h"
#include "storyfs/record.h"

struct json_t;

enum json_flag {
	JSON_AS_MILLIS = 1 << 0, /* datetimes as numbers (date_format=millis) */
	JSON_AS_LINES = 1 << 1,	 /* indented, for a person to read */
	JSON_AS_PATCH = 1 << 2,	 /* every field that is SET, and NULL as null; no kind, no extra */
	JSON_WITHOUT_SECRETS = 1 << 3,
};

/* Append one document. */
void json_write_record(
	const struct record *r, const struct fields *f, unsigned flags, struct buf *b);

/* The same for an answer, and of a whole list: compact, written straight from the records. Of the
 * flags it knows JSON_AS_MILLIS and JSON_WITHOUT_SECRETS. What is kept as JSON is taken to be that.
 */
void json_add_record(const struct record *r, const struct fields *f, unsigned flags, struct buf *b);
void json_add_records(
	const struct records *list, const struct fields *f, unsigned flags, struct buf *b);

/* A text, in quotes. */
void json_add_text(const char *s, struct buf *b);

/*
 * Parse one JSON object, or an array of them, as a host sent them: what is no JSON for bytes in a
 * text that are none, or for a number that nothing holds, is mended, and told. -EBADMSG when the
 * text is no such thing (the reason is a line in problems), or the object lacks its id. Lines about
 * single fields go to problems, too, and are no failure; nor is an item of a list that is no
 * resource, which is left out: json_read_records returns how many are. problems may be NULL.
 */
int json_read_record(
	enum kind kind, const char *text, size_t len, struct buf *problems, struct record **ret);
int json_read_records(
	enum kind kind, const char *text, size_t len, struct buf *problems, struct records *ret);

/* What an activity's `changes` say that a resource held before them: those fields that they
 * changed, without an id. 1 when they tell nothing of it. */
int json_read_original(enum kind kind, int64_t id, const char *changes, struct record **ret);

/* The caller owns what these return. */
struct json_t *json_from_record(const struct record *r, const struct fields *f, unsigned flags);
struct json_t *json_from_records(
	const struct records *list, const struct fields *f, unsigned flags);
/* A SET value alone. */
struct json_t *json_from_value(const struct field *field, const struct value *v,
	const struct fields *nested, unsigned flags);
/* path is what stands before a field's name in a problem's line. Returns as json_read_record. */
int json_to_record(enum kind kind, const struct json_t *object, const char *path,
	struct buf *problems, struct record **ret);
/* For what a client sends: nested resources may lack their id, being yet to be made. False when the
 * JSON is not of the field's type. null makes VALUE_NULL. */
bool json_to_value(const struct field *field, const struct json_t *json, struct value *ret);
/* Compact text, keys in the order they were set. */
void json_write(const struct json_t *json, struct buf *b);

#endif
