/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recursive descent over one string; the first mistake ends it. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "search_query.h"
#include "search_value.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

enum {
	MAX_DEPTH = 32,
	MAX_TERMS = 200,
	MAX_VALUES = 500,
	MAX_BYTES = 16384,
	MAX_EXPRESSIONS = 256 << 10, /* bytes that they were made into */
	SHOWN_BYTES = 60,
};

struct parser {
	const char *text, *p;
	const struct search_clock *clock;
	struct search *search;
	size_t expressions;
	struct search_problem problem;
};

/* ---- refusing ---- */

static bool refuse(struct parser *ps, const char *at, const char *what, const char *fix)
{
	buf_add_str(&ps->problem.what, what);
	buf_add_str(&ps->problem.fix, fix);
	ps->problem.at = (size_t)(at - ps->text);
	return false;
}

static bool refuse_number(struct parser *ps, const char *what)
{
	return refuse(ps, ps->p, what, "Search for less at a time.");
}

static int set_error(const struct parser *ps, struct v5_error *ret)
{
	const struct search_problem *problem = &ps->problem;
	scoped(free_ptr) char *before = xstrndup(ps->text, problem->at);
	size_t place = text_length(before) + 1;
	int r;

	if (problem->literal) {
		r = v5_error_problem(ret, "%s", problem->literal);
		ret->possible_fix = xasprintf("%s at character %zu. %s", buf_str(&problem->what),
			place, buf_str(&problem->fix));
		return r;
	}
	r = v5_error_problem(ret, "The search cannot be understood at character %zu: %s.", place,
		buf_str(&problem->what));
	ret->possible_fix = xstrdup(buf_str(&problem->fix));
	return r;
}

/* ---- nodes ---- */

static struct search_node *new_node(
	enum search_op op, struct search_node *left, struct search_node *right)
{
	struct search_node *node = xcalloc(1, sizeof(*node));

	*node = (struct search_node){ .op = op, .left = left, .right = right };
	return node;
}

/* What is NULL, because it says something of the whole search, leaves the other as it is. */
static struct search_node *join(
	enum search_op op, struct search_node *left, struct search_node *right)
{
	if (!left || !right)
		return left ? left : right;
	return new_node(op, left, right);
}

/* ---- words ---- */

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool ends_item(char c)
{
	return !c || is_blank(c) || c == ')';
}

/* What ends a word may also begin the next item. */
static bool ends_word(char c)
{
	return ends_item(c) || c == '"' || c == '(';
}

static void skip_blanks(struct parser *ps)
{
	while (is_blank(*ps->p))
		ps->p++;
}

static size_t word_length(const char *p, bool listed)
{
	size_t n = 0;

	while (!ends_word(p[n]) && !(listed && p[n] == ','))
		n++;
	return n;
}

/* The closing slash of an expression: the first that is not escaped and has an end behind it; a
 * double quote before it is escaped. NULL: it is none, but a word that begins with a slash. */
static const char *find_slash(const char *p, bool listed)
{
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '/' && (ends_word(p[1]) || (listed && p[1] == ',')))
			return p;
	}
	return NULL;
}

static bool read_phrase(struct parser *ps, struct search_value *ret)
{
	const char *begin = ps->p++;
	scoped(buf_fini) struct buf text = BUF_INIT;

	for (; *ps->p && *ps->p != '"'; ps->p++) {
		if (*ps->p == '\\' && (ps->p[1] == '"' || ps->p[1] == '\\'))
			ps->p++;
		buf_add_char(&text, *ps->p);
	}
	if (!*ps->p)
		return refuse(ps, begin, "a double quote is not closed",
			"Put a double quote at the end of the phrase.");
	ps->p++;
	ret->form = PATTERN_PHRASE;
	ret->text = xstrdup(buf_str(&text));
	return true;
}

static bool takes_expression(const struct search_keyword *keyword)
{
	return !keyword || keyword->takes == TAKES_TEXT || keyword->takes == TAKES_NAME;
}

static bool takes_list(const struct search_keyword *keyword)
{
	return keyword && keyword->takes != TAKES_TEXT && keyword->takes < TAKES_DAY;
}

/* `"Test (QA)"&pass`: what follows a phrase is part of it. */
static void read_status(struct parser *ps, struct search_value *value)
{
	size_t len = word_length(ps->p, true);
	scoped(free_ptr) char *type = value->text;

	value->text = xasprintf("%s%.*s", type, (int)len, ps->p);
	ps->p += len;
}

/* The text of a value at ps->p. */
static bool read_text(
	struct parser *ps, const struct search_keyword *keyword, struct search_value *ret)
{
	bool listed = takes_list(keyword);
	const char *slash =
		*ps->p == '/' && takes_expression(keyword) ? find_slash(ps->p, listed) : NULL;

	if (*ps->p == '"') {
		if (!read_phrase(ps, ret))
			return false;
		if (*ps->p == '&' && keyword && keyword->takes == TAKES_REVIEW)
			read_status(ps, ret);
		return true;
	}
	if (slash && slash > ps->p + 1) {
		ret->form = PATTERN_REGEX;
		ret->text = xstrndup(ps->p + 1, (size_t)(slash - ps->p) - 1);
		ps->p = slash + 1;
		return true;
	}
	size_t len = word_length(ps->p, listed);

	if (!len)
		return refuse(ps, ps->p, "a value is missing",
			"No blank may stand between a keyword's colon and the value, or around a "
			"comma. What holds a parenthesis belongs into double quotes.");
	ret->form = PATTERN_WORD;
	ret->text = xstrndup(ps->p, len);
	ps->p += len;
	return true;
}

/* ---- terms ---- */

static bool read_value(struct parser *ps, struct search_term *term)
{
	term->values = xrealloc(term->values, term->n + 1, sizeof(*term->values));
	struct search_value *value = &term->values[term->n++];

	*value = (struct search_value){ .at = (size_t)(ps->p - ps->text) };
	if (!read_text(ps, term->keyword, value) ||
		!search_value_read(term->keyword, value, ps->clock, &ps->problem))
		return false;
	if (value->pattern)
		ps->expressions += pattern_size(value->pattern);
	return ps->expressions <= MAX_EXPRESSIONS ||
	       refuse_number(ps, "the regular expressions are too large");
}

static const struct search_keyword *find_keyword(const char *word, size_t len)
{
	const struct search_keyword *k;

	for (size_t i = 0; (k = search_keyword_nth(i)); i++) {
		if (strlen(k->word) == len && strncasecmp(k->word, word, len) == 0)
			return k;
	}
	return NULL;
}

/* `keyword:` at ps->p, which is then behind it; NULL in *ret for a text without. */
static bool read_keyword(struct parser *ps, const struct search_keyword **ret)
{
	size_t len = 0;

	*ret = NULL;
	while (isalpha((unsigned char)ps->p[len]) || (len && ps->p[len] == '_'))
		len++;
	/* An address is a text. */
	if (!len || ps->p[len] != ':' || strncmp(ps->p + len, "://", 3) == 0)
		return true;
	*ret = find_keyword(ps->p, len);
	if (*ret) {
		ps->p += len + 1;
		return true;
	}
	scoped(buf_fini) struct buf word = BUF_INIT;

	text_add_excerpt(&word, ps->p, len, SHOWN_BYTES);
	ps->problem.at = (size_t)(ps->p - ps->text);
	search_value_offer_keywords(buf_str(&word), &ps->problem);
	return false;
}

static bool is_date(enum search_takes takes)
{
	return takes == TAKES_DAY || takes == TAKES_SINCE || takes == TAKES_BEFORE;
}

static bool check_negated(struct parser *ps, const char *at, const struct search_term *term)
{
	if (!term->keyword ||
		(!is_date(term->keyword->takes) && term->keyword->takes != TAKES_BOOL))
		return true;
	return refuse(ps, at, "this keyword cannot be negated",
		"Take the minus away, and ask for other dates, or for false.");
}

static bool read_term(struct parser *ps, const char *minus, struct search_node **ret)
{
	struct search *s = ps->search;

	if (s->n_terms == MAX_TERMS)
		return refuse_number(ps, "there are too many words");
	s->terms = xrealloc(s->terms, (size_t)s->n_terms + 1, sizeof(*s->terms));
	struct search_term *term = &s->terms[s->n_terms++];

	*term = (struct search_term){ .at = (size_t)(ps->p - ps->text) };
	if (!read_keyword(ps, &term->keyword) || !read_value(ps, term))
		return false;
	while (takes_list(term->keyword) && *ps->p == ',') {
		ps->p++;
		if (term->n == MAX_VALUES)
			return refuse_number(ps, "there are too many values");
		if (!read_value(ps, term))
			return false;
	}
	if (minus && !check_negated(ps, minus, term))
		return false;
	if (search_term_about(term) == ABOUT_INCLUDE_DONE) {
		s->include_done = term->values[term->n - 1].i;
		*ret = NULL;
		return true;
	}
	*ret = new_node(SEARCH_TERM, NULL, NULL);
	(*ret)->term = s->n_terms - 1;
	return true;
}

/* ---- the whole ---- */

static bool read_query(struct parser *ps, int depth, struct search_node **ret);

static bool read_group(struct parser *ps, int depth, struct search_node **ret)
{
	const char *open = ps->p++;

	if (depth == MAX_DEPTH)
		return refuse_number(ps, "parentheses are nested too deep");
	if (!read_query(ps, depth + 1, ret))
		return false;
	if (*ps->p != ')')
		return refuse(ps, open, "a parenthesis is not closed", "Put a ')' at the end.");
	ps->p++;
	return true;
}

static bool read_item(struct parser *ps, int depth, struct search_node **ret)
{
	const char *minus = *ps->p == '-' && !ends_item(ps->p[1]) ? ps->p : NULL;

	if (minus)
		ps->p++;
	bool good = *ps->p == '(' ? read_group(ps, depth, ret) : read_term(ps, minus, ret);

	if (good && minus && *ret)
		*ret = new_node(SEARCH_NOT, *ret, NULL);
	return good;
}

static bool take_word(struct parser *ps, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(ps->p, word, len) != 0 || !ends_word(ps->p[len]))
		return false;
	ps->p += len;
	skip_blanks(ps);
	return true;
}

static enum search_op read_op(struct parser *ps)
{
	if (take_word(ps, "OR"))
		return SEARCH_OR;
	take_word(ps, "AND");
	return SEARCH_AND;
}

static bool at_item(const struct parser *ps)
{
	const char *p = ps->p;
	size_t len = strncmp(p, "AND", 3) == 0 ? 3 : strncmp(p, "OR", 2) == 0 ? 2 : 0;

	return *p && *p != ')' && (!len || !ends_word(p[len]));
}

static bool refuse_item(struct parser *ps)
{
	return refuse(ps, ps->p, "a word is missing",
		"AND and OR stand between two words or parentheses.");
}

static bool read_query(struct parser *ps, int depth, struct search_node **ret)
{
	enum search_op op = SEARCH_AND;

	*ret = NULL;
	do {
		struct search_node *item = NULL;

		skip_blanks(ps);
		if (!at_item(ps))
			return refuse_item(ps);
		bool good = read_item(ps, depth, &item);

		*ret = join(op, *ret, item);
		if (!good)
			return false;
		skip_blanks(ps);
		const char *before = ps->p;

		op = read_op(ps);
		if (ps->p != before && !at_item(ps))
			return refuse_item(ps);
	} while (*ps->p && *ps->p != ')');
	return true;
}

static bool read_all(struct parser *ps)
{
	if (strlen(ps->text) > MAX_BYTES)
		return refuse_number(ps, "the search is too long");
	if (text_is_blank(ps->text))
		return true;
	if (!read_query(ps, 0, &ps->search->root))
		return false;
	return !*ps->p || refuse(ps, ps->p, "a parenthesis is closed that was not opened",
				  "Put a '(' before it, or the text into double quotes.");
}

int search_parse(const char *text, const struct search_clock *clock, struct search **ret,
	struct v5_error *ret_error)
{
	scoped(search_free) struct search *s = xcalloc(1, sizeof(*s));
	struct parser ps = { .text = text, .p = text, .clock = clock, .search = s };
	bool good = read_all(&ps);
	int r = good ? 0 : set_error(&ps, ret_error);

	buf_fini(&ps.problem.what);
	buf_fini(&ps.problem.fix);
	if (good)
		*ret = take_ptr(s);
	return r;
}
