/* SPDX-License-Identifier: GPL-2.0-or-later */
/* API tokens: 32 hexadecimal digits from the kernel's random numbers. An archive holds their
 * SHA-256 alone, so a token is seen once, when it is made. */
#ifndef STORYFS_TOKEN_H
#define STORYFS_TOKEN_H

#include <stdint.h>

#include "storyfs/archive.h"

enum {
	TOKEN_SIZE = 32 + 1,
	TOKEN_HASH_SIZE = 64 + 1,
};

/* -errno of getrandom. */
int token_make(char ret_token[TOKEN_SIZE]);
/* The SHA-256 of any text, in lower-case hexadecimal digits. */
void token_hash(const char *token, char ret_hash[TOKEN_HASH_SIZE]);
/* Make one for the person and remember its hash. */
int token_give(struct tx *tx, int64_t person_id, char ret_token[TOKEN_SIZE]);

#endif
