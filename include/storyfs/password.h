/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Passwords, hashed by libcrypt's yescrypt: what Debian logs its own users in with. A check costs
 * some 20 ms and 16 MiB, on purpose.
 *
 * Logging in by password answers with an API token, always the same one, as V5 did; but tokens are
 * stored as digests. So it is made from the password, by a second yescrypt with a setting of its
 * own: it can be had from the password alone, and who reads the archive can try passwords no faster
 * by it than by the hash.
 */
#ifndef STORYFS_PASSWORD_H
#define STORYFS_PASSWORD_H

#include <stdbool.h>

#include "storyfs/archive.h"
#include "storyfs/token.h"

enum { PASSWORD_MIN = 8, PASSWORD_MAX = 256 }; /* bytes */

/* What to store of a password of PASSWORD_MIN to PASSWORD_MAX bytes, with a setting for its token
 * and no token yet. -EIO when the system gives no randomness. */
int password_make(const char *text, struct password *ret);
/* Is it this password? Compared in constant time. A password that is none (zeroed) takes as long,
 * and never fits. */
bool password_fits(const struct password *password, const char *text);
/* The token that goes with it. -EIO. */
int password_token(const struct password *password, const char *text, char ret_token[TOKEN_SIZE]);
/* Give it another token from now on. -EIO. */
int password_renew_token(struct password *password);

#endif
