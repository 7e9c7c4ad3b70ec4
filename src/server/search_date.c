/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each form is tried in turn; what is none of them is no date. */
#include "search_date.h"

#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/parse.h"
#include "zone.h"

enum { LONGEST_AGO = 100000 };

static const int64_t hour_ms = INT64_C(3600) * 1000;

/* How long ago may be said, and how many days it is; hours are 0. */
static const struct {
	const char *word;
	int days;
} units[] = {
	{ "h", 0 },
	{ "hour", 0 },
	{ "hours", 0 },
	{ "d", 1 },
	{ "day", 1 },
	{ "days", 1 },
	{ "w", 7 },
	{ "week", 7 },
	{ "weeks", 7 },
};

static struct span span_of_day(const struct search_clock *clock, int64_t day)
{
	return (struct span){ zone_midnight(clock->zone, day),
		zone_midnight(clock->zone, day + 1) };
}

static int64_t today(const struct search_clock *clock)
{
	return zone_day(clock->zone, clock->now_ms);
}

/* `-3d` */
static bool parse_ago(const char *text, const struct search_clock *clock, struct span *ret)
{
	size_t digits = *text == '-' ? strspn(text + 1, "0123456789") : 0;
	scoped(free_ptr) char *number = xstrndup(text + (*text == '-'), digits);
	int64_t n;

	if (!parse_int(number, 0, LONGEST_AGO, &n))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(text + 1 + digits, units[i].word) != 0)
			continue;
		int64_t at = clock->now_ms - n * hour_ms;

		*ret = units[i].days ? span_of_day(clock, today(clock) - n * units[i].days)
				     : (struct span){ at, at };
		return true;
	}
	return false;
}

static bool parse_word(const char *text, const struct search_clock *clock, struct span *ret)
{
	bool yesterday = strcmp(text, "yesterday") == 0;

	if (!yesterday && strcmp(text, "today") != 0)
		return false;
	*ret = span_of_day(clock, today(clock) - yesterday);
	return true;
}

/* One or two digits. */
static bool parse_two(const char *text, int64_t *ret)
{
	return text && strlen(text) <= 2 && parse_int(text + (*text == '0'), 1, 99, ret);
}

/* `1/31/2015`, whose year has four digits. */
static bool parse_american(const char *text, int64_t *ret_day)
{
	scoped(free_ptr) char *copy = xstrdup(text);
	char *year = copy;
	const char *month = strsep(&year, "/"), *day = strsep(&year, "/");
	int64_t y, m, d;

	if (!parse_two(month, &m) || !parse_two(day, &d) || !year ||
		!parse_int(year, 1000, 9999, &y))
		return false;
	scoped(free_ptr) char *iso = xasprintf("%04d-%02d-%02d", (int)y, (int)m, (int)d);

	return clock_parse_date(iso, ret_day);
}

/* `2015-01-31T12:00` without a zone is the searcher's. */
static bool parse_instant(const char *text, const struct search_clock *clock, struct span *ret)
{
	const char *time = strpbrk(text, "Tt ");
	int64_t at;

	if (!time || !clock_parse_iso(text, &at))
		return false;
	if (!strpbrk(time + 1, "Zz+-")) {
		int64_t first = at - (int64_t)zone_seconds(clock->zone, at) * 1000;

		at -= (int64_t)zone_seconds(clock->zone, first) * 1000;
	}
	*ret = (struct span){ at, at + 1000 };
	return true;
}

bool search_date_parse(const char *text, const struct search_clock *clock, struct span *ret)
{
	int64_t day;

	if (clock_parse_date(text, &day) || parse_american(text, &day)) {
		*ret = span_of_day(clock, day);
		return true;
	}
	return parse_ago(text, clock, ret) || parse_word(text, clock, ret) ||
	       parse_instant(text, clock, ret);
}

bool search_dates_parse(const char *text, const struct search_clock *clock, struct span *ret)
{
	const char *dots = strstr(text, "..");
	struct span from, to;

	if (!dots) {
		if (!search_date_parse(text, clock, ret))
			return false;
		if (*text == '-')
			ret->to_ms = INT64_MAX;
		return true;
	}
	scoped(free_ptr) char *first = xstrndup(text, (size_t)(dots - text));

	if (!search_date_parse(first, clock, &from) || !search_date_parse(dots + 2, clock, &to))
		return false;
	*ret = (struct span){ from.from_ms, to.to_ms };
	return true;
}
