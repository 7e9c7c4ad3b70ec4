/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endpoints that answer stories as CSV. */
#include "content.h"
#include "export_rows.h"
#include "route.h"

enum { MAX_IDS = 10000 };

/* project_id is the only one whose stories are wanted; 0: all */
static int export_stories(struct call *c, const struct ids *ids, int64_t project_id)
{
	struct content *content = answer_content(c, 200, "text/csv; charset=utf-8");
	const struct export_rows_config config = {
		.call = c, .project_id = project_id, .out = &content->bytes
	};
	scoped(export_rows_free) struct export_rows *rows = export_rows_new(&config);
	int r = export_rows_measure(rows, KIND_story, ids);

	if (r < 0)
		return r;
	export_rows_write_titles(rows);
	http_headers_add(
		&content->headers, "Content-Disposition", "attachment; filename=\"stories.csv\"");
	return export_rows_write(rows, KIND_story, ids);
}

static int check_ids(struct call *c, const char *key, const struct ids *ids)
{
	if (ids->n <= MAX_IDS)
		return 0;
	return v5_error_requirement(
		&c->error, "'%s' parameter must be %d ids or less.", key, MAX_IDS);
}

int stories_export(struct call *c)
{
	const struct value *given = &c->given[P_story_export_ids];
	const struct ids ids = value_ids(given);

	if (given->state != VALUE_SET)
		return v5_error_problem(&c->error, "this endpoint requires the parameter: ids");
	int r = check_ids(c, "ids", &ids);

	if (r == 0)
		r = export_stories(c, &ids, 0);

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
		const struct ids named = value_ids(given);

		r = check_ids(c, "story_ids", &named);
		return r < 0 ? r : export_stories(c, &named, project_id);
	}
	query_where(&q, F_story_project_id, OP_EQ, project_id);
	r = tx_list_ids(c->tx, &q, &ids);

	return r < 0 ? r : export_stories(c, &ids, project_id);
}
