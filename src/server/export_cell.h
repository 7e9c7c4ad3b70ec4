/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in the cells of an export, by the forms of columns.def. import_cell.c reads it. */
#ifndef STORYFS_SERVER_EXPORT_CELL_H
#define STORYFS_SERVER_EXPORT_CELL_H

#include "columns.h"
#include "iterations.h"
#include "plan.h"

/* The time in which a story is. */
struct cell_time {
	const struct iterations *iterations; /* of its project */
	const struct plan *plan;
};

/* Append it. r is the story or epic, or what is in its list. */
void export_add_cell(struct buf *b, const struct column *column, const struct cell_time *t,
	const struct record *r);
/* Does the record say more there than it would if nobody had said anything? */
bool export_is_told(const struct column *column, const struct record *r);

#endif
