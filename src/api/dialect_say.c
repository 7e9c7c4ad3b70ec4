/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request in the host's words: target, token, body. */
#include <inttypes.h>
#include <string.h>

#include "dialect_parts.h"
#include "storyfs/alloc.h"
#include "target.h"

/* ---- fields= ---- */

static const char *find_theirs(
	const struct json_renames *renames, enum kind kind, const char *name, size_t len)
{
	for (size_t i = 0; i < renames->n; i++) {
		const struct json_rename *row = renames->rows[i];

		if (row->kind == kind && strlen(row->ours) == len &&
			strncmp(row->ours, name, len) == 0)
			return row->theirs;
	}
	return NULL;
}

/* Names at the outermost level: those of the resources that are asked for. */
static void rename_fields(
	const struct json_renames *renames, enum kind kind, const char *fields, struct buf *ret)
{
	int depth = 0;

	for (const char *p = fields; *p;) {
		size_t len = strcspn(p, ",()");
		const char *theirs = depth ? NULL : find_theirs(renames, kind, p, len);

		if (theirs)
			buf_add_str(ret, theirs);
		else
			buf_add(ret, p, len);
		p += len;
		if (!*p)
			break;
		depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
		buf_add_char(ret, *p++);
	}
}

/* ---- all ---- */

static char *say_fields(const struct json_renames *renames, const char *target)
{
	scoped(buf_fini) struct buf fields = BUF_INIT;
	scoped(buf_fini) struct buf renamed = BUF_INIT;

	if (!renames->n || !target_get(target, "fields", &fields))
		return xstrdup(target);
	rename_fields(renames, target_kind(target), buf_str(&fields), &renamed);
	return target_set(target, "fields", buf_str(&renamed));
}

static char *say_limit(unsigned spoken, char *target)
{
	const struct difference *d = differences_first(differences_of(DIFFERS_IN_PAGES, spoken));
	scoped(free_ptr) char *given = target;
	int64_t limit;

	if (!d || !target_get_number(target, "limit", &limit) || limit <= d->most)
		return take_ptr(given);
	scoped(free_ptr) char *most = xasprintf("%" PRId64, d->most);

	return target_set(target, "limit", most);
}

/* What a form holds is no JSON. */
static bool is_json(const struct http_request *req)
{
	const char *type = http_headers_get(&req->headers, "Content-Type");

	return req->body.len && type && strstr(type, "json");
}

static int say_one(const struct saying *s, struct http_response *ret)
{
	const struct json_rename *rows[N_DIFFERENCES];
	struct json_renames renames = differences_renames(s->spoken, rows);
	const struct difference *token =
		differences_first(differences_of(DIFFERS_IN_TOKEN, s->spoken));
	struct http_request sent = *s->req;
	scoped(free_ptr) char *target = say_limit(s->spoken, say_fields(&renames, s->req->target));
	scoped(buf_fini) struct buf body = BUF_INIT;

	sent.target = target;
	sent.token_scheme = token ? token->scheme : NULL;
	if (renames.n && is_json(s->req)) {
		buf_add(&body, s->req->body.data, s->req->body.len);
		json_rename_to_theirs(target_kind(target), &renames, &body);
		sent.body = body;
	}
	return transport_perform(s->inner, &sent, s->limit, ret);
}

int dialect_say(const struct saying *s, struct http_response *ret)
{
	int e = differences_of(DIFFERS_IN_FILTER, s->spoken) ? dialect_say_clauses(s, ret) : 1;

	return e > 0 ? say_one(s, ret) : e;
}
