/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people log in with: tokens and passwords. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "desk.h"
#include "storyfs/clock.h"
#include "storyfs/enrol.h"
#include "storyfs/json.h"
#include "storyfs/password.h"
#include "storyfs/text.h"

enum { ID_DIGITS = 8 };

/* ---- passwords ---- */

static int forget_password(struct desk *d, int64_t person_id)
{
	scoped(password_fini) struct password old = { 0 };
	struct tx *tx = d->call.tx;
	int r = tx_get_password(tx, person_id, &old);

	if (r == 0 && old.token_sha256.len)
		r = tx_delete_token(tx, person_id, buf_str(&old.token_sha256));
	return r < 0 ? r : tx_delete_password(tx, person_id);
}

static int check_password(struct buf *ret_reason, const char *text)
{
	size_t len = strlen(text);

	if (len >= PASSWORD_MIN && len <= PASSWORD_MAX && text_is_valid(text, len))
		return 0;
	buf_add_fmt(
		ret_reason, "a password has %d to %d bytes of UTF-8", PASSWORD_MIN, PASSWORD_MAX);
	return -EINVAL;
}

int enrol_set_password(struct archive *a, const char *who, const char *text, struct buf *ret_reason)
{
	scoped(password_fini) struct password password = { 0 };
	int64_t id = 0;
	struct desk d;
	int r = text ? check_password(ret_reason, text) : 0;

	/* Before the transaction: it takes its time. */
	if (r == 0 && text)
		r = password_make(text, &password);
	if (r < 0)
		return r;
	r = desk_open(&d, a, TX_WRITE, ret_reason);
	if (r == 0)
		r = desk_find(&d, who, &id);
	if (r == 0)
		r = forget_password(&d, id);
	if (r == 0 && text)
		r = tx_put_password(d.call.tx, id, &password);
	return desk_close(&d, r);
}

/* ---- tokens ---- */

int enrol_make_token(struct archive *a, const char *who, const char *label,
	char ret_token[TOKEN_SIZE], struct buf *ret_reason)
{
	char made[TOKEN_SIZE], digest[TOKEN_DIGEST_SIZE];
	struct token token = { .sha256 = digest, .label = label };
	struct desk d;
	int r = desk_open(&d, a, TX_WRITE, ret_reason);

	if (r == 0)
		r = desk_find(&d, who, &token.person_id);
	if (r == 0 && label && !text_is_valid(label, strlen(label)))
		r = desk_refuse(&d, EINVAL, "the label is not UTF-8");
	if (r == 0)
		r = token_make(made);
	if (r == 0) {
		token_digest(made, digest);
		token.created_ms = call_now_ms(&d.call);
		r = tx_put_token(d.call.tx, &token);
	}
	r = desk_close(&d, r);
	if (r == 0)
		memcpy(ret_token, made, sizeof(made));
	return r;
}

struct listing {
	enum enrol_form form;
	struct buf *text;
	json_t *json;
};

static void list_token(void *data, const struct token *token)
{
	struct listing *l = data;
	char made[CLOCK_ISO_SIZE] = "";

	if (token->created_ms)
		clock_format_iso(token->created_ms, made);
	if (l->form == ENROL_TEXT) {
		buf_add_fmt(l->text, "%.*s\t%s\t%s\n", ID_DIGITS, token->sha256, made,
			token->label ? token->label : "");
		return;
	}
	json_t *one = json_pack("{ss%}", "id", token->sha256, (size_t)ID_DIGITS);

	if (*made)
		json_object_set_new(one, "created_at", json_string(made));
	if (token->label)
		json_object_set_new(one, "label", json_string(token->label));
	json_array_append_new(l->json, one);
}

int enrol_list_tokens(struct archive *a, const char *who, enum enrol_form form, struct buf *ret,
	struct buf *ret_reason)
{
	struct listing l = { .form = form, .text = ret, .json = json_array() };
	int64_t id = 0;
	struct desk d;
	int r = desk_open(&d, a, TX_READ, ret_reason);

	if (r == 0)
		r = desk_find(&d, who, &id);
	if (r == 0)
		r = tx_each_token(d.call.tx, id, list_token, &l);
	if (r == 0 && form == ENROL_JSON) {
		json_write(l.json, ret);
		buf_add_char(ret, '\n');
	}
	json_decref(l.json);
	return desk_close(&d, r);
}

/* ---- revoking ---- */

struct search {
	const char *id;
	char sha256[TOKEN_DIGEST_SIZE];
	int n;
};

static void match_token(void *data, const struct token *token)
{
	struct search *s = data;

	if (strncmp(token->sha256, s->id, strlen(s->id)) != 0 || strlen(s->id) < ID_DIGITS)
		return;
	s->n++;
	strncpy(s->sha256, token->sha256, sizeof(s->sha256) - 1);
}

/* The token that goes with the password would come back with the next log-in: the password gets
 * another one. */
static int renew_login_token(struct desk *d, int64_t person_id, const char *sha256)
{
	scoped(password_fini) struct password password = { 0 };
	int r = tx_get_password(d->call.tx, person_id, &password);

	if (r || !password.token_sha256.len ||
		(sha256 && strcmp(buf_str(&password.token_sha256), sha256) != 0))
		return r < 0 ? r : 0;
	r = password_renew_token(&password);
	return r < 0 ? r : tx_put_password(d->call.tx, person_id, &password);
}

int enrol_revoke_token(struct archive *a, const char *who, const char *id, struct buf *ret_reason)
{
	struct search search = { .id = id };
	const char *sha256 = strcmp(id, "all") == 0 ? NULL : search.sha256;
	int64_t person_id = 0;
	struct desk d;
	int r = desk_open(&d, a, TX_WRITE, ret_reason);

	if (r == 0)
		r = desk_find(&d, who, &person_id);
	if (r == 0 && sha256)
		r = tx_each_token(d.call.tx, person_id, match_token, &search);
	if (r == 0 && sha256 && search.n != 1)
		r = desk_refuse(&d, ENOENT,
			"the person has no token '%s'; `storyfs user token --list` shows them", id);
	if (r == 0)
		r = renew_login_token(&d, person_id, sha256);
	if (r == 0)
		r = tx_delete_token(d.call.tx, person_id, sha256);
	return desk_close(&d, r);
}
