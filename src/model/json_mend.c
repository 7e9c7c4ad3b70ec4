/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON mended: one pass over the bytes, that knows whether it is in a string. */
#include "json_mend.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* What is left to be read. */
struct rest {
	const char *p;
	size_t len;
};

static void take(struct rest *r, size_t n, struct buf *ret)
{
	if (ret)
		buf_add(ret, r->p, n);
	r->p += n;
	r->len -= n;
}

static bool starts_with(const struct rest *r, const char *word)
{
	return r->len >= strlen(word) && memcmp(r->p, word, strlen(word)) == 0;
}

/* ---- strings ---- */

/* The number in `\uXXXX`; -1 when there is none. */
static long unit_at(const struct rest *r, size_t at)
{
	char digits[5] = "";

	if (r->len < at + 6 || r->p[at] != '\\' || r->p[at + 1] != 'u')
		return -1;
	memcpy(digits, r->p + at + 2, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? strtol(digits, NULL, 16) : -1;
}

static bool is_high(long unit)
{
	return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(long unit)
{
	return unit >= 0xdc00 && unit < 0xe000;
}

static void mend_escape(struct rest *r, struct buf *ret)
{
	long unit = unit_at(r, 0);

	if (unit == 0 || is_low(unit) || (is_high(unit) && !is_low(unit_at(r, 6)))) {
		buf_add_str(ret, JSON_MENDED);
		take(r, 6, NULL);
	} else if (unit > 0) {
		take(r, is_high(unit) ? 12 : 6, ret);
	} else if (r->len > 1 && r->p[1] && strchr("\"\\/bfnrt", r->p[1])) {
		take(r, 2, ret);
	} else {
		buf_add_char(ret, '\\');
		take(r, 1, ret);
	}
}

static void mend_character(struct rest *r, struct buf *ret)
{
	unsigned char c = (unsigned char)*r->p;
	ucs4_t character;
	int n = u8_mbtoucr(&character, (const uint8_t *)r->p, r->len);

	if (!c || n < 0) {
		buf_add_str(ret, JSON_MENDED);
		take(r, 1, NULL);
	} else if (c < 0x20) {
		buf_add_fmt(ret, "\\u%04x", c);
		take(r, 1, NULL);
	} else {
		take(r, (size_t)n, ret);
	}
}

static void mend_string(struct rest *r, struct buf *ret)
{
	take(r, 1, ret);
	while (r->len && *r->p != '"') {
		if (*r->p == '\\')
			mend_escape(r, ret);
		else
			mend_character(r, ret);
	}
	if (r->len)
		take(r, 1, ret);
}

/* ---- numbers ---- */

static bool is_held(const char *number)
{
	int64_t i;
	double d;

	return parse_int(number, INT64_MIN, INT64_MAX, &i) || strcmp(number, "-0") == 0 ||
	       (strpbrk(number, ".eE") && parse_float(number, &d));
}

static void mend_number(struct rest *r, struct buf *ret)
{
	size_t n = 0;

	while (n < r->len && r->p[n] && strchr("+-.0123456789eE", r->p[n]))
		n++;
	scoped(free_ptr) char *number = xstrndup(r->p, n);

	if (is_held(number)) {
		take(r, n, ret);
		return;
	}
	buf_add_char(ret, '"');
	take(r, n, ret);
	buf_add_char(ret, '"');
}

/* Python and JavaScript write them. */
static bool mend_word(struct rest *r, struct buf *ret)
{
	static const char *const words[] = { "NaN", "Infinity", "-Infinity" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!starts_with(r, words[i]))
			continue;
		buf_add_fmt(ret, "\"%s\"", words[i]);
		take(r, strlen(words[i]), NULL);
		return true;
	}
	return false;
}

void json_mend(const char *text, size_t len, struct buf *ret)
{
	struct rest r = { text, len };

	if (starts_with(&r, BYTE_ORDER_MARK))
		take(&r, strlen(BYTE_ORDER_MARK), NULL);
	while (r.len) {
		if (*r.p == '"')
			mend_string(&r, ret);
		else if (mend_word(&r, ret))
			continue;
		else if (*r.p && strchr("-0123456789", *r.p))
			mend_number(&r, ret);
		else
			take(&r, 1, ret);
	}
}
