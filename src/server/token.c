/* SPDX-License-Identifier: GPL-2.0-or-later */
/* API tokens. */
#include "storyfs/token.h"

#include <errno.h>
#include <nettle/base16.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/random.h>

static void write_hex(const uint8_t *bytes, size_t n, char *ret_hex)
{
	base16_encode_update(ret_hex, n, bytes);
	ret_hex[BASE16_ENCODE_LENGTH(n)] = '\0';
}

int token_make(char ret_token[TOKEN_SIZE])
{
	uint8_t bytes[(TOKEN_SIZE - 1) / 2];

	/* So few bytes come whole, or not at all. */
	if (getrandom(bytes, sizeof(bytes), 0) < 0)
		return -errno;
	write_hex(bytes, sizeof(bytes), ret_token);
	return 0;
}

void token_digest(const char *token, char ret_digest[TOKEN_DIGEST_SIZE])
{
	struct sha256_ctx ctx;
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(token), (const uint8_t *)token);
	sha256_digest(&ctx, sizeof(digest), digest);
	write_hex(digest, sizeof(digest), ret_digest);
}
