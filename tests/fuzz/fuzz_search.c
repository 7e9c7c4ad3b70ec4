/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search language: a refusal has words, what is printed is read the same, and every pattern
 * ends on every text. */
#include <assert.h>
#include <stdbool.h>

#include "search_query.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/text.h"

#include "fuzz.h"

static const struct search_clock now = { INT64_C(1714979289000), NULL };

static bool parse(const char *text, struct search **ret)
{
	scoped(v5_error_fini) struct v5_error e = { 0 };
	int r = search_parse(text, &now, ret, &e);

	assert(r == 0 || (e.general_problem && e.possible_fix));
	return r == 0;
}

static void match_all(const struct search *s, const char *text)
{
	scoped(folded_fini) struct folded folded = { 0 };
	const struct pattern_budget budget = { clock_deadline(500) };

	folded_set(&folded, text);
	for (int t = 0; t < s->n_terms; t++) {
		for (size_t i = 0; i < s->terms[t].n; i++) {
			if (s->terms[t].values[i].pattern)
				pattern_match(s->terms[t].values[i].pattern, &folded, &budget);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(free_ptr) char *text = xstrndup((const char *)data, size);
	scoped(search_free) struct search *first = NULL;
	scoped(search_free) struct search *second = NULL;
	scoped(buf_fini) struct buf once = BUF_INIT;
	scoped(buf_fini) struct buf twice = BUF_INIT;

	if (!text_is_valid(text, strlen(text)) || !parse(text, &first))
		return 0;
	search_print(first, &once);
	/* Printing adds words between and may go beyond the limit. */
	if (once.len <= 16384) {
		bool again = parse(buf_str(&once), &second);

		assert(again);
		search_print(second, &twice);
		assert(strcmp(buf_str(&once), buf_str(&twice)) == 0);
	}
	match_all(first, text);
	return 0;
}
