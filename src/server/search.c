/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endpoints that search: a project, a workspace, and the lists that take a filter. */
#include "search.h"

#include <jansson.h>
#include <string.h>

#include "projects.h"
#include "route.h"
#include "search_find.h"
#include "shape.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

/* ---- the records of ids, in their order ---- */

struct place {
	int64_t id;
	size_t at;
};

static int by_id(const void *a, const void *b)
{
	int64_t left = ((const struct place *)a)->id, right = ((const struct place *)b)->id;

	return (left > right) - (left < right);
}

/* found is sorted by id and holds them all. */
static void put_in_order(const struct ids *ids, struct records *found, struct records *ret)
{
	struct place *places = xcalloc(ids->n + 1, sizeof(*places));
	struct record **items = xcalloc(ids->n + 1, sizeof(struct record *));

	for (size_t i = 0; i < ids->n; i++)
		places[i] = (struct place){ ids->v[i], i };
	qsort(places, ids->n, sizeof(*places), by_id);
	for (size_t i = 0; i < found->n; i++)
		items[places[i].at] = found->items[i];
	for (size_t i = 0; i < found->n; i++)
		records_add(ret, record_ref(items[i]));
	free(items);
	free(places);
}

static int load(struct call *c, enum kind kind, const struct ids *ids, struct records *ret)
{
	struct query q = { .kind = kind, .limit = -1 };
	scoped(records_fini) struct records found = { 0 };

	if (!ids->n)
		return 0;
	query_where(&q, 0, OP_IN, 0)->where[0].ids = ids;
	int r = tx_list(c->tx, &q, &found);

	if (r == 0)
		put_in_order(ids, &found, ret);
	return r;
}

/* ---- search_result_container ---- */

/* Is a member of the container (which is no resource: it has no kind and no id) asked for? */
static bool is_wanted(const struct fields *f, const char *name)
{
	return fields_has_default(f) || fields_has(f, name);
}

/* `"name":` into an object that has been opened. */
static void add_key(struct buf *b, const char *name)
{
	if (b->data[b->len - 1] != '{')
		buf_add_char(b, ',');
	buf_add_fmt(b, "\"%s\":", name);
}

static void add_number(struct buf *b, const struct fields *f, const char *name, double value)
{
	char text[FLOAT_TEXT_SIZE];

	if (!is_wanted(f, name))
		return;
	format_float(value, text);
	add_key(b, name);
	buf_add_str(b, text);
}

static int add_list(struct call *c, enum kind kind, const struct ids *ids, const struct fields *f)
{
	const char *plural = schema_resource(kind)->plural;
	const struct fields *nested = fields_nested(f, plural);
	scoped(records_fini) struct records list = { 0 };

	if (!is_wanted(f, plural))
		return 0;
	int r = load(c, kind, ids, &list);

	if (r == 0)
		r = shape_fill(c, kind, &list, nested);
	if (r < 0)
		return r;
	add_key(&c->body, plural);
	json_add_records(&list, nested, c->json_flags, &c->body);
	return 0;
}

static int add_stories(struct call *c, const struct search_hits *hits)
{
	const struct fields *f = fields_nested(c->fields, "stories");

	if (!is_wanted(c->fields, "stories"))
		return 0;
	add_key(&c->body, "stories");
	buf_add_char(&c->body, '{');
	int r = add_list(c, KIND_story, &hits->ids, f);

	add_number(&c->body, f, "total_points", hits->points);
	add_number(&c->body, f, "total_points_completed", hits->points_completed);
	add_number(&c->body, f, "total_hits", (double)hits->ids.n);
	add_number(&c->body, f, "total_hits_with_done", (double)hits->n_with_done);
	buf_add_char(&c->body, '}');
	return r;
}

static int add_epics(struct call *c, const struct ids *epics)
{
	const struct fields *f = fields_nested(c->fields, "epics");

	if (!is_wanted(c->fields, "epics"))
		return 0;
	add_key(&c->body, "epics");
	buf_add_char(&c->body, '{');
	int r = add_list(c, KIND_epic, epics, f);

	add_number(&c->body, f, "total_hits", (double)epics->n);
	buf_add_char(&c->body, '}');
	return r;
}

static int answer(
	struct call *c, const char *text, const struct search_hits *hits, const struct ids *epics)
{
	buf_add_char(&c->body, '{');
	int r = add_stories(c, hits);

	if (r == 0)
		r = add_epics(c, epics);
	if (r < 0)
		return r;
	if (is_wanted(c->fields, "query")) {
		json_t *query = json_string(text);

		add_key(&c->body, "query");
		json_write(query, &c->body);
		json_decref(query);
	}
	buf_add_char(&c->body, '}');
	c->status = 200;
	return 0;
}

static int read_query(struct call *c, const char **ret_text, struct search **ret)
{
	const struct value *query = &c->given[P_search_query];

	if (query->state != VALUE_SET)
		return v5_error_problem(&c->error, "this endpoint requires the parameter: query");
	if (text_is_blank(query->s))
		return v5_error_problem(&c->error, "Query can't be blank");
	*ret_text = query->s;
	return search_read(c, query->s, ret);
}

int search_project(struct call *c)
{
	scoped(search_free) struct search *s = NULL;
	scoped(search_hits_fini) struct search_hits hits = { 0 };
	scoped(ids_fini) struct ids epics = { 0 };
	const char *text = NULL;
	int r = read_query(c, &text, &s);

	if (r == 0)
		r = search_find_stories(c, s, call_project(c), true, &hits);
	if (r == 0)
		r = search_find_epics(c, s, call_project(c), &epics);
	return r < 0 ? r : answer(c, text, &hits, &epics);
}

/* A workspace's projects one after the other; one that may not be seen any more has no part. */
int search_workspace(struct call *c)
{
	const struct value *ids = record_get(c->at[KIND_workspace], F_workspace_project_ids);
	scoped(search_free) struct search *s = NULL;
	scoped(search_hits_fini) struct search_hits hits = { 0 };
	scoped(ids_fini) struct ids epics = { 0 };
	const char *text = NULL;
	int r = read_query(c, &text, &s);

	for (size_t i = 0; r == 0 && i < ids->n; i++) {
		scoped(record_unref) struct record *project = NULL;
		bool visible = false;

		r = projects_is_visible(c, ids->ids[i], &visible);
		if (r == 0 && visible)
			r = tx_get(c->tx, KIND_project, ids->ids[i], &project);
		if (r == 0 && project)
			r = search_find_stories(c, s, project, true, &hits);
		if (r == 0 && project)
			r = search_find_epics(c, s, project, &epics);
		r = r > 0 ? 0 : r;
	}
	return r < 0 ? r : answer(c, text, &hits, &epics);
}

/* ---- filter= ---- */

/* V5 takes nothing else beside it. */
static int check_alone(struct call *c, int filter)
{
	const struct param_set *set = route_params(c->route);

	for (int i = 0; i < set->n; i++) {
		if (i != filter && c->given[i].state != VALUE_ABSENT)
			return v5_error_problem(&c->error,
				"this endpoint cannot accept the parameter: %s",
				set->params[i].key);
	}
	return 0;
}

int search_filter_stories(struct call *c, const char *text)
{
	scoped(search_free) struct search *s = NULL;
	scoped(search_hits_fini) struct search_hits hits = { 0 };
	scoped(records_fini) struct records list = { 0 };
	struct ids page = { 0 };
	int r = check_alone(c, P_story_list_filter);

	if (r == 0)
		r = search_read(c, text, &s);
	if (r == 0)
		r = search_find_stories(c, s, call_project(c), false, &hits);
	if (r < 0)
		return r;
	size_t from = (size_t)c->page.offset, n = hits.ids.n;

	c->page.total = (int64_t)n;
	c->page.no_total = !n;
	if (from < n) {
		page.v = hits.ids.v + from;
		page.n = n - from < (size_t)c->page.limit ? n - from : (size_t)c->page.limit;
	}
	r = load(c, KIND_story, &page, &list);
	return r < 0 ? r : answer_records(c, KIND_story, &list);
}

int epics_list(struct call *c)
{
	const struct value *filter = &c->given[P_epic_list_filter];
	scoped(search_free) struct search *s = NULL;
	scoped(ids_fini) struct ids ids = { 0 };
	scoped(records_fini) struct records list = { 0 };

	if (filter->state != VALUE_SET || text_is_blank(filter->s))
		return read_list(c);
	int r = search_read(c, filter->s, &s);

	if (r == 0)
		r = search_find_epics(c, s, call_project(c), &ids);
	if (r == 0)
		r = load(c, KIND_epic, &ids, &list);
	return r < 0 ? r : answer_records(c, KIND_epic, &list);
}
