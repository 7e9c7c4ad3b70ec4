/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an import has read, before any of it is stored: one entry a resource, in the order in which
 * they came, found by kind and id. A resource may come several times, on its own (`story.json`) and
 * nested in others (the `labels` of a story): its own file counts, nested ones fill what it lacks.
 * Private to import*.c.
 */
#ifndef STORYFS_SERVER_IMPORT_TABLE_H
#define STORYFS_SERVER_IMPORT_TABLE_H

#include <uthash.h>

#include "storyfs/record.h"

struct entry_key {
	int64_t id;
	int64_t kind;
};

struct entry {
	struct entry_key key;
	struct record *record;
	size_t file; /* where it came from, in the run's list of files */
	bool nested; /* seen only inside others so far */
	UT_hash_handle hh;
};

/* Zeroed is empty. `first` and each entry's hh.next walk it. */
struct import_table {
	struct entry *first;
};

#define each_entry(e, table) \
	for (struct entry *e = (table)->first; e; e = (struct entry *)e->hh.next)

void import_table_fini(struct import_table *t);
struct entry *import_table_find(const struct import_table *t, enum kind kind, int64_t id);
/* Takes the record over. 1 when the same file had this resource before. */
int import_table_add_own(struct import_table *t, struct record *r, size_t file);
/* The record is borrowed. */
void import_table_add_nested(struct import_table *t, const struct record *r, size_t file);

SCOPED_VALUE(struct import_table, import_table_fini);

#endif
