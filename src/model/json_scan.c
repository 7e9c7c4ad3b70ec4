/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading JSON: a pointer into the text; strings are put together in a buffer that is kept. */
#include "json_scan.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "storyfs/parse.h"

enum {
	MOST_DEEP = 2048,    /* jansson's JSON_PARSER_MAX_DEPTH: a value in so many others */
	SAFE_DIGITS = 18,    /* of an integer that surely fits */
	ESCAPE_LEN = 6,	     /* \uXXXX */
	LEAST_SHOWN = 0x20,  /* below are control characters, which are escaped */
	LEAST_BEYOND = 0x80, /* from here on characters have several bytes */
};

void json_scan_init(struct json_scan *s, const char *text, size_t len)
{
	*s = (struct json_scan){ .p = text, .end = text + len };
}

void json_scan_fini(struct json_scan *s)
{
	buf_fini(&s->text);
}

/* So that nothing more is found. */
static bool fail(struct json_scan *s)
{
	s->is_broken = true;
	s->p = s->end;
	return false;
}

/* The next byte behind white space; NUL at the end, and where there is one. */
static char next_byte(struct json_scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
	if (s->p >= s->end)
		return '\0';
	return *s->p;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

char json_scan_peek(struct json_scan *s)
{
	char c = next_byte(s);

	if (c && strchr("{[\"tfn", c))
		return c;
	if (c != '-' && !is_digit(c))
		fail(s);
	return '\0';
}

/* ---- words and numbers ---- */

char json_scan_word(struct json_scan *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(s->end - s->p) < len || memcmp(s->p, words[i], len) != 0)
			continue;
		s->p += len;
		return *words[i];
	}
	fail(s);
	return '\0';
}

/* How many digits there are at p. */
static size_t count_digits(const struct json_scan *s, const char *p)
{
	const char *from = p;

	while (p < s->end && is_digit(*p))
		p++;
	return (size_t)(p - from);
}

/* One of these bytes at p: it is passed. */
static bool takes(const struct json_scan *s, const char **p, const char *bytes)
{
	if (*p >= s->end || !**p || !strchr(bytes, **p))
		return false;
	++*p;
	return true;
}

/* Where the number ends; NULL when it is none. */
static const char *number_end(const struct json_scan *s, bool *ret_is_real)
{
	const char *p = s->p;

	takes(s, &p, "-");
	size_t n = count_digits(s, p);
	bool is_real = false;

	if (!n || (n > 1 && *p == '0'))
		return NULL;
	p += n;
	if (takes(s, &p, ".")) {
		is_real = true;
		n = count_digits(s, p);
		p += n;
	}
	if (n && takes(s, &p, "eE")) {
		is_real = true;
		takes(s, &p, "+-");
		n = count_digits(s, p);
		p += n;
	}
	*ret_is_real = is_real;
	return n ? p : NULL;
}

static int64_t small_integer(const char *p, const char *end)
{
	bool is_negative = *p == '-';
	int64_t i = 0;

	for (p += is_negative; p < end; p++)
		i = i * 10 + (*p - '0');
	return is_negative ? -i : i;
}

bool json_scan_number(struct json_scan *s, struct json_number *ret)
{
	struct json_number n = { 0 };
	const char *end = number_end(s, &n.is_real), *from = s->p;

	if (!end)
		return fail(s);
	s->p = end;
	if (!n.is_real && end - from <= SAFE_DIGITS) {
		n.i = small_integer(from, end);
		*ret = n;
		return true;
	}
	buf_reset(&s->text);
	buf_add(&s->text, from, (size_t)(end - from));
	if (n.is_real ? !parse_float(s->text.data, &n.d)
		      : !parse_int(s->text.data, INT64_MIN, INT64_MAX, &n.i))
		return fail(s);
	*ret = n;
	return true;
}

/* ---- strings ---- */

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Take `\uXXXX`; -1 when there is none. */
static long take_unit(struct json_scan *s)
{
	long unit = 0;

	if (s->end - s->p < ESCAPE_LEN || s->p[0] != '\\' || s->p[1] != 'u')
		return -1;
	for (int i = 2; i < ESCAPE_LEN; i++) {
		int digit = hex_digit(s->p[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	s->p += ESCAPE_LEN;
	return unit;
}

/* One character, of one unit or two. */
static bool take_character(struct json_scan *s)
{
	long character = take_unit(s);
	uint8_t bytes[ESCAPE_LEN];

	if (character >= 0xd800 && character < 0xdc00) {
		long low = take_unit(s);

		if (low < 0xdc00 || low >= 0xe000)
			return fail(s);
		character = 0x10000 + ((character & 0x3ff) << 10 | (low & 0x3ff));
	}
	int n = character > 0 ? u8_uctomb(bytes, (ucs4_t)character, sizeof(bytes)) : -1;

	if (n < 0)
		return fail(s);
	buf_add(&s->text, bytes, (size_t)n);
	return true;
}

static bool take_escape(struct json_scan *s)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";

	if (s->end - s->p < 2 || !s->p[1])
		return fail(s);
	if (s->p[1] == 'u')
		return take_character(s);
	const char *at = strchr(escapes, s->p[1]);

	if (!at)
		return fail(s);
	buf_add_char(&s->text, meant[at - escapes]);
	s->p += 2;
	return true;
}

/* Where the bytes end that stand for themselves. */
static const char *plain_end(struct json_scan *s)
{
	const char *p = s->p;
	ucs4_t character;

	while (p < s->end) {
		unsigned char c = (unsigned char)*p;

		if (c < LEAST_SHOWN || c == '"' || c == '\\')
			break;
		int n = c < LEAST_BEYOND
				? 1
				: u8_mbtoucr(&character, (const uint8_t *)p, (size_t)(s->end - p));
		if (n < 0)
			break;
		p += n;
	}
	return p;
}

const char *json_scan_string(struct json_scan *s)
{
	buf_reset(&s->text);
	s->p++;
	for (;;) {
		const char *end = plain_end(s);

		buf_add(&s->text, s->p, (size_t)(end - s->p));
		s->p = end;
		if (end < s->end && *end == '"')
			break;
		if (end >= s->end || *end != '\\') {
			fail(s);
			return NULL;
		}
		if (!take_escape(s))
			return NULL;
	}
	s->p++;
	return buf_str(&s->text);
}

/* ---- lists and objects ---- */

/* The brackets are two apart in ASCII. */
static bool take_close(struct json_scan *s, char open)
{
	if (next_byte(s) != open + 2)
		return false;
	s->p++;
	s->depth--;
	return true;
}

bool json_scan_open(struct json_scan *s, char open)
{
	if (next_byte(s) != open)
		return fail(s);
	s->p++;
	s->depth++;
	if (take_close(s, open))
		return false;
	return s->depth < MOST_DEEP ? true : fail(s);
}

bool json_scan_more(struct json_scan *s, char open)
{
	if (take_close(s, open))
		return false;
	if (next_byte(s) != ',')
		return fail(s);
	s->p++;
	return true;
}

const char *json_scan_key(struct json_scan *s)
{
	if (next_byte(s) != '"') {
		fail(s);
		return NULL;
	}
	const char *key = json_scan_string(s);

	if (!key)
		return NULL;
	if (next_byte(s) != ':') {
		fail(s);
		return NULL;
	}
	s->p++;
	return key;
}

static void skip_items(struct json_scan *s, char open)
{
	for (bool more = json_scan_open(s, open); more; more = json_scan_more(s, open)) {
		if (open == '{' && !json_scan_key(s))
			return;
		json_scan_skip(s);
	}
}

void json_scan_skip(struct json_scan *s)
{
	struct json_number number;
	char c = json_scan_peek(s);

	switch (c) {
	case '{':
	case '[':
		skip_items(s, c);
		break;
	case '"':
		json_scan_string(s);
		break;
	case '\0':
		json_scan_number(s, &number);
		break;
	default:
		json_scan_word(s);
	}
}

void json_scan_end(struct json_scan *s)
{
	next_byte(s);
	if (s->p < s->end)
		fail(s);
}

struct json_mark json_scan_mark(struct json_scan *s)
{
	next_byte(s);
	return (struct json_mark){ s->p, s->depth };
}

void json_scan_back(struct json_scan *s, const struct json_mark *mark)
{
	if (s->is_broken)
		return;
	s->p = mark->p;
	s->depth = mark->depth;
}
