/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to come is where the plan has it: a thing is done when its last iteration is. */
#include "progress.h"

#include "plan.h"

/* The plan of a project, made when it is first looked at. */
struct outlook {
	int64_t project_id;
	struct iterations *it;
	struct plan plan;
};

static void outlook_fini(struct outlook *o)
{
	iterations_free(o->it);
	plan_fini(&o->plan);
	*o = (struct outlook){ 0 };
}

SCOPED_VALUE(struct outlook, outlook_fini);

/* Lists are of one project, as a rule. */
static int look_at(struct call *c, int64_t project_id, struct outlook *o)
{
	scoped(record_unref) struct record *project = NULL;

	if (o->it && o->project_id == project_id)
		return 0;
	outlook_fini(o);
	o->project_id = project_id;
	int r = tx_get(c->tx, KIND_project, project_id, &project);

	if (r == 0)
		r = iterations_load(c, project, &o->it);
	if (r == 0)
		r = plan_load(c, o->it, &o->plan);
	return r;
}

/* ---- sums ---- */

struct progress {
	double points, points_accepted, points_past;
	int64_t n, n_accepted, n_past, n_past_without_points;
	int64_t last_accepted; /* the instant */
	int64_t last_number;   /* the last iteration of those to come that are planned */
};

static void add_past(struct progress *p, const struct record *story)
{
	p->points_past += record_float(story, F_story_estimate, 0);
	p->n_past++;
	p->n_past_without_points += !record_has(story, F_story_estimate);
}

static void add_story(struct progress *p, const struct record *story, const struct outlook *o)
{
	double points = record_float(story, F_story_estimate, 0);
	int64_t accepted_at = record_int(story, F_story_accepted_at, 0);

	p->n++;
	p->points += points;
	if (record_int(story, F_story_current_state, 0) == STATE_ACCEPTED) {
		p->n_accepted++;
		p->points_accepted += points;
		p->last_accepted = accepted_at > p->last_accepted ? accepted_at : p->last_accepted;
		if (accepted_at < iterations_start(o->it, o->plan.first))
			add_past(p, story);
		return;
	}
	int64_t number = plan_find(&o->plan, record_id(story));

	p->last_number = number > p->last_number ? number : p->last_number;
}

static void read_only_sums(struct query *q)
{
	static const int only[] = { F_story_current_state, F_story_estimate, F_story_accepted_at };

	q->only = only;
	q->n_only = sizeof(only) / sizeof(*only);
}

/* ---- releases ---- */

/* The same fields of both kinds that a release is seen as. */
static const struct columns {
	enum kind kind;
	int project_id, story_ids, projected_completion;
	int points_accepted, points_total, counts_accepted, counts_total;
} columns[] = {
	{ KIND_story, F_story_project_id, -1, F_story_projected_completion, F_story_points_accepted,
		F_story_points_total, F_story_counts_accepted, F_story_counts_total },
	{ KIND_release, F_release_project_id, F_release_story_ids, F_release_projected_completion,
		F_release_points_accepted, F_release_points_total, F_release_counts_accepted,
		F_release_counts_total },
};

static struct query stories_of(const struct record *story)
{
	struct query q = { .kind = KIND_story, .limit = -1, .order = F_story_rank };

	query_where(&q, F_story_project_id, OP_EQ, record_int(story, F_story_project_id, 0));
	query_where(&q, F_story_rank, OP_LT, record_int(story, F_story_rank, 0));
	return q;
}

int progress_list_stories(struct call *c, const struct record *release, struct query *ret)
{
	struct query above = stories_of(release);
	int64_t rank;

	query_where(&above, F_story_story_type, OP_EQ, STORY_TYPE_RELEASE);
	int r = tx_extreme(c->tx, &above, F_story_rank, true, &rank);

	*ret = stories_of(release);
	if (r == 0)
		query_where(ret, F_story_rank, OP_GT, rank);
	return r < 0 ? r : 0;
}

static void set_release(struct record *r, const struct columns *k, const struct progress *p,
	const struct outlook *o)
{
	int64_t number = plan_find(&o->plan, record_id(r));

	record_set_float(r, k->points_accepted, p->points_accepted);
	record_set_float(r, k->points_total, p->points);
	record_set_int(r, k->counts_accepted, p->n_accepted);
	record_set_int(r, k->counts_total, p->n);
	if (number && record_get(r, k->projected_completion)->state != VALUE_SET)
		record_set_int(r, k->projected_completion, iterations_finish(o->it, number));
}

static int fill_release(
	struct call *c, struct record *r, const struct columns *k, struct outlook *o)
{
	scoped(record_unref) struct record *story = NULL;
	scoped(records_fini) struct records stories = { 0 };
	scoped(ids_fini) struct ids ids = { 0 };
	struct progress p = { 0 };
	struct query q;
	int e = tx_get(c->tx, KIND_story, record_id(r), &story);

	if (e == 0)
		e = look_at(c, record_int(r, k->project_id, 0), o);
	if (e == 0)
		e = progress_list_stories(c, story, &q);
	if (e < 0)
		return e;
	read_only_sums(&q);
	e = tx_list(c->tx, &q, &stories);
	for (size_t i = 0; i < stories.n; i++) {
		add_story(&p, stories.items[i], o);
		ids_add(&ids, record_id(stories.items[i]));
	}
	if (k->story_ids >= 0)
		record_set_ids(r, k->story_ids, &ids);
	set_release(r, k, &p, o);
	return e;
}

static bool is_release(const struct record *r)
{
	return record_kind(r) == KIND_release ||
	       record_int(r, F_story_story_type, STORY_TYPE_FEATURE) == STORY_TYPE_RELEASE;
}

int progress_fill_release(struct call *c, struct records *list, int f)
{
	scoped(outlook_fini) struct outlook o = { 0 };
	const struct columns *k = &columns[record_kind(list->items[0]) == KIND_release];
	int r = 0;

	(void)f;
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		if (is_release(list->items[i]) && !record_has(list->items[i], k->counts_total))
			r = fill_release(c, list->items[i], k, &o);
	}
	return r;
}

/* ---- epics ---- */

static void set_epic(struct record *r, const struct progress *p, const struct outlook *o)
{
	record_set_float(r, F_epic_past_done_story_estimates, p->points_past);
	record_set_int(r, F_epic_past_done_stories_count, p->n_past);
	record_set_int(r, F_epic_past_done_stories_no_point_count, p->n_past_without_points);
	if (p->n && p->n == p->n_accepted)
		record_set_int(r, F_epic_completed_at, p->last_accepted);
	if (p->last_number)
		record_set_int(
			r, F_epic_projected_completion, iterations_finish(o->it, p->last_number));
}

static int fill_epic(struct call *c, struct record *r, struct outlook *o)
{
	struct query q = { .kind = KIND_story, .limit = -1 };
	scoped(records_fini) struct records stories = { 0 };
	struct progress p = { 0 };
	int e = look_at(c, record_int(r, F_epic_project_id, 0), o);

	query_where(&q, F_story_project_id, OP_EQ, o->project_id);
	query_where(&q, F_story_label_ids, OP_HAS, record_int(r, F_epic_label_id, 0));
	read_only_sums(&q);
	if (e == 0)
		e = tx_list(c->tx, &q, &stories);
	for (size_t i = 0; i < stories.n; i++)
		add_story(&p, stories.items[i], o);
	if (e == 0)
		set_epic(r, &p, o);
	return e;
}

int progress_fill_epic(struct call *c, struct records *list, int f)
{
	scoped(outlook_fini) struct outlook o = { 0 };
	int r = 0;

	(void)f;
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		if (!record_has(list->items[i], F_epic_past_done_stories_count))
			r = fill_epic(c, list->items[i], &o);
	}
	return r;
}
