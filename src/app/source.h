/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A source opened: everything between SOURCE on the command line (a base URL or the path of an
 * archive) and the tree. Threads start here: call it after fork().
 */
#ifndef STORYFS_APP_SOURCE_H
#define STORYFS_APP_SOURCE_H

#include <stdbool.h>

#include "storyfs/buf.h"
#include "storyfs/store.h"
#include "storyfs/tree.h"

/* Zero or NULL: the default. */
struct source_config {
	const char *where;	   /* https://host/services/v5, or the path of an archive */
	const char *person;	   /* whose archive it is to be: name, username, e-mail or id */
	const char *token_command; /* see credential.h */
	const char *token_file;
	const char *token;
	const char *ca_file;
	const char *dialect; /* of a host, as dialect_parse takes it (auto) */
	bool all_of_it;	     /* is read of a host, which wants a slow pace */
	bool keep;	     /* what was loaded of a host, for the next time */
	const char *fault;   /* fault.h's specification, for tests */
	int timeout_s;	     /* of one request (30) */
	int refresh_s;	     /* between looks at the server; 0 is never */
	int page_limit;	     /* resources asked for at once (500) */
};

struct source;

/* Keep a journal of what is written, where that survives us; without one the mount goes on. */
void source_keep_journal(struct source *s);
/* Is it a URL, rather than a path? */
bool source_is_url(const char *where);
/* Why it cannot be opened: error is the errno of looking for it as a file. */
void source_explain_missing(const char *where, int error, struct buf *ret_reason);
/* Opens it without asking the network. -errno with a line for a person in ret_reason. */
int source_open(const struct source_config *config, struct source **ret, struct buf *ret_reason);
/* The same without store and tree, to talk to alone. */
int source_connect(const struct source_config *config, struct source **ret, struct buf *ret_reason);
void source_close(struct source *s);
/* Why an answer is a failure, in the host's words, and what may help. */
void source_explain(
	struct source *s, int error, const struct v5_error *words, struct buf *ret_reason);
/* Of one that is connected; else NULL. */
struct api *source_api(struct source *s);
/* Ask who we are: is there a V5 host, and does it take the token? -errno with its words in
 * ret_reason. */
int source_check(struct source *s, struct buf *ret_reason);

/* Where files of it may lie meanwhile; NULL: nowhere. Borrowed. */
const char *source_cache_dir(const struct source *s);
struct store *source_store(struct source *s);
struct tree *source_tree(struct source *s);

SCOPED_PTR(struct source, source_close);

#endif
