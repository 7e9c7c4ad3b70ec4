/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request on its way through the server: who asks, for what, with which parameters, within
 * which transaction, and what will be answered. Made and ended by server.c; every other file of the
 * server works on it.
 *
 * Functions that can refuse return 0 or -errno. Refused by V5's rules: c->error is set (they end
 * with `return v5_error_...(&c->error, ...)`). Broken (the archive): it is not, and the caller is
 * told api_internal_error. Either way the transaction is undone.
 */
#ifndef STORYFS_SERVER_CALL_H
#define STORYFS_SERVER_CALL_H

#include "storyfs/archive.h"
#include "storyfs/buf.h"
#include "storyfs/error.h"
#include "storyfs/fields.h"
#include "storyfs/http.h"
#include "storyfs/json.h"
#include "storyfs/record.h"
#include "storyfs/token.h"

struct content;
struct params;
struct route;
struct server;

struct who {
	int64_t person_id; /* 0: nobody in particular */
	bool trusted;	   /* may do everything */
	const char *token; /* as presented, borrowed; NULL in-process */
};

/* A paginated list's headers. */
struct page {
	bool given;
	int64_t total, limit, offset, returned;
	bool no_total; /* the envelope does not tell it */
};

/* When the call is. */
struct moment {
	int64_t ms; /* whole seconds, as all of V5's instants */
	bool asked; /* has anybody looked? */
};

struct call {
	const struct http_request *req;
	const struct route *route;
	struct server *server; /* which answers it; for call_ask */
	struct archive *archive;
	struct tx *tx;
	struct who who;
	enum role role;		      /* in at[KIND_project] */
	bool is_guest;		      /* there by its being public alone */
	char login_token[TOKEN_SIZE]; /* of who logged in by password */
	struct moment *moment;	      /* see call_now_ms */
	int64_t ids[N_KINDS];	      /* what the path names, 0 for nothing */
	struct ids visible;	      /* projects_visible */
	bool knows_visible;
	struct record *at[N_KINDS]; /* the same, loaded; the project also of /stories/{story} */
	struct params *params;
	bool hurried;	     /* what may take long is not done now... */
	bool put_off;	     /* ...and this was not */
	struct value *given; /* of the route's own parameters, by P_<set>_<key> */

	struct fields *fields; /* the shape of the answer */
	unsigned json_flags;
	bool envelope;

	int status;
	struct buf body;	 /* the answer, as JSON's text; empty for none */
	struct content *content; /* in place of body, when the answer is no JSON */
	struct page page;
	int64_t last_notification_ms; /* 0: does not matter here */
	struct v5_error error;
	int64_t retry_after_s; /* beside an error; 0: nothing is said */
};

/* What an answer is made from is the archive, who asks, the target, a body, and what stands here.
 * An answer in body that needed neither clock nor request body is kept (server.c): who reads a
 * header for it that make_key does not know adds it there. */

/* The instant of the call. Every look at the clock goes through here, so that an answer that nobody
 * looked at it for is known to follow from the archive alone. */
static inline int64_t call_now_ms(const struct call *c)
{
	c->moment->asked = true;
	return c->moment->ms;
}

/* Ask a GET as part of this call, by its target: as the same person, in the same transaction. The
 * body of its answer, be it an error object, is appended to ret. 0, or -errno: broken. */
int call_ask(struct call *c, const char *target, struct buf *ret);

/* The project the call is about; loaded whenever the route's path leads through one. */
static inline struct record *call_project(const struct call *c)
{
	return c->at[KIND_project];
}

static inline int64_t call_project_id(const struct call *c)
{
	return record_id(c->at[KIND_project]);
}

#endif
