/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an item of activity tells, out of its JSON. */
#ifndef STORYFS_JSON_ACTIVITY_H
#define STORYFS_JSON_ACTIVITY_H

#include "storyfs/record.h"

/*
 * Put what the JSON of an item of activity (changes, primary_resources, performed_by) tells into
 * fields of their own, and take the JSON, which is long, off it:
 *
 *   story_ids, epic_ids  the stories and epics it is of, as V5 lists it as theirs
 *   subjects             what it is about: `stories/555,epics/7`
 *   summary              what changed: `story.estimate=1>3,story.name,+comment,-task`; a value
 *                        that is one short word is told, old and new
 *   performer            who did it, by name
 *
 * The record is the caller's alone. JSON that is no such thing tells nothing.
 */
void json_activity_condense(struct record *item);

#endif
