/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an import of an export keeps beside the resources: cells of columns that are none of V5's,
 * or that could not be read, and the rows of its history. It lies among what the archive keeps of
 * unknown kinds, as JSON: an object of titles, each with a text, or a list of texts where the title
 * stands several times, with null for an empty cell.
 *
 *   export_cells     a row's, found by the row's kind and id
 *   export_history   a row's, as {"row": n, "cells": {...}} with the place that it had; before
 *                    there were places, the cells alone
 */
#ifndef STORYFS_SERVER_KEPT_CELLS_H
#define STORYFS_SERVER_KEPT_CELLS_H

#include "storyfs/archive.h"

struct json_t;

extern const char kept_cells_kind[];
extern const char kept_history_kind[];

/* Put the nth cell with this title, from 0, into the object, which is made when it is NULL. */
void kept_add(struct json_t **cells, const char *title, size_t n, const char *text);
/* NULL: there is none. */
const char *kept_get(const struct json_t *cells, const char *title, size_t n);
/* Up to which cell there are some of a title, given its value in the object. */
size_t kept_count(const struct json_t *value);

/* By what a row's cells are found; the caller frees it. */
char *kept_key(enum kind kind, int64_t id);

/* A row of a history, for the caller to free. */
struct json_t *kept_place(struct json_t *cells, int64_t row);
/* Its cells, borrowed, and its place; 0 for none. */
struct json_t *kept_get_row(struct json_t *placed, int64_t *ret_row);

/* All cells of an archive, for many looks. Zeroed is none. */
struct kept {
	struct unknown_resources cells;
};

int kept_load(struct tx *tx, struct kept *ret);
void kept_fini(struct kept *kept);
/* The cells of a story or epic, for the caller to free; NULL: none. */
struct json_t *kept_find(const struct kept *kept, int64_t project_id, enum kind kind, int64_t id);

/* In a dump, these kinds go with their key, which nothing in them tells. */
bool kept_is_kind(const char *kind);
struct json_t *kept_wrap(const struct unknown_resource *kept);
/* False when it is none. The cells are borrowed. */
bool kept_unwrap(const struct json_t *wrapped, const char **ret_key, struct json_t **ret_cells);

SCOPED_VALUE(struct kept, kept_fini);

#endif
