/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `my/work` and `my/requested`: links to stories of all projects that are mine and not accepted, in
 * the order of the projects and then V5's. */
#include <errno.h>

#include "groups.h"

static bool is_owned(const struct record *story, int64_t person_id)
{
	return value_has_id(record_get(story, F_story_owner_ids), person_id);
}

static bool is_requested(const struct record *story, int64_t person_id)
{
	return record_int(story, F_story_requested_by_id, 0) == person_id;
}

static const struct {
	enum layout_row row;
	bool (*is_mine)(const struct record *story, int64_t person_id);
} lists[] = {
	{ ROW_my_work, is_owned },
	{ ROW_my_requested, is_requested },
};

enum { N_LISTS = sizeof(lists) / sizeof(*lists) };

bool is_mine(enum layout_row row)
{
	for (size_t i = 0; i < N_LISTS; i++) {
		if (lists[i].row == row)
			return true;
	}
	return false;
}

static void add_mine(
	enum layout_row row, const struct records *stories, int64_t person_id, struct records *ret)
{
	each_record(story, stories) {
		bool is_open =
			record_int(story, F_story_current_state, STATE_ACCEPTED) != STATE_ACCEPTED;

		for (size_t i = 0; is_open && i < N_LISTS; i++) {
			if (lists[i].row == row && lists[i].is_mine(story, person_id))
				records_add(ret, record_ref(story));
		}
	}
}

/* A project that may not be looked into has none of mine. */
static bool is_denied(int e)
{
	return e == -EACCES || e == -ENOENT || e > 0;
}

int mine_select(struct tree *t, enum layout_row row, struct call *call, struct records *ret)
{
	scoped(record_unref) struct record *me = NULL;
	scoped(records_fini) struct records projects = { 0 };
	struct place place = { .kind = KIND_project };
	int e = store_get_me(t->store, call, &me);

	if (e == 0)
		e = store_list(t->store, &place, call, &projects);
	for (size_t i = 0; e == 0 && i < projects.n; i++) {
		scoped(records_fini) struct records stories = { 0 };

		place = group_stories_of(record_id(projects.items[i]));
		e = store_list(t->store, &place, call, &stories);
		if (e == 0)
			add_mine(row, &stories, record_id(me), ret);
		else if (is_denied(e))
			e = 0;
	}
	return e;
}

int64_t mine_time(struct tree *t)
{
	scoped(records_fini) struct records projects = { 0 };
	struct place place = { .kind = KIND_project };
	int64_t latest = store_list_mtime(t->store, &place);
	int64_t started = store_mtime(t->store, KIND_none, 0, -1);

	store_peek_list(t->store, &place, &projects);
	each_record(project, &projects) {
		place = group_stories_of(record_id(project));
		int64_t at = store_touched(t->store, &place);

		latest = at > latest ? at : latest;
	}
	return latest > started ? latest : started;
}
