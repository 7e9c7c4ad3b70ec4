/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Basic credentials → who they name → may it be tried → does it fit → the token. */
#include "login.h"

#include <inttypes.h>
#include <jansson.h>
#include <nettle/base64.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "login_limit.h"
#include "storyfs/alloc.h"
#include "storyfs/log.h"
#include "storyfs/password.h"
#include "storyfs/text.h"

enum { MAX_CREDENTIALS = 1024, AT_ONCE = 1, WAITING = 1, TOO_MANY = 429 };

struct login {
	struct login_limit *limit;
	pthread_mutex_t lock; /* guards the numbers */
	pthread_cond_t free;
	int n_checking, n_waiting;
};

struct login *login_new(void)
{
	struct login *l = xcalloc(1, sizeof(*l));

	l->limit = login_limit_new();
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->free, NULL);
	return l;
}

void login_free(struct login *l)
{
	if (!l)
		return;
	pthread_cond_destroy(&l->free);
	pthread_mutex_destroy(&l->lock);
	login_limit_free(l->limit);
	free(l);
}

/* ---- the credentials ---- */

/* `name`, a NUL and `password` in text; false for what is neither. */
static bool decode(const char *header, char text[MAX_CREDENTIALS], const char **ret_password)
{
	struct base64_decode_ctx ctx;
	size_t len = strlen(header), n = 0;

	if (BASE64_DECODE_LENGTH(len) >= MAX_CREDENTIALS)
		return false;
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &n, (uint8_t *)text, len, header) ||
		!base64_decode_final(&ctx))
		return false;
	text[n] = '\0';
	char *colon = strchr(text, ':');

	if (!colon || strlen(text) != n || !text_is_valid(text, n))
		return false;
	*colon = '\0';
	*ret_password = colon + 1;
	return true;
}

static bool has_token(const struct call *c)
{
	return http_headers_get(&c->req->headers, "X-TrackerToken") ||
	       json_string_value(params_get(c->params, "token").json);
}

/* ---- whom they name ---- */

/* Who is tried: a person with what it logs in with, or nobody (0). */
struct candidate {
	int64_t person_id;
	struct password password;
};

static void candidate_fini(struct candidate *who)
{
	password_fini(&who->password);
}

SCOPED_VALUE(struct candidate, candidate_fini);

static bool is_name_of(const struct record *person, const char *lower)
{
	scoped(free_ptr) char *email = text_lower(record_text(person, F_person_email));
	scoped(free_ptr) char *username = text_lower(record_text(person, F_person_username));

	return *lower && (strcmp(email, lower) == 0 || strcmp(username, lower) == 0);
}

/* A name that two persons have names neither. */
static int find_candidate(struct archive *a, const char *name, struct candidate *ret)
{
	const struct query q = { .kind = KIND_person, .limit = -1 };
	scoped(tx_abort) struct tx *tx = NULL;
	scoped(records_fini) struct records people = { 0 };
	scoped(free_ptr) char *lower = text_lower(name);
	int n = 0;
	int r = tx_begin(a, TX_READ, &tx);

	if (r == 0)
		r = tx_list(tx, &q, &people);
	if (r < 0)
		return r;
	each_record(person, &people) {
		if (is_name_of(person, lower) && n++ == 0)
			ret->person_id = record_id(person);
	}
	if (n != 1)
		ret->person_id = 0;
	r = n == 1 ? tx_get_password(tx, ret->person_id, &ret->password) : 0;
	return r < 0 ? r : 0;
}

/* ---- may it be tried ---- */

static int refuse_for_now(struct call *c, int64_t seconds)
{
	c->error = (struct v5_error){ .code = V5_OTHER, .status = TOO_MANY };
	c->error.code_text = xstrdup("too_many_requests");
	c->error.error = xstrdup("Too many attempts to log in.");
	c->error.possible_fix = xasprintf("Try again in %" PRId64
					  " seconds, or use an API token: tokens are not limited.",
		seconds);
	c->retry_after_s = seconds;
	return v5_error_errno(&c->error);
}

/* False when there are others in line. */
static bool take_turn(struct login *l)
{
	lock_scope(&l->lock);
	if (l->n_checking == AT_ONCE && l->n_waiting == WAITING)
		return false;
	l->n_waiting++;
	while (l->n_checking == AT_ONCE)
		pthread_cond_wait(&l->free, &l->lock);
	l->n_waiting--;
	l->n_checking++;
	return true;
}

static void end_turn(struct login *l)
{
	lock_scope(&l->lock);
	l->n_checking--;
	pthread_cond_signal(&l->free);
}

static const char *peer_of(const struct call *c)
{
	return c->req->peer ? c->req->peer : "";
}

/* ---- does it fit ---- */

/* What was typed for a name may be a password: it is not told. */
static void log_failure(const struct call *c, const struct candidate *who)
{
	const char *peer = *peer_of(c) ? peer_of(c) : "this process";

	if (who->person_id)
		log_warning("a log-in failed: a wrong password for person %" PRId64 ", from %s",
			who->person_id, peer);
	else
		log_warning("a log-in failed: nobody has that name, from %s", peer);
}

static int check(struct call *c, struct login *l, const struct candidate *who, const char *password)
{
	if (!take_turn(l))
		return refuse_for_now(c, 1);
	bool fits = password_fits(&who->password, password);
	int r = fits ? password_token(&who->password, password, c->login_token) : 0;

	end_turn(l);
	if (fits || r < 0)
		return r;
	log_failure(c, who);
	return auth_refuse_password(c);
}

/* ---- the token ---- */

/* Unless the password was changed meanwhile. */
static int put_token(struct call *c, struct tx *tx, struct candidate *who, const char *digest)
{
	scoped(password_fini) struct password now = { 0 };
	const struct token token = { .sha256 = digest,
		.person_id = who->person_id,
		.created_ms = call_now_ms(c),
		.label = "log-in by password" };
	int r = tx_get_password(tx, who->person_id, &now);

	if (r > 0 || (r == 0 && strcmp(buf_str(&now.hash), buf_str(&who->password.hash)) != 0))
		return auth_refuse_password(c);
	if (r == 0)
		r = tx_put_token(tx, &token);
	buf_reset(&now.token_sha256);
	buf_add_str(&now.token_sha256, digest);
	return r < 0 ? r : tx_put_password(tx, who->person_id, &now);
}

/* Written the first time only; it is the same each time. */
static int keep_token(struct call *c, struct archive *a, struct candidate *who)
{
	scoped(tx_abort) struct tx *tx = NULL;
	char digest[TOKEN_DIGEST_SIZE];
	int r;

	token_digest(c->login_token, digest);
	if (strcmp(buf_str(&who->password.token_sha256), digest) == 0)
		return 0;
	r = tx_begin(a, TX_WRITE, &tx);
	if (r == 0)
		r = put_token(c, tx, who, digest);
	return r < 0 ? r : tx_commit(take_ptr(tx));
}

static int try(struct call *c, struct login *l, struct archive *a, const char *credentials[2])
{
	scoped(candidate_fini) struct candidate who = { 0 };
	scoped(free_ptr) char *lower = text_lower(credentials[0]);
	int r = find_candidate(a, credentials[0], &who);

	if (r < 0)
		return r;
	scoped(free_ptr) char *name = who.person_id ? xasprintf("person %" PRId64, who.person_id)
						    : xasprintf("nobody %s", lower);
	int64_t seconds = login_limit_try(l->limit, name, peer_of(c), call_now_ms(c));

	if (seconds)
		return refuse_for_now(c, seconds);
	r = check(c, l, &who, credentials[1]);
	if (r == 0)
		r = keep_token(c, a, &who);
	if (r < 0)
		return r;
	login_limit_succeeded(l->limit, name, peer_of(c), call_now_ms(c));
	c->who.person_id = who.person_id;
	c->who.token = c->login_token;
	return 0;
}

int login_by_password(struct call *c, struct login *l, struct archive *a)
{
	static const char scheme[] = "Basic ";
	const char *header = http_headers_get(&c->req->headers, "Authorization");
	char text[MAX_CREDENTIALS];
	const char *credentials[2] = { text, NULL };

	if (c->who.trusted || has_token(c) || !header ||
		strncasecmp(header, scheme, strlen(scheme)) != 0)
		return 0;
	int r = decode(header + strlen(scheme), text, &credentials[1]) ? try(c, l, a, credentials)
								       : auth_refuse_password(c);

	explicit_bzero(text, sizeof(text));
	return r;
}
