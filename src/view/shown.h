/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the tree share: the layout as data, names of people, refusals. */
#ifndef STORYFS_VIEW_SHOWN_H
#define STORYFS_VIEW_SHOWN_H

#include <pthread.h>
#include <uthash.h>

#include "storyfs/plain.h"
#include "storyfs/tree.h"

enum row_type {
	ROW_DIR,
	ROW_COLLECTION,
	ROW_RESOURCE,
	ROW_JSON,
	ROW_ERROR,
	ROW_LINKS,
	ROW_LINK,
};

struct layout {
	enum layout_row parent;
	const char *name;
	enum row_type type;
	enum kind kind;
};

const struct layout *layout_of(enum layout_row row);
/* The kind of the resource that the row's directory hangs below; KIND_none at the top. */
enum kind layout_parent_kind(enum layout_row row);
/* The row that shows resources of this kind below that parent; N_ROWS when none does. */
enum layout_row layout_find(enum row_type type, enum kind kind, enum kind parent);
/* Is the field a file of its resource's directory? */
bool layout_has_file(enum kind kind, int f);

/* The refusals of one resource's fields. */
struct refusal {
	struct {
		enum kind kind;
		int field;
		int64_t id;
	} key;
	char *text;
	int64_t at_ns;
	UT_hash_handle hh;
};

struct tree {
	struct store *store;
	pthread_mutex_t lock; /* guards refusals */
	struct refusal *refusals;
};

/* naming.c: people as the members of a project. data lives as long as the resolver. */
struct people {
	struct store *store;
	int64_t project_id;
};

struct resolver people_resolver(struct people *people);

/* refusal.c; text is taken over. f -1 asks for all fields; 1 when there is none. */
void refusal_put(struct tree *t, enum kind kind, int64_t id, int f, char *text);
void refusal_drop(struct tree *t, enum kind kind, int64_t id, int f);
int refusal_get(struct tree *t, enum kind kind, int64_t id, int f, struct buf *ret);
int64_t refusal_time(struct tree *t, enum kind kind, int64_t id);

#endif
