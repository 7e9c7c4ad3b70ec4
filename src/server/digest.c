/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nettle does the work. */
#include "digest.h"

#include <assert.h>
#include <errno.h>
#include <nettle/md5.h>
#include <nettle/sha2.h>
#include <stdint.h>
#include <sys/random.h>

enum { MAX_RANDOM = 32 };

static void write_hex(const uint8_t *bytes, size_t n, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret_hex[2 * i] = digits[bytes[i] >> 4];
		ret_hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_hex[2 * n] = '\0';
}

void digest_md5(const void *data, size_t len, char ret_hex[DIGEST_MD5_SIZE])
{
	uint8_t digest[MD5_DIGEST_SIZE];
	struct md5_ctx ctx;

	md5_init(&ctx);
	if (len)
		md5_update(&ctx, len, data);
	md5_digest(&ctx, sizeof(digest), digest);
	write_hex(digest, sizeof(digest), ret_hex);
}

int digest_random(size_t n, char *ret_hex)
{
	uint8_t bytes[MAX_RANDOM];

	assert(n <= sizeof(bytes));
	if (getrandom(bytes, n, 0) != (ssize_t)n)
		return -EIO;
	write_hex(bytes, n, ret_hex);
	return 0;
}

void digest_sha256(const void *data, size_t len, char ret_hex[DIGEST_SHA256_SIZE])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	if (len)
		sha256_update(&ctx, len, data);
	sha256_digest(&ctx, sizeof(digest), digest);
	write_hex(digest, sizeof(digest), ret_hex);
}
