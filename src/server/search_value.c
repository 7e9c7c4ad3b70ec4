/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each way of reading is one function, found by what the keyword takes. */
#include "search_value.h"

#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/nearest.h"
#include "storyfs/parse.h"
#include "storyfs/schema.h"
#include "storyfs/text.h"

/* The words before a trait that it goes with. */
enum { IS = 1, HAS = 2, NO = 4 };

static const struct {
	const char *word;
	enum search_trait trait;
	unsigned forms;
} traits[] = {
#define KEYWORD(word, about, takes, help)
#define TRAIT(word, trait, forms) { word, TRAIT_##trait, forms },
#include "search_keywords.def"
};

static const char bad_date[] =
	"The date you requested could not be parsed. See FAQ for valid formats.";

/* ---- what would be accepted ---- */

/* The words are offered one by one: the nearest is named first, then all. */
struct offer {
	struct nearest near;
	struct buf all;
};

static void add_word(const char *word, struct buf *ret)
{
	buf_add_fmt(ret, "%s%s", ret->len ? ", " : "", word);
}

static void offer_word(struct offer *o, const char *word)
{
	nearest_offer(&o->near, word);
	add_word(word, &o->all);
}

static void offer_end(struct offer *o, const char *what, struct buf *ret_fix)
{
	if (nearest_name(&o->near))
		buf_add_fmt(ret_fix, "Did you mean '%s'? ", nearest_name(&o->near));
	buf_add_fmt(ret_fix, "%s: %s.", what, buf_str(&o->all));
	buf_fini(&o->all);
}

void search_value_offer_keywords(const char *word, struct search_problem *ret)
{
	struct offer o = { .near = { .word = word } };
	const struct search_keyword *k;

	buf_add_fmt(&ret->what, "'%s' is not a keyword", word);
	for (size_t i = 0; (k = search_keyword_nth(i)); i++)
		offer_word(&o, k->word);
	offer_end(&o, "The keywords are", &ret->fix);
	buf_add_str(&ret->fix, " Put a text with a colon into double quotes.");
}

static bool refuse(const struct search_keyword *keyword, const struct search_value *value,
	const char *is_no, struct search_problem *ret)
{
	buf_add_fmt(&ret->what, "'%s' is not %s", value->text, is_no);
	buf_add_fmt(&ret->fix, "Behind '%s:' stands %s.", keyword->word, keyword->help);
	return false;
}

/* ---- one of a set of words ---- */

static const struct choices *choices_of(enum search_takes takes)
{
	if (takes == TAKES_TYPE)
		return schema_field(KIND_story, F_story_story_type)->choices;
	if (takes == TAKES_STATE)
		return schema_field(KIND_story, F_story_current_state)->choices;
	return takes == TAKES_REVIEW_STATUS ? schema_field(KIND_review, F_review_status)->choices
					    : NULL;
}

static bool read_choice(const struct search_keyword *keyword, struct search_value *value,
	const struct choices *choices, struct search_problem *ret)
{
	int i = choices_find(choices, value->text, true);

	value->i = i;
	if (i >= 0)
		return true;
	struct offer o = { .near = { .word = value->text } };

	for (int k = 0; choices->words[k]; k++)
		offer_word(&o, choices->words[k]);
	buf_add_fmt(&ret->what, "'%s' is not a value of '%s'", value->text, keyword->word);
	offer_end(&o, "Its values are", &ret->fix);
	return false;
}

static unsigned trait_form(const struct search_keyword *keyword)
{
	if (keyword->about == ABOUT_IS)
		return IS;
	return keyword->about == ABOUT_HAS ? HAS : NO;
}

static bool read_trait(const struct search_keyword *keyword, struct search_value *value,
	struct search_problem *ret)
{
	scoped(free_ptr) char *low = text_lower(value->text);
	unsigned form = trait_form(keyword);
	struct offer o = { .near = { .word = value->text } };

	for (size_t i = 0; i < sizeof(traits) / sizeof(*traits); i++) {
		if (!(traits[i].forms & form))
			continue;
		if (strcmp(traits[i].word, low) == 0) {
			value->i = traits[i].trait;
			buf_fini(&o.all);
			return true;
		}
		offer_word(&o, traits[i].word);
	}
	buf_add_fmt(&ret->what, "'%s' is not a value of '%s'", value->text, keyword->word);
	offer_end(&o, "Its values are", &ret->fix);
	return false;
}

void search_value_add_words(const struct search_keyword *keyword, struct buf *ret)
{
	const struct choices *choices = choices_of(keyword->takes);
	scoped(buf_fini) struct buf words = BUF_INIT;

	for (int i = 0; choices && choices->words[i]; i++)
		add_word(choices->words[i], &words);
	for (size_t i = 0; i < sizeof(traits) / sizeof(*traits); i++) {
		if (keyword->takes == TAKES_TRAIT && traits[i].forms & trait_form(keyword))
			add_word(traits[i].word, &words);
	}
	buf_add_str(ret, buf_str(&words));
}

/* ---- numbers ---- */

static bool read_number(const struct search_keyword *keyword, struct search_value *value,
	struct search_problem *ret)
{
	if (parse_float(value->text, &value->number) && (value->number >= 0 || value->number == -1))
		return true;
	return refuse(keyword, value, "a number of points", ret);
}

static bool read_id(const struct search_keyword *keyword, struct search_value *value,
	struct search_problem *ret)
{
	return parse_int(value->text, 1, INT64_MAX, &value->i) ||
	       refuse(keyword, value, "an id", ret);
}

static bool read_bool(const struct search_keyword *keyword, struct search_value *value,
	struct search_problem *ret)
{
	scoped(free_ptr) char *low = text_lower(value->text);
	bool yes = false;

	if (!parse_bool(low, &yes))
		return refuse(keyword, value, "true or false", ret);
	value->i = yes;
	return true;
}

/* ---- dates ---- */

static bool read_date(const struct search_keyword *keyword, struct search_value *value,
	const struct search_clock *clock, struct search_problem *ret)
{
	scoped(free_ptr) char *low = text_lower(value->text);
	bool good = keyword->takes == TAKES_DAY ? search_dates_parse(low, clock, &value->span)
						: search_date_parse(low, clock, &value->span);

	if (keyword->takes == TAKES_SINCE)
		value->span.to_ms = INT64_MAX;
	if (keyword->takes == TAKES_BEFORE)
		value->span = (struct span){ INT64_MIN, value->span.from_ms };
	if (good)
		return true;
	ret->literal = bad_date;
	buf_add_fmt(&ret->what, "'%s' is not a date", value->text);
	buf_add_str(&ret->fix,
		"Dates are 1/31/2015, 2015-01-31, today, yesterday, -3d, -2w, -5h, and behind "
		"created, updated and accepted also ranges of two, with .. between.");
	return false;
}

/* ---- texts ---- */

/* In the place of what is written, for messages are about the words, not about the pattern. */
static bool make_pattern(struct search_value *value, bool whole, struct search_problem *ret)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	size_t at = 0;

	value->pattern = pattern_new(value->text, value->form, whole, &reason, &at);
	if (value->pattern)
		return true;
	buf_add_fmt(&ret->what, "the regular expression is broken: %s", buf_str(&reason));
	buf_add_str(&ret->fix, "Put a text that is no expression into double quotes.");
	ret->at += at + (value->form == PATTERN_REGEX);
	return false;
}

static bool read_review(const struct search_keyword *keyword, struct search_value *value,
	struct search_problem *ret)
{
	const struct choices *statuses = choices_of(TAKES_REVIEW_STATUS);
	const char *status = strrchr(value->text, '&');

	/* The name of a type may hold the sign itself. */
	if (status && value->form == PATTERN_PHRASE && choices_find(statuses, status + 1, true) < 0)
		status = NULL;
	size_t len = status ? (size_t)(status - value->text) : strlen(value->text);
	scoped(free_ptr) char *type = xstrndup(value->text, len);
	struct search_value part = { .text = (char *)(status ? status + 1 : "") };
	struct search_value name = { .form = value->form, .text = type };

	value->i = -1;
	if (!*type)
		return refuse(keyword, value, "a review type", ret);
	if (status && !read_choice(keyword, &part, statuses, ret)) {
		ret->at += len + 1;
		return false;
	}
	if (status)
		value->i = part.i;
	if (!make_pattern(&name, true, ret))
		return false;
	value->pattern = name.pattern;
	return true;
}

static bool is_empty_taken(enum search_takes takes)
{
	return takes == TAKES_NAME || takes == TAKES_PERSON;
}

bool search_value_read(const struct search_keyword *keyword, struct search_value *value,
	const struct search_clock *clock, struct search_problem *ret)
{
	enum search_takes takes = keyword ? keyword->takes : TAKES_TEXT;

	ret->at = value->at;
	if (text_is_blank(value->text)) {
		if (is_empty_taken(takes))
			return true;
		buf_add_str(&ret->what, "there is nothing to search for");
		buf_add_str(&ret->fix, "Put a word there.");
		return false;
	}
	switch (takes) {
	case TAKES_TEXT:
		return make_pattern(value, false, ret);
	case TAKES_NAME:
	case TAKES_WORD:
		return make_pattern(value, true, ret);
	case TAKES_PERSON:
		return true;
	case TAKES_TYPE:
	case TAKES_STATE:
	case TAKES_REVIEW_STATUS:
		return read_choice(keyword, value, choices_of(takes), ret);
	case TAKES_REVIEW:
		return read_review(keyword, value, ret);
	case TAKES_NUMBER:
		return read_number(keyword, value, ret);
	case TAKES_ID:
		return read_id(keyword, value, ret);
	case TAKES_BOOL:
		return read_bool(keyword, value, ret);
	case TAKES_TRAIT:
		return read_trait(keyword, value, ret);
	case TAKES_DAY:
	case TAKES_SINCE:
	case TAKES_BEFORE:
		return read_date(keyword, value, clock, ret);
	}
	return false;
}
