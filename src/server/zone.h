/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time zones by their Olson names, out of the system's tzdata; independent of TZ. Days are counted
 * since 1970-01-01; instants are ms since the epoch.
 */
#ifndef STORYFS_SERVER_ZONE_H
#define STORYFS_SERVER_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/scope.h"

#define ZONE_DAY_MS INT64_C(86400000)
#define ZONE_OFFSET_SIZE sizeof("-12:00")

/* Seconds east of Greenwich at an instant; false when the system knows no such zone. */
bool zone_offset(const char *olson_name, int64_t at_ms, int32_t *ret_seconds);
/* As V5 writes it: `-07:00`; `+00:00` for an unknown zone. */
void zone_format_offset(const char *olson_name, int64_t at_ms, char ret_text[ZONE_OFFSET_SIZE]);
/* The zone that is this far from Greenwich all year, as an Olson name: `-08:00` is `Etc/GMT+8`.
 * NULL when the text is no offset, or one that no zone keeps. */
const char *zone_of_offset(const char *text);

struct zone;

/* NULL when the system knows no such zone; to the functions below that is UTC. */
struct zone *zone_load(const char *olson_name);
void zone_free(struct zone *z);
/* Seconds east of Greenwich at an instant. */
int32_t zone_seconds(const struct zone *z, int64_t at_ms);
/* The day that it is there at an instant. */
int64_t zone_day(const struct zone *z, int64_t at_ms);
/* The first instant of a day: midnight, or when clocks skip it, what comes instead. */
int64_t zone_midnight(const struct zone *z, int64_t day);
/* 0 is Sunday, as in V5's list of days. */
int zone_weekday(int64_t day);

SCOPED_PTR(struct zone, zone_free);

#endif
