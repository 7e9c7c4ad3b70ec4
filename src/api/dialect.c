/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dialect of a host: what is spoken, and what is still open. A request is said in what is
 * spoken. While something is open each answer is looked at: a refusal that one of the open
 * differences may explain is asked for once more with that one spoken, and what is told of
 * resources shows how their keys are spelt. Nothing is open any more once a V5 host has answered a
 * list of stories, and then this costs nothing.
 */
#include "storyfs/dialect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "dialect_parts.h"
#include "storyfs/alloc.h"
#include "storyfs/log.h"
#include "target.h"

struct dialect_transport {
	struct transport base;
	struct transport *inner;
	atomic_uint spoken, open;
};

/* ---- the table ---- */

const struct difference differences[N_DIFFERENCES] = {
#define DIFFERENCE(w, t, m, ...) \
	[DIFFERENCE_##w] = { .word = #w, .type = DIFFERS_IN_##t, .meaning = m, __VA_ARGS__ },
#define DIALECT(...)
#include "dialects.def"
};

static const struct {
	const char *name;
	unsigned differences;
	const char *meaning;
} dialects[] = {
#define DIFFERENCE(...)
#define DIALECT(name, differences, meaning) { #name, differences, meaning },
#include "dialects.def"
};

static const char finds_out[] = "auto";

enum { N_DIALECTS = sizeof(dialects) / sizeof(*dialects) };

unsigned differences_of(enum difference_type type, unsigned among)
{
	unsigned found = 0;

	for (size_t i = 0; i < N_DIFFERENCES; i++)
		found |= differences[i].type == type ? 1U << i : 0;
	return found & among;
}

const struct difference *differences_first(unsigned some)
{
	return some ? &differences[__builtin_ctz(some)] : NULL;
}

struct json_renames differences_renames(
	unsigned some, const struct json_rename *rows[static N_DIFFERENCES])
{
	size_t n = 0;

	for (size_t i = 0; i < N_DIFFERENCES; i++) {
		if (differences_of(DIFFERS_IN_KEY, some) & 1U << i)
			rows[n++] = &differences[i].key;
	}
	return (struct json_renames){ rows, n };
}

/* ---- words ---- */

const char *dialect_word(size_t n, const char **ret_meaning)
{
	if (n == 0) {
		*ret_meaning = "found out";
		return finds_out;
	}
	if (--n < N_DIALECTS) {
		*ret_meaning = dialects[n].meaning;
		return dialects[n].name;
	}
	n -= N_DIALECTS;
	*ret_meaning = n < N_DIFFERENCES ? differences[n].meaning : "";
	return n < N_DIFFERENCES ? differences[n].word : NULL;
}

static bool is_word(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && strncmp(text, word, len) == 0;
}

static unsigned find_differences(const char *text, size_t len)
{
	unsigned found = 0;

	for (size_t i = 0; i < N_DIFFERENCES; i++)
		found |= is_word(text, len, differences[i].word) ? 1U << i : 0;
	return found;
}

static bool find_whole(const char *text, struct dialect *ret)
{
	if (strcmp(text, finds_out) == 0) {
		*ret = (struct dialect){ .open = ALL_DIFFERENCES };
		return true;
	}
	for (size_t i = 0; i < N_DIALECTS; i++) {
		if (strcmp(text, dialects[i].name) != 0)
			continue;
		*ret = (struct dialect){ .spoken = dialects[i].differences };
		return true;
	}
	return false;
}

static int refuse_word(const char *text, size_t len, struct buf *ret_reason)
{
	const char *word, *meaning;

	buf_add_fmt(ret_reason, "--dialect does not know '%.*s', but", (int)len, text);
	for (size_t i = 0; (word = dialect_word(i, &meaning)); i++)
		buf_add_fmt(ret_reason, "%s %s", i ? "," : "", word);
	buf_add_str(ret_reason, "; the last ones can be put together, as in title+bearer");
	return -EINVAL;
}

int dialect_parse(const char *text, struct dialect *ret, struct buf *ret_reason)
{
	struct dialect d = { 0 };

	if (find_whole(text, ret))
		return 0;
	for (const char *p = text;; p++) {
		size_t len = strcspn(p, "+");
		unsigned found = find_differences(p, len);

		if (!found)
			return refuse_word(p, len, ret_reason);
		d.spoken |= found;
		p += len;
		if (!*p)
			break;
	}
	*ret = d;
	return 0;
}

static void add_words(unsigned spoken, struct buf *ret)
{
	for (size_t i = 0; i < N_DIALECTS; i++) {
		if (spoken == dialects[i].differences) {
			buf_add_str(ret, dialects[i].name);
			return;
		}
	}
	for (size_t i = 0, n = 0; i < N_DIFFERENCES; i++) {
		if (spoken & 1U << i)
			buf_add_fmt(ret, "%s%s", n++ ? "+" : "", differences[i].word);
	}
}

/* ---- finding out ---- */

/* These the host speaks, these it does not: for good. Whoever differs in one thing is not trusted
 * in what cannot be found. */
static void settle(struct dialect_transport *t, unsigned found, unsigned closed)
{
	scoped(buf_fini) struct buf words = BUF_INIT;
	unsigned open = atomic_load(&t->open);

	if (found)
		found |= differences_of(DIFFERS_IN_WRITES, open);
	unsigned spoken = atomic_fetch_or(&t->spoken, found) | found;

	open = atomic_fetch_and(&t->open, ~(found | closed)) & ~(found | closed);
	if (!spoken && !differences_of(DIFFERS_IN_KEY, open) &&
		!differences_of(DIFFERS_IN_TOKEN, open))
		atomic_store(&t->open, 0);
	if (!found)
		return;
	add_words(spoken, &words);
	log_info("the host speaks nearly V5: %s", buf_str(&words));
}

static bool is_good(const struct http_response *resp)
{
	return resp->status >= 200 && resp->status < 300;
}

/* A page of a list and nothing more, which no V5 host refuses. */
static bool is_large_page(const char *target, int64_t most)
{
	static const char *const names[] = { "fields", "limit", "offset", NULL };
	int64_t limit;

	return target_get_number(target, "limit", &limit) && limit > most &&
	       target_has_only(target, names);
}

/* The one that is open and may be why this is a refusal; 0: none. */
static unsigned suspect(
	unsigned spoken, unsigned open, const char *target, const struct http_response *resp)
{
	const struct difference *pages = differences_first(differences_of(DIFFERS_IN_PAGES, open));

	if (resp->status == 401)
		return differences_of(DIFFERS_IN_TOKEN, open);
	if (resp->status != 400)
		return 0;
	if (pages && is_large_page(target, pages->most))
		return differences_of(DIFFERS_IN_PAGES, open);
	return spoken && dialect_has_clauses(target) ? differences_of(DIFFERS_IN_FILTER, open) : 0;
}

/* How the keys of the resources in this answer are spelt. */
static void look_at_keys(struct dialect_transport *t, const char *target, const struct buf *body)
{
	enum kind kind = target_kind(target);
	unsigned open = differences_of(DIFFERS_IN_KEY, atomic_load(&t->open)), found = 0,
		 closed = 0;

	for (size_t i = 0; i < N_DIFFERENCES; i++) {
		if (!(open & 1U << i))
			continue;
		switch (json_rename_find(kind, &differences[i].key, body)) {
		case JSON_SPELT_OURS:
			closed |= 1U << i;
			break;
		case JSON_SPELT_THEIRS:
			found |= 1U << i;
			break;
		case JSON_SPELT_NOT:
			break;
		}
	}
	if (found | closed)
		settle(t, found, closed);
}

static void look(struct dialect_transport *t, const struct http_request *req,
	const struct http_response *resp)
{
	const struct difference *pages =
		differences_first(differences_of(DIFFERS_IN_PAGES, atomic_load(&t->open)));
	unsigned closed = differences_of(DIFFERS_IN_TOKEN, atomic_load(&t->open));

	if (!is_good(resp))
		return;
	if (pages && is_large_page(req->target, pages->most))
		closed |= differences_of(DIFFERS_IN_PAGES, ALL_DIFFERENCES);
	if (closed)
		settle(t, 0, closed);
	if (!req->sink)
		look_at_keys(t, req->target, &resp->body);
}

/* Ask once more, with this spoken; if that is no refusal, it was why. */
static void try_again(
	struct dialect_transport *t, struct saying *s, unsigned why, struct http_response *ret)
{
	scoped(http_response_fini) struct http_response other = { 0 };

	s->spoken |= why;
	if (dialect_say(s, &other) < 0 || other.status == ret->status)
		return;
	settle(t, why, 0);
	http_response_fini(ret);
	*ret = other;
	other = (struct http_response){ 0 };
}

/* A write that was refused before any resource was shown, by whose keys it could have been said: is
 * there one to look at? */
static bool look_around(struct dialect_transport *t, const struct saying *s)
{
	scoped(http_response_fini) struct http_response resp = { 0 };
	scoped(free_ptr) char *target =
		xasprintf("%s%s", s->req->target, s->req->method == HTTP_POST ? "?limit=1" : "");
	struct http_request req = { .method = HTTP_GET, .target = target };
	struct saying get = *s;

	get.req = &req;
	if (dialect_say(&get, &resp) < 0)
		return false;
	look(t, &req, &resp);
	return differences_of(DIFFERS_IN_KEY, atomic_load(&t->spoken)) & ~s->spoken;
}

static bool is_blind_write(
	struct dialect_transport *t, const struct saying *s, const struct http_response *resp)
{
	unsigned open = differences_of(DIFFERS_IN_KEY, atomic_load(&t->open));

	if (http_method_is_safe(s->req->method) || resp->status != 400 || !s->req->body.len)
		return false;
	for (size_t i = 0; i < N_DIFFERENCES; i++) {
		if (open & 1U << i && differences[i].key.kind == target_kind(s->req->target))
			return true;
	}
	return false;
}

/* Refused, and others have found out meanwhile how to say it. */
static bool is_outdated(
	struct dialect_transport *t, const struct saying *s, const struct http_response *resp)
{
	return (resp->status == 400 || resp->status == 401) && atomic_load(&t->spoken) & ~s->spoken;
}

static int say_anew(struct dialect_transport *t, struct saying *s, struct http_response *ret)
{
	http_response_fini(ret);
	s->spoken = atomic_load(&t->spoken);
	return dialect_say(s, ret);
}

/* What the answer tells of the host, which may mean that it is asked once more. */
static int learn(struct dialect_transport *t, struct saying *s, struct http_response *ret)
{
	while (is_outdated(t, s, ret)) {
		int e = say_anew(t, s, ret);

		if (e < 0)
			return e;
	}
	unsigned why = suspect(s->spoken, atomic_load(&t->open), s->req->target, ret);

	if (why)
		try_again(t, s, why, ret);
	if (is_blind_write(t, s, ret) && look_around(t, s))
		return say_anew(t, s, ret);
	look(t, s->req, ret);
	return 0;
}

/* ---- the transport ---- */

/* V5 tells the limit that counts; who does not is known to have one. */
static void tell_limit(unsigned spoken, const char *target, struct http_response *resp)
{
	static const char name[] = "X-Tracker-Pagination-Limit";
	const struct difference *pages =
		differences_first(differences_of(DIFFERS_IN_PAGES, spoken));
	int64_t limit;

	if (pages && target_get_number(target, "limit", &limit) && limit > pages->most &&
		!http_headers_get(&resp->headers, name))
		http_headers_add_fmt(&resp->headers, name, "%" PRId64, pages->most);
}

/* An answer in the host's words, put into V5's. */
static void understand(unsigned spoken, const struct http_request *req, struct http_response *resp)
{
	const struct json_rename *rows[N_DIFFERENCES];
	struct json_renames renames = differences_renames(spoken, rows);

	if (renames.n && resp->body.len && is_good(resp))
		json_rename_to_ours(target_kind(req->target), &renames, &resp->body);
	if (is_good(resp))
		tell_limit(spoken, req->target, resp);
	if (differences_of(DIFFERS_IN_WRITES, spoken) && resp->status >= 500 &&
		!http_method_is_safe(req->method))
		resp->is_doubtful = true;
}

static int perform(struct transport *base, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct dialect_transport *t = (struct dialect_transport *)base;
	struct saying s = { t->inner, req, limit, atomic_load(&t->spoken) };
	bool is_open = atomic_load(&t->open);

	if (!s.spoken && !is_open)
		return transport_perform(t->inner, req, limit, ret);
	int e = dialect_say(&s, ret);

	if (e == 0 && is_open)
		e = learn(t, &s, ret);
	if (e == 0)
		understand(atomic_load(&t->spoken), req, ret);
	return e;
}

static void free_dialect(struct transport *base)
{
	struct dialect_transport *t = (struct dialect_transport *)base;

	transport_free(t->inner);
	free(t);
}

struct transport *dialect_transport_new(const struct dialect *dialect, struct transport *inner)
{
	struct dialect_transport *t = xcalloc(1, sizeof(*t));

	t->base = (struct transport){ .perform = perform, .free = free_dialect };
	t->inner = inner;
	atomic_init(&t->spoken, dialect->spoken);
	atomic_init(&t->open, dialect->open);
	return &t->base;
}

void dialect_describe(const struct transport *t, struct buf *ret)
{
	add_words(atomic_load(&((const struct dialect_transport *)t)->spoken), ret);
}
