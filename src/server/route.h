/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The routes of V5 as a table (routes.def), and which of them a method and path mean. */
#ifndef STORYFS_SERVER_ROUTE_H
#define STORYFS_SERVER_ROUTE_H

#include "call.h"
#include "params.h"

/* Who may call: anybody with a token, or, of those who have to do with the path's project, whoever
 * may read it (anybody, when it is public), its members, its owners. Of an account, its owner and
 * its admins are OWNER, who else is in it READER. */
enum access {
	PERSON,
	READER,
	MEMBER,
	OWNER,
};

struct route {
	enum http_method method;
	const char *path; /* `{kind}` stands for an id of that kind, `{what}` for a number */
	int (*handle)(struct call *c);
	enum access access;
	enum kind kind; /* what is answered, and whose fields are taken */
	unsigned write; /* the fields taken: those with this enum field_write */
	bool paged;
	int64_t limit;	/* how many a page has when nobody says; 0: the usual number */
	bool backwards; /* a negative offset counts from the end */
	bool basic;	/* takes a name and password in a token's place */
	const struct param_set *params; /* more that is taken, or NULL */
	bool reads;			/* changes nothing, though it is no GET */
	bool list;			/* takes an array as its body */
	bool outside;			/* stands outside V5's prefix, too */
	bool file;			/* takes one, for which its body may be large */
	bool slow;			/* answering may take long */
	const char *one_of; /* of these it needs at least one: V5's list, word for word */
};

static inline const struct param_set *route_params(const struct route *route)
{
	return route->params ? route->params : &params_none;
}

/* How many ids a path holds at most. */
enum { ROUTE_IDS = 4 };

/* A route that fits, and its ids in the path's order. One that is no positive number is 0. A number
 * that is no resource's id (`{timestamp}`) is of KIND_none. */
struct route_match {
	const struct route *route;
	int n;
	struct {
		enum kind kind;
		int64_t id;
		bool is_number;
	} ids[ROUTE_IDS];
};

/* path is what follows the prefix, percent-encoded; doubled slashes and one at the end do not
 * count. False when V5 has no such endpoint. */
bool route_find(enum http_method method, const char *path, size_t len, struct route_match *ret);

/* The i-th row, NULL behind the last. */
const struct route *route_nth(size_t i);

/* The handlers: answer the call whose path is loaded and whose parameters are read. */
#define ROUTE(method, path, handler, ...) int handler(struct call *c);
#include "routes.def"

#endif
