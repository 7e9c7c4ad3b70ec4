/* SPDX-License-Identifier: GPL-2.0-or-later */
/* V5's `story_counts` of a label: how many stories it has in each state, and their points. */
#ifndef STORYFS_SERVER_COUNTS_H
#define STORYFS_SERVER_COUNTS_H

#include "call.h"

enum { N_STATES = STATE_UNSCHEDULED + 1 };

struct counts {
	int64_t stories[N_STATES];
	int64_t zero_points[N_STATES]; /* of these, without points: estimated 0 or not at all */
	double points[N_STATES];
};

/* Count the story in (sign 1) or out (-1). */
void counts_add(struct counts *counts, const struct record *story, int sign);
int counts_load(struct call *c, int64_t label_id, struct counts *ret);
/* The caller owns it. */
struct json_t *counts_encode(const struct counts *counts);
/* For shape.c: label.counts of all labels of a list. */
int counts_fill(struct call *c, struct records *labels, int f);

#endif
