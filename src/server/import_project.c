/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The projects of exports. Which one a file is of, its name tells, or the option. What a project is
 * set to no export tells, but some of it follows from its rows: the length and the beginning of
 * iterations, the points that stories have.
 *
 * The archive remembers the version that a project had after its import. While it still has it, a
 * newer export may change all; else others wrote, and only what is lacking is added.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cells.h"
#include "import_export.h"
#include "initial.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/scale.h"
#include "storyfs/text.h"
#include "zone.h"

enum { WEEK = 7, MAX_LENGTH = 4, MAX_POINTS = 12 };

static void free_project(struct export_project *p)
{
	record_unref(p->old);
	record_unref(p->record);
	zone_free(p->zone);
	free(p->estimates);
	free(p);
}

void import_free_exports(struct import_run *run)
{
	struct exports *x = run->exports;

	if (!x)
		return;
	while (x->projects) {
		struct export_project *p = x->projects;

		x->projects = p->next;
		free_project(p);
	}
	for (size_t i = 0; i < x->n_files; i++)
		free(x->files[i].path);
	free(x->files);
	while (x->sources) {
		struct export_source *source = x->sources;

		x->sources = source->next;
		source->close(source);
	}
	import_names_fini(x);
	records_fini(&x->older);
	free(x);
	run->exports = NULL;
}

/* ---- which project ---- */

/* `projects_99_name` is the name of a file of the project 99. */
static int64_t cut_number(char *name)
{
	static const char prefix[] = "projects_";
	size_t len = strlen(prefix);
	int64_t id = 0;

	if (strncasecmp(name, prefix, len) != 0)
		return 0;
	scoped(free_ptr) char *digits = xstrndup(name + len, strspn(name + len, "0123456789"));

	if (!parse_int(digits, 1, MAX_STORY_ID, &id))
		return 0;
	len += strlen(digits);
	len += name[len] == '_';
	memmove(name, name + len, strlen(name + len) + 1);
	return id;
}

/* In names of files, blanks are `_`. */
static bool is_called(const char *project, const char *name)
{
	scoped(free_ptr) char *a = text_lower(project);
	scoped(free_ptr) char *b = text_lower(name);

	for (char *p = a; *p; p++)
		*p = (char)(*p == ' ' ? '_' : *p);
	for (char *p = b; *p; p++)
		*p = (char)(*p == ' ' ? '_' : *p);
	return strcmp(a, b) == 0;
}

/* The project of this id or name that the archive has; 0: none. */
static int find_stored(struct import_run *run, const char *name, int64_t *ret_id)
{
	const struct query q = { .kind = KIND_project, .limit = -1 };
	scoped(records_fini) struct records list = { 0 };
	int64_t id = 0;
	int r = tx_list(run->tx, &q, &list);

	*ret_id = 0;
	if (run->config->project)
		parse_int(name, 1, INT64_MAX, &id);
	for (size_t i = 0; r == 0 && i < list.n && !*ret_id; i++) {
		if (record_id(list.items[i]) == id ||
			is_called(record_text(list.items[i], F_project_name), name))
			*ret_id = record_id(list.items[i]);
	}
	return r;
}

static int find_id(struct import_run *run, char *name, int64_t *ret_id)
{
	*ret_id = cut_number(name);
	if (*ret_id)
		return 0;
	if (text_is_blank(name)) {
		buf_add_str(run->reason,
			"the file's name tells no project: give its name with --project");
		return -EINVAL;
	}
	int r = find_stored(run, name, ret_id);

	if (r == 0 && !*ret_id) {
		scoped(free_ptr) char *folded = text_lower(name);

		*ret_id = import_id_of_text(KIND_project, 0, folded);
	}
	return r;
}

static void write_meta_name(char name[32], int64_t id)
{
	snprintf(name, 32, "export %" PRId64, id);
}

static int load_old(struct import_run *run, struct export_project *p)
{
	scoped(buf_fini) struct buf version = BUF_INIT;
	char name[32];
	int64_t at = 0;
	int r = tx_get(run->tx, KIND_project, p->id, &p->old);

	if (r)
		return r < 0 ? r : 0;
	write_meta_name(name, p->id);
	r = tx_get_meta(run->tx, name, &version);
	if (r < 0)
		return r;
	p->is_ours = r == 0 && parse_int(buf_str(&version), 1, INT64_MAX, &at) &&
		     at == record_int(p->old, F_project_version, 0);
	if (record_has(p->old, F_project_time_zone))
		p->zone = zone_load(record_text(
			record_get(p->old, F_project_time_zone)->record, F_time_zone_olson_name));
	return 0;
}

static int make_project(
	struct import_run *run, int64_t id, const char *name, struct export_project **ret)
{
	struct export_project *p = xcalloc(1, sizeof(*p));
	scoped(free_ptr) char *other = xasprintf("Project %" PRId64, id);

	p->id = id;
	p->next = run->exports->projects;
	run->exports->projects = p;
	*ret = p;
	int r = load_old(run, p);

	p->record = p->old ? record_copy(p->old) : record_new(KIND_project);
	record_set_int(p->record, F_project_id, id);
	if (!p->old)
		record_set_text(p->record, F_project_name, text_is_blank(name) ? other : name);
	return r < 0 ? r : import_load_names(run, p);
}

int import_find_project(struct import_run *run, const char *file_name, struct export_project **ret)
{
	scoped(free_ptr) char *name = run->config->project ? xstrdup(run->config->project)
							   : cell_project_of_file(file_name);
	int64_t id;

	if (!run->exports)
		run->exports = xcalloc(1, sizeof(*run->exports));
	int r = find_id(run, name, &id);

	if (r < 0)
		return r;
	for (struct export_project *p = run->exports->projects; p; p = p->next) {
		if (p->id == id) {
			*ret = p;
			return 0;
		}
	}
	return make_project(run, id, name, ret);
}

/* ---- what follows from the rows ---- */

void import_note_iteration(
	struct export_project *p, int64_t number, int64_t first_day, int64_t last_day)
{
	int64_t length = (last_day - first_day + WEEK / 2) / WEEK;

	if (number < 1 || !first_day || last_day <= first_day || length < 1 ||
		length > MAX_LENGTH || (p->first_iteration && p->first_iteration <= number))
		return;
	p->first_iteration = number;
	record_set_int(p->record, F_project_iteration_length, length);
	record_set_int(p->record, F_project_week_start_day, zone_weekday(first_day));
	record_set_int(p->record, F_project_start_date, first_day - (number - 1) * length * WEEK);
}

void import_note_estimate(struct export_project *p, double points)
{
	size_t i = 0;

	while (i < p->n_estimates && p->estimates[i] < points)
		i++;
	if ((i < p->n_estimates && p->estimates[i] <= points) || p->n_estimates > MAX_POINTS)
		return;
	p->estimates = xrealloc(p->estimates, p->n_estimates + 1, sizeof(*p->estimates));
	memmove(p->estimates + i + 1, p->estimates + i,
		(p->n_estimates - i) * sizeof(*p->estimates));
	p->estimates[i] = points;
	p->n_estimates++;
}

static bool fits(const struct export_project *p, const char *scale)
{
	for (size_t i = 0; i < p->n_estimates; i++) {
		if (!scale_has(scale, p->estimates[i]))
			return false;
	}
	return true;
}

/* A scale of V5's that has all points, else one of just these. */
static void set_scale(struct export_project *p)
{
	static const char *const offered[] = { "0,1,2,3", "0,1,2,4,8", "0,1,2,3,5,8" };
	scoped(buf_fini) struct buf own = BUF_INIT;

	if (record_has(p->record, F_project_point_scale) &&
		fits(p, record_text(p->record, F_project_point_scale)))
		return;
	for (size_t i = 0; i < sizeof(offered) / sizeof(*offered); i++) {
		if (!fits(p, offered[i]))
			continue;
		record_set_text(p->record, F_project_point_scale, offered[i]);
		return;
	}
	for (size_t i = 0; i < p->n_estimates; i++) {
		char number[FLOAT_TEXT_SIZE];

		format_float(p->estimates[i], number);
		buf_add_fmt(&own, "%s%s", i ? "," : "", number);
	}
	if (scale_problem(buf_str(&own)))
		return;
	record_set_text(p->record, F_project_point_scale, own.data);
	record_set_int(p->record, F_project_point_scale_is_custom, true);
}

static void note_story(struct export_project *p, const struct record *story)
{
	int64_t type = record_int(story, F_story_story_type, STORY_TYPE_FEATURE);
	int64_t at = record_int(story, F_story_created_at, 0);

	if (type != STORY_TYPE_FEATURE && record_has(story, F_story_estimate))
		record_set_int(p->record, F_project_bugs_and_chores_are_estimatable, true);
	if (at && at < record_int(p->record, F_project_created_at, INT64_MAX))
		record_set_int(p->record, F_project_created_at, at);
}

static struct export_project *project_of(const struct import_run *run, const struct record *r)
{
	int64_t id = import_project_of(run, r);

	for (struct export_project *p = run->exports->projects; p; p = p->next) {
		if (p->id == id)
			return p;
	}
	return NULL;
}

/* ---- what the archive's own keeps out ---- */

static const struct entry *owner_of(const struct import_run *run, const struct record *r)
{
	const struct resource *res = schema_resource(record_kind(r));
	const struct entry *e = NULL;

	if (res->parent && res->parent != KIND_project)
		e = import_table_find(&run->table, res->parent, record_int(r, res->parent_key, 0));
	if (!e && res->parent2)
		e = import_table_find(
			&run->table, res->parent2, record_int(r, res->parent2_key, 0));
	return e;
}

static bool is_others(const struct export_project *p)
{
	return p->old && !p->is_ours;
}

static void note_stories(struct import_run *run)
{
	each_entry_of(e, &run->table, KIND_story) {
		struct export_project *p = project_of(run, e->record);

		if (p && !is_others(p))
			note_story(p, e->record);
	}
}

static bool has_others(const struct exports *x)
{
	for (const struct export_project *p = x->projects; p; p = p->next) {
		if (is_others(p))
			return true;
	}
	return false;
}

static int mark(struct import_run *run, struct entry *e)
{
	scoped(record_unref) struct record *old = NULL;
	int r = tx_get(run->tx, e->key.kind, e->key.id, &old);

	e->skip = r == 0;
	return r < 0 ? r : 0;
}

/* What hangs on what stays as it is stays, too; it came before what it hangs on. */
static int mark_kept(struct import_run *run)
{
	const struct exports *x = run->exports;
	int r = 0;

	if (!has_others(x))
		return 0;
	each_entry(e, &run->table) {
		const struct export_project *p =
			e->key.kind == KIND_person ? NULL : project_of(run, e->record);

		if (r == 0 && p && is_others(p) && !owner_of(run, e->record))
			r = mark(run, e);
	}
	each_entry(e, &run->table) {
		const struct entry *owner = owner_of(run, e->record);

		e->skip = owner ? owner->skip : e->skip;
	}
	for (size_t i = 0; i < x->n_files; i++)
		import_table_find(&run->table, KIND_file_attachment, x->files[i].id)->skip =
			x->files[i].owner->skip;
	return r;
}

static void add_project(struct import_run *run, struct export_project *p)
{
	if (is_others(p)) {
		buf_add_fmt(&run->report.notes,
			"project %" PRId64
			" (%s): is not as an export left it; what it has stays, with all that hangs "
			"on it, and what is new is added\n",
			p->id, record_text(p->old, F_project_name));
		import_table_add_own(&run->table, record_copy(p->old), 0);
		return;
	}
	set_scale(p);
	initial_fill(p->record);
	import_table_add_own(&run->table, record_copy(p->record), 0);
}

static const char losses[] =
	"an export does not hold: times of day, the ids of what hangs on a story, e-mail addresses "
	"and initials, followers, who blocked, when a task was made, to which comment a file "
	"belongs, the settings of a project, its activity, reactions, what roles members have, commas "
	"in the names of labels\n";

int import_finish_exports(struct import_run *run)
{
	if (!run->exports)
		return 0;
	note_stories(run);
	int r = mark_kept(run);

	for (struct export_project *p = run->exports->projects; r == 0 && p; p = p->next)
		add_project(run, p);
	buf_add_str(&run->report.notes, losses);
	return r == 0 ? import_save_older(run) : r;
}

/* ---- afterwards ---- */

/* What an export makes, and the first id of what is made here. */
static const struct {
	enum kind kind;
	bool is_listed; /* in a story's list */
} made[] = {
	{ KIND_project, false },
	{ KIND_person, false },
	{ KIND_label, false },
	{ KIND_review_type, false },
	{ KIND_story, false },
	{ KIND_epic, false },
	{ KIND_comment, true },
	{ KIND_task, true },
	{ KIND_blocker, true },
	{ KIND_review, true },
	{ KIND_pull_request, true },
	{ KIND_branch, true },
	{ KIND_file_attachment, true },
};

enum { N_MADE = sizeof(made) / sizeof(*made) };

static int reserve_ids(struct import_run *run)
{
	int r = 0;

	for (int i = 0; r >= 0 && i < N_MADE; i++)
		r = tx_take_id(run->tx, made[i].kind,
			made[i].is_listed ? (MAX_STORY_ID + 1) * IDS_A_STORY : NAMED_TO);
	return r;
}

static int set_version(struct import_run *run, const struct export_project *p)
{
	scoped(record_unref) struct record *r = NULL;
	scoped(buf_fini) struct buf old = BUF_INIT;
	char name[32], text[32];
	int e = tx_get(run->tx, KIND_project, p->id, &r);

	if (e)
		return e < 0 ? e : -ENOENT;
	if (p->old && ids_has(&run->touched, p->id)) {
		record_set_int(r, F_project_version, record_int(r, F_project_version, 1) + 1);
		e = tx_put_int(run->tx, r, F_project_version);
	}
	if (e < 0 || is_others(p))
		return e;
	write_meta_name(name, p->id);
	snprintf(text, sizeof(text), "%" PRId64, record_int(r, F_project_version, 1));
	e = tx_get_meta(run->tx, name, &old);
	return e < 0 || strcmp(buf_str(&old), text) == 0 ? (e < 0 ? e : 0)
							 : tx_put_meta(run->tx, name, text);
}

int import_close_exports(struct import_run *run)
{
	int r = run->exports ? reserve_ids(run) : 0;

	if (!run->exports || r < 0)
		return r;
	for (const struct export_project *p = run->exports->projects; r == 0 && p; p = p->next) {
		if (p->is_ours)
			r = import_find_older(run, p);
	}
	if (r == 0)
		r = import_find_older_items(run);
	for (const struct export_project *p = run->exports->projects; r == 0 && p; p = p->next)
		r = set_version(run, p);
	return r;
}
