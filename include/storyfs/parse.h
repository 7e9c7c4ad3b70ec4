/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers from outside, parsed in one place, whole and with bounds; and the way back. */
#ifndef STORYFS_PARSE_H
#define STORYFS_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* A decimal integer in [min, max] and nothing else around it: no blank, no plus, no leading zero
 * but "0" itself, so that a number has one spelling (a directory has one name). */
bool parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value);
/* A finite decimal number, independent of the locale, and nothing else. */
bool parse_float(const char *text, double *ret_value);
#define FLOAT_TEXT_SIZE sizeof("-1.7976931348623157e+308")

/* The shortest decimal text that parse_float takes for the same number, whatever the locale; whole
 * numbers below 1e15 in digits alone. The value is finite. */
void format_float(double value, char ret_text[FLOAT_TEXT_SIZE]);

/* true or false. */
bool parse_bool(const char *text, bool *ret_value);

#endif
