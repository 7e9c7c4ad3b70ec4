/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stories as CSV. A first pass over the stories finds how often the repeated columns come, a second
 * writes them; each takes the stories in batches, so that what hangs on them is never in memory for
 * all at once. Cells are what people typed: spreadsheets that take a leading `=` for a formula did
 * so with V5's, too.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth.h"
#include "columns.h"
#include "content.h"
#include "plan.h"
#include "project_time.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/csv.h"
#include "storyfs/plain.h"
#include "zone.h"

enum { BATCH = 500, MAX_IDS = 10000 };

/* What is asked of stories to see how long their lists are, and to write them. */
static const char lengths[] = "owners(id),blockers(id),comments(id,text,person_id),tasks(id),"
			      "pull_requests(id),branches(id),reviews(id)";
static const char contents[] =
	":default,labels,requested_by,owners,blockers,comments(:default,person),tasks,"
	"pull_requests,branches,reviews(:default,reviewer,review_type)";

/* A project whose stories are exported. */
struct project {
	int64_t id;
	bool hidden; /* from who asks */
	struct iterations *iterations;
	struct plan plan;
	struct project *next;
};

struct export
{
	struct call *call;
	const struct ids *ids; /* of stories, in the order of the lines */
	int64_t project_id;    /* the only one whose stories are wanted; 0: all */
	struct project *projects;
	size_t widths[N_COLUMNS]; /* how often a column comes */
	struct buf *out;
};

static void export_fini(struct export *x)
{
	while (x->projects) {
		struct project *p = x->projects;

		x->projects = p->next;
		plan_fini(&p->plan);
		iterations_free(p->iterations);
		free(p);
	}
}

SCOPED_VALUE(struct export, export_fini);

/* ---- projects ---- */

/* Look at the project with the eyes of who asks. */
static int load_project(struct call *c, struct project *p)
{
	int r = auth_enter_project(c, p->id);

	p->hidden = r < 0 && c->error.code;
	if (p->hidden) {
		v5_error_fini(&c->error);
		c->error = (struct v5_error){ 0 };
		return 0;
	}
	if (r == 0)
		r = iterations_load(c, call_project(c), &p->iterations);
	return r < 0 ? r : plan_load(c, p->iterations, &p->plan);
}

static int find_project(struct export *x, int64_t id, struct project **ret)
{
	for (struct project *p = x->projects; p; p = p->next) {
		if (p->id == id) {
			*ret = p;
			return 0;
		}
	}
	struct project *p = xcalloc(1, sizeof(*p));

	p->id = id;
	p->next = x->projects;
	x->projects = p;
	*ret = p;
	return load_project(x->call, p);
}

/* ---- cells ---- */

static void add_day(struct buf *b, int64_t day)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(day * (ZONE_DAY_MS / 1000));
	struct tm tm;

	gmtime_r(&seconds, &tm);
	buf_add_fmt(b, "%s %d, %d", months[tm.tm_mon], tm.tm_mday, tm.tm_year + 1900);
}

static void add_time(struct buf *b, const struct project *p, const struct record *r, int f)
{
	if (record_has(r, f))
		add_day(b, zone_day(iterations_zone(p->iterations), record_int(r, f, 0)));
}

static void add_name(struct buf *b, const struct record *r)
{
	plain_write(r, schema_resource(record_kind(r))->label, NULL, b);
}

static void add_names(struct buf *b, const struct value *list)
{
	for (size_t i = 0; list->state == VALUE_SET && i < list->records.n; i++) {
		buf_add_str(b, i ? ", " : "");
		add_name(b, list->records.items[i]);
	}
}

static void add_comment(struct buf *b, const struct project *p, const struct record *comment)
{
	const struct value *person = record_get(comment, F_comment_person);

	buf_add_fmt(b, "%s (", record_text(comment, F_comment_text));
	if (person->state == VALUE_SET)
		add_name(b, person->record);
	buf_add_str(b, " - ");
	add_time(b, p, comment, F_comment_created_at);
	buf_add_char(b, ')');
}

/* 0: in none. */
static int64_t iteration_of(const struct project *p, const struct record *story)
{
	if (record_has(story, F_story_accepted_at))
		return iterations_number(p->iterations, record_int(story, F_story_accepted_at, 0));
	return plan_find(&p->plan, record_id(story));
}

/* An iteration's end is its last day. */
static void add_iteration(
	struct buf *b, enum column_form form, const struct project *p, const struct record *story)
{
	const struct zone *zone = iterations_zone(p->iterations);
	int64_t number = iteration_of(p, story);

	if (!number)
		return;
	if (form == ITERATION)
		buf_add_fmt(b, "%lld", (long long)number);
	else if (form == ITERATION_START)
		add_day(b, zone_day(zone, iterations_start(p->iterations, number)));
	else
		add_day(b, zone_day(zone, iterations_finish(p->iterations, number) - 1));
}

/* r is the story, or what stands in its list. */
static void add_cell(
	struct buf *b, const struct column *column, const struct project *p, const struct record *r)
{
	const struct value *v = record_get(r, column->field);

	switch (column->form) {
	case VALUE:
		plain_write(r, column->field, NULL, b);
		return;
	case NAME:
		if (v->state == VALUE_SET)
			add_name(b, v->record);
		return;
	case NAMES:
		add_names(b, v);
		return;
	case DAY:
		add_time(b, p, r, column->field);
		return;
	case WORDS:
		buf_add_str(b, record_int(r, column->field, 0) ? column->yes : column->no);
		return;
	case COMMENT:
		add_comment(b, p, r);
		return;
	case ITERATION:
	case ITERATION_START:
	case ITERATION_END:
		add_iteration(b, column->form, p, r);
		return;
	}
}

/* ---- lines ---- */

/* The story's list that a column repeats for; empty when it has none. */
static const struct records *list_of(const struct record *story, int list)
{
	static const struct records none = { 0 };
	const struct value *v = record_get(story, list);

	return v->state == VALUE_SET ? &v->records : &none;
}

/* What an import made to hold files is nobody's comment. */
static bool is_told(const struct record *r)
{
	return record_kind(r) != KIND_comment || record_has(r, F_comment_person_id) ||
	       *record_text(r, F_comment_text);
}

static size_t count_told(const struct records *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += is_told(list->items[i]);
	return n;
}

/* NULL behind the last. */
static const struct record *nth(const struct records *list, size_t n)
{
	for (size_t i = 0; i < list->n; i++) {
		if (is_told(list->items[i]) && !n--)
			return list->items[i];
	}
	return NULL;
}

static void write_group(
	struct export *x, int from, int to, const struct project *p, const struct record *story)
{
	for (size_t n = 0; n < x->widths[from]; n++) {
		for (int i = from; i < to; i++) {
			scoped(buf_fini) struct buf cell = BUF_INIT;
			const struct column *column = &columns[i];
			const struct record *r = story;

			if (!story)
				buf_add_str(&cell, column->title);
			else if (column->list != NONE)
				r = nth(list_of(story, column->list), n);
			if (r)
				add_cell(&cell, column, p, r);
			csv_add_cell(x->out, buf_str(&cell));
		}
	}
}

/* story is NULL for the titles. */
static void write_line(struct export *x, const struct project *p, const struct record *story)
{
	for (int i = 0; i < N_COLUMNS; i = columns_end_of_group(i))
		write_group(x, i, columns_end_of_group(i), p, story);
	csv_end_line(x->out);
}

static void widen(struct export *x, const struct project *p, const struct record *story)
{
	(void)p;
	for (int i = 0; i < N_COLUMNS; i++) {
		size_t n =
			columns[i].list == NONE ? 1 : count_told(list_of(story, columns[i].list));

		if (n > x->widths[i])
			x->widths[i] = n;
	}
}

/* ---- stories ---- */

static struct record *find(const struct records *sorted, int64_t id)
{
	size_t from = 0, to = sorted->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (record_id(sorted->items[middle]) < id)
			from = middle + 1;
		else
			to = middle;
	}
	return from < sorted->n && record_id(sorted->items[from]) == id ? sorted->items[from]
									: NULL;
}

/* Stories that are gone, or not for who asks, are left out, as `bulk` leaves them out. */
static int visit_batch(struct export *x, const struct ids *batch, const struct fields *fields,
	void (*visit)(struct export *x, const struct project *p, const struct record *story))
{
	struct query q = { .kind = KIND_story, .limit = -1 };
	scoped(records_fini) struct records stories = { 0 };

	query_where(&q, F_story_id, OP_IN, 0)->where[0].ids = batch;
	int r = tx_list(x->call->tx, &q, &stories);

	if (r == 0)
		r = shape_fill(x->call, KIND_story, &stories, fields);
	for (size_t i = 0; r == 0 && i < batch->n; i++) {
		const struct record *story = find(&stories, batch->v[i]);
		struct project *p = NULL;

		if (!story)
			continue;
		r = find_project(x, record_int(story, F_story_project_id, 0), &p);
		if (r == 0 && !p->hidden && (!x->project_id || p->id == x->project_id))
			visit(x, p, story);
	}
	return r;
}

static int visit_all(struct export *x, const char *wanted,
	void (*visit)(struct export *x, const struct project *p, const struct record *story))
{
	size_t at;
	scoped(fields_free) struct fields *fields = fields_parse(wanted, &at);
	int r = 0;

	for (size_t i = 0; r == 0 && i < x->ids->n; i += BATCH) {
		size_t n = x->ids->n - i < BATCH ? x->ids->n - i : BATCH;
		const struct ids batch = { n, x->ids->v + i };

		r = visit_batch(x, &batch, fields, visit);
	}
	return r;
}

static int export_stories(struct call *c, const struct ids *ids, int64_t project_id)
{
	struct content *content = answer_content(c, 200, "text/csv; charset=utf-8");
	scoped(export_fini) struct export x = {
		.call = c, .ids = ids, .project_id = project_id, .out = &content->bytes
	};

	/* So that the columns are there, whatever the stories have. */
	for (int i = 0; i < N_COLUMNS; i++)
		x.widths[i] = !columns[i].rare;
	int r = visit_all(&x, lengths, widen);

	if (r < 0)
		return r;
	write_line(&x, NULL, NULL);
	http_headers_add(
		&content->headers, "Content-Disposition", "attachment; filename=\"stories.csv\"");
	return visit_all(&x, contents, write_line);
}

/* ---- endpoints ---- */

static int check_ids(struct call *c, const char *key, const struct ids *ids)
{
	if (ids->n <= MAX_IDS)
		return 0;
	return v5_error_requirement(
		&c->error, "'%s' parameter must be %d ids or less.", key, MAX_IDS);
}

int stories_export(struct call *c)
{
	const struct value *ids = &c->given[P_story_export_ids];

	if (ids->state != VALUE_SET)
		return v5_error_problem(&c->error, "this endpoint requires the parameter: ids");
	int r = check_ids(c, "ids", &ids->ids);

	if (r == 0)
		r = export_stories(c, &ids->ids, 0);

	/* It is about no project in particular. */
	record_unref(c->at[KIND_project]);
	c->at[KIND_project] = NULL;
	return r;
}

/* Of all stories in their order, or of those that are named, in the order given. */
int projects_export(struct call *c)
{
	const struct value *given = &c->given[P_project_export_story_ids];
	struct query q = { .kind = KIND_story, .limit = -1, .order = F_story_rank };
	int64_t project_id = call_project_id(c);
	scoped(ids_fini) struct ids ids = { 0 };

	int r = 0;

	if (given->state == VALUE_SET) {
		r = check_ids(c, "story_ids", &given->ids);
		return r < 0 ? r : export_stories(c, &given->ids, project_id);
	}
	query_where(&q, F_story_project_id, OP_EQ, project_id);
	r = tx_list_ids(c->tx, &q, &ids);

	return r < 0 ? r : export_stories(c, &ids, project_id);
}
