/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time. Calendar arithmetic is timegm(3)'s; a parsed day is checked by converting it back. */
#include "storyfs/clock.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static _Atomic int64_t fixed_now = -1;

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
	int64_t fixed = atomic_load(&fixed_now);

	return fixed >= 0 ? fixed : read_clock(CLOCK_REALTIME);
}

void clock_set_fixed(int64_t now_ms)
{
	atomic_store(&fixed_now, now_ms);
}

int64_t clock_monotonic_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_deadline(int64_t timeout_ms)
{
	return clock_monotonic_ms() + timeout_ms;
}

struct timespec clock_timespec(int64_t monotonic_ms)
{
	return (struct timespec){ monotonic_ms / 1000, monotonic_ms % 1000 * 1000000 };
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static char *put_digits(char *to, int n, int64_t value)
{
	for (int i = n - 1; i >= 0; i--, value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + n;
}

/* Returns its end. Years of four digits are most. */
static char *format_day(const struct tm *tm, char ret_text[CLOCK_ISO_SIZE])
{
	int64_t year = tm->tm_year + INT64_C(1900);
	char *p = year >= 0 && year <= 9999 ? put_digits(ret_text, 4, year)
					    : ret_text + snprintf(ret_text, CLOCK_ISO_SIZE,
								 "%04lld", (long long)year);

	*p++ = '-';
	p = put_digits(p, 2, tm->tm_mon + 1);
	*p++ = '-';
	return put_digits(p, 2, tm->tm_mday);
}

static char *format_time(const struct tm *tm, char *to)
{
	const int parts[] = { tm->tm_hour, tm->tm_min, tm->tm_sec };

	for (int i = 0; i < 3; i++) {
		*to++ = i ? ':' : 'T';
		to = put_digits(to, 2, parts[i]);
	}
	return to;
}

void clock_format_iso(int64_t ms, char ret_text[CLOCK_ISO_SIZE])
{
	time_t sec = (time_t)floor_div(ms, 1000);
	int rest = (int)((ms % 1000 + 1000) % 1000);
	struct tm tm;

	gmtime_r(&sec, &tm);
	char *p = format_time(&tm, format_day(&tm, ret_text));

	if (rest) {
		*p++ = '.';
		p = put_digits(p, 3, rest);
	}
	*p++ = 'Z';
	*p = '\0';
}

/* Exactly n digits at *p, which moves past them. */
static bool read_digits(const char **p, int n, int *ret_value)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return false;
		value = value * 10 + (**p - '0');
	}
	*ret_value = value;
	return true;
}

static bool read_date(const char **p, struct tm *ret_tm)
{
	struct tm tm = { 0 };
	int year, month;

	if (!read_digits(p, 4, &year) || *(*p)++ != '-')
		return false;
	if (!read_digits(p, 2, &month) || *(*p)++ != '-')
		return false;
	if (!read_digits(p, 2, &tm.tm_mday))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	struct tm again = tm;

	timegm(&again);
	if (again.tm_mday != tm.tm_mday || again.tm_mon != tm.tm_mon)
		return false;
	*ret_tm = tm;
	return true;
}

/* `hh:mm[:ss[.fraction]]` into tm and milliseconds. */
static bool read_time(const char **p, struct tm *tm, int *ret_ms)
{
	*ret_ms = 0;
	if (!read_digits(p, 2, &tm->tm_hour) || *(*p)++ != ':' || !read_digits(p, 2, &tm->tm_min))
		return false;
	if (**p == ':') {
		(*p)++;
		if (!read_digits(p, 2, &tm->tm_sec))
			return false;
	}
	if (**p == '.') {
		int scale = 100;

		if (!isdigit((unsigned char)*++*p))
			return false;
		for (; isdigit((unsigned char)**p); (*p)++, scale /= 10)
			*ret_ms += (**p - '0') * scale;
	}
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* `Z`, `+hh:mm`, `-hhmm`, or nothing (UTC); seconds east of Greenwich. */
static bool read_zone(const char **p, int64_t *ret_seconds)
{
	char sign = **p;
	int hours, minutes;

	*ret_seconds = 0;
	if (sign == '\0')
		return true;
	(*p)++;
	if (sign == 'Z')
		return true;
	if (sign != '+' && sign != '-')
		return false;
	if (!read_digits(p, 2, &hours))
		return false;
	if (**p == ':')
		(*p)++;
	if (!read_digits(p, 2, &minutes) || hours > 14 || minutes > 59)
		return false;
	*ret_seconds = (sign == '-' ? -60 : 60) * (int64_t)(hours * 60 + minutes);
	return true;
}

bool clock_parse_iso(const char *text, int64_t *ret_ms)
{
	struct tm tm;
	int ms = 0;
	int64_t zone = 0;

	if (!read_date(&text, &tm))
		return false;
	if (*text == 'T' || *text == ' ') {
		text++;
		if (!read_time(&text, &tm, &ms) || !read_zone(&text, &zone))
			return false;
	}
	if (*text)
		return false;
	int64_t at = ((int64_t)timegm(&tm) - zone) * 1000 + ms;

	if (at < CLOCK_MIN_MS || at > CLOCK_MAX_MS)
		return false;
	*ret_ms = at;
	return true;
}

void clock_format_date(int64_t days, char ret_text[CLOCK_ISO_SIZE])
{
	time_t sec = (time_t)(days * 86400);
	struct tm tm;

	gmtime_r(&sec, &tm);
	*format_day(&tm, ret_text) = '\0';
}

bool clock_parse_date(const char *text, int64_t *ret_days)
{
	struct tm tm;

	if (!read_date(&text, &tm) || *text)
		return false;
	*ret_days = floor_div((int64_t)timegm(&tm), 86400);
	return true;
}
