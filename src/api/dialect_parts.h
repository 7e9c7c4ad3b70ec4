/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of differences as data, and how a request is said. Private to dialect*.c. */
#ifndef STORYFS_API_DIALECT_PARTS_H
#define STORYFS_API_DIALECT_PARTS_H

#include "storyfs/dialect.h"
#include "storyfs/json_rename.h"

/* As dialects.def has them. */
enum difference_type {
	DIFFERS_IN_KEY,
	DIFFERS_IN_TOKEN,
	DIFFERS_IN_PAGES,
	DIFFERS_IN_FILTER,
	DIFFERS_IN_WRITES,
};

enum difference_id {
#define DIFFERENCE(word, ...) DIFFERENCE_##word,
#define DIALECT(...)
#include "dialects.def"
	N_DIFFERENCES,
};

#define ALL_DIFFERENCES ((1U << N_DIFFERENCES) - 1)

struct difference {
	const char *word;
	enum difference_type type;
	const char *meaning;
	struct json_rename key;
	const char *scheme;
	int64_t most;
};

extern const struct difference differences[N_DIFFERENCES];

/* Those of a type among some of them. */
unsigned differences_of(enum difference_type type, unsigned among);
/* The first of some, or NULL. */
const struct difference *differences_first(unsigned some);
/* Those that are keys, for JSON; the rows have room for all. */
struct json_renames differences_renames(
	unsigned some, const struct json_rename *rows[static N_DIFFERENCES]);

/* A request on its way. */
struct saying {
	struct transport *inner;
	const struct http_request *req;
	const struct call_limit *limit;
	unsigned spoken;
};

/* Perform it, in the host's words. The answer is in them, too. */
int dialect_say(const struct saying *s, struct http_response *ret);
/* The same of a search whose clauses are asked for one by one; 1 when it has only one, or cannot be
 * taken apart. */
int dialect_say_clauses(const struct saying *s, struct http_response *ret);
bool dialect_has_clauses(const char *target);

#endif
