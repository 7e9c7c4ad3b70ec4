/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Columns that follow from the items' own fields. */
#include "search_column.h"
#include "search_name.h"
#include "search_person.h"

/* ---- by a value of its own ---- */

static void fill_words(struct column *col, int f)
{
	for (size_t i = 0; i < column_count(col); i++) {
		int64_t word = record_int(column_item(col, i), f, -1);

		for (size_t k = 0; k < col->term->n; k++)
			col->verdicts[i] |= col->term->values[k].i == word;
	}
}

int column_fill_type(struct column *col)
{
	fill_words(col, F_story_story_type);
	return 0;
}

int column_fill_state(struct column *col)
{
	fill_words(col, F_story_current_state);
	return 0;
}

int column_fill_id(struct column *col)
{
	fill_words(col, 0);
	return 0;
}

int column_fill_estimate(struct column *col)
{
	for (size_t i = 0; i < column_count(col); i++) {
		double points = record_float(column_item(col, i), F_story_estimate, -1);

		for (size_t k = 0; k < col->term->n; k++)
			col->verdicts[i] |= col->term->values[k].number == points;
	}
	return 0;
}

int column_fill_external_id(struct column *col)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < column_count(col); i++) {
		const char *text = record_text(column_item(col, i), F_story_external_id);

		r = *text ? search_name_matches(col->set, col->term, text) : 0;
		col->verdicts[i] = r > 0;
	}
	return r < 0 ? r : 0;
}

static void fill_dates(struct column *col, int f)
{
	const struct span *span = &col->term->values[0].span;

	for (size_t i = 0; i < column_count(col); i++) {
		int64_t at = record_int(column_item(col, i), f, 0);

		col->verdicts[i] = record_has(column_item(col, i), f) && at >= span->from_ms &&
				   at < span->to_ms;
	}
}

int column_fill_created(struct column *col)
{
	fill_dates(col, column_of_stories(col) ? (int)F_story_created_at : (int)F_epic_created_at);
	return 0;
}

int column_fill_updated(struct column *col)
{
	fill_dates(col, column_of_stories(col) ? (int)F_story_updated_at : (int)F_epic_updated_at);
	return 0;
}

int column_fill_accepted(struct column *col)
{
	fill_dates(col, F_story_accepted_at);
	return 0;
}

/* ---- by what it names ---- */

/* Does the field (an id or several) name one of the ids? */
bool column_names_one(const struct record *r, int f, const struct ids *ids)
{
	const struct value *v = record_get(r, f);

	if (v->state != VALUE_SET)
		return false;
	if (schema_field(record_kind(r), f)->type != TYPE_IDS)
		return ids_has(ids, v->i);
	for (size_t i = 0; i < v->n; i++) {
		if (ids_has(ids, v->ids[i]))
			return true;
	}
	return false;
}

bool column_names_any(const struct record *r, int f)
{
	const struct value *v = record_get(r, f);

	return v->state == VALUE_SET && (schema_field(record_kind(r), f)->type != TYPE_IDS || v->n);
}

static void fill_named(struct column *col, int f)
{
	for (size_t i = 0; i < column_count(col); i++)
		col->verdicts[i] = column_names_one(column_item(col, i), f, &col->ids) ||
				   (col->none && !column_names_any(column_item(col, i), f));
}

int column_fill_label(struct column *col)
{
	int r = search_name_labels(col->set, col->term, &col->ids, &col->none);

	fill_named(col, column_of_stories(col) ? (int)F_story_label_ids : (int)F_epic_label_id);
	return r;
}

static void fill_without(struct column *col, int f, const struct ids *ids)
{
	for (size_t i = 0; i < column_count(col); i++)
		col->verdicts[i] |= !column_names_one(column_item(col, i), f, ids);
}

int column_fill_epic(struct column *col)
{
	scoped(ids_fini) struct ids all = { 0 };
	int r = search_name_epic_labels(col->set, col->term, &col->ids, &col->none);
	bool none = col->none;

	col->none = false;
	fill_named(col, column_of_stories(col) ? (int)F_story_label_ids : (int)F_epic_label_id);
	if (r == 0 && none && column_of_stories(col)) {
		r = search_name_all_epic_labels(col->set, &all);
		fill_without(col, F_story_label_ids, &all);
	}
	return r;
}

int column_fill_owner(struct column *col)
{
	int r = search_person_find(col->set, col->term, &col->ids, &col->none);

	fill_named(col, F_story_owner_ids);
	return r;
}

int column_fill_requester(struct column *col)
{
	int r = search_person_find(col->set, col->term, &col->ids, &col->none);

	fill_named(col, F_story_requested_by_id);
	return r;
}

/* Theirs, planned, and not done. */
int column_fill_mywork(struct column *col)
{
	int r = column_fill_owner(col);

	for (size_t i = 0; i < column_count(col); i++) {
		int64_t state = record_int(column_item(col, i), F_story_current_state, 0);

		if (state == STATE_ACCEPTED || state == STATE_UNSCHEDULED)
			col->verdicts[i] = VERDICT_NO;
	}
	return r;
}

int column_fill_integration(struct column *col)
{
	int r = search_name_integrations(col->set, col->term, &col->ids);

	fill_named(col, F_story_integration_id);
	return r;
}
