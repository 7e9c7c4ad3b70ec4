/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree over the sample, and paths in it. Its functions fail the test when a path is not there. */
#ifndef STORYFS_TESTS_FOREST_H
#define STORYFS_TESTS_FOREST_H

#include "storyfs/tree.h"
#include "world.h"

struct forest {
	struct world world;
	struct tree *tree;
	struct buf changes; /* paths and names that tree_changes announced, a line each */
};

void forest_begin(struct forest *f);
void forest_end(struct forest *f);

struct node node_at(struct tree *t, const char *path);
/* The file's text, which is as long as its size says; the caller frees it. */
char *read_at(struct tree *t, const char *path);
int64_t mtime_at(struct tree *t, const char *path);
int save_at(struct tree *t, const char *path, const char *text);
/* Save a text that was made from another one. */
int save_from(struct tree *t, const char *path, const char *base, const char *text);
int save_text(
	struct tree *t, const struct node *node, const char *text, const struct call_limit *limit);
/* The names in a directory, a line each; the caller frees it. */
char *names_at(struct tree *t, const char *path);
/* Append the node's path. */
void add_node_path(struct tree *t, const struct node *node, struct buf *b);

void assert_reads(struct tree *t, const char *path, const char *text);

SCOPED_VALUE(struct forest, forest_end);

#endif
