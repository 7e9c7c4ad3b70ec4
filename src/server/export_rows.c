/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export_rows.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "cells.h"
#include "export_cell.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/csv.h"
#include "storyfs/table.h"

enum { BATCH = 500 };

/* What is asked of them to see how long their lists are, and to write them. */
static const struct {
	enum kind kind;
	const char *lengths, *contents;
} wanted[] = {
	{ KIND_story,
		"project_id,owners(id),blockers(id),comments(id,text,person_id),tasks(id),"
		"pull_requests(id),branches(id),reviews(id)",
		":default,labels,requested_by,owners,blockers,comments(:default,person),tasks,"
		"pull_requests,branches,reviews(:default,reviewer,review_type)" },
	{ KIND_epic, "project_id,comments(id,text,person_id),pull_requests(id),branches(id)",
		":default,label,comments(:default,person),pull_requests,branches" },
};

/* A project whose stories are exported. */
struct project {
	int64_t id;
	bool hidden; /* from who asks */
	struct iterations *iterations;
	struct plan plan;
	struct project *next;
};

/* A title that is none of V5's. */
struct title {
	struct table_item item;
	char *text;
	size_t width;
};

struct export_rows {
	struct export_rows_config config;
	struct project *projects;
	size_t widths[N_COLUMNS]; /* how often a column comes */
	struct table titles;
};

/* A line at work. */
struct line {
	const struct project *project;
	const struct record *record; /* the story or epic; NULL: the titles are written */
	json_t *kept;
};

struct export_rows *export_rows_new(const struct export_rows_config *config)
{
	struct export_rows *x = xcalloc(1, sizeof(*x));

	x->config = *config;
	/* So that the columns are there, whatever the stories have. */
	for (int i = 0; i < N_COLUMNS; i++)
		x->widths[i] = !columns[i].rare;
	return x;
}

void export_rows_free(struct export_rows *x)
{
	struct title *title;

	if (!x)
		return;
	while ((title = table_pop(&x->titles))) {
		free(title->text);
		free(title);
	}
	while (x->projects) {
		struct project *p = x->projects;

		x->projects = p->next;
		plan_fini(&p->plan);
		iterations_free(p->iterations);
		free(p);
	}
	free(x);
}

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

static int find_project(struct export_rows *x, int64_t id, struct project **ret)
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
	return load_project(x->config.call, p);
}

/* ---- lists ---- */

/* The list that a column repeats for; empty when there is none. */
static const struct value *list_of(const struct record *r, const struct column *column)
{
	static const struct value none = { 0 };
	int list = columns_list(column, record_kind(r));

	return list < 0 ? &none : record_get(r, list);
}

/* What an import made to hold files is nobody's comment. */
static bool is_told(const struct record *r)
{
	return record_kind(r) != KIND_comment || record_has(r, F_comment_person_id) ||
	       *record_text(r, F_comment_text);
}

static size_t count_told(const struct value *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += is_told(list->records[i]);
	return n;
}

/* NULL behind the last. */
static const struct record *nth(const struct value *list, size_t n)
{
	for (size_t i = 0; i < list->n; i++) {
		if (is_told(list->records[i]) && !n--)
			return list->records[i];
	}
	return NULL;
}

/* ---- measuring ---- */

static void grow(size_t *width, size_t n)
{
	if (n > *width)
		*width = n;
}

static void measure_title(struct export_rows *x, const char *text, size_t n)
{
	struct title *title = table_find(&x->titles, text, strlen(text));

	if (!title) {
		title = xcalloc(1, sizeof(*title));
		title->text = xstrdup(text);
		table_add(&x->titles, &title->item, title->text, strlen(text));
	}
	grow(&title->width, n);
}

static void measure_kept(struct export_rows *x, const json_t *kept)
{
	const char *title;
	json_t *value;

	json_object_foreach((json_t *)kept, title, value)
	{
		int i = columns_find(title);

		if (i >= 0)
			grow(&x->widths[i], kept_count(value));
		else
			measure_title(x, title, kept_count(value));
	}
}

static void measure(struct export_rows *x, const struct line *l)
{
	for (int i = 0; i < N_COLUMNS; i++) {
		if (columns[i].list != NONE)
			grow(&x->widths[i], count_told(list_of(l->record, &columns[i])));
	}
	measure_kept(x, l->kept);
}

/* ---- writing ---- */

void export_add_text(struct buf *b, const char *text)
{
	scoped(buf_fini) struct buf guarded = BUF_INIT;

	if (cell_needs_guard(text)) {
		buf_add_fmt(&guarded, "'%s", text);
		text = guarded.data;
	}
	csv_add_cell(b, text);
}

/* What could not be read stands there until somebody says better. */
static void write_cell(
	struct export_rows *x, const struct line *l, const struct column *column, size_t n)
{
	const struct record *r =
		column->list == NONE ? (n ? NULL : l->record) : nth(list_of(l->record, column), n);
	const struct cell_time when = { l->project->iterations, &l->project->plan };
	const char *kept = kept_get(l->kept, column->title, n);
	scoped(buf_fini) struct buf cell = BUF_INIT;

	if (r)
		export_add_cell(&cell, column, &when, r);
	bool is_free = !r || !cell.len || !export_is_told(column, r);

	export_add_text(x->config.out, kept && is_free ? kept : buf_str(&cell));
}

static void write_group(struct export_rows *x, int from, int to, const struct line *l)
{
	size_t width = 0;

	for (int i = from; i < to; i++)
		grow(&width, x->widths[i]);
	for (size_t n = 0; n < width; n++) {
		for (int i = from; i < to; i++) {
			if (l->record)
				write_cell(x, l, &columns[i], n);
			else
				csv_add_cell(x->config.out, columns[i].title);
		}
	}
}

static void write_line(struct export_rows *x, const struct line *l)
{
	for (int i = 0; i < N_COLUMNS; i = columns_end_of_group(i))
		write_group(x, i, columns_end_of_group(i), l);
	for (const struct title *t = table_next(&x->titles, NULL); t;
		t = table_next(&x->titles, t)) {
		for (size_t n = 0; n < t->width; n++) {
			const char *kept = kept_get(l->kept, t->text, n);

			if (l->record)
				export_add_text(x->config.out, kept ? kept : "");
			else
				export_add_text(x->config.out, t->text);
		}
	}
	csv_end_line(x->config.out);
}

void export_rows_write_titles(struct export_rows *x)
{
	write_line(x, &(struct line){ 0 });
}

/* ---- batches ---- */

int export_list(struct tx *tx, enum kind kind, const struct ids *ids, struct records *ret)
{
	struct query q = { .kind = kind, .limit = -1 };
	scoped(records_fini) struct records found = { 0 };

	query_where(&q, 0, OP_IN, 0)->where[0].ids = ids;
	int r = tx_list(tx, &q, &found);

	for (size_t i = 0; r == 0 && i < ids->n; i++) {
		struct record *one = records_find(&found, ids->v[i]);

		if (one)
			records_add(ret, record_ref(one));
	}
	return r;
}

static int visit_one(struct export_rows *x, const struct record *r,
	void (*visit)(struct export_rows *x, const struct line *l))
{
	int64_t project_id = record_int(r, schema_resource(record_kind(r))->parent_key, 0);
	struct project *p = NULL;
	int e = find_project(x, project_id, &p);

	if (e < 0 || p->hidden || (x->config.project_id && p->id != x->config.project_id))
		return e;
	const struct kept *kept = x->config.kept;
	struct line l = { .project = p, .record = r };

	if (kept)
		l.kept = kept_find(kept, p->id, record_kind(r), record_id(r));
	visit(x, &l);
	json_decref(l.kept);
	return 0;
}

static int visit_batch(struct export_rows *x, enum kind kind, const struct ids *batch,
	const struct fields *fields, void (*visit)(struct export_rows *x, const struct line *l))
{
	scoped(records_fini) struct records list = { 0 };
	int r = export_list(x->config.call->tx, kind, batch, &list);

	if (r == 0)
		r = shape_fill(x->config.call, kind, &list, fields);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = visit_one(x, list.items[i], visit);
	return r == 0 && x->config.batch ? x->config.batch(x->config.data, batch->n) : r;
}

static int visit_all(struct export_rows *x, enum kind kind, const struct ids *ids, bool measures)
{
	const char *text =
		measures ? wanted[kind != KIND_story].lengths : wanted[kind != KIND_story].contents;
	size_t at;
	scoped(fields_free) struct fields *fields = fields_parse(text, &at);
	int r = 0;

	for (size_t i = 0; r == 0 && i < ids->n; i += BATCH) {
		size_t n = ids->n - i < BATCH ? ids->n - i : BATCH;
		const struct ids batch = { n, ids->v + i };

		r = visit_batch(x, kind, &batch, fields, measures ? measure : write_line);
	}
	return r;
}

int export_rows_measure(struct export_rows *x, enum kind kind, const struct ids *ids)
{
	return visit_all(x, kind, ids, true);
}

int export_rows_write(struct export_rows *x, enum kind kind, const struct ids *ids)
{
	return visit_all(x, kind, ids, false);
}
