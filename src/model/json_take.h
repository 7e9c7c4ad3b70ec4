/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Take the next value of JSON as one of a field's type. False when it is of another type, or no
 * JSON: then some of it may be passed, and json_scan_back leads to where it began.
 */
#ifndef STORYFS_MODEL_JSON_TAKE_H
#define STORYFS_MODEL_JSON_TAKE_H

#include "json_scan.h"
#include "storyfs/record.h"

struct json_t;

/* Borrowed until the next string. */
bool json_take_text(struct json_scan *s, const char **ret);
/* `5.0` is an integer, too. */
bool json_take_int(struct json_scan *s, int64_t *ret);
bool json_take_float(struct json_scan *s, double *ret);
bool json_take_bool(struct json_scan *s, int64_t *ret);
bool json_take_date(struct json_scan *s, int64_t *ret);
bool json_take_datetime(struct json_scan *s, int64_t *ret);
bool json_take_choice(const struct choices *choices, struct json_scan *s, int64_t *ret);
bool json_take_ids(struct json_scan *s, struct value *ret);

/* Whatever it is, as compact text, or as a tree: which is dear. NULL when it is no JSON. */
bool json_take_compact(struct json_scan *s, char **ret);
struct json_t *json_take_tree(struct json_scan *s);

#endif
