/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Columns that follow from what hangs on the items: reviews, blockers, comments, followers. */
#include <string.h>

#include "followers.h"
#include "search_column.h"
#include "search_name.h"
#include "search_person.h"

/* ---- by its reviews ---- */

static const int review_fields[] = { F_review_story_id, F_review_review_type_id,
	F_review_reviewer_id, F_review_status };

static int load_reviews(struct column *col, struct records *ret)
{
	const struct search_part part = { KIND_review, review_fields, 4, -1, 0 };

	return search_set_load_parts(col->set, &part, ret);
}

static void mark(struct column *col, const struct record *part, int key, bool holds)
{
	size_t place;

	if (holds && search_set_find(col->set, record_int(part, key, 0), &place))
		col->verdicts[place] = VERDICT_YES;
}

int column_fill_review_status(struct column *col)
{
	scoped(records_fini) struct records reviews = { 0 };
	int r = load_reviews(col, &reviews);

	for (size_t i = 0; i < reviews.n; i++) {
		int64_t status = record_int(reviews.items[i], F_review_status, -1);

		for (size_t k = 0; k < col->term->n; k++)
			mark(col, reviews.items[i], F_review_story_id,
				col->term->values[k].i == status);
	}
	return r;
}

int column_fill_reviewer(struct column *col)
{
	scoped(records_fini) struct records reviews = { 0 };
	int r = search_person_find(col->set, col->term, &col->ids, &col->none);

	if (r == 0)
		r = load_reviews(col, &reviews);
	for (size_t i = 0; r == 0 && i < reviews.n; i++) {
		const struct record *review = reviews.items[i];

		mark(col, review, F_review_story_id,
			column_names_one(review, F_review_reviewer_id, &col->ids) ||
				(col->none && !column_names_any(review, F_review_reviewer_id)));
	}
	return r;
}

/* The review types that one value names. */
static int find_types(struct column *col, const struct search_value *value,
	const struct records *types, struct ids *ret)
{
	const struct search_term one = { .n = 1, .values = (struct search_value *)value };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < types->n; i++) {
		r = search_name_matches(
			col->set, &one, record_text(types->items[i], F_review_type_name));
		if (r > 0)
			ids_add(ret, record_id(types->items[i]));
	}
	return r < 0 ? r : 0;
}

static int fill_review_value(struct column *col, const struct search_value *value,
	const struct records *types, const struct records *reviews)
{
	scoped(ids_fini) struct ids ids = { 0 };
	int r = find_types(col, value, types, &ids);

	for (size_t i = 0; r == 0 && i < reviews->n; i++) {
		const struct record *review = reviews->items[i];

		mark(col, review, F_review_story_id,
			column_names_one(review, F_review_review_type_id, &ids) &&
				(value->i < 0 ||
					value->i == record_int(review, F_review_status, -1)));
	}
	return r;
}

int column_fill_review(struct column *col)
{
	static const int only[] = { F_review_type_name };
	struct query q = { .kind = KIND_review_type, .limit = -1, .only = only, .n_only = 1 };
	scoped(records_fini) struct records types = { 0 };
	scoped(records_fini) struct records reviews = { 0 };
	int r = tx_list(col->set->c->tx,
		query_where(&q, F_review_type_project_id, OP_EQ, col->set->project_id), &types);

	if (r == 0)
		r = load_reviews(col, &reviews);
	for (size_t k = 0; r == 0 && k < col->term->n; k++)
		r = fill_review_value(col, &col->term->values[k], &types, &reviews);
	return r;
}

/* ---- by what it is or has ---- */

static int mark_blocked(struct column *col)
{
	static const int only[] = { F_blocker_story_id };
	const struct search_part part = { KIND_blocker, only, 1, F_blocker_resolved, 0 };
	scoped(records_fini) struct records blockers = { 0 };
	int r = search_set_load_parts(col->set, &part, &blockers);

	for (size_t i = 0; i < blockers.n; i++)
		mark(col, blockers.items[i], F_blocker_story_id, true);
	return r;
}

static bool has_files(const struct record *comment)
{
	const char *google = record_text(comment, F_comment_google_attachments);

	return column_names_any(comment, F_comment_file_attachment_ids) ||
	       (*google && strcmp(google, "[]") != 0);
}

static int mark_attached(struct column *col)
{
	int key = column_of_stories(col) ? (int)F_comment_story_id : (int)F_comment_epic_id;
	const int only[] = { key, F_comment_file_attachment_ids, F_comment_google_attachments };
	const struct search_part part = { KIND_comment, only, 3, -1, 0 };
	scoped(records_fini) struct records comments = { 0 };
	int r = search_set_load_parts(col->set, &part, &comments);

	for (size_t i = 0; i < comments.n; i++)
		mark(col, comments.items[i], key, has_files(comments.items[i]));
	return r;
}

static int mark_in_epic(struct column *col)
{
	scoped(ids_fini) struct ids labels = { 0 };
	int r = search_name_all_epic_labels(col->set, &labels);

	for (size_t i = 0; i < column_count(col); i++)
		col->verdicts[i] |=
			column_names_one(column_item(col, i), F_story_label_ids, &labels);
	return r;
}

static int mark_following(struct column *col)
{
	int64_t me = col->set->c->who.person_id;

	for (size_t i = 0; i < column_count(col); i++) {
		scoped(ids_fini) struct ids followers = { 0 };

		followers_list(column_item(col, i), &followers);
		col->verdicts[i] |= ids_has(&followers, me);
	}
	return 0;
}

static int mark_any(struct column *col, int f)
{
	for (size_t i = 0; i < column_count(col); i++)
		col->verdicts[i] |= column_names_any(column_item(col, i), f);
	return 0;
}

static int mark_trait(struct column *col, enum search_trait trait)
{
	switch (trait) {
	case TRAIT_BLOCKED:
		return mark_blocked(col);
	case TRAIT_BLOCKING:
		return mark_any(col, F_story_blocked_story_ids);
	case TRAIT_FOLLOWING:
		return mark_following(col);
	case TRAIT_LABEL:
		return mark_any(col, F_story_label_ids);
	case TRAIT_OWNER:
		return mark_any(col, F_story_owner_ids);
	case TRAIT_ATTACHMENT:
		return mark_attached(col);
	case TRAIT_EXTERNAL_ID:
		return mark_any(col, F_story_external_id);
	case TRAIT_EPIC:
		return mark_in_epic(col);
	}
	return 0;
}

int column_fill_traits(struct column *col)
{
	int r = 0;

	for (size_t k = 0; r == 0 && k < col->term->n; k++)
		r = mark_trait(col, (enum search_trait)col->term->values[k].i);
	return r;
}

/* None of them. */
int column_fill_no(struct column *col)
{
	int r = column_fill_traits(col);

	for (size_t i = 0; i < column_count(col); i++)
		col->verdicts[i] = col->verdicts[i] == VERDICT_NO;
	return r;
}

/* Of epics one can say what they have, and whether one follows them. */
int column_fill_epic_traits(struct column *col)
{
	bool no = search_term_about(col->term) == ABOUT_NO;
	int r = 0;

	for (size_t k = 0; r == 0 && k < col->term->n; k++) {
		switch ((enum search_trait)col->term->values[k].i) {
		case TRAIT_LABEL:
			r = mark_any(col, F_epic_label_id);
			break;
		case TRAIT_ATTACHMENT:
			r = mark_attached(col);
			break;
		case TRAIT_FOLLOWING:
			r = mark_following(col);
			break;
		case TRAIT_BLOCKED:
		case TRAIT_BLOCKING:
		case TRAIT_OWNER:
		case TRAIT_EXTERNAL_ID:
		case TRAIT_EPIC:
			memset(col->verdicts, VERDICT_UNFIT, column_count(col));
			return 0;
		}
	}
	for (size_t i = 0; no && i < column_count(col); i++)
		col->verdicts[i] = col->verdicts[i] == VERDICT_NO;
	return r;
}
