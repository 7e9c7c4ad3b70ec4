/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A search of several clauses at a host that takes one: each is read whole, and what stands in all
 * of the lists, in the order of the first one, is the answer. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "dialect_parts.h"
#include "storyfs/alloc.h"
#include "storyfs/json_list.h"
#include "storyfs/parse.h"
#include "target.h"

#define TOTAL "X-Tracker-Pagination-Total"
#define OFFSET "X-Tracker-Pagination-Offset"
#define LIMIT "X-Tracker-Pagination-Limit"
#define RETURNED "X-Tracker-Pagination-Returned"

enum {
	MAX_CLAUSES = 16,
	PAGE_LIMIT = 500,
	DEFAULT_LIMIT = 100, /* V5's */
	MAX_ITEMS = 1 << 20, /* a list that goes on behind so many has no end */
};

/* ---- the query ---- */

/* V5's search language: phrases, expressions and what stands in parentheses may hold blanks. */
static size_t clause_len(const char *clause)
{
	char until = '\0';
	int depth = 0;
	const char *p = clause;

	for (; *p; p++) {
		bool is_start = p == clause || p[-1] == ':' || p[-1] == '-';

		if (until && *p == until)
			until = '\0';
		else if (until)
			continue;
		else if (*p == '"' || (*p == '/' && is_start))
			until = *p;
		else if (*p == '(' || *p == ')')
			depth += *p == '(' ? 1 : -1;
		else if (isspace((unsigned char)*p) && depth <= 0)
			break;
	}
	return (size_t)(p - clause);
}

struct clauses {
	char *items[MAX_CLAUSES];
	size_t n;
};

static void clauses_fini(struct clauses *c)
{
	while (c->n)
		free(c->items[--c->n]);
}

SCOPED_VALUE(struct clauses, clauses_fini);

static bool is_word(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && strncmp(p, word, len) == 0;
}

/* Those that must all be true; false when it is not that. */
static bool take_apart(const char *query, struct clauses *ret)
{
	for (const char *p = query; *p;) {
		size_t len = clause_len(p);

		if (is_word(p, len, "OR") || (len && ret->n == MAX_CLAUSES))
			return false;
		if (len && !is_word(p, len, "AND"))
			ret->items[ret->n++] = xstrndup(p, len);
		p += len + (p[len] != '\0');
	}
	return true;
}

static bool find_clauses(const char *target, struct clauses *ret)
{
	scoped(buf_fini) struct buf query = BUF_INIT;

	return target_get(target, "filter", &query) && take_apart(buf_str(&query), ret) &&
	       ret->n > 1;
}

bool dialect_has_clauses(const char *target)
{
	scoped(clauses_fini) struct clauses clauses = { 0 };

	return find_clauses(target, &clauses);
}

/* ---- one clause ---- */

static char *page_target(const char *target, const char *clause, int64_t offset)
{
	scoped(free_ptr) char *filtered = target_set(target, "filter", clause);
	scoped(free_ptr) char *at = xasprintf("%" PRId64, offset);
	scoped(free_ptr) char *most = xasprintf("%d", PAGE_LIMIT);
	scoped(free_ptr) char *limited = target_set(filtered, "limit", most);

	return target_set(limited, "offset", at);
}

static int64_t read_total(const struct http_response *resp)
{
	const char *text = http_headers_get(&resp->headers, TOTAL);
	int64_t n;

	return text && parse_int(text, 0, INT64_MAX, &n) ? n : 0;
}

/* All pages of it; *ret is the last answer. 1 when that is no page of a list. */
static int read_clause(
	const struct saying *s, const char *clause, struct json_t **list, struct http_response *ret)
{
	int64_t n = 1, total = 1;

	for (int64_t offset = 0; n && offset < total && offset < MAX_ITEMS; offset += n) {
		struct saying page = *s;
		struct http_request req = *s->req;
		scoped(free_ptr) char *target = page_target(s->req->target, clause, offset);

		req.target = target;
		page.req = &req;
		http_response_fini(ret);
		int e = dialect_say(&page, ret);

		if (e < 0)
			return e;
		n = ret->status == 200 ? json_list_add(list, &ret->body) : -1;
		if (n < 0)
			return 1;
		total = read_total(ret);
	}
	return 0;
}

/* ---- all of them ---- */

static void set_number(struct http_response *resp, const char *name, int64_t n)
{
	http_headers_remove(&resp->headers, name);
	http_headers_add_fmt(&resp->headers, name, "%" PRId64, n);
}

static void answer(const char *target, const struct json_t *list, struct http_response *ret)
{
	int64_t offset = 0, limit = DEFAULT_LIMIT;

	target_get_number(target, "offset", &offset);
	target_get_number(target, "limit", &limit);
	buf_reset(&ret->body);
	set_number(ret, RETURNED, json_list_write(list, offset, limit, &ret->body));
	set_number(ret, TOTAL, json_list_count(list));
	set_number(ret, OFFSET, offset);
	set_number(ret, LIMIT, limit);
}

int dialect_say_clauses(const struct saying *s, struct http_response *ret)
{
	scoped(clauses_fini) struct clauses clauses = { 0 };
	scoped(json_list_free) struct json_t *all = NULL;

	if (!find_clauses(s->req->target, &clauses))
		return 1;
	for (size_t i = 0; i < clauses.n; i++) {
		scoped(json_list_free) struct json_t *list = NULL;
		int e = read_clause(s, clauses.items[i], i ? &list : &all, ret);

		if (e)
			return e < 0 ? e : 0;
		if (i)
			json_list_keep(all, list);
	}
	answer(s->req->target, all, ret);
	return 0;
}
