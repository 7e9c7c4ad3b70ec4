/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digests and randomness as hex text. */
#ifndef STORYFS_SERVER_DIGEST_H
#define STORYFS_SERVER_DIGEST_H

#include <stddef.h>

#define DIGEST_MD5_SIZE (32 + 1)
#define DIGEST_SHA256_SIZE (64 + 1)

/* For ETags; V5's are MD5s. */
void digest_md5(const void *data, size_t len, char ret_hex[DIGEST_MD5_SIZE]);
void digest_sha256(const void *data, size_t len, char ret_hex[DIGEST_SHA256_SIZE]);
/* n random bytes as 2 n digits and a NUL; -EIO. n is at most 32. */
int digest_random(size_t n, char *ret_hex);

#endif
