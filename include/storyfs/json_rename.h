/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON of a host that calls some of V5's keys otherwise, put into V5's words and back. What a
 * resource is follows from its `kind`, else from where it stands (schema.def). All else stays as it
 * is.
 */
#ifndef STORYFS_JSON_RENAME_H
#define STORYFS_JSON_RENAME_H

#include <stdbool.h>

#include "storyfs/buf.h"
#include "storyfs/schema.h"

/* One key of one kind. */
struct json_rename {
	enum kind kind;
	const char *ours, *theirs;
	/* Theirs is a list of objects, and ours a list of what these hold under this key; NULL:
	 * both are the same value. */
	const char *inner;
};

struct json_renames {
	const struct json_rename *const *rows;
	size_t n;
};

/* A document: a resource of this kind, or a list of them; KIND_none: of none that is known. What is
 * no JSON stays as it is; of a text that is almost JSON the rest is understood (json_mend.h). */
void json_rename_to_ours(enum kind kind, const struct json_renames *renames, struct buf *text);
void json_rename_to_theirs(enum kind kind, const struct json_renames *renames, struct buf *text);

/* How a document has that key: its first resource, if these are of the row's kind, else the first
 * one of that kind that lies in it. */
enum json_spelling {
	JSON_SPELT_NOT,
	JSON_SPELT_OURS,
	JSON_SPELT_THEIRS,
};

enum json_spelling json_rename_find(
	enum kind kind, const struct json_rename *row, const struct buf *text);

#endif
