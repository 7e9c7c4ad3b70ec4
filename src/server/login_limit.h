/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often one may fail to log in. Three things are counted, each a level that rises by one with
 * an attempt and sinks with time: the name that is tried, the address it is tried from, and the two
 * as a pair once they have succeeded together. A pair that has is measured by itself alone, so that
 * whoever guesses a person's password from elsewhere does not lock the person out. Tokens are never
 * limited.
 *
 * It is kept in memory, in a fixed room: when that is full, what has failed least is forgotten.
 */
#ifndef STORYFS_SERVER_LOGIN_LIMIT_H
#define STORYFS_SERVER_LOGIN_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/scope.h"

struct login_limit;

struct login_limit *login_limit_new(void);
void login_limit_free(struct login_limit *l);

/* An attempt: whom it names (a person, or a word that names nobody), and from where. Counted as
 * failed until login_limit_succeeded says otherwise. 0, or in how many seconds to come again. */
int64_t login_limit_try(struct login_limit *l, const char *name, const char *peer, int64_t now_ms);
void login_limit_succeeded(
	struct login_limit *l, const char *name, const char *peer, int64_t now_ms);

SCOPED_PTR(struct login_limit, login_limit_free);

#endif
