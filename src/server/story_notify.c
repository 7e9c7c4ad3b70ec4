/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of stories: new ones, new owners, new states, deletions. */
#include "followers.h"
#include "story.h"
#include "storyfs/alloc.h"

/* Those who own it now and did not before are told so, not what else became of it. */
static int tell_owners(struct call *c, struct activity *a, const struct record *old,
	const struct record *now, const char *action)
{
	const struct value *owners = record_get(now, F_story_owner_ids);
	const struct value *before = old ? record_get(old, F_story_owner_ids) : NULL;
	scoped(ids_fini) struct ids added = { 0 };
	const struct notice notice = {
		.subject = now,
		.type = "story",
		.action = action,
		.before = "You were made an owner by ",
		.after = "",
	};

	for (size_t i = 0; i < owners->n; i++) {
		if (!before || !value_has_id(before, owners->ids[i]))
			ids_add(&added, owners->ids[i]);
	}
	return notify_tell(c, a, &notice, &added);
}

/* `started this feature` */
static int tell_followers(struct call *c, struct activity *a, const struct record *story,
	const char *action, const char *done)
{
	scoped(free_ptr) char *after =
		xasprintf(" %s this %s", done, record_word(story, F_story_story_type));
	const struct notice notice = {
		.subject = story,
		.type = "story",
		.action = action,
		.before = "",
		.after = after,
	};

	return followers_tell(c, a, &notice);
}

int story_notify_new(struct call *c, struct activity *a, const struct record *story)
{
	int r = tell_owners(c, a, NULL, story, "create");

	return r < 0 ? r : tell_followers(c, a, story, "create", "added");
}

int story_notify_update(
	struct call *c, struct activity *a, const struct record *old, const struct record *now)
{
	const struct field *state = schema_field(KIND_story, F_story_current_state);
	int r = tell_owners(c, a, old, now, "update");

	if (r < 0 || value_equal(state, record_get(old, F_story_current_state),
			     record_get(now, F_story_current_state)))
		return r;
	return tell_followers(c, a, now, "update", record_word(now, F_story_current_state));
}

int story_notify_deleted(struct call *c, struct activity *a, const struct record *story)
{
	return tell_followers(c, a, story, "delete", "deleted");
}
