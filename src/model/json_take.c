/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of JSON by the types of fields: numbers as they are written, times as texts or numbers. */
#include "json_take.h"

#include <jansson.h>
#include <math.h>

#include "storyfs/clock.h"

#define EXACT_INTEGER (INT64_C(1) << 53)

bool json_take_text(struct json_scan *s, const char **ret)
{
	return json_scan_peek(s) == '"' && (*ret = json_scan_string(s));
}

static bool take_number(struct json_scan *s, struct json_number *ret)
{
	return !json_scan_peek(s) && json_scan_number(s, ret);
}

bool json_take_int(struct json_scan *s, int64_t *ret)
{
	struct json_number n;

	if (!take_number(s, &n))
		return false;
	if (n.is_real && (floor(n.d) < n.d || fabs(n.d) > (double)EXACT_INTEGER))
		return false;
	*ret = n.is_real ? (int64_t)n.d : n.i;
	return true;
}

/* Whole numbers that a double does not hold exactly are no value: they would be lost. */
bool json_take_float(struct json_scan *s, double *ret)
{
	struct json_number n;

	if (!take_number(s, &n))
		return false;
	*ret = n.is_real ? n.d : (double)n.i;
	return n.is_real || (n.i <= EXACT_INTEGER && n.i >= -EXACT_INTEGER);
}

bool json_take_bool(struct json_scan *s, int64_t *ret)
{
	char c = json_scan_peek(s);

	if (c != 't' && c != 'f')
		return false;
	*ret = json_scan_word(s) == 't';
	return true;
}

bool json_take_date(struct json_scan *s, int64_t *ret)
{
	const char *text;

	return json_take_text(s, &text) && clock_parse_date(text, ret);
}

bool json_take_datetime(struct json_scan *s, int64_t *ret)
{
	const char *text;
	int64_t ms;

	if (json_take_text(s, &text))
		return clock_parse_iso(text, ret);
	if (!json_take_int(s, &ms) || ms < CLOCK_MIN_MS || ms > CLOCK_MAX_MS)
		return false;
	*ret = ms;
	return true;
}

bool json_take_choice(const struct choices *choices, struct json_scan *s, int64_t *ret)
{
	const char *word;

	if (!json_take_text(s, &word))
		return false;
	*ret = choices_find(choices, word, false);
	return *ret >= 0;
}

bool json_take_ids(struct json_scan *s, struct value *ret)
{
	scoped(ids_fini) struct ids ids = { 0 };

	if (json_scan_peek(s) != '[')
		return false;
	for (bool more = json_scan_open(s, '['); more; more = json_scan_more(s, '[')) {
		int64_t id;

		if (!json_take_int(s, &id))
			return false;
		ids_add(&ids, id);
	}
	*ret = value_of_ids(ids);
	ids = (struct ids){ 0 };
	return true;
}

struct json_t *json_take_tree(struct json_scan *s)
{
	struct json_mark from = json_scan_mark(s);

	json_scan_skip(s);
	return s->is_broken ? NULL
			    : json_loadb(from.p, (size_t)(s->p - from.p), JSON_DECODE_ANY, NULL);
}

bool json_take_compact(struct json_scan *s, char **ret)
{
	json_t *json = json_take_tree(s);

	*ret = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	json_decref(json);
	return *ret != NULL;
}
