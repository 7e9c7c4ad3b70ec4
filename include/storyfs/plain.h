/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values as plain text, the content of a field file: text as it is, numbers in digits, `true` and
 * `false`, times in ISO 8601 UTC, words as V5 spells them, lists one item a line; no value is no
 * text. The newline that a file ends with is the file's, not the value's.
 *
 * Resources are written by name. Whose name it is, a resolver knows.
 */
#ifndef STORYFS_PLAIN_H
#define STORYFS_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storyfs/buf.h"
#include "storyfs/record.h"

struct resolver {
	void *data;
	/* Append the name by which find_id would find this resource again; false when unknown. */
	bool (*add_name)(void *data, enum kind kind, int64_t id, struct buf *b);
	/* The id of the one resource so named. -EINVAL otherwise, with the reason (unknown, or
	 * ambiguous and what is meant) appended to ret_reason. */
	int (*find_id)(void *data, enum kind kind, const char *name, int64_t *ret_id,
		struct buf *ret_reason);
};

/* Append the field's text. An object form (`owners`) whose own value is absent is written from its
 * id form; an id that the resolver does not know is written as the number. resolver may be NULL. */
void plain_write(const struct record *r, int f, const struct resolver *resolver, struct buf *b);

/* Append what the field accepts, in words: "a number", "one of feature, bug, chore, release". */
void plain_describe(const struct field *field, struct buf *b);

/*
 * The patch that a saved text means: one field, which for `owners` is the id form behind it. The
 * text (len bytes, the file's final newline already taken off) empty means no value. -EINVAL when
 * it is no value of the field's type, not UTF-8, holds NUL or thousands of lines of a list; the
 * reason, with what would be accepted, is appended to ret_reason. Limits are check.h's business.
 */
int plain_read(enum kind kind, int f, const char *text, size_t len, const struct resolver *resolver,
	struct record **ret_patch, struct buf *ret_reason);

#endif
