/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CSV as RFC 4180 writes it, in UTF-8; libcsv's. */
#ifndef STORYFS_CSV_H
#define STORYFS_CSV_H

#include "storyfs/buf.h"

/* Append a cell, with a comma before it unless it begins a line; in quotes where it must be. */
void csv_add_cell(struct buf *b, const char *text);
void csv_end_line(struct buf *b);

#endif
