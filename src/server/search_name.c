/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names are few against stories: each is compared once, and ids are looked for from there on. */
#include "search_name.h"

#include <string.h>

#include "storyfs/alloc.h"
#include "storyfs/parse.h"

int search_name_matches(
	const struct search_set *set, const struct search_term *term, const char *text)
{
	scoped(folded_fini) struct folded folded = { 0 };
	int r = 0;

	folded_set(&folded, text);
	for (size_t i = 0; r == 0 && i < term->n; i++) {
		if (term->values[i].pattern)
			r = pattern_match(term->values[i].pattern, &folded, &set->search->budget);
	}
	return r;
}

/* An empty phrase. */
static bool names_none(const struct search_term *term)
{
	for (size_t i = 0; i < term->n; i++) {
		if (!term->values[i].pattern)
			return true;
	}
	return false;
}

int search_name_labels(
	struct search_set *set, const struct search_term *term, struct ids *ret, bool *ret_none)
{
	int r = search_set_load_labels(set);

	*ret_none = names_none(term);
	for (size_t i = 0; r >= 0 && i < set->labels.n; i++) {
		const struct record *label = set->labels.items[i];

		r = search_name_matches(set, term, record_text(label, F_label_name));
		if (r > 0)
			ids_add(ret, record_id(label));
	}
	return r < 0 ? r : 0;
}

int search_name_all_epic_labels(struct search_set *set, struct ids *ret)
{
	int r = search_set_load_epics(set);

	for (size_t i = 0; r == 0 && i < set->epics.n; i++)
		ids_add(ret, record_int(set->epics.items[i], F_epic_label_id, 0));
	return r;
}

int search_name_epic_labels(
	struct search_set *set, const struct search_term *term, struct ids *ret, bool *ret_none)
{
	scoped(ids_fini) struct ids labels = { 0 };
	int r = search_name_labels(set, term, &labels, ret_none);

	if (r == 0)
		r = search_set_load_epics(set);
	for (size_t i = 0; r >= 0 && i < set->epics.n; i++) {
		const struct record *epic = set->epics.items[i];
		int64_t label = record_int(epic, F_epic_label_id, 0);

		r = search_name_matches(set, term, record_text(epic, F_epic_name));
		if (r > 0 || (r == 0 && ids_has(&labels, label)))
			ids_add(ret, label);
	}
	return r < 0 ? r : 0;
}

/* `get_satisfaction` is written `Get Satisfaction`, too. */
static int matches_type(
	const struct search_set *set, const struct search_term *term, const char *word)
{
	scoped(free_ptr) char *text = xstrdup(word);
	int r = search_name_matches(set, term, text);

	for (char *p = text; (p = strchr(p, '_'));)
		*p = ' ';
	return r ? r : search_name_matches(set, term, text);
}

static void add_given_ids(const struct search_term *term, struct ids *ret)
{
	int64_t id;

	for (size_t i = 0; i < term->n; i++) {
		if (parse_int(term->values[i].text, 1, INT64_MAX, &id))
			ids_add(ret, id);
	}
}

int search_name_integrations(
	struct search_set *set, const struct search_term *term, struct ids *ret)
{
	static const int only[] = { F_integration_type, F_integration_name };
	struct query q = { .kind = KIND_integration, .limit = -1, .only = only, .n_only = 2 };
	scoped(records_fini) struct records list = { 0 };
	int r = tx_list(set->c->tx,
		query_where(&q, F_integration_project_id, OP_EQ, set->project_id), &list);

	add_given_ids(term, ret);
	for (size_t i = 0; r >= 0 && i < list.n; i++) {
		const struct record *one = list.items[i];

		r = matches_type(set, term, record_word(one, F_integration_type));
		if (r == 0)
			r = search_name_matches(set, term, record_text(one, F_integration_name));
		if (r > 0)
			ids_add(ret, record_id(one));
	}
	return r < 0 ? r : 0;
}
