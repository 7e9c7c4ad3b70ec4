/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dates of the search language, as spans of time: `1/31/2015`, `2015-01-31`, an ISO 8601
 * instant, `today`, `yesterday`, and how long ago, `-3d`, `-2w`, `-5h` (or -3days, -2weeks,
 * -5hours). Days are the searcher's.
 */
#ifndef STORYFS_SERVER_SEARCH_DATE_H
#define STORYFS_SERVER_SEARCH_DATE_H

#include <stdbool.h>
#include <stdint.h>

struct zone;

/* When and where it is asked. zone may be NULL: UTC. */
struct search_clock {
	int64_t now_ms;
	const struct zone *zone;
};

/* from_ms <= t < to_ms */
struct span {
	int64_t from_ms, to_ms;
};

/* One date: its day, an instant's second, or with hours ago that instant. */
bool search_date_parse(const char *text, const struct search_clock *clock, struct span *ret);
/* A date, the time since so long ago, or a range `a..b`, from the beginning of a to the end of b.
 */
bool search_dates_parse(const char *text, const struct search_clock *clock, struct span *ret);

#endif
