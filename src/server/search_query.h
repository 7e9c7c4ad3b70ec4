/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V5's search language (reference 4.7): a text as a tree.
 *
 *	query := item ( [ "AND" | "OR" ] item )*      from left to right, both bind alike
 *	item  := [ "-" ] ( "(" query ")" | term )
 *	term  := [ keyword ":" ] value ( "," value )*
 *	value := word | '"' phrase '"' | "/" expression "/"
 *
 * What the keywords are, and what they take, is search_keywords.def. Pure: nothing is looked up
 * here but the clock that is given.
 */
#ifndef STORYFS_SERVER_SEARCH_QUERY_H
#define STORYFS_SERVER_SEARCH_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "pattern.h"
#include "search_date.h"
#include "storyfs/buf.h"
#include "storyfs/error.h"

/* What a term asks for. */
enum search_about {
	ABOUT_ANYTHING, /* no keyword: somewhere in the texts */
	ABOUT_NAME,
	ABOUT_LABEL,
	ABOUT_EPIC,
	ABOUT_TYPE,
	ABOUT_STATE,
	ABOUT_ESTIMATE,
	ABOUT_REVIEW,
	ABOUT_REVIEW_STATUS,
	ABOUT_REVIEWER,
	ABOUT_REQUESTER,
	ABOUT_OWNER,
	ABOUT_MYWORK,
	ABOUT_IS,
	ABOUT_HAS,
	ABOUT_NO,
	ABOUT_ID,
	ABOUT_EXTERNAL_ID,
	ABOUT_INTEGRATION,
	ABOUT_CREATED,
	ABOUT_UPDATED,
	ABOUT_ACCEPTED,
	ABOUT_INCLUDE_DONE,
};

enum search_takes {
	TAKES_TEXT,
	TAKES_NAME,
	TAKES_PERSON,
	TAKES_TYPE,
	TAKES_STATE,
	TAKES_REVIEW_STATUS,
	TAKES_REVIEW,
	TAKES_NUMBER,
	TAKES_ID,
	TAKES_WORD,
	TAKES_BOOL,
	TAKES_TRAIT,
	TAKES_DAY,
	TAKES_SINCE,
	TAKES_BEFORE,
};

enum search_trait {
	TRAIT_BLOCKED,
	TRAIT_BLOCKING,
	TRAIT_FOLLOWING,
	TRAIT_LABEL,
	TRAIT_OWNER,
	TRAIT_ATTACHMENT,
	TRAIT_EXTERNAL_ID,
	TRAIT_EPIC,
};

struct search_keyword {
	const char *word;
	enum search_about about;
	enum search_takes takes;
	const char *help;
};

/* The i-th row, NULL behind the last; so that help can be printed. */
const struct search_keyword *search_keyword_nth(size_t i);

struct search_value {
	enum pattern_form form;
	char *text;		 /* "" only where a phrase may be empty: none */
	size_t at;		 /* where it begins, in bytes of the query */
	struct pattern *pattern; /* TEXT, NAME, WORD */
	int64_t i; /* TYPE, STATE, REVIEW_STATUS, ID, BOOL, TRAIT; of REVIEW the status, or -1 */
	double number;
	struct span span; /* DAY, SINCE, BEFORE */
};

struct search_term {
	const struct search_keyword *keyword; /* NULL: free text */
	size_t at;
	size_t n;
	struct search_value *values; /* any of them */
};

enum search_op {
	SEARCH_TERM,
	SEARCH_NOT, /* of left */
	SEARCH_AND,
	SEARCH_OR,
};

struct search_node {
	enum search_op op;
	struct search_node *left, *right;
	int term; /* into search.terms */
};

struct search {
	struct search_node *root; /* NULL: everything */
	bool include_done;
	struct pattern_budget budget; /* for all that is searched; search_parse leaves it empty */
	int n_terms;
	struct search_term *terms;
};

/* Refused with -errno and V5's error, which points at the word. Text is valid UTF-8. */
int search_parse(const char *text, const struct search_clock *clock, struct search **ret,
	struct v5_error *ret_error);
void search_free(struct search *s);
enum search_about search_term_about(const struct search_term *term);
/* The same search in other words: parsed again, it is the same. */
void search_print(const struct search *s, struct buf *ret);

SCOPED_PTR(struct search, search_free);

#endif
