/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers from outside. */
#include "storyfs/parse.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	char *end;

	if (!isdigit((unsigned char)digits[0]) ||
		(digits[0] == '0' && (digits[1] || digits != text)))
		return false;
	errno = 0;
	long long value = strtoll(text, &end, 10);

	if (errno || *end || value < min || value > max)
		return false;
	*ret_value = value;
	return true;
}

static locale_t c_locale;

static void make_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t get_locale(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_locale);
	return c_locale;
}

bool parse_float(const char *text, double *ret_value)
{
	char *end;

	if (!text[0] || text[strspn(text, "0123456789.+-eE")])
		return false;
	double value = strtod_l(text, &end, get_locale());

	if (*end || !isfinite(value))
		return false;
	*ret_value = value;
	return true;
}

static bool is_same(double a, double b)
{
	return !(a < b) && !(a > b);
}

void format_float(double value, char ret_text[FLOAT_TEXT_SIZE])
{
	locale_t before = uselocale(get_locale());

	if (floor(value) >= value && fabs(value) < 1e15) {
		snprintf(ret_text, FLOAT_TEXT_SIZE, "%lld", (long long)value);
	} else {
		int digits = 15;

		do
			snprintf(ret_text, FLOAT_TEXT_SIZE, "%.*g", digits, value);
		while (++digits <= 17 && !is_same(strtod(ret_text, NULL), value));
	}
	uselocale(before);
}

bool parse_bool(const char *text, bool *ret_value)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return false;
	*ret_value = yes;
	return true;
}
