/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom resources name: fields that hold people, of the kinds that count. */
#include "import_mentions.h"

#include "storyfs/alloc.h"

static const struct {
	enum kind kind;
	int field;
	bool is_deed, makes_member;
} fields[] = {
	{ KIND_activity, F_activity_performed_by_id, true, false },
	{ KIND_story, F_story_requested_by_id, true, true },
	{ KIND_story, F_story_owner_ids, false, true },
	{ KIND_story, F_story_follower_ids, false, true },
	{ KIND_comment, F_comment_person_id, true, true },
	{ KIND_review, F_review_reviewer_id, false, true },
};

static struct mention *find_or_add(struct mentions *mentions, int64_t project_id, int64_t person_id)
{
	struct mention_key key = { project_id, person_id };
	struct mention *m = table_find(&mentions->all, &key, sizeof(key));

	if (m)
		return m;
	m = xcalloc(1, sizeof(*m));
	m->key = key;
	table_add(&mentions->all, &m->item, &m->key, sizeof(m->key));
	return m;
}

static void note(struct mentions *mentions, int64_t project_id, int64_t person_id, size_t which)
{
	if (person_id <= 0)
		return;
	struct mention *m = find_or_add(mentions, project_id, person_id);

	m->n_deeds += fields[which].is_deed;
	m->is_member = m->is_member || fields[which].makes_member;
}

void mentions_note(struct mentions *mentions, const struct record *r, int64_t project_id)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (fields[i].kind != record_kind(r))
			continue;
		const struct value *v = record_get(r, fields[i].field);

		if (v->state != VALUE_SET)
			continue;
		if (schema_field(record_kind(r), fields[i].field)->type != TYPE_IDS)
			note(mentions, project_id, v->i, i);
		else
			for (size_t n = 0; n < v->n; n++)
				note(mentions, project_id, v->ids[n], i);
	}
}

void mentions_fini(struct mentions *mentions)
{
	struct mention *m;

	while ((m = table_pop(&mentions->all)))
		free(m);
}
