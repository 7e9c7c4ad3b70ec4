/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists out of the archive, and where an id stands among the items. */
#include "search_set.h"

#include "storyfs/alloc.h"

void search_set_fini(struct search_set *set)
{
	records_fini(&set->items);
	ids_fini(&set->ids);
	ids_fini(&set->only_ids);
	free(set->places);
	free(set->verdicts);
	records_fini(&set->labels);
	records_fini(&set->epics);
	records_fini(&set->people);
}

/* ---- places ---- */

struct placed {
	int64_t id;
	size_t place;
};

static int by_id(const void *a, const void *b)
{
	int64_t left = ((const struct placed *)a)->id, right = ((const struct placed *)b)->id;

	return (left > right) - (left < right);
}

void search_set_index(struct search_set *set)
{
	size_t n = set->items.n;
	struct placed *all = xcalloc(n + 1, sizeof(*all));

	for (size_t i = 0; i < n; i++)
		all[i] = (struct placed){ record_id(set->items.items[i]), i };
	qsort(all, n, sizeof(*all), by_id);
	set->places = xcalloc(n + 1, sizeof(*set->places));
	for (size_t i = 0; i < n; i++) {
		ids_add(&set->ids, all[i].id);
		set->places[i] = all[i].place;
	}
	free(all);
	set->verdicts = xcalloc((size_t)set->search->n_terms + 1, n + 1);
}

unsigned char *search_set_column(const struct search_set *set, int term)
{
	return set->verdicts + (size_t)term * set->items.n;
}

bool search_set_find(const struct search_set *set, int64_t id, size_t *ret_place)
{
	size_t from = 0, to = set->ids.n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (set->ids.v[middle] < id)
			from = middle + 1;
		else
			to = middle;
	}
	if (from == set->ids.n || set->ids.v[from] != id)
		return false;
	*ret_place = set->places[from];
	return true;
}

/* ---- lists ---- */

int search_set_load_labels(struct search_set *set)
{
	static const int only[] = { F_label_name };
	struct query q = { .kind = KIND_label, .limit = -1, .only = only, .n_only = 1 };

	if (set->has_labels)
		return 0;
	set->has_labels = true;
	return tx_list(set->c->tx, query_where(&q, F_label_project_id, OP_EQ, set->project_id),
		&set->labels);
}

int search_set_load_epics(struct search_set *set)
{
	static const int only[] = { F_epic_name, F_epic_label_id };
	struct query q = { .kind = KIND_epic, .limit = -1, .only = only, .n_only = 2 };

	if (set->has_epics)
		return 0;
	set->has_epics = true;
	return tx_list(set->c->tx, query_where(&q, F_epic_project_id, OP_EQ, set->project_id),
		&set->epics);
}

int search_set_load_people(struct search_set *set)
{
	static const int only[] = { F_person_name, F_person_initials, F_person_username };
	const struct query q = { .kind = KIND_person, .limit = -1, .only = only, .n_only = 3 };

	if (set->has_people)
		return 0;
	set->has_people = true;
	return tx_list(set->c->tx, &q, &set->people);
}

int search_set_load_parts(
	struct search_set *set, const struct search_part *part, struct records *ret)
{
	struct query q = {
		.kind = part->kind, .limit = -1, .only = part->only, .n_only = part->n_only
	};

	if (!set->ids.n)
		return 0;
	query_where(&q, part->only[0], OP_IN, 0)->where[0].ids = &set->ids;
	if (part->field >= 0)
		query_where(&q, part->field, OP_EQ, part->i);
	return tx_list(set->c->tx, &q, ret);
}
