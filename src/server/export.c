/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Export: the run, and of which projects it is. */
#include "storyfs/export.h"

#include <errno.h>
#include <string.h>

#include "export_run.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

int export_fail(struct export_run *run, const char *path, int error)
{
	if (!run->reason->len)
		buf_add_fmt(run->reason, "%s: %s", path, text_errno(error));
	return error;
}

void export_progress(struct export_run *run, int64_t n)
{
	run->done += n;
	if (run->config->progress)
		run->config->progress(run->config->data, run->what, run->done, run->total);
}

int export_list_ids(
	struct export_run *run, enum kind kind, const struct record *project, struct ids *ret)
{
	struct query q = { .kind = kind, .limit = -1, .order = schema_find_field(kind, "rank") };

	query_where(&q, schema_resource(kind)->parent_key, OP_EQ, record_id(project));
	return tx_list_ids(export_tx(run), &q, ret);
}

int export_count(struct export_run *run, const struct record *project, int64_t *ret)
{
	static const enum kind kinds[] = { KIND_story, KIND_epic };
	int r = 0;

	*ret = 0;
	for (size_t i = 0; r == 0 && i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct query q = { .kind = kinds[i] };
		int64_t n = 0;

		query_where(&q, schema_resource(kinds[i])->parent_key, OP_EQ, record_id(project));
		r = tx_count(export_tx(run), &q, &n);
		*ret += n;
	}
	return r;
}

/* The first that is of this project, or a later one. */
static size_t find_first(const struct unknown_resources *list, int64_t project_id)
{
	size_t from = 0, to = list->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (list->items[middle].project_id < project_id)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

struct unknown_resources export_select_kept(
	const struct unknown_resources *list, int64_t project_id)
{
	size_t from = find_first(list, project_id);
	size_t to = find_first(list, project_id + 1);

	return (struct unknown_resources){ .n = to - from,
		.items = list->n ? list->items + from : NULL };
}

/* ---- which projects ---- */

static int select_all(struct export_run *run)
{
	const struct query q = { .kind = KIND_project, .limit = -1 };

	run->is_whole = true;
	return tx_list(export_tx(run), &q, &run->projects);
}

static bool is_selected(const struct export_run *run, int64_t id)
{
	each_record(project, &run->projects) {
		if (record_id(project) == id)
			return true;
	}
	return false;
}

static int select_projects(struct export_run *run)
{
	const char *wanted = run->config->projects;
	scoped(free_ptr) char *words = xstrdup(wanted ? wanted : "all");
	char *rest = words, *word;
	int r = 0;

	if (strcmp(words, "all") == 0)
		return select_all(run);
	while (r == 0 && (word = strsep(&rest, ","))) {
		struct record *project = NULL;

		r = desk_find_project(&run->desk, word, &project);
		if (r == 0 && !is_selected(run, record_id(project)))
			records_add(&run->projects, project);
		else
			record_unref(project);
	}
	return r;
}

static int check_projects(struct export_run *run)
{
	size_t n = run->projects.n;

	if (run->config->format != EXPORT_CSV || n == 1)
		return 0;
	if (!n)
		return desk_refuse(&run->desk, ENOENT, "there is no project in this archive");
	return desk_refuse(&run->desk, ENOTUNIQ,
		"a CSV is of one project, and these are %zu: give the name of one with --project, "
		"or export a ZIP or a dump",
		n);
}

/* ---- the run ---- */

/* What there is to do: a CSV looks at each line twice. */
static int count_all(struct export_run *run)
{
	int times = run->config->format == EXPORT_DUMP ? 1 : 2;
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->projects.n; i++) {
		int64_t n = 0;

		r = export_count(run, run->projects.items[i], &n);
		run->total += times * n;
	}
	return r;
}

static int write_all(struct export_run *run)
{
	switch (run->config->format) {
	case EXPORT_CSV:
		run->what = record_text(run->projects.items[0], F_project_name);
		return export_write_csv(
			run, run->projects.items[0], run->config->fd, run->config->name);
	case EXPORT_ZIP:
		return export_zip(run);
	case EXPORT_DUMP:
		return export_dump(run);
	}
	return -EINVAL;
}

static int work(struct export_run *run)
{
	int r = select_projects(run);

	if (r == 0)
		r = check_projects(run);
	if (r == 0)
		r = count_all(run);
	if (r == 0)
		r = kept_load(export_tx(run), &run->kept);
	if (r == 0)
		r = tx_list_unknown(export_tx(run), kept_history_kind, &run->history);
	return r < 0 ? r : write_all(run);
}

int export_all(struct archive *a, const struct export_config *config, struct export_report *ret,
	struct buf *ret_reason)
{
	struct export_run run = { .config = config, .reason = ret_reason, .what = "" };
	int r = desk_open(&run.desk, a, TX_READ, ret_reason);

	if (r == 0)
		r = work(&run);
	r = desk_close(&run.desk, r);
	records_fini(&run.projects);
	kept_fini(&run.kept);
	unknown_resources_fini(&run.history);
	if (r == 0)
		*ret = run.report;
	else
		export_report_fini(&run.report);
	return r;
}
