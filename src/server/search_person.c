/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is named exactly comes before those of whose names it is a part: `AB` is Anna Brown, if
 * somebody has these initials, and not Fabian. */
#include "search_person.h"

#include <string.h>

#include "storyfs/parse.h"

static bool is_same(const char *text, const struct folded *wanted)
{
	scoped(folded_fini) struct folded folded = { 0 };

	folded_set(&folded, text);
	return folded.buf.len && strcmp(buf_str(&folded.buf), buf_str(&wanted->buf)) == 0;
}

static bool is_named(const struct record *person, const struct folded *wanted)
{
	int64_t id;

	return (parse_int(wanted->text, 1, INT64_MAX, &id) && id == record_id(person)) ||
	       is_same(record_text(person, F_person_initials), wanted) ||
	       is_same(record_text(person, F_person_username), wanted) ||
	       is_same(record_text(person, F_person_name), wanted);
}

static bool is_part(const struct record *person, const struct folded *wanted)
{
	scoped(folded_fini) struct folded name = { 0 };

	folded_set(&name, record_text(person, F_person_name));
	return strstr(buf_str(&name.buf), buf_str(&wanted->buf)) != NULL;
}

static void add_people(const struct records *people, const struct folded *wanted,
	bool (*is)(const struct record *person, const struct folded *wanted), struct ids *ret)
{
	for (size_t i = 0; i < people->n; i++) {
		if (is(people->items[i], wanted))
			ids_add(ret, record_id(people->items[i]));
	}
}

int search_person_find(
	struct search_set *set, const struct search_term *term, struct ids *ret, bool *ret_none)
{
	int r = search_set_load_people(set);

	*ret_none = false;
	for (size_t i = 0; r == 0 && i < term->n; i++) {
		scoped(folded_fini) struct folded wanted = { 0 };
		size_t before = ret->n;
		int64_t id;

		folded_set(&wanted, term->values[i].text);
		if (!wanted.buf.len || is_same("none", &wanted)) {
			*ret_none = true;
			continue;
		}
		add_people(&set->people, &wanted, is_named, ret);
		if (ret->n == before)
			add_people(&set->people, &wanted, is_part, ret);
		/* Somebody whom a partial dump names and does not hold. */
		if (ret->n == before && parse_int(wanted.text, 1, INT64_MAX, &id))
			ids_add(ret, id);
	}
	return r;
}
