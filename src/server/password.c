/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcrypt does the work; its room for one hash is too large for a stack. */
#include "storyfs/password.h"

#include <crypt.h>
#include <errno.h>
#include <nettle/memops.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "storyfs/alloc.h"

/* What a password that is none is tried against, so that the time does not tell. */
static const char nobodys_setting[] = "$y$j9T$rtnqfndzvRacf4rq8cauc.";

static void wipe(struct crypt_data *data)
{
	if (data)
		explicit_bzero(data, sizeof(*data));
	free(data);
}

SCOPED_PTR(struct crypt_data, wipe);

/* -EIO when libcrypt does not take the setting, or the text. */
static int hash(const char *text, const char *setting, struct buf *ret)
{
	scoped(wipe) struct crypt_data *data = xcalloc(1, sizeof(*data));
	const char *hashed = crypt_rn(text, setting, data, sizeof(*data));

	if (!hashed)
		return -EIO;
	buf_add_str(ret, hashed);
	return 0;
}

static int make_setting(struct buf *ret)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)))
		return -EIO;
	buf_reset(ret);
	buf_add_str(ret, setting);
	return 0;
}

int password_make(const char *text, struct password *ret)
{
	scoped(buf_fini) struct buf setting = BUF_INIT;
	scoped(password_fini) struct password made = { 0 };
	int r = make_setting(&setting);

	if (r == 0)
		r = hash(text, buf_str(&setting), &made.hash);
	if (r == 0)
		r = password_renew_token(&made);
	if (r < 0)
		return r;
	*ret = made;
	made = (struct password){ 0 };
	return 0;
}

bool password_fits(const struct password *password, const char *text)
{
	scoped(buf_fini) struct buf found = BUF_INIT;
	const struct buf *wanted = &password->hash;
	int r = hash(text, wanted->len ? buf_str(wanted) : nobodys_setting, &found);

	return r == 0 && found.len == wanted->len &&
	       memeql_sec(found.data, wanted->data, wanted->len);
}

int password_token(const struct password *password, const char *text, char ret_token[TOKEN_SIZE])
{
	scoped(buf_fini) struct buf hashed = BUF_INIT;
	char digest[DIGEST_SHA256_SIZE];
	int r = hash(text, buf_str(&password->token_setting), &hashed);

	if (r < 0)
		return r;
	digest_sha256(hashed.data, hashed.len, digest);
	memcpy(ret_token, digest, TOKEN_SIZE - 1);
	ret_token[TOKEN_SIZE - 1] = '\0';
	explicit_bzero(digest, sizeof(digest));
	return 0;
}

int password_renew_token(struct password *password)
{
	buf_reset(&password->token_sha256);
	return make_setting(&password->token_setting);
}
