/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request's target, taken apart: what it is about, and the parameters of its query. Private to
 * dialect*.c. */
#ifndef STORYFS_API_TARGET_H
#define STORYFS_API_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/buf.h"
#include "storyfs/schema.h"

/* Of the resources in the answer; KIND_none when the path does not tell. */
enum kind target_kind(const char *target);
/* Append a parameter's value, decoded; false: there is none. */
bool target_get(const char *target, const char *name, struct buf *ret);
bool target_get_number(const char *target, const char *name, int64_t *ret);
/* The same with another value of a parameter, where it has that one. The caller frees it. */
char *target_set(const char *target, const char *name, const char *value);
/* Has it no parameters but these? NULL ends them. */
bool target_has_only(const char *target, const char *const *names);

#endif
