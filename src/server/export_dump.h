/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a dump. Private to export_dump*.c. */
#ifndef STORYFS_SERVER_EXPORT_DUMP_H
#define STORYFS_SERVER_EXPORT_DUMP_H

#include "export_run.h"

/* ---- export_dump_list.c: <kind>.json, which is made when something is put into it ---- */

struct dump_list;

/* The folder is borrowed. */
struct dump_list *dump_list_new(struct export_run *run, const char *folder, enum kind kind);
enum kind dump_list_kind(const struct dump_list *list);
/* As V5 sends them, with all that is kept of them. The records are changed. */
int dump_list_add(struct dump_list *list, struct records *records);
/* As they are. */
int dump_list_put(struct dump_list *list, const struct records *records);
/* All was put; what the disk says of it. */
int dump_list_finish(struct dump_list *list);
void dump_list_free(struct dump_list *list);

int dump_make_folder(struct export_run *run, const char *path);

/* ---- export_dump_unknown.c: what the archive keeps of unknown kinds ---- */

struct dump_unknown {
	char *kind;
	struct unknown_resources list;
};

struct dump_unknowns {
	struct dump_unknown *items;
	size_t n;
};

int dump_unknowns_load(struct export_run *run, struct dump_unknowns *ret);
void dump_unknowns_fini(struct dump_unknowns *unknowns);
/* Those of a project, or with 0 of none. */
int dump_unknowns_write(struct export_run *run, const struct dump_unknowns *unknowns,
	const char *folder, int64_t project_id);

SCOPED_PTR(struct dump_list, dump_list_free);

#endif
