/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Activity: each command that changes a project raises its version by one and leaves one item that
 * says what happened, complete enough to be replayed. A command collects its changes here and ends
 * with activity_write.
 */
#ifndef STORYFS_SERVER_ACTIVITY_H
#define STORYFS_SERVER_ACTIVITY_H

#include "call.h"

struct json_t;

/* A command's changes. Zeroed is none. */
struct activity {
	struct json_t *changes;
	struct json_t *primary;
	struct json_t *secondary;
	struct ids told; /* who was notified of it (notify.h) */
};

void activity_fini(struct activity *a);

/*
 * The values of a resource as activity tells them: what is stored and not the server's own, and for
 * stories the names of the labels, the first owner and the neighbours. Taken before and after a
 * change, two of these make its original_values and new_values. The caller owns it.
 */
int activity_take_values(struct call *c, const struct record *r, struct json_t **ret);
/* Of these, what matters to a change of r into other, or the other way round: those that are not
 * the same. Names of labels and neighbours are as they are now. */
int activity_take_differing(
	struct call *c, const struct record *r, const struct record *other, struct json_t **ret);

/* The values are borrowed; more, if any, is taken over and added to them. */
void activity_add_create(struct activity *a, const struct record *r, const struct json_t *values,
	struct json_t *more);
/* Adds nothing when both are equal. r is the resource as it is now. */
void activity_add_update(struct activity *a, const struct record *r, const struct json_t *before,
	const struct json_t *after);
void activity_add_delete(struct activity *a, const struct record *r);
/* The changed counts of a label. */
void activity_add_counts(struct activity *a, const struct record *label, struct json_t *before,
	struct json_t *after);
/* One that is told in its own way; taken over. */
void activity_add_change(struct activity *a, struct json_t *change);
/* What the command is about. */
void activity_add_primary(struct activity *a, const struct record *r);
/* What it is about from another end, in words of that one's. */
void activity_add_secondary(
	struct activity *a, const struct record *r, const char *message, const char *highlight);

/* The end of a command: the project's version is raised and the item is written. The message is
 * what follows the person's name. */
int activity_write(struct call *c, const struct activity *a, const char *kind,
	const char *highlight, const char *message);

/* Note in the item which stories and epics it is about, so that their own lists find it; false when
 * it was noted before. */
bool activity_index(struct record *item);

/* Store now in the place of old, at the command's time, and add the change. */
int activity_put(struct call *c, struct activity *a, const struct record *old, struct record *now);
/* Shared steps: take the values, add the change. */
int activity_created(struct call *c, struct activity *a, const struct record *r);
int activity_updated(
	struct call *c, struct activity *a, const struct record *r, const struct json_t *before);

struct scoped_json {
	struct json_t *json;
};

void scoped_json_fini(struct scoped_json *j);

SCOPED_VALUE(struct activity, activity_fini);
SCOPED_VALUE(struct scoped_json, scoped_json_fini);

#endif
