/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Day histories of projects, iterations and releases: the states at the end of each day. And those
 * within iterations: what happened on each day. */
#include "day_history.h"

#include <jansson.h>

#include "iteration_stories.h"
#include "labels.h"
#include "past.h"
#include "progress.h"
#include "route.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "zone.h"

/* Days since 1970-01-01, the last one included. */
struct days {
	int64_t first, last;
};

/* ---- containers ---- */

static void add_header(json_t *header, const char *what, const struct choices *words)
{
	for (int i = 0; words->words[i]; i++) {
		scoped(free_ptr) char *name = xasprintf("%s_%s", what, words->words[i]);

		json_array_append_new(header, json_string(name));
	}
}

static void set_json(struct record *r, int f, json_t *json)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	json_write(json, &text);
	json_decref(json);
	record_set_text(r, f, buf_str(&text));
}

/* words are those that the columns are called by; the rows are taken over. */
static struct record *make_container(const struct choices *words, json_t *rows)
{
	struct record *r = record_new(KIND_daily_history_container);
	json_t *header = json_pack("[s]", "date");

	add_header(header, "points", words);
	add_header(header, "counts", words);
	set_json(r, F_daily_history_container_header, header);
	set_json(r, F_daily_history_container_data, rows);
	return r;
}

static json_t *make_row(int64_t day, const double *points, const int64_t *counts, size_t n)
{
	char date[CLOCK_ISO_SIZE];

	clock_format_date(day, date);
	json_t *row = json_pack("[s]", date);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(row, json_real(points[i]));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(row, json_integer(counts[i]));
	return row;
}

/* ---- how stories stood ---- */

/* Newest day first, for that is how the past is come by. */
static json_t *make_rows(struct past *past, const struct zone *zone, const struct days *days)
{
	json_t *rows = json_array();

	for (int64_t day = days->last; day >= days->first; day--) {
		struct past_sum sum;

		past_go_back(past, zone_midnight(zone, day + 1));
		past_sum(past, &sum);
		json_array_insert_new(rows, 0, make_row(day, sum.points, sum.counts, PAST_STATES));
	}
	return rows;
}

static int filter_label(struct call *c, const struct value *name, struct query *q)
{
	int64_t label_id = 0;
	int r = name->state == VALUE_SET ? labels_find(c, name->s, &label_id) : 0;

	if (r == 0 && name->state == VALUE_SET)
		query_where(q, F_story_label_ids, OP_HAS, label_id);
	return r;
}

/* The days end with today. begin_at_first: they begin when the first of the stories was made, or on
 * the day given if that is later. */
static int answer_days(struct call *c, const struct iterations *it, struct query *stories,
	struct days days, bool begin_at_first)
{
	const struct zone *zone = iterations_zone(it);
	int64_t now = call_now_ms(c), today = zone_day(zone, now);
	scoped(past_free) struct past *past = NULL;

	if (days.last > today)
		days.last = today;
	int r = past_load(c, stories, zone_midnight(zone, days.first + 1), &past);

	if (r < 0)
		return r;
	if (begin_at_first) {
		int64_t first = zone_day(zone, past_begin(past, now));

		days.first = days.first > first ? days.first : first;
	}
	scoped(record_unref) struct record *container =
		make_container(schema_field(KIND_story, F_story_current_state)->choices,
			make_rows(past, zone, &days));

	return answer_record(c, container);
}

int day_history_of_project(struct call *c)
{
	const struct value *from = &c->given[P_history_days_start_date];
	const struct value *to = &c->given[P_history_days_end_date];
	scoped(iterations_free) struct iterations *it = NULL;
	struct query q = { .kind = KIND_story, .limit = -1 };
	int r = iterations_load(c, call_project(c), &it);

	query_where(&q, F_story_project_id, OP_EQ, call_project_id(c));
	if (r == 0)
		r = filter_label(c, &c->given[P_history_days_label], &q);
	if (r < 0)
		return r;
	int64_t today = zone_day(iterations_zone(it), call_now_ms(c));
	struct days days = { from->state == VALUE_SET ? from->i : 0,
		to->state == VALUE_SET ? to->i : today };

	return answer_days(c, it, &q, days, true);
}

int day_history_of_iteration(struct call *c)
{
	int64_t number = c->ids[KIND_iteration];
	scoped(iterations_free) struct iterations *it = NULL;
	scoped(ids_fini) struct ids ids = { 0 };
	struct query q = { .kind = KIND_story, .limit = -1 };
	int r = iteration_stories_load(c, &it, &ids);

	query_where(&q, F_story_id, OP_IN, 0)->where[0].ids = &ids;
	if (r == 0)
		r = filter_label(c, &c->given[P_history_label_label], &q);
	if (r < 0)
		return r;
	const struct zone *zone = iterations_zone(it);
	struct days days = { zone_day(zone, iterations_start(it, number)),
		zone_day(zone, iterations_finish(it, number)) - 1 };

	return answer_days(c, it, &q, days, false);
}

int day_history_of_release(struct call *c)
{
	const struct record *release = c->at[KIND_story];
	scoped(iterations_free) struct iterations *it = NULL;
	struct query q;

	if (record_int(release, F_story_story_type, STORY_TYPE_FEATURE) != STORY_TYPE_RELEASE)
		return v5_error_set(&c->error, V5_unfound_resource);
	int r = progress_list_stories(c, release, &q);

	if (r == 0)
		r = filter_label(c, &c->given[P_history_label_label], &q);
	if (r == 0)
		r = iterations_load(c, call_project(c), &it);
	if (r < 0)
		return r;
	int64_t end = record_int(release, F_story_accepted_at, call_now_ms(c));
	struct days days = { 0, zone_day(iterations_zone(it), end) };

	return answer_days(c, it, &q, days, true);
}

/* ---- what happened within an iteration ---- */

enum { STORY_TYPES = STORY_TYPE_RELEASE + 1 };

struct day_sum {
	double points[STORY_TYPES];
	int64_t counts[STORY_TYPES];
};

/* An iteration's days that have come, and what happened on each of them. */
struct happened {
	struct days days;
	size_t n_days;
	struct day_sum *sums;
};

static void free_happened(struct happened *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].sums);
	free(list);
}

static struct happened *make_happened(
	const struct records *iterations, const struct zone *zone, int64_t today)
{
	struct happened *list = xcalloc(iterations->n + 1, sizeof(*list));

	for (size_t i = 0; i < iterations->n; i++) {
		const struct record *r = iterations->items[i];
		struct days days = { zone_day(zone, record_int(r, F_iteration_start, 0)),
			zone_day(zone, record_int(r, F_iteration_finish, 0)) - 1 };

		if (days.last > today)
			days.last = today;
		list[i].days = days;
		list[i].n_days = days.last < days.first ? 0 : (size_t)(days.last - days.first + 1);
		list[i].sums = xcalloc(list[i].n_days + 1, sizeof(*list[i].sums));
	}
	return list;
}

static void count_story(struct happened *h, const struct record *story, int64_t on_day)
{
	int64_t day = on_day - h->days.first;
	int64_t type = record_int(story, F_story_story_type, STORY_TYPE_FEATURE);

	if (day < 0 || day >= (int64_t)h->n_days)
		return;
	h->sums[day].points[type] += record_float(story, F_story_estimate, 0);
	h->sums[day].counts[type]++;
}

/* at is the story's instant that counts. */
static int count_stories(struct call *c, const struct records *iterations, int at,
	const struct zone *zone, struct happened *list)
{
	const int only[] = { at, F_story_story_type, F_story_estimate };
	struct query q = { .only = only, .n_only = 3 };
	scoped(records_fini) struct records stories = { 0 };
	int r = iteration_stories_list_in(c, iterations, at, &q, &stories);

	for (size_t i = 0; r == 0 && i < stories.n; i++) {
		const struct record *story = stories.items[i];

		count_story(&list[iteration_stories_place(iterations, story, at)], story,
			zone_day(zone, record_int(story, at, 0)));
	}
	return r;
}

static void set_happened(struct record *iteration, int f, const struct happened *h)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < h->n_days; i++)
		json_array_append_new(rows, make_row(h->days.first + (int64_t)i, h->sums[i].points,
						    h->sums[i].counts, STORY_TYPES));
	scoped(record_unref) struct record *container =
		make_container(schema_field(KIND_story, F_story_story_type)->choices, rows);

	record_set_object(iteration, f, container);
}

int day_history_fill(struct call *c, struct records *iterations, int f)
{
	int at = f == F_iteration_accepted ? F_story_accepted_at : F_story_created_at;
	scoped(iterations_free) struct iterations *it = NULL;
	int r = iterations_load(c, call_project(c), &it);

	if (r < 0)
		return r;
	const struct zone *zone = iterations_zone(it);
	struct happened *list = make_happened(iterations, zone, zone_day(zone, call_now_ms(c)));

	r = count_stories(c, iterations, at, zone, list);
	for (size_t i = 0; r == 0 && i < iterations->n; i++)
		set_happened(iterations->items[i], f, &list[i]);
	free_happened(list, iterations->n);
	return r;
}
