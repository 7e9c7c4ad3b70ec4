/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Persons whom a text names: `@username`, `@"their full name"`, or `@XY` by initials that one of
 * the project's people alone has. Whatever the case; viewers cannot be mentioned (V5).
 */
#ifndef STORYFS_SERVER_MENTIONS_H
#define STORYFS_SERVER_MENTIONS_H

#include "call.h"

/* Each once, in the order in which they stand; the first 50 names count. Nobody, while the project
 * has following off. */
int mentions_find(struct call *c, const char *text, struct ids *ret);

#endif
