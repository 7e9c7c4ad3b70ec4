/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sample host, a store over it, and what the store told: what most tests of the store begin
 * with. Its functions fail the test that calls them when what they do does not work. */
#ifndef STORYFS_TESTS_WORLD_H
#define STORYFS_TESTS_WORLD_H

#include "sample.h"

enum { N_TOLD = 64 };

struct world {
	struct host host;
	struct store *store;
	struct call call;
	char *told[N_TOLD]; /* "moved story 501 of project" */
	size_t n_told;
};

extern const struct place projects, stories, labels, comments_501, comments_503, comments_401;

void world_begin(struct world *w);
void world_end(struct world *w);
/* What was told and what was asked. */
void world_forget(struct world *w);
void assert_told(const struct world *w, const char *line);

/* How many there are, or what it ends with. */
int list(struct world *w, const struct place *place);
/* Every kind but tasks; then forget. */
void list_all(struct world *w);
void refresh(struct world *w);
/* The caller frees it. */
struct record *peek(struct world *w, enum kind kind, int64_t id);

struct record *name_patch(const char *name);
/* Of story 501. */
int save_name(struct world *w, const char *name);
void assert_name(struct world *w, const char *name);
int64_t mtime(struct world *w, int f);

SCOPED_VALUE(struct world, world_end);

#endif
