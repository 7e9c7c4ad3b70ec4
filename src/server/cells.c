/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cells.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "storyfs/alloc.h"
#include "storyfs/scope.h"

static const char *const months[] = { "January", "February", "March", "April", "May", "June",
	"July", "August", "September", "October", "November", "December" };

static bool is_blank(char c)
{
	return isspace((unsigned char)c);
}

/* At most so many digits; moves on. */
static bool take_number(const char **at, int max_digits, int *ret)
{
	int n = 0;

	*ret = 0;
	for (; n < max_digits && isdigit((unsigned char)**at); n++, (*at)++)
		*ret = *ret * 10 + (**at - '0');
	return n > 0 && !isdigit((unsigned char)**at);
}

static bool take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* The month's name, or its first three letters. */
static bool take_month(const char **at, int *ret)
{
	for (int i = 0; i < 12; i++) {
		size_t whole = strlen(months[i]);
		size_t len = strncasecmp(*at, months[i], whole) == 0 ? whole : 3;

		if (strncasecmp(*at, months[i], len) != 0 || isalpha((unsigned char)(*at)[len]))
			continue;
		*at += len;
		*ret = i + 1;
		return true;
	}
	return false;
}

static bool find_day(int year, int month, int day, int64_t *ret_day)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };
	time_t seconds;

	if (year < 1900)
		return false;
	seconds = timegm(&tm);
	if (tm.tm_mon != month - 1 || tm.tm_mday != day)
		return false;
	*ret_day = seconds / 86400 - (seconds % 86400 < 0);
	return true;
}

static bool take_day(const char **at, int64_t *ret_day)
{
	const char *from = *at;
	int year, month, day;

	if (take_month(at, &month))
		return take_char(at, ' ') && take_number(at, 2, &day) && take_char(at, ',') &&
		       take_char(at, ' ') && take_number(at, 4, &year) &&
		       find_day(year, month, day, ret_day);
	if (take_number(at, 4, &year) && take_char(at, '-'))
		return take_number(at, 2, &month) && take_char(at, '-') &&
		       take_number(at, 2, &day) && find_day(year, month, day, ret_day);
	*at = from;
	return take_number(at, 2, &month) && take_char(at, '/') && take_number(at, 2, &day) &&
	       take_char(at, '/') && take_number(at, 4, &year) &&
	       find_day(year, month, day, ret_day);
}

bool cell_read_day(const char *text, int64_t *ret_day)
{
	int64_t day;

	while (is_blank(*text))
		text++;
	if (!take_day(&text, &day))
		return false;
	while (is_blank(*text))
		text++;
	if (*text)
		return false;
	*ret_day = day;
	return true;
}

/* The parenthesis that the one before `end` closes; NULL when none does. */
static const char *find_opening(const char *cell, const char *end)
{
	int depth = 1;

	for (const char *p = end; p > cell; p--) {
		depth += p[-1] == ')';
		depth -= p[-1] == '(';
		if (!depth)
			return p - 1;
	}
	return NULL;
}

/* The last ` - ` of a part of the cell; NULL when there is none. */
static const char *find_dash(const char *from, const char *end)
{
	for (const char *p = end - 3; p >= from; p--) {
		if (memcmp(p, " - ", 3) == 0)
			return p;
	}
	return NULL;
}

bool cell_read_comment(const char *cell, struct said *ret)
{
	const char *end = cell + strlen(cell);

	while (end > cell && is_blank(end[-1]))
		end--;
	if (end == cell || end[-1] != ')')
		return false;
	end--;
	const char *open = find_opening(cell, end);
	const char *dash = open ? find_dash(open, end) : NULL;

	if (!dash)
		return false;
	scoped(free_ptr) char *day = xstrndup(dash + 3, (size_t)(end - dash - 3));

	if (!cell_read_day(day, &ret->day))
		return false;
	ret->author = open + 1;
	ret->author_len = dash > open + 1 ? (size_t)(dash - open - 1) : 0;
	/* One blank is the format's. */
	ret->text_len = (size_t)(open - cell) - (open > cell && open[-1] == ' ');
	return true;
}

bool cell_needs_guard(const char *text)
{
	return text[strspn(text, "'")] == '=';
}

const char *cell_unguard(const char *text)
{
	return *text == '\'' && cell_needs_guard(text) ? text + 1 : text;
}

/* ---- names of files ---- */

/* Cut `_` and from min to max digits off the end. */
static bool cut_digits(char *name, size_t min, size_t max)
{
	size_t len = strlen(name), n = 0;

	while (n < len && isdigit((unsigned char)name[len - 1 - n]))
		n++;
	if (n < min || n > max || (n < len && !strchr("_-", name[len - 1 - n])))
		return false;
	name[n < len ? len - 1 - n : 0] = '\0';
	return true;
}

static void cut_word(char *name, const char *word)
{
	size_t len = strlen(name), n = strlen(word);

	if (len >= n && strcasecmp(name + len - n, word) == 0)
		name[len - n] = '\0';
}

char *cell_project_of_file(const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *dot = strrchr(base, '.');
	scoped(free_ptr) char *name =
		xstrndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
	scoped(free_ptr) char *dated = xstrdup(name);
	bool is_dated = cut_digits(dated, 4, 6) && cut_digits(dated, 8, 8);

	/* Without a date, what looks like a time is the name's own: a year, say. */
	if (is_dated)
		name[strlen(dated)] = '\0';
	else
		cut_digits(name, 8, 8);
	cut_word(name, "_project_history");
	cut_word(name, "_history");
	return take_ptr(name);
}
