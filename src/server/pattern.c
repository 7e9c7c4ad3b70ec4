/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words are compared with memmem in folded text (lower case, one blank for a run of white space),
 * which is fast where most is ASCII; everything else is PCRE2's. Its match limit is for one place
 * where a match may begin, so a text is looked through in pieces, with a look at the clock between.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "pattern.h"

#include <errno.h>
#include <pcre2.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"

enum {
	MATCH_LIMIT = 200000, /* steps from one place */
	PIECE_BYTES = 64,     /* so many places at once: well below a tenth of a second */
	HEAP_LIMIT_KIB = 4096,
	STACK_BYTES = 32 << 10,
	STACK_MAX_BYTES = 1 << 20,
	REASON_BYTES = 256,
};

struct pattern {
	bool whole;
	struct buf words;	 /* folded; empty when there is an expression */
	bool from_word, to_word; /* it begins, ends with a letter of a word */
	pcre2_code *code;
	pcre2_match_context *context;
	pcre2_match_data *match;
	pcre2_jit_stack *stack;
};

/* ---- folding ---- */

static ucs4_t fold_char(ucs4_t c)
{
	enum { SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2 };

	c = uc_tolower(c);
	return c == FINAL_SIGMA ? SIGMA : c;
}

/* Returns how many bytes of s it took. */
static size_t fold_wide(const uint8_t *s, size_t len, struct buf *ret)
{
	uint8_t bytes[6];
	ucs4_t c;
	int n = u8_mbtouc(&c, s, len);

	if (uc_is_property_white_space(c)) {
		if (ret->len && ret->data[ret->len - 1] != ' ')
			buf_add_char(ret, ' ');
		return (size_t)n;
	}
	int m = u8_uctomb(bytes, fold_char(c), sizeof(bytes));

	if (m > 0)
		buf_add(ret, bytes, (size_t)m);
	return (size_t)n;
}

static void fold(const char *text, struct buf *ret)
{
	size_t len = strlen(text);

	buf_reset(ret);
	for (size_t i = 0; i < len;) {
		/* Room for all the rest, which ASCII does not outgrow. */
		char *to = buf_reserve(ret, len - i + 1);
		char last = ' ';
		size_t n = 0;

		if (ret->len)
			last = ret->data[ret->len - 1];

		for (; i < len && (unsigned char)text[i] < 0x80; i++) {
			char c = text[i];

			c = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
			c = (char)((c >= '\t' && c <= '\r') ? ' ' : c);
			if (c != ' ' || last != ' ')
				to[n++] = c;
			last = c;
		}
		ret->len += n;
		ret->data[ret->len] = '\0';
		while (i < len && (unsigned char)text[i] >= 0x80)
			i += fold_wide((const uint8_t *)text + i, len - i, ret);
	}
	if (ret->len && ret->data[ret->len - 1] == ' ')
		ret->data[--ret->len] = '\0';
}

void folded_set(struct folded *f, const char *text)
{
	f->text = text;
	fold(text, &f->buf);
}

void folded_fini(struct folded *f)
{
	buf_fini(&f->buf);
}

/* ---- words ---- */

/* A letter or digit of a script that sets words apart. */
static bool is_word_char(ucs4_t c)
{
	static const char *const unspaced[] = { "Han", "Hiragana", "Katakana", "Hangul", "Thai",
		"Lao", "Khmer", "Myanmar", "Tibetan" };

	if (c < 0x80)
		return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	if (!uc_is_general_category_withtable(
		    c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_M))
		return false;
	const uc_script_t *script = uc_script(c);

	for (size_t i = 0; script && i < sizeof(unspaced) / sizeof(*unspaced); i++) {
		if (strcmp(script->name, unspaced[i]) == 0)
			return false;
	}
	return true;
}

static bool begins_with_word(const char *s)
{
	ucs4_t c;

	return *s && u8_next(&c, (const uint8_t *)s) && is_word_char(c);
}

static bool ends_with_word(const char *s, const char *end)
{
	ucs4_t c;

	return end > s && u8_prev(&c, (const uint8_t *)end, (const uint8_t *)s) && is_word_char(c);
}

static bool match_words(const struct pattern *p, const struct buf *in)
{
	const char *text = buf_str(in), *from = text;
	size_t len = p->words.len;

	if (p->whole)
		return in->len == len && memcmp(text, p->words.data, len) == 0;
	while ((from = memmem(from, in->len - (size_t)(from - text), p->words.data, len))) {
		bool inside = (p->from_word && ends_with_word(text, from)) ||
			      (p->to_word && begins_with_word(from + len));

		if (!inside)
			return true;
		from++;
	}
	return false;
}

/* ---- expressions ---- */

static bool compile(struct pattern *p, const char *text, struct buf *ret_reason, size_t *ret_at)
{
	uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_MULTILINE |
			   PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT;
	int number;
	PCRE2_SIZE at;
	PCRE2_UCHAR words[REASON_BYTES] = { 0 };

	p->code =
		pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &number, &at, NULL);
	if (!p->code) {
		pcre2_get_error_message(number, words, sizeof(words));
		buf_add_str(ret_reason, (const char *)words);
		*ret_at = at;
		return false;
	}
	/* Without it the same is matched, slower. */
	pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE);
	p->context = pcre2_match_context_create(NULL);
	p->match = pcre2_match_data_create(1, NULL);
	pcre2_set_match_limit(p->context, MATCH_LIMIT);
	pcre2_set_depth_limit(p->context, MATCH_LIMIT);
	pcre2_set_heap_limit(p->context, HEAP_LIMIT_KIB);
	p->stack = pcre2_jit_stack_create(STACK_BYTES, STACK_MAX_BYTES, NULL);
	pcre2_jit_stack_assign(p->context, NULL, p->stack);
	return true;
}

/* `colo*r` as an expression: `*` any characters but blanks, `?` one. */
static void add_wild(const char *text, bool whole, struct buf *ret)
{
	static const char letter[] = "[\\p{L}\\p{N}\\p{M}]";
	size_t len = strlen(text);

	if (whole)
		buf_add_str(ret, "\\A(?s)");
	else if (begins_with_word(text))
		buf_add_fmt(ret, "(?<!%s)", letter);
	for (const char *p = text; *p; p++) {
		if (*p == '*' || *p == '?')
			buf_add_fmt(ret, "%s%s", whole ? "." : "\\S", *p == '*' ? "*" : "");
		else if (strchr("\\^$.[]|()+{}-#/", *p))
			buf_add_fmt(ret, "\\%c", *p);
		else
			buf_add_char(ret, *p);
	}
	if (whole)
		buf_add_str(ret, "\\z");
	else if (ends_with_word(text, text + len))
		buf_add_fmt(ret, "(?!%s)", letter);
}

/* Does a match begin from `from` on, but before `to`? -EBADMSG for what is no UTF-8. */
static int match_piece(
	const struct pattern *p, const char *text, size_t len, size_t from, size_t to)
{
	/* That the text is UTF-8 is checked once. */
	uint32_t options = from ? PCRE2_NO_UTF_CHECK : 0;

	pcre2_set_offset_limit(p->context, to - 1);
	int r = pcre2_match(p->code, (PCRE2_SPTR)text, len, from, options, p->match, p->context);

	if (r == PCRE2_ERROR_MATCHLIMIT || r == PCRE2_ERROR_DEPTHLIMIT ||
		r == PCRE2_ERROR_HEAPLIMIT || r == PCRE2_ERROR_JIT_STACKLIMIT)
		return -ETIMEDOUT;
	return r < 0 && r != PCRE2_ERROR_NOMATCH ? -EBADMSG : r >= 0;
}

/* The end of a piece, which is where a character begins; one behind the text at its end, where a
 * match may begin, too. */
static size_t end_of_piece(const char *text, size_t from, size_t len)
{
	size_t to = from + PIECE_BYTES;

	if (to > len)
		return len + 1;
	while (((unsigned char)text[to] & 0xc0) == 0x80)
		to++;
	return to;
}

static int match_code(
	const struct pattern *p, const char *text, const struct pattern_budget *budget)
{
	size_t len = strlen(text), to;
	int r = 0;

	for (size_t from = 0; r == 0 && from <= len; from = to) {
		if (clock_monotonic_ms() > budget->deadline_ms)
			return -ETIMEDOUT;
		to = end_of_piece(text, from, len);
		r = match_piece(p, text, len, from, to);
	}
	return r == -EBADMSG ? 0 : r;
}

/* ---- both ---- */

struct pattern *pattern_new(const char *text, enum pattern_form form, bool whole,
	struct buf *ret_reason, size_t *ret_at)
{
	scoped(pattern_free) struct pattern *p = xcalloc(1, sizeof(*p));
	bool wild = form == PATTERN_WORD && strpbrk(text, "*?");
	scoped(buf_fini) struct buf expression = BUF_INIT;

	p->whole = whole;
	if (form != PATTERN_REGEX && !wild) {
		fold(text, &p->words);
		p->from_word = begins_with_word(buf_str(&p->words));
		p->to_word = ends_with_word(buf_str(&p->words), buf_str(&p->words) + p->words.len);
		return take_ptr(p);
	}
	if (wild)
		add_wild(text, whole, &expression);
	else
		buf_add_str(&expression, text);
	return compile(p, buf_str(&expression), ret_reason, ret_at) ? take_ptr(p) : NULL;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	buf_fini(&p->words);
	pcre2_jit_stack_free(p->stack);
	pcre2_match_data_free(p->match);
	pcre2_match_context_free(p->context);
	pcre2_code_free(p->code);
	free(p);
}

size_t pattern_size(const struct pattern *p)
{
	size_t size = 0;

	if (p->code)
		pcre2_pattern_info(p->code, PCRE2_INFO_SIZE, &size);
	return size;
}

int pattern_match(
	const struct pattern *p, const struct folded *text, const struct pattern_budget *budget)
{
	return p->code ? match_code(p, text->text, budget) : match_words(p, &text->buf);
}
