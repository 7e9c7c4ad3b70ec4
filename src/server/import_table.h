/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an import has read, before any of it is stored: one entry a resource, in the order in which
 * they came, found by kind and id. A resource may come several times, on its own (`story.json`) and
 * nested in others (the `labels` of a story): its own file counts, nested ones fill what it lacks.
 * Private to import*.c.
 */
#ifndef STORYFS_SERVER_IMPORT_TABLE_H
#define STORYFS_SERVER_IMPORT_TABLE_H

#include "storyfs/record.h"
#include "storyfs/table.h"

struct entry_key {
	int64_t id;
	int64_t kind;
};

struct entry {
	struct entry_key key;
	int64_t project_id; /* as who added it knows; or 0 */
	struct entry *next, *next_of_kind;
	struct record *record;
	size_t file; /* where it came from, in the run's list of files */
	bool nested; /* seen only inside others so far */
	bool skip;   /* the archive's own stays as it is */
};

struct import_index;

/* Zeroed is empty. */
struct import_table {
	int64_t n;
	struct entry *all, *end;
	struct entry *first[N_KINDS], *last[N_KINDS];
	struct import_index *by_id; /* one a kind; NULL while there is no entry */
};

/* In the order in which they came; what is added on the way comes, too. */
#define each_entry(e, table) for (struct entry *e = (table)->all; e; e = e->next)

#define each_entry_of(e, table, kind) \
	for (struct entry *e = (table)->first[kind]; e; e = e->next_of_kind)

void import_table_fini(struct import_table *t);
struct entry *import_table_find(const struct import_table *t, enum kind kind, int64_t id);
/* Takes the record over. 1 when the same file had this resource before. */
int import_table_add_own(struct import_table *t, struct record *r, size_t file);
/* The same, of which the caller knows that the table has none of this kind and id, and its project.
 */
void import_table_add_new(
	struct import_table *t, struct record *r, size_t file, int64_t project_id);
/* The record is borrowed. */
void import_table_add_nested(struct import_table *t, const struct record *r, size_t file);

SCOPED_VALUE(struct import_table, import_table_fini);

#endif
