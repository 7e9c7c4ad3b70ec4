/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row for each thing that can be asked for: how a column is filled for stories and for epics, and
 * which field it needs. A row without a function for epics does not fit them.
 */
#include "search_column.h"

#include <string.h>

#include "search_name.h"
#include "search_person.h"
#include "search_text.h"

/* All at once, by search_text_fill. */
static int fill_text(struct column *col)
{
	(void)col;
	return 0;
}

typedef int (*fill_function)(struct column *col);

enum { MOST_FIELDS = 6 };

static const struct {
	enum search_about about;
	fill_function story, epic;
	int story_fields[MOST_FIELDS], epic_fields[MOST_FIELDS]; /* 0 ends them */
} rows[] = {
	{ ABOUT_ANYTHING, fill_text, fill_text,
		{ F_story_name, F_story_description, F_story_label_ids, F_story_owner_ids,
			F_story_requested_by_id },
		{ F_epic_name, F_epic_description, F_epic_label_id } },
	{ ABOUT_NAME, fill_text, fill_text, { F_story_name }, { F_epic_name } },
	{ ABOUT_LABEL, column_fill_label, column_fill_label, { F_story_label_ids },
		{ F_epic_label_id } },
	{ ABOUT_EPIC, column_fill_epic, column_fill_epic, { F_story_label_ids },
		{ F_epic_label_id } },
	{ ABOUT_TYPE, column_fill_type, NULL, { 0 }, { 0 } },
	{ ABOUT_STATE, column_fill_state, NULL, { 0 }, { 0 } },
	{ ABOUT_ESTIMATE, column_fill_estimate, NULL, { 0 }, { 0 } },
	{ ABOUT_REVIEW, column_fill_review, NULL, { 0 }, { 0 } },
	{ ABOUT_REVIEW_STATUS, column_fill_review_status, NULL, { 0 }, { 0 } },
	{ ABOUT_REVIEWER, column_fill_reviewer, NULL, { 0 }, { 0 } },
	{ ABOUT_REQUESTER, column_fill_requester, NULL, { F_story_requested_by_id }, { 0 } },
	{ ABOUT_OWNER, column_fill_owner, NULL, { F_story_owner_ids }, { 0 } },
	{ ABOUT_MYWORK, column_fill_mywork, NULL, { F_story_owner_ids }, { 0 } },
	{ ABOUT_IS, column_fill_traits, column_fill_epic_traits,
		{ F_story_blocked_story_ids, F_story_follower_ids, F_story_owner_ids,
			F_story_requested_by_id },
		{ F_epic_follower_ids } },
	{ ABOUT_HAS, column_fill_traits, column_fill_epic_traits,
		{ F_story_blocked_story_ids, F_story_label_ids, F_story_owner_ids,
			F_story_external_id },
		{ F_epic_label_id } },
	{ ABOUT_NO, column_fill_no, column_fill_epic_traits,
		{ F_story_blocked_story_ids, F_story_label_ids, F_story_owner_ids,
			F_story_external_id },
		{ F_epic_label_id } },
	{ ABOUT_ID, column_fill_id, column_fill_id, { 0 }, { 0 } },
	{ ABOUT_EXTERNAL_ID, column_fill_external_id, NULL, { F_story_external_id }, { 0 } },
	{ ABOUT_INTEGRATION, column_fill_integration, NULL, { F_story_integration_id }, { 0 } },
	{ ABOUT_CREATED, column_fill_created, column_fill_created, { F_story_created_at },
		{ F_epic_created_at } },
	{ ABOUT_UPDATED, column_fill_updated, column_fill_updated, { F_story_updated_at },
		{ F_epic_updated_at } },
	{ ABOUT_ACCEPTED, column_fill_accepted, NULL, { 0 }, { 0 } },
};

enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

static int find_row(enum search_about about)
{
	for (int i = 0; i < N_ROWS; i++) {
		if (rows[i].about == about)
			return i;
	}
	return -1;
}

static int add_field(int *fields, int n, int f)
{
	for (int i = 0; i < n; i++) {
		if (fields[i] == f)
			return n;
	}
	fields[n] = f;
	return n + 1;
}

int search_column_fields(const struct search *s, enum kind kind, int *ret, int n_ret)
{
	for (int t = 0; t < s->n_terms; t++) {
		int row = find_row(search_term_about(&s->terms[t]));

		for (int i = 0; row >= 0 && i < MOST_FIELDS; i++) {
			int f = kind == KIND_story ? rows[row].story_fields[i]
						   : rows[row].epic_fields[i];

			n_ret = f ? add_field(ret, n_ret, f) : n_ret;
		}
	}
	return n_ret;
}

int search_column_fill(struct search_set *set)
{
	int r = set->items.n ? search_text_fill(set) : 0;

	for (int t = 0; r == 0 && set->items.n && t < set->search->n_terms; t++) {
		struct column col = { .set = set,
			.term = &set->search->terms[t],
			.verdicts = search_set_column(set, t) };
		int row = find_row(search_term_about(col.term));
		fill_function fill = NULL;

		if (row >= 0)
			fill = set->kind == KIND_story ? rows[row].story : rows[row].epic;
		if (fill)
			r = fill(&col);
		else
			memset(col.verdicts, VERDICT_UNFIT, column_count(&col));
		ids_fini(&col.ids);
	}
	return r;
}

/* ---- before anything is read ---- */

static bool has_room(const struct query *q)
{
	return q->n_where + 2 <= QUERY_CONDITIONS;
}

static void narrow_ids(const struct search_term *term, struct query *q, struct ids *keep)
{
	for (size_t i = 0; i < term->n; i++)
		ids_add(keep, term->values[i].i);
	query_where(q, 0, OP_IN, 0)->where[q->n_where - 1].ids = keep;
}

static void narrow_dates(const struct search_term *term, struct query *q, int f)
{
	query_where(q, f, OP_GE, term->values[0].span.from_ms);
	query_where(q, f, OP_LT, term->values[0].span.to_ms);
}

/* One label, or one person, is found from its other end. */
static int narrow_named(
	struct search_set *set, const struct search_term *term, struct query *q, int f)
{
	struct ids ids = { 0 };
	bool none = false;
	int r = f == F_story_label_ids ? search_name_labels(set, term, &ids, &none)
				       : search_person_find(set, term, &ids, &none);

	if (r == 0 && !none && ids.n <= 1)
		query_where(
			q, f, f == F_story_requested_by_id ? OP_EQ : OP_HAS, ids.n ? ids.v[0] : 0);
	ids_fini(&ids);
	return r;
}

static void narrow_word(const struct search_term *term, struct query *q, int f)
{
	if (term->n == 1)
		query_where(q, f, OP_EQ, term->values[0].i);
}

static int narrow_story(struct search_set *set, const struct search_term *term, struct query *q)
{
	static const struct {
		enum search_about about;
		int field;
		void (*narrow)(const struct search_term *term, struct query *q, int f);
	} narrowings[] = {
		{ ABOUT_STATE, F_story_current_state, narrow_word },
		{ ABOUT_TYPE, F_story_story_type, narrow_word },
		{ ABOUT_CREATED, F_story_created_at, narrow_dates },
		{ ABOUT_UPDATED, F_story_updated_at, narrow_dates },
		{ ABOUT_ACCEPTED, F_story_accepted_at, narrow_dates },
		{ ABOUT_LABEL, F_story_label_ids, NULL },
		{ ABOUT_OWNER, F_story_owner_ids, NULL },
		{ ABOUT_MYWORK, F_story_owner_ids, NULL },
		{ ABOUT_REQUESTER, F_story_requested_by_id, NULL },
	};
	enum search_about about = search_term_about(term);

	for (size_t i = 0; i < sizeof(narrowings) / sizeof(*narrowings); i++) {
		if (narrowings[i].about != about)
			continue;
		if (!narrowings[i].narrow)
			return narrow_named(set, term, q, narrowings[i].field);
		narrowings[i].narrow(term, q, narrowings[i].field);
	}
	return 0;
}

int search_column_narrow(struct search_set *set, const struct search_term *term, struct query *q)
{
	if (!has_room(q))
		return 0;
	if (search_term_about(term) == ABOUT_ID) {
		if (!set->only_ids.n)
			narrow_ids(term, q, &set->only_ids);
		return 0;
	}
	return set->kind == KIND_story ? narrow_story(set, term, q) : 0;
}
