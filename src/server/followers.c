/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who follows, and is told. */
#include "followers.h"

#include "mentions.h"

static int key_of(const struct record *r)
{
	return record_kind(r) == KIND_story ? (int)F_story_follower_ids : (int)F_epic_follower_ids;
}

static void add_once(struct ids *ids, int64_t id)
{
	if (id && !ids_has(ids, id))
		ids_add(ids, id);
}

static void add_list(struct ids *ret, const struct record *r, int f)
{
	const struct value *v = record_get(r, f);

	for (size_t i = 0; i < v->n; i++)
		add_once(ret, v->ids[i]);
}

void followers_list(const struct record *r, struct ids *ret)
{
	add_list(ret, r, key_of(r));
	if (record_kind(r) != KIND_story)
		return;
	add_once(ret, record_int(r, F_story_requested_by_id, 0));
	add_list(ret, r, F_story_owner_ids);
}

void followers_add(struct record *r, int64_t person_id)
{
	record_add_id(r, key_of(r), person_id);
}

void followers_remove(struct record *r, int64_t person_id)
{
	record_remove_id(r, key_of(r), person_id);
}

int followers_find(struct call *c, int64_t author_id, const char *text, struct ids *ret)
{
	if (record_int(call_project(c), F_project_enable_following, 1))
		add_once(ret, author_id);
	return mentions_find(c, text, ret);
}

int followers_find_new(struct call *c, const char *old, const char *now, struct ids *ret)
{
	scoped(ids_fini) struct ids before = { 0 };
	scoped(ids_fini) struct ids after = { 0 };
	int r = mentions_find(c, now, &after);

	if (r == 0 && after.n)
		r = mentions_find(c, old, &before);
	for (size_t i = 0; r == 0 && i < after.n; i++) {
		if (!ids_has(&before, after.v[i]))
			add_once(ret, after.v[i]);
	}
	return r;
}

/* ---- a new one's ---- */

static int expect_comment(struct call *c, const struct record *comment, struct ids *ret)
{
	int64_t author = record_int(comment, F_comment_person_id, c->who.person_id);

	return followers_find(c, author, record_text(comment, F_comment_text), ret);
}

static int expect_blocker(struct call *c, const struct record *blocker, struct ids *ret)
{
	return followers_find(c, 0, record_text(blocker, F_blocker_description), ret);
}

int followers_expect(struct call *c, const struct record *patch, struct record *r)
{
	static const struct {
		enum kind kind;
		int field;
		int (*expect)(struct call *c, const struct record *nested, struct ids *ret);
	} nested[] = {
		{ KIND_story, F_story_comments, expect_comment },
		{ KIND_story, F_story_blockers, expect_blocker },
		{ KIND_epic, F_epic_comments, expect_comment },
	};
	scoped(ids_fini) struct ids ids = { 0 };

	for (size_t k = 0; k < sizeof(nested) / sizeof(*nested); k++) {
		if (nested[k].kind != record_kind(patch))
			continue;
		const struct value *v = record_get(patch, nested[k].field);

		for (size_t i = 0; i < v->n; i++) {
			int e = nested[k].expect(c, v->records[i], &ids);

			if (e < 0)
				return e;
		}
	}
	for (size_t i = 0; i < ids.n; i++)
		followers_add(r, ids.v[i]);
	return 0;
}

/* ---- telling ---- */

int followers_tell_mentioned(
	struct call *c, struct activity *a, const struct notice *notice, const char *type)
{
	scoped(ids_fini) struct ids mentioned = { 0 };
	struct notice mention = *notice;
	int r = notice->context ? mentions_find(c, notice->context, &mentioned) : 0;

	/* Recorded. */
	mention.before = "You were mentioned by ";
	mention.after = "";
	mention.type = type;
	return r < 0 || !mentioned.n ? r : notify_tell(c, a, &mention, &mentioned);
}

int followers_tell(struct call *c, struct activity *a, const struct notice *notice)
{
	scoped(ids_fini) struct ids ids = { 0 };

	followers_list(notice->subject, &ids);
	return notify_tell(c, a, notice, &ids);
}
