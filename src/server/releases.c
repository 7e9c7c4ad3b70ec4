/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Releases: stories of that type, seen as V5 shows them beside the stories. */
#include "progress.h"
#include "route.h"
#include "shape.h"

int releases_list(struct call *c)
{
	const struct value *state = &c->given[P_release_list_with_state];
	struct query q = { .kind = KIND_story,
		.order = F_story_rank,
		.limit = c->page.limit,
		.offset = c->page.offset };
	scoped(records_fini) struct records stories = { 0 };
	scoped(records_fini) struct records list = { 0 };

	query_where(&q, F_story_project_id, OP_EQ, call_project_id(c));
	query_where(&q, F_story_story_type, OP_EQ, STORY_TYPE_RELEASE);
	if (state->state == VALUE_SET)
		query_where(&q, F_story_current_state, OP_EQ, state->i);
	int r = tx_count(c->tx, &q, &c->page.total);

	if (r == 0)
		r = tx_list(c->tx, &q, &stories);
	for (size_t i = 0; i < stories.n; i++)
		records_add(&list, record_as(stories.items[i], KIND_release));
	return r < 0 ? r : answer_records(c, KIND_release, &list);
}

/* The path's story must be one. */
static int check_release(struct call *c)
{
	int64_t type = record_int(c->at[KIND_story], F_story_story_type, STORY_TYPE_FEATURE);

	return type == STORY_TYPE_RELEASE ? 0 : v5_error_set(&c->error, V5_unfound_resource);
}

int releases_get(struct call *c)
{
	int r = check_release(c);

	if (r < 0)
		return r;
	scoped(record_unref) struct record *release = record_as(c->at[KIND_story], KIND_release);

	return answer_record(c, release);
}

int releases_list_stories(struct call *c)
{
	scoped(records_fini) struct records list = { 0 };
	struct query q;
	int r = check_release(c);

	if (r == 0)
		r = progress_list_stories(c, c->at[KIND_story], &q);
	if (r == 0)
		r = tx_list(c->tx, &q, &list);
	return r < 0 ? r : answer_records(c, KIND_story, &list);
}
