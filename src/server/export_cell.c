/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export_cell.h"

#include <string.h>
#include <time.h>

#include "storyfs/plain.h"
#include "zone.h"

/* ---- days ---- */

static void add_day(struct buf *b, int64_t day)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(day * (ZONE_DAY_MS / 1000));
	struct tm tm;

	gmtime_r(&seconds, &tm);
	buf_add_fmt(b, "%s %d, %d", months[tm.tm_mon], tm.tm_mday, tm.tm_year + 1900);
}

static void add_time(struct buf *b, const struct cell_time *t, const struct record *r, int f)
{
	if (record_has(r, f))
		add_day(b, zone_day(iterations_zone(t->iterations), record_int(r, f, 0)));
}

/* 0: in none. */
static int64_t iteration_of(const struct cell_time *t, const struct record *story)
{
	if (record_kind(story) != KIND_story)
		return 0;
	if (record_has(story, F_story_accepted_at))
		return iterations_number(t->iterations, record_int(story, F_story_accepted_at, 0));
	return plan_find(t->plan, record_id(story));
}

/* An iteration's end is its last day. */
static void add_iteration(
	struct buf *b, enum column_form form, const struct cell_time *t, const struct record *story)
{
	const struct zone *zone = iterations_zone(t->iterations);
	int64_t number = iteration_of(t, story);

	if (!number)
		return;
	if (form == ITERATION)
		buf_add_fmt(b, "%lld", (long long)number);
	else if (form == ITERATION_START)
		add_day(b, zone_day(zone, iterations_start(t->iterations, number)));
	else
		add_day(b, zone_day(zone, iterations_finish(t->iterations, number) - 1));
}

/* ---- names ---- */

static void add_name(struct buf *b, const struct record *r)
{
	plain_write(r, schema_resource(record_kind(r))->label, NULL, b);
}

static void add_names(struct buf *b, const struct value *v, enum value_type type)
{
	if (v->state == VALUE_SET && type == TYPE_OBJECT)
		add_name(b, v->record);
	for (size_t i = 0; type == TYPE_OBJECTS && i < v->n; i++) {
		buf_add_str(b, i ? ", " : "");
		add_name(b, v->records[i]);
	}
}

/* What nobody said at no time was no comment of an export. */
static void add_comment(struct buf *b, const struct cell_time *t, const struct record *comment)
{
	const struct value *person = record_get(comment, F_comment_person);

	buf_add_str(b, record_text(comment, F_comment_text));
	if (person->state != VALUE_SET && !record_has(comment, F_comment_created_at))
		return;
	buf_add_str(b, " (");
	if (person->state == VALUE_SET)
		add_name(b, person->record);
	buf_add_str(b, " - ");
	add_time(b, t, comment, F_comment_created_at);
	buf_add_char(b, ')');
}

/* ---- any ---- */

static int field_of(const struct column *column, const struct record *r)
{
	return column->list == NONE ? columns_field(column, record_kind(r)) : column->field;
}

void export_add_cell(struct buf *b, const struct column *column, const struct cell_time *t,
	const struct record *r)
{
	int f = field_of(column, r);

	if (f < 0) {
		if (column->field == F_story_story_type)
			buf_add_str(b, schema_resource(record_kind(r))->name);
		return;
	}
	switch (column->form) {
	case VALUE:
		plain_write(r, f, NULL, b);
		return;
	case NAME:
	case NAMES:
		add_names(b, record_get(r, f), schema_field(record_kind(r), f)->type);
		return;
	case DAY:
		add_time(b, t, r, f);
		return;
	case WORDS:
		buf_add_str(b, record_int(r, f, 0) ? column->yes : column->no);
		return;
	case COMMENT:
		add_comment(b, t, r);
		return;
	case ITERATION:
	case ITERATION_START:
	case ITERATION_END:
		add_iteration(b, column->form, t, r);
		return;
	}
}

bool export_is_told(const struct column *column, const struct record *r)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	int f = field_of(column, r);

	if (f < 0 || column->form >= ITERATION)
		return true;
	if (!record_has(r, f))
		return false;
	const char *initial = schema_field(record_kind(r), f)->initial;

	plain_write(r, f, NULL, &text);
	return !initial || strcmp(buf_str(&text), initial) != 0;
}
