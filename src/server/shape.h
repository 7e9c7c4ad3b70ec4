/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers: records shaped as `fields` asks for. What is derived is filled in here: nested
 * resources, ids of children, places in an order, counts. Each association costs one query for all
 * records of an answer.
 */
#ifndef STORYFS_SERVER_SHAPE_H
#define STORYFS_SERVER_SHAPE_H

#include "call.h"

/* The call's answer is this record; it is copied. */
int answer_record(struct call *c, const struct record *r);
/* The call's answer is this list; what fields asks for is put into its records, which must be the
 * caller's alone. */
int answer_records(struct call *c, enum kind kind, struct records *list);
/* The call's answer is the resources of the kind that a list of ids names. */
int answer_named(struct call *c, enum kind kind, const struct value *ids);
/* The call is answered without a body: 204. */
int answer_nothing(struct call *c);

/* Put what fields asks for into the records, which must be the caller's alone. */
int shape_fill(struct call *c, enum kind kind, struct records *list, const struct fields *f);

/* The field by which a kind's lists are sorted: V5 shows labels by name, stories in their order. */
int shape_order(enum kind kind);

/* V5 lists labels by name everywhere. */
void shape_sort_labels(struct records *labels);

#endif
