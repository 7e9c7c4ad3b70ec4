/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the tree share: the layout as data, names of people, refusals. */
#ifndef STORYFS_VIEW_SHOWN_H
#define STORYFS_VIEW_SHOWN_H

#include <pthread.h>

#include "storyfs/plain.h"
#include "storyfs/table.h"
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
/* What a COLLECTION or LINKS directory lists. */
struct place layout_place(const struct node *dir);
/* Is the field a file of its resource's directory? */
bool layout_has_file(enum kind kind, int f);

struct tree {
	struct store *store;
	pthread_mutex_t lock; /* guards what follows; the store's lock may be taken under it */
	struct table refusals, rosters;
};

/* naming.c: people as the members of a project. The value lives as long as its resolver. */
struct people {
	struct tree *tree;
	int64_t project_id;
};

struct resolver people_resolver(struct people *people);
/* Does the field's file show people by name? */
bool people_are_shown(const struct field *field);
/* When one of those that the file shows was last renamed while we looked; 0: never. */
int64_t people_mtime(const struct people *people, const struct record *r, int f);
/* Was anybody ever, in this project? */
bool people_were_renamed(const struct people *people);
void rosters_fini(struct tree *t);

/* links.c: the names of links to these, in their order. */
struct link_names {
	size_t n;
	char **v;
};

void link_names_make(const struct records *all, struct link_names *ret);
void link_names_fini(struct link_names *names);
/* The two forms a name may have; the caller frees them. */
char *link_plain_name(const struct record *r);
char *link_long_name(const char *plain, int64_t id);

/* refusal.c; text is taken over. f -1 stands for all fields; 1 when there is none. */
void refusal_put(struct tree *t, enum kind kind, int64_t id, int f, char *text);
void refusal_drop(struct tree *t, enum kind kind, int64_t id, int f);
int refusal_get(struct tree *t, enum kind kind, int64_t id, int f, struct buf *ret);
int64_t refusal_time(struct tree *t, enum kind kind, int64_t id);
void refusals_fini(struct tree *t);

SCOPED_VALUE(struct link_names, link_names_fini);

#endif
