/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search language: what is read, how it is printed, and what a refusal says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "search_query.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "zone.h"

/* 2024-05-06T07:08:09Z, a Monday. */
#define NOW_MS INT64_C(1714979289000)
#define DAY_MS INT64_C(86400000)
#define TODAY_MS (NOW_MS - NOW_MS % DAY_MS)

static const struct search_clock utc = { NOW_MS, NULL };

static void reads_what_it_prints(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ " \t ", "" },
		{ "a b", "a AND b" },
		{ "a AND b OR c", "a AND b OR c" },
		{ "a OR b c", "a OR b AND c" },
		{ "a (b OR c)", "a AND (b OR c)" },
		{ "((a))", "a" },
		{ "-a -(b c)", "-a AND -(b AND c)" },
		{ "- a", "- AND a" },
		{ "\"a \\\" b\"c", "\"a \\\" b\" AND c" },
		{ "/se(r|n)i al/ x", "/se(r|n)i al/ AND x" },
		{ "/etc/passwd", "/etc/passwd" },
		{ "LABEL:x label:\"\"", "label:x AND label:\"\"" },
		{ "state:started,Finished", "state:started,Finished" },
		{ "label:\"a b\",c", "label:\"a b\",c" },
		{ "name:a,b", "name:a,b" },
		{ "review:\"Test (QA)\"&pass", "review:\"Test (QA)&pass\"" },
		{ "http://example.org/ 12:30", "http://example.org/ AND 12:30" },
		{ "a includedone:true OR b", "includedone:true a OR b" },
		{ "includedone:true", "includedone:true" },
		{ "includedone:false", "" },
		{ "and or", "and AND or" },
		{ "created:1/31/2015..2/28/2015 -mywork:ab",
			"created:1/31/2015..2/28/2015 AND -mywork:ab" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int k = 0; k < 2; k++) {
			scoped(search_free) struct search *s = NULL;
			scoped(v5_error_fini) struct v5_error e = { 0 };
			scoped(buf_fini) struct buf text = BUF_INIT;

			if (search_parse(rows[i][k], &utc, &s, &e) != 0)
				fail_msg("%s: %s", rows[i][k], e.general_problem);
			search_print(s, &text);
			assert_string_equal(buf_str(&text), rows[i][1]);
		}
	}
}

static const struct {
	const char *query, *problem, *fix; /* the beginning of it */
} refusals[] = {
	{ "a lable:x", "The search cannot be understood at character 3: 'lable' is not a keyword.",
		"Did you mean 'label'? The keywords are: name, label," },
	{ "\xc3\xa4 state:acepted",
		"The search cannot be understood at character 9: 'acepted' is not a value of "
		"'state'.",
		"Did you mean 'accepted'? Its values are: accepted, delivered," },
	{ "type:epic",
		"The search cannot be understood at character 6: 'epic' is not a "
		"value of 'type'.",
		"Its values are: feature, bug, chore, release." },
	{ "is:bloked",
		"The search cannot be understood at character 4: 'bloked' is not a "
		"value of 'is'.",
		"Did you mean 'blocked'? Its values are: blocked, blocking, following." },
	{ "label: x", "The search cannot be understood at character 7: a value is missing.",
		"No blank may stand between" },
	{ "id:x", "The search cannot be understood at character 4: 'x' is not an id.",
		"Behind 'id:' stands" },
	{ "estimate:-2",
		"The search cannot be understood at character 10: '-2' is not a number of "
		"points.",
		"Behind 'estimate:' stands" },
	{ "a \"b",
		"The search cannot be understood at character 3: a double quote is not "
		"closed.",
		"Put a double quote" },
	{ "(a",
		"The search cannot be understood at character 1: a parenthesis is not "
		"closed.",
		"Put a ')'" },
	{ "a)",
		"The search cannot be understood at character 2: a parenthesis is closed "
		"that was not opened.",
		"Put a '('" },
	{ "a OR", "The search cannot be understood at character 5: a word is missing.",
		"AND and OR stand" },
	{ "AND a", "The search cannot be understood at character 1: a word is missing.",
		"AND and OR stand" },
	{ "()", "The search cannot be understood at character 2: a word is missing.",
		"AND and OR stand" },
	{ "x /a[/",
		"The search cannot be understood at character 6: the regular "
		"expression is broken: missing terminating ] for character class.",
		"Put a text that is no expression" },
	{ "-created:today",
		"The search cannot be understood at character 1: this keyword cannot be "
		"negated.",
		"Take the minus away" },
	{ "created:-5days..now",
		"The date you requested could not be parsed. See FAQ for valid formats.",
		"'-5days..now' is not a date at character 9. Dates are" },
	{ "created:1/31/15",
		"The date you requested could not be parsed. See FAQ for valid formats.",
		"'1/31/15' is not a date at character 9. Dates are" },
	{ "created_since:2015-02-30",
		"The date you requested could not be parsed. See FAQ for valid formats.",
		"'2015-02-30' is not a date" },
	{ "created_before:-3d..today",
		"The date you requested could not be parsed. See FAQ for valid formats.",
		"'-3d..today' is not a date" },
};

static void refusals_point_at_the_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct search *s = NULL;
		scoped(v5_error_fini) struct v5_error e = { 0 };

		assert_true(search_parse(refusals[i].query, &utc, &s, &e) < 0);
		assert_int_equal(e.code, V5_invalid_parameter);
		assert_string_equal(e.general_problem, refusals[i].problem);
		if (strncmp(e.possible_fix, refusals[i].fix, strlen(refusals[i].fix)) != 0)
			fail_msg("%s: %s", refusals[i].query, e.possible_fix);
	}
}

static void what_is_too_much_is_refused(void **state)
{
	scoped(buf_fini) struct buf deep = BUF_INIT;
	scoped(buf_fini) struct buf many = BUF_INIT;
	scoped(buf_fini) struct buf large = BUF_INIT;
	const struct buf *const rows[] = { &deep, &many, &large };

	(void)state;
	for (int i = 0; i < 5000; i++) {
		buf_add_char(&deep, '(');
		buf_add_str(&many, "a ");
	}
	/* Few words, out of which much is made: each takes as long as a search may. */
	for (int i = 0; i < 100; i++)
		buf_add_fmt(&large, "/(?:[^a-z]\\d?x*){1,900}%d/ ", i);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct search *s = NULL;
		scoped(v5_error_fini) struct v5_error e = { 0 };

		assert_true(search_parse(rows[i]->data, &utc, &s, &e) < 0);
		assert_string_equal(e.possible_fix, "Search for less at a time.");
	}
}

static void dates_are_spans(void **state)
{
	static const struct {
		const char *text;
		int64_t from, to;
	} rows[] = {
		{ "today", TODAY_MS, TODAY_MS + DAY_MS },
		{ "yesterday", TODAY_MS - DAY_MS, TODAY_MS },
		{ "5/6/2024", TODAY_MS, TODAY_MS + DAY_MS },
		{ "05/06/2024", TODAY_MS, TODAY_MS + DAY_MS },
		{ "2024-05-06", TODAY_MS, TODAY_MS + DAY_MS },
		{ "2024-05-06T07:08:09Z", NOW_MS, NOW_MS + 1000 },
		{ "-3d", TODAY_MS - 3 * DAY_MS, INT64_MAX },
		{ "-3days", TODAY_MS - 3 * DAY_MS, INT64_MAX },
		{ "-2w", TODAY_MS - 14 * DAY_MS, INT64_MAX },
		{ "-5h", NOW_MS - 5 * DAY_MS / 24, INT64_MAX },
		{ "5/4/2024..5/6/2024", TODAY_MS - 2 * DAY_MS, TODAY_MS + DAY_MS },
		{ "-2d..yesterday", TODAY_MS - 2 * DAY_MS, TODAY_MS },
	};
	static const char *const none[] = { "", "now", "..", "today..", "..today", "13/1/2024",
		"2/30/2024", "5/6/24", "-d", "-3", "-3x", "3d", "-999999999999d", "tomorrow" };
	struct span span;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!search_dates_parse(rows[i].text, &utc, &span))
			fail_msg("%s", rows[i].text);
		assert_int_equal(span.from_ms, rows[i].from);
		assert_int_equal(span.to_ms, rows[i].to);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		if (search_dates_parse(none[i], &utc, &span))
			fail_msg("%s", none[i]);
	}
}

static void days_are_the_searchers(void **state)
{
	scoped(zone_free) struct zone *zone = zone_load("America/Los_Angeles");
	const struct search_clock clock = { NOW_MS, zone };
	struct span span;

	(void)state;
	assert_non_null(zone);
	/* It is nine minutes past midnight there; on the 10th of March the day has 23 hours. */
	assert_true(search_dates_parse("today", &clock, &span));
	assert_int_equal(span.from_ms, TODAY_MS + 7 * DAY_MS / 24);
	assert_true(search_dates_parse("3/10/2024", &clock, &span));
	assert_int_equal(span.to_ms - span.from_ms, 23 * DAY_MS / 24);
	assert_true(search_dates_parse("2024-05-06T00:08:09", &clock, &span));
	assert_int_equal(span.from_ms, NOW_MS);
}

/* ---- patterns ---- */

static bool matches(const char *pattern, enum pattern_form form, bool whole, const char *text)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	size_t at;
	scoped(pattern_free) struct pattern *p = pattern_new(pattern, form, whole, &reason, &at);
	scoped(folded_fini) struct folded folded = { 0 };
	const struct pattern_budget budget = { INT64_MAX };

	assert_non_null(p);
	folded_set(&folded, text);
	int r = pattern_match(p, &folded, &budget);

	assert_in_range(r, 0, 1);
	return r;
}

static void words_are_found_whole_and_without_case(void **state)
{
	static const struct {
		const char *pattern;
		enum pattern_form form;
		bool whole;
		const char *text;
		bool found;
	} rows[] = {
		{ "cat", PATTERN_WORD, false, "The CAT.", true },
		{ "cat", PATTERN_WORD, false, "a catalog", false },
		{ "cat", PATTERN_WORD, false, "catalog cat", true },
		{ "cat", PATTERN_WORD, false, "x_cat_y", true },
		{ "cat*", PATTERN_WORD, false, "a catalog", true },
		{ "c?t", PATTERN_WORD, false, "a cut", true },
		{ "c?t", PATTERN_WORD, false, "a cart", false },
		{ "c?t", PATTERN_PHRASE, false, "a cut", false },
		{ "big  cat", PATTERN_PHRASE, false, "a big\n\tCat", true },
		{ "C++", PATTERN_WORD, false, "in c++17", true },
		{ "\xc3\x9c"
		  "BER",
			PATTERN_WORD, false,
			"\xc3\xbc"
			"ber",
			true },
		{ "\xce\xa3\xce\x91\xce\xa3", PATTERN_WORD, false, "\xcf\x83\xce\xb1\xcf\x82",
			true },
		{ "\xe6\xa4\x9c\xe7\xb4\xa2", PATTERN_WORD, false,
			"\xe5\x85\xa8\xe6\xa4\x9c\xe7\xb4\xa2\xe8\xaa\x9e", true },
		{ "admin", PATTERN_WORD, true, "Admin", true },
		{ "admin", PATTERN_WORD, true, "admin ui", false },
		{ "admin*", PATTERN_WORD, true, "admin ui", true },
		{ "^a.c$", PATTERN_REGEX, false, "x\nABC\ny", true },
		{ "seriali.e", PATTERN_REGEX, true, "it serializes", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (matches(rows[i].pattern, rows[i].form, rows[i].whole, rows[i].text) !=
			rows[i].found)
			fail_msg("%s in %s", rows[i].pattern, rows[i].text);
	}
}

static void hostile_expressions_end(void **state)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	size_t at;
	scoped(pattern_free) struct pattern *p =
		pattern_new("(a+)+$", PATTERN_REGEX, false, &reason, &at);
	scoped(folded_fini) struct folded folded = { 0 };
	const struct pattern_budget budget = { INT64_MAX }, spent = { 0 };

	(void)state;
	folded_set(&folded, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
	assert_int_equal(pattern_match(p, &folded, &budget), -ETIMEDOUT);
	assert_int_equal(pattern_match(p, &folded, &spent), -ETIMEDOUT);
}

/* From each place of a long text it takes a little less than it may. */
static void hostile_texts_end(void **state)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(buf_fini) struct buf text = BUF_INIT;
	size_t at;
	scoped(pattern_free) struct pattern *p =
		pattern_new("(?:a?){14}a{14}[^a]", PATTERN_REGEX, false, &reason, &at);
	scoped(folded_fini) struct folded folded = { 0 };
	const struct pattern_budget budget = { clock_deadline(100) };

	(void)state;
	for (int i = 0; i < 20000; i++)
		buf_add_char(&text, 'a');
	folded_set(&folded, text.data);
	assert_int_equal(pattern_match(p, &folded, &budget), -ETIMEDOUT);
}

/* A text is looked through in pieces; what is found lies across them, and looks back. */
static void expressions_are_found_anywhere(void **state)
{
	static const char *const patterns[] = { "x{3}y", "(?<=\xc3\xbc)x+y$", "^\xc3\xbc.*y\\z",
		"\\bxxxy" };

	(void)state;
	for (int n = 0; n < 700; n += 7) {
		scoped(buf_fini) struct buf text = BUF_INIT;

		for (int i = 0; i < n; i++)
			buf_add_str(&text, i % 50 ? "\xc3\xbc" : "\xe2\x82\xac ");
		buf_add_str(&text, "\n\xc3\xbc");
		buf_add_str(&text, "xxxy");
		for (size_t k = 0; k < 3; k++) {
			if (!matches(patterns[k], PATTERN_REGEX, false, text.data))
				fail_msg("%s behind %d characters", patterns[k], n);
		}
		assert_false(matches(patterns[3], PATTERN_REGEX, false, text.data));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_prints),
		cmocka_unit_test(refusals_point_at_the_word),
		cmocka_unit_test(what_is_too_much_is_refused),
		cmocka_unit_test(dates_are_spans),
		cmocka_unit_test(days_are_the_searchers),
		cmocka_unit_test(words_are_found_whole_and_without_case),
		cmocka_unit_test(hostile_expressions_end),
		cmocka_unit_test(hostile_texts_end),
		cmocka_unit_test(expressions_are_found_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
