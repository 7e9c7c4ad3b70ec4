/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server speaks, out of its tables (schema.def, routes.def, params.def,
 * search_keywords.def, columns.def): as text for `storyfs schema`, as JSON for scripts and the
 * console. Nothing is written down twice, so what is said here is what the server does.
 *
 * The JSON is {"version", "base", "resources": [...], "routes": [...]}. A resource has "kind",
 * "plural", "fields"; a route "method", "path", "kind", "access", "paged", "parameters". Fields and
 * parameters share one shape: "key", "type" (integer, number, boolean, string, extended_string,
 * datetime, date, enum, ids, object, objects, json), and where they apply "of" (a kind), "choices",
 * "max", "required", "default" (in the default response), "write" ("create", "update"), "initial".
 */
#ifndef STORYFS_DESCRIBE_H
#define STORYFS_DESCRIBE_H

#include "storyfs/buf.h"
#include "storyfs/schema.h"

/* Append the whole description, one JSON document; base is where V5 begins in a path. */
void describe_json(const char *base, struct buf *b);
/* Append a resource as a table for a person. */
void describe_resource(enum kind kind, struct buf *b);
/* Is it V5's to show? Some kinds are the server's own. */
bool describe_is_shown(enum kind kind);
/* Append the endpoints as a table for a person, one a line: method, path, what is answered, who may
 * call. */
void describe_routes(struct buf *b);
/* Append the search language of `query` and `filter`: its form, and its keywords. */
void describe_search(struct buf *b);
/* Append the columns of an export, one a line: title, the one it had before, whether it comes once
 * or for each in a list, what it tells, and how. */
void describe_columns(struct buf *b);

#endif
