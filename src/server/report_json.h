/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the reports of an import and of an export have in common, as JSON for the caller to free. */
#ifndef STORYFS_SERVER_REPORT_JSON_H
#define STORYFS_SERVER_REPORT_JSON_H

#include <stdint.h>

#include "storyfs/buf.h"
#include "storyfs/schema.h"

struct json_t;

/* An object of kinds and how many; without those of which there are none. */
struct json_t *report_from_counts(const int64_t counts[N_KINDS]);
/* A list of texts, one a line. */
struct json_t *report_from_lines(const struct buf *lines);

#endif
