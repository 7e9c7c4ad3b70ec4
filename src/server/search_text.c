/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text by text, each folded once and held against all terms. */
#include "search_text.h"

#include <string.h>

#include "storyfs/alloc.h"

/* A text of an item (or of what hangs on it), for which terms. */
static int look_in(struct search_set *set, size_t place, const char *text, enum search_about also)
{
	scoped(folded_fini) struct folded folded = { 0 };

	if (!*text)
		return 0;
	folded_set(&folded, text);
	for (int t = 0; t < set->search->n_terms; t++) {
		const struct search_term *term = &set->search->terms[t];
		enum search_about about = search_term_about(term);
		unsigned char *verdict = &search_set_column(set, t)[place];

		if ((about != ABOUT_ANYTHING && about != also) || *verdict)
			continue;
		int r = pattern_match(term->values[0].pattern, &folded, &set->search->budget);

		if (r < 0)
			return r;
		*verdict = r ? VERDICT_YES : VERDICT_NO;
	}
	return 0;
}

static bool asks(const struct search_set *set, enum search_about about)
{
	for (int t = 0; t < set->search->n_terms; t++) {
		if (search_term_about(&set->search->terms[t]) == about)
			return true;
	}
	return false;
}

/* ---- its own ---- */

static int look_in_own(struct search_set *set, bool anything)
{
	bool is_story = set->kind == KIND_story;
	int name = is_story ? (int)F_story_name : (int)F_epic_name;
	int description = is_story ? (int)F_story_description : (int)F_epic_description;
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->items.n; i++) {
		const struct record *item = set->items.items[i];

		r = look_in(set, i, record_text(item, name), ABOUT_NAME);
		if (r == 0 && anything)
			r = look_in(set, i, record_text(item, description), ABOUT_ANYTHING);
	}
	return r;
}

/* ---- what hangs on it ---- */

/* A kind whose texts count, and the key to what it hangs on. */
static const struct {
	enum kind kind, on;
	int only[2]; /* the key and the text */
} parts[] = {
	{ KIND_comment, KIND_story, { F_comment_story_id, F_comment_text } },
	{ KIND_comment, KIND_epic, { F_comment_epic_id, F_comment_text } },
	{ KIND_task, KIND_story, { F_task_story_id, F_task_description } },
};

static int look_in_part(struct search_set *set, const struct search_part *part)
{
	scoped(records_fini) struct records list = { 0 };
	int r = search_set_load_parts(set, part, &list);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		size_t place;

		if (search_set_find(set, record_int(list.items[i], part->only[0], 0), &place))
			r = look_in(set, place, record_text(list.items[i], part->only[1]),
				ABOUT_ANYTHING);
	}
	return r;
}

static int look_in_parts(struct search_set *set)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(*parts); i++) {
		if (parts[i].on == set->kind)
			r = look_in_part(set,
				&(struct search_part){ parts[i].kind, parts[i].only, 2, -1, 0 });
	}
	return r;
}

/* ---- names of others ---- */

/* Sorted by id. */
static const struct record *find(const struct records *list, int64_t id)
{
	size_t from = 0, to = list->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (record_id(list->items[middle]) < id)
			from = middle + 1;
		else
			to = middle;
	}
	return from < list->n && record_id(list->items[from]) == id ? list->items[from] : NULL;
}

static int look_in_name(
	struct search_set *set, size_t place, const struct records *list, int64_t id, int name)
{
	const struct record *other = find(list, id);

	return other ? look_in(set, place, record_text(other, name), ABOUT_ANYTHING) : 0;
}

static int look_in_names(struct search_set *set, int f, const struct records *list, int name)
{
	int r = 0;

	for (size_t i = 0; i < set->items.n; i++) {
		const struct value *v = record_get(set->items.items[i], f);
		bool many = schema_field(set->kind, f)->type == TYPE_IDS;

		if (v->state != VALUE_SET)
			continue;
		if (!many)
			r = look_in_name(set, i, list, v->i, name);
		for (size_t k = 0; many && r == 0 && k < v->n; k++)
			r = look_in_name(set, i, list, v->ids[k], name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int look_in_others(struct search_set *set)
{
	int r = search_set_load_labels(set);

	if (r == 0 && set->kind == KIND_epic)
		return look_in_names(set, F_epic_label_id, &set->labels, F_label_name);
	if (r == 0)
		r = look_in_names(set, F_story_label_ids, &set->labels, F_label_name);
	if (r == 0)
		r = search_set_load_people(set);
	if (r == 0)
		r = look_in_names(set, F_story_owner_ids, &set->people, F_person_name);
	if (r == 0)
		r = look_in_names(set, F_story_requested_by_id, &set->people, F_person_name);
	return r;
}

/* ---- files ---- */

static int load_files(struct search_set *set, const struct records *comments, struct records *ret)
{
	static const int only[] = { F_file_attachment_filename };
	struct query q = { .kind = KIND_file_attachment, .limit = -1, .only = only, .n_only = 1 };
	scoped(ids_fini) struct ids ids = { 0 };

	each_record(comment, comments)
		ids_add_value(&ids, record_get(comment, F_comment_file_attachment_ids));
	if (!ids.n)
		return 0;
	query_where(&q, F_file_attachment_id, OP_IN, 0)->where[0].ids = &ids;
	return tx_list(set->c->tx, &q, ret);
}

static int look_in_files(struct search_set *set)
{
	int key = set->kind == KIND_story ? (int)F_comment_story_id : (int)F_comment_epic_id;
	const int only[] = { key, F_comment_file_attachment_ids };
	scoped(records_fini) struct records comments = { 0 };
	scoped(records_fini) struct records files = { 0 };
	int r = search_set_load_parts(
		set, &(struct search_part){ KIND_comment, only, 2, -1, 0 }, &comments);

	if (r == 0)
		r = load_files(set, &comments, &files);
	for (size_t i = 0; r == 0 && files.n && i < comments.n; i++) {
		const struct value *v = record_get(comments.items[i], only[1]);
		size_t place;

		if (!v->n || !search_set_find(set, record_int(comments.items[i], key, 0), &place))
			continue;
		for (size_t k = 0; r == 0 && k < v->n; k++)
			r = look_in_name(set, place, &files, v->ids[k], F_file_attachment_filename);
	}
	return r;
}

int search_text_fill(struct search_set *set)
{
	bool anything = asks(set, ABOUT_ANYTHING);
	int r = anything || asks(set, ABOUT_NAME) ? look_in_own(set, anything) : 0;

	if (!anything)
		return r;
	if (r == 0)
		r = look_in_parts(set);
	if (r == 0)
		r = look_in_others(set);
	return r < 0 ? r : look_in_files(set);
}
