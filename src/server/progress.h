/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a release or an epic is. A release's stories are those between the release before it and
 * itself in the project's order, accepted ones among them (reference 4.3); an epic's are those with
 * its label.
 */
#ifndef STORYFS_SERVER_PROGRESS_H
#define STORYFS_SERVER_PROGRESS_H

#include "call.h"

/* The stories of a release, which is given as a story, in order. */
int progress_list_stories(struct call *c, const struct record *release, struct query *ret);

/* For shape.c: all of it for all releases of a list of stories or releases; for all epics of one.
 */
int progress_fill_release(struct call *c, struct records *list, int f);
int progress_fill_epic(struct call *c, struct records *list, int f);

#endif
