/* SPDX-License-Identifier: GPL-2.0-or-later */
/* API tokens. */
#include "storyfs/token.h"

#include <string.h>

#include "digest.h"

int token_make(char ret_token[TOKEN_SIZE])
{
	return digest_random((TOKEN_SIZE - 1) / 2, ret_token);
}

void token_digest(const char *token, char ret_digest[TOKEN_DIGEST_SIZE])
{
	digest_sha256(token, strlen(token), ret_digest);
}
