/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Narrow, read, judge, collect. */
#include "search_find.h"

#include <errno.h>

#include "iterations.h"
#include "search_column.h"
#include "storyfs/clock.h"
#include "zone.h"

/* What expressions may take in one search, all of its projects together. */
enum { EXPRESSIONS_MS = 2000 };

int search_read(struct call *c, const char *text, struct search **ret)
{
	scoped(record_unref) struct record *person = NULL;
	scoped(zone_free) struct zone *zone = NULL;
	int r = c->who.person_id ? tx_get(c->tx, KIND_person, c->who.person_id, &person) : 0;

	if (r < 0)
		return r;
	if (person)
		zone = zone_load(record_text(person, F_person_olson_name));
	const struct search_clock clock = { call_now_ms(c), zone };

	r = search_parse(text, &clock, ret, &c->error);
	if (r == 0)
		(*ret)->budget.deadline_ms = clock_deadline(EXPRESSIONS_MS);
	return r;
}

void search_hits_fini(struct search_hits *hits)
{
	ids_fini(&hits->ids);
}

/* ---- reading what can match ---- */

/* Terms that must all hold: those that an AND above joins to the rest. */
static int narrow(struct search_set *set, const struct search_node *node, struct query *q)
{
	if (!node || node->op == SEARCH_OR || node->op == SEARCH_NOT)
		return 0;
	if (node->op == SEARCH_TERM)
		return search_column_narrow(set, &set->search->terms[node->term], q);
	int r = narrow(set, node->left, q);

	return r < 0 ? r : narrow(set, node->right, q);
}

static int read_items(struct search_set *set)
{
	int story_fields[N_story_FIELDS] = { F_story_current_state, F_story_story_type,
		F_story_estimate, F_story_accepted_at };
	int epic_fields[N_epic_FIELDS] = { F_epic_name };
	bool stories = set->kind == KIND_story;
	int *only = stories ? story_fields : epic_fields;
	struct query q = { .kind = set->kind,
		.limit = -1,
		.order = stories ? (int)F_story_rank : (int)F_epic_rank,
		.only = only,
		.n_only = search_column_fields(set->search, set->kind, only, stories ? 4 : 1) };

	query_where(&q, stories ? (int)F_story_project_id : (int)F_epic_project_id, OP_EQ,
		set->project_id);
	int r = narrow(set, set->search->root, &q);

	return r < 0 ? r : tx_list(set->c->tx, &q, &set->items);
}

/* ---- judging ---- */

static enum verdict judge(
	const struct search_set *set, const struct search_node *node, size_t place)
{
	if (!node)
		return VERDICT_YES;
	if (node->op == SEARCH_TERM)
		return (enum verdict)search_set_column(set, node->term)[place];
	enum verdict left = judge(set, node->left, place);

	if (node->op == SEARCH_NOT && left != VERDICT_UNFIT)
		return left == VERDICT_NO ? VERDICT_YES : VERDICT_NO;
	if (node->op == SEARCH_NOT || (node->op == SEARCH_AND && left != VERDICT_YES))
		return left;
	if (node->op == SEARCH_OR && left == VERDICT_YES)
		return left;
	enum verdict right = judge(set, node->right, place);

	return node->op == SEARCH_OR && right == VERDICT_NO ? left : right;
}

static int look(struct search_set *set)
{
	int r = read_items(set);

	if (r == 0) {
		search_set_index(set);
		r = search_column_fill(set);
	}
	if (r == -ETIMEDOUT)
		return v5_error_problem(&set->c->error,
			"The search takes too long: its regular expression tries too much.");
	return r;
}

/* ---- collecting ---- */

enum { N_GROUPS = 5 };

static int group_of(const struct record *story, int64_t current_since)
{
	switch ((enum story_state)record_int(story, F_story_current_state, STATE_UNSCHEDULED)) {
	case STATE_ACCEPTED:
		return record_int(story, F_story_accepted_at, 0) >= current_since ? 0 : 4;
	case STATE_DELIVERED:
	case STATE_FINISHED:
	case STATE_STARTED:
	case STATE_REJECTED:
		return 1;
	case STATE_PLANNED:
	case STATE_UNSTARTED:
		return 2;
	case STATE_UNSCHEDULED:
		break;
	}
	return 3;
}

static bool is_hidden(const struct record *story, int64_t shown_since)
{
	return record_int(story, F_story_current_state, STATE_UNSCHEDULED) == STATE_ACCEPTED &&
	       record_has(story, F_story_accepted_at) &&
	       record_int(story, F_story_accepted_at, 0) < shown_since;
}

static void add_hit(const struct record *story, struct search_hits *ret)
{
	double points = record_float(story, F_story_estimate, 0);

	ids_add(&ret->ids, record_id(story));
	ret->points += points;
	if (record_int(story, F_story_current_state, STATE_UNSCHEDULED) == STATE_ACCEPTED)
		ret->points_completed += points;
}

static void collect(const struct search_set *set, const struct iterations *it, bool by_progress,
	struct search_hits *ret)
{
	int64_t shown_since = iterations_shown_since(it);
	int64_t current_since = iterations_start(it, iterations_current(it));

	for (int group = 0; group < (by_progress ? N_GROUPS : 1); group++) {
		for (size_t i = 0; i < set->items.n; i++) {
			const struct record *story = set->items.items[i];

			if ((by_progress && group_of(story, current_since) != group) ||
				judge(set, set->search->root, i) != VERDICT_YES)
				continue;
			ret->n_with_done++;
			if (set->search->include_done || !is_hidden(story, shown_since))
				add_hit(story, ret);
		}
	}
}

int search_find_stories(struct call *c, const struct search *s, const struct record *project,
	bool by_progress, struct search_hits *ret)
{
	scoped(search_set_fini) struct search_set set = {
		.c = c, .search = s, .project_id = record_id(project), .kind = KIND_story
	};
	scoped(iterations_free) struct iterations *it = NULL;
	int r = iterations_load(c, project, &it);

	if (r == 0)
		r = look(&set);
	if (r == 0)
		collect(&set, it, by_progress, ret);
	return r;
}

int search_find_epics(
	struct call *c, const struct search *s, const struct record *project, struct ids *ret)
{
	scoped(search_set_fini) struct search_set set = {
		.c = c, .search = s, .project_id = record_id(project), .kind = KIND_epic
	};
	int r = look(&set);

	for (size_t i = 0; r == 0 && i < set.items.n; i++) {
		if (judge(&set, s->root, i) == VERDICT_YES)
			ids_add(ret, record_id(set.items.items[i]));
	}
	return r;
}
