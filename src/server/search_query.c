/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A search as it is kept: its end, and how it is printed. search_parse.c makes it. */
#include "search_query.h"

#include "storyfs/alloc.h"

static const struct search_keyword keywords[] = {
#define KEYWORD(word, about, takes, help) { word, ABOUT_##about, TAKES_##takes, help },
#define TRAIT(word, trait, forms)
#include "search_keywords.def"
};

const struct search_keyword *search_keyword_nth(size_t i)
{
	return i < sizeof(keywords) / sizeof(*keywords) ? &keywords[i] : NULL;
}

enum search_about search_term_about(const struct search_term *term)
{
	return term->keyword ? term->keyword->about : ABOUT_ANYTHING;
}

static void free_node(struct search_node *node)
{
	if (!node)
		return;
	free_node(node->left);
	free_node(node->right);
	free(node);
}

static void free_term(struct search_term *term)
{
	for (size_t i = 0; i < term->n; i++) {
		free(term->values[i].text);
		pattern_free(term->values[i].pattern);
	}
	free(term->values);
}

void search_free(struct search *s)
{
	if (!s)
		return;
	free_node(s->root);
	for (int i = 0; i < s->n_terms; i++)
		free_term(&s->terms[i]);
	free(s->terms);
	free(s);
}

/* ---- printing ---- */

static void print_phrase(const char *text, struct buf *ret)
{
	buf_add_char(ret, '"');
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_add_char(ret, '\\');
		buf_add_char(ret, *p);
	}
	buf_add_char(ret, '"');
}

static void print_value(const struct search_value *value, struct buf *ret)
{
	if (value->form == PATTERN_PHRASE)
		print_phrase(value->text, ret);
	else if (value->form == PATTERN_REGEX)
		buf_add_fmt(ret, "/%s/", value->text);
	else
		buf_add_str(ret, value->text);
}

static void print_term(const struct search_term *term, struct buf *ret)
{
	if (term->keyword)
		buf_add_fmt(ret, "%s:", term->keyword->word);
	for (size_t i = 0; i < term->n; i++) {
		if (i)
			buf_add_char(ret, ',');
		print_value(&term->values[i], ret);
	}
}

static void print_node(const struct search *s, const struct search_node *node, struct buf *ret);

static void print_closed(const struct search *s, const struct search_node *node, struct buf *ret)
{
	/* Without parentheses, a minus would be taken for a word's, and the rest read from the
	 * left. */
	bool open = node->op != SEARCH_TERM;

	buf_add_str(ret, open ? "(" : "");
	print_node(s, node, ret);
	buf_add_str(ret, open ? ")" : "");
}

static void print_node(const struct search *s, const struct search_node *node, struct buf *ret)
{
	if (node->op == SEARCH_TERM) {
		print_term(&s->terms[node->term], ret);
		return;
	}
	if (node->op == SEARCH_NOT) {
		buf_add_char(ret, '-');
		print_closed(s, node->left, ret);
		return;
	}
	print_node(s, node->left, ret);
	buf_add_str(ret, node->op == SEARCH_AND ? " AND " : " OR ");
	if (node->right->op == SEARCH_NOT)
		print_node(s, node->right, ret);
	else
		print_closed(s, node->right, ret);
}

void search_print(const struct search *s, struct buf *ret)
{
	if (s->include_done)
		buf_add_str(ret, s->root ? "includedone:true " : "includedone:true");
	if (s->root)
		print_node(s, s->root, ret);
}
