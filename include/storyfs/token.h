/* SPDX-License-Identifier: GPL-2.0-or-later */
/* API tokens: 32 lower-case hex digits, as V5's. The archive keeps their digests only. */
#ifndef STORYFS_TOKEN_H
#define STORYFS_TOKEN_H

#define TOKEN_SIZE sizeof("0123456789abcdef0123456789abcdef")
#define TOKEN_DIGEST_SIZE (64 + 1)

/* A fresh random token; -EIO when the system gives no randomness. */
int token_make(char ret_token[TOKEN_SIZE]);
/* Its SHA-256 in hex, by which tx_put_token and tx_find_token know it. */
void token_digest(const char *token, char ret_digest[TOKEN_DIGEST_SIZE]);

#endif
