/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading dump folders. A file is one JSON array, which may be large: its text is held, but only
 * one element at a time is held as JSON.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "digest.h"
#include "import_run.h"
#include "kept_cells.h"
#include "storyfs/alloc.h"
#include "storyfs/error.h"
#include "storyfs/file.h"
#include "storyfs/json.h"
#include "storyfs/text.h"

enum {
	SHOWN_PROBLEMS = 20, /* notes about single values, a file */
	PROGRESS_EVERY = 1 << 18,
};
static const size_t max_file = (size_t)2 << 30;
static const char suffix[] = ".json";

struct reader {
	struct import_run *run;
	const char *path;
	const char *kind_name;
	enum kind kind; /* KIND_none: not in the schema */
	size_t file;
	size_t index; /* of the element at hand */
	const struct buf *text;
	size_t at; /* offset in text */
	int64_t reported;
	struct buf problems;
	size_t n_problems;
};

/* ---- reasons ---- */

static int fail(const struct reader *rd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(const struct reader *rd, const char *fmt, ...)
{
	scoped(free_ptr) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	buf_add_fmt(rd->run->reason, "%s: %s", rd->path, text ? text : "");
	return -EBADMSG;
}

/* A place in the text as line and column, both from 1; the parser's are relative to `from`. */
static int fail_at(const struct reader *rd, size_t from, int line, int column, const char *what)
{
	int lines = 1, columns = 0;

	for (size_t i = 0; i < from; i++) {
		columns = rd->text->data[i] == '\n' ? 0 : columns + 1;
		lines += rd->text->data[i] == '\n';
	}
	return fail(rd, "line %d, column %d: %s", lines + line - 1,
		line == 1 ? columns + column : column, what);
}

static int fail_as_other_text(const struct reader *rd)
{
	const char *text = buf_str(rd->text) + rd->at;
	scoped(v5_error_fini) struct v5_error error = { 0 };
	json_t *root = json_loads(text, 0, NULL);
	bool is_error = json_object_get(root, "error") && json_object_get(root, "code");

	json_decref(root);
	if (!*text)
		return fail(
			rd, "the file is empty; expected a list of %s resources", rd->kind_name);
	if (*text == '<')
		return fail(rd, "this is HTML, not JSON: the answer of a login or error page?");
	if (is_error) {
		v5_error_decode(400, text, strlen(text), &error);
		return fail(rd, "this is an error the server answered: %s", error.error);
	}
	if (*text == '{')
		return fail(rd, "expected a list of %s resources, found one object", rd->kind_name);
	return fail_at(rd, rd->at, 1, 1, "expected '[', the start of a list");
}

/* ---- elements ---- */

static void add_problems(struct reader *rd)
{
	char *line = rd->problems.data;

	for (char *end; line && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (rd->n_problems++ < SHOWN_PROBLEMS)
			buf_add_fmt(&rd->run->report.notes, "%s: %s\n", rd->path, line);
	}
	buf_reset(&rd->problems);
}

/* Places in the order of a list: file order, with room between for what moves there later. */
static void set_rank(const struct reader *rd, struct record *r)
{
	int f = schema_find_field(rd->kind, "rank");

	if (f >= 0)
		record_set_int(r, f, (int64_t)(rd->index + 1) * 65536);
}

static void take_me(struct reader *rd, const struct record *me)
{
	scoped(record_unref) struct record *person = record_as(me, KIND_person);
	const struct value *projects = record_get(me, F_me_projects);

	if (record_has(me, F_me_time_zone))
		record_set_text(person, F_person_olson_name,
			record_text(
				record_get(me, F_me_time_zone)->record, F_time_zone_olson_name));
	rd->run->me_id = record_id(me);
	import_table_add_nested(&rd->run->table, person, rd->file);
	for (size_t i = 0; i < projects->n; i++)
		records_add(&rd->run->summaries, record_ref(projects->records[i]));
}

/* Activity has no id in V5 but its guid, project and version; until it is stored, the two in one
 * number stand for it. What has nothing of the kind, or another host's guid, is told by its place
 * in the file. */
static int64_t plain_key(const struct reader *rd, const struct record *r)
{
	const int64_t limit = (int64_t)1 << 31;
	bool is_activity = rd->kind == KIND_activity;
	int64_t version = is_activity ? record_int(r, F_activity_project_version, 0) : 0;
	int64_t project = is_activity ? strtoll(record_text(r, F_activity_guid), NULL, 10) : 0;

	if (project <= 0 || project >= limit || version <= 0 || version >= limit)
		return -(int64_t)(rd->file * limit + rd->index + 1);
	return project * limit + version;
}

/* What a release does not say of itself as a story. */
static void set_release(const struct reader *rd, struct record *story)
{
	record_set_int(story, F_story_story_type, STORY_TYPE_RELEASE);
	/* After all that have a place in their own file. */
	record_set_int(story, F_story_rank, ((int64_t)1 << 40) + (int64_t)(rd->index + 1) * 65536);
}

static int take_record(struct reader *rd, struct record *r)
{
	enum kind whole = schema_resource(rd->kind)->summary_of;
	int64_t id = record_id(r);

	if (whole && id > 0) {
		scoped(record_unref) struct record *part = r;
		scoped(record_unref) struct record *stored = record_as(part, whole);

		if (rd->kind == KIND_release)
			set_release(rd, stored);
		import_table_add_nested(&rd->run->table, stored, rd->file);
		return 0;
	}
	if (rd->kind == KIND_membership_summary) {
		records_add(&rd->run->summaries, r);
		return 0;
	}
	if (rd->kind == KIND_me) {
		take_me(rd, r);
		record_unref(r);
		return 0;
	}
	if (schema_resource(rd->kind)->plain) {
		id = plain_key(rd, r);
		record_set_int(r, 0, id);
	} else if (id <= 0) {
		record_unref(r);
		return fail(rd, "[%zu].id: missing or no positive number", rd->index);
	}
	set_rank(rd, r);
	if (import_table_add_own(&rd->run->table, r, rd->file) > 0)
		return fail(rd, "[%zu]: the %s %" PRId64 " stands twice in this file", rd->index,
			rd->kind_name, id);
	return 0;
}

/* What tells one resource of an unknown kind from another: an id of some kind, or all of it. */
static char *make_key(const json_t *item, const char *json)
{
	static const char *const names[] = { "id", "guid", "number" };
	char digest[DIGEST_SHA256_SIZE];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const json_t *value = json_object_get(item, names[i]);

		if (json_is_string(value))
			return xstrdup(json_string_value(value));
		if (json_is_integer(value))
			return xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	}
	digest_sha256(json, strlen(json), digest);
	return xstrdup(digest);
}

static void take_unknown(struct reader *rd, const json_t *item)
{
	struct import_run *run = rd->run;
	scoped(buf_fini) struct buf json = BUF_INIT;
	const json_t *project = json_object_get(item, "project_id");
	const char *key = NULL;
	json_t *cells = NULL;

	if (kept_is_kind(rd->kind_name) && kept_unwrap(item, &key, &cells))
		item = cells;
	json_write(item, &json);
	run->unknowns = xrealloc(run->unknowns, run->n_unknowns + 1, sizeof(*run->unknowns));
	run->unknowns[run->n_unknowns++] = (struct unknown){
		.kind = xstrdup(rd->kind_name),
		.key = key ? xstrdup(key) : make_key(item, json.data),
		.json = xstrdup(json.data),
		.project_id = json_integer_value(project),
		.file = rd->file,
	};
	run->report.n_unknown++;
}

static int take_element(struct reader *rd, const json_t *item)
{
	struct record *r;
	char path[32];

	if (rd->kind == KIND_none || rd->kind == KIND_iteration) {
		take_unknown(rd, item);
		if (rd->kind == KIND_iteration)
			import_take_iteration(rd->run, item, rd->file, plain_key(rd, NULL));
		return 0;
	}
	snprintf(path, sizeof(path), "[%zu]", rd->index);
	int e = json_to_record(rd->kind, item, path, &rd->problems, &r);

	if (e < 0) {
		char *last = rd->problems.data;

		last[rd->problems.len - 1] = '\0';
		last = strrchr(last, '\n') ? strrchr(last, '\n') + 1 : last;
		return fail(rd, "%s", last);
	}
	add_problems(rd);
	return take_record(rd, r);
}

static int read_element(struct reader *rd)
{
	json_error_t error;
	json_t *item = json_loadb(rd->text->data + rd->at, rd->text->len - rd->at,
		JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &error);

	if (!item)
		return fail_at(rd, rd->at, error.line, error.column, error.text);
	rd->at += (size_t)error.position;
	int e = take_element(rd, item);

	json_decref(item);
	rd->index++;
	return e;
}

static char next_char(struct reader *rd)
{
	rd->at += strspn(rd->text->data + rd->at, " \t\r\n");
	return rd->text->data[rd->at];
}

static void report_progress(struct reader *rd, bool whole)
{
	int64_t now = (int64_t)(whole ? rd->text->len : rd->at);

	if (!whole && now - rd->reported < PROGRESS_EVERY)
		return;
	rd->run->bytes_done += now - rd->reported;
	rd->reported = now;
	import_progress(rd->run, rd->path);
}

static int read_list(struct reader *rd)
{
	rd->at = strncmp(buf_str(rd->text), "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	if (!rd->text->len || next_char(rd) != '[')
		return fail_as_other_text(rd);
	rd->at++;
	bool empty = next_char(rd) == ']';

	while (!empty) {
		int e = read_element(rd);

		if (e < 0)
			return e;
		report_progress(rd, false);
		char c = next_char(rd);

		if (c == ']')
			break;
		if (c != ',')
			return fail_at(rd, rd->at, 1, 1,
				rd->at < rd->text->len ? "expected ',' or ']'"
						       : "the file ends within the list");
		rd->at++;
	}
	rd->at++;
	next_char(rd);
	if (rd->at < rd->text->len)
		return fail_at(rd, rd->at, 1, 1, "something follows the list");
	report_progress(rd, true);
	return 0;
}

/* ---- files ---- */

static bool is_read(enum kind kind)
{
	return kind == KIND_me || kind == KIND_membership_summary || kind == KIND_iteration ||
	       schema_resource(kind)->summary_of ||
	       (kind && schema_field(kind, 0)->flags & FIELD_KEEP);
}

static void note_unknown_kind(const struct reader *rd)
{
	if (rd->kind == KIND_none && rd->index)
		buf_add_fmt(&rd->run->report.notes,
			"%s: %zu of the kind %s, which is not served yet; kept as they are\n",
			rd->path, rd->index, rd->kind_name);
	if (rd->kind == KIND_iteration && rd->index)
		buf_add_fmt(&rd->run->report.notes,
			"%s: %zu iterations, which are computed here; kept as they are, and their "
			"overrides taken\n",
			rd->path, rd->index);
	if (rd->n_problems > SHOWN_PROBLEMS)
		buf_add_fmt(&rd->run->report.notes, "%s: %zu more of these\n", rd->path,
			rd->n_problems - SHOWN_PROBLEMS);
}

static int read_file(struct import_run *run, const char *folder, const char *name)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	scoped(free_ptr) char *kind = xstrndup(name, strlen(name) - strlen(suffix));
	char *path = xasprintf("%s/%s", folder, name);
	struct reader rd = { .run = run, .path = path, .kind_name = kind, .text = &text };

	run->files = xrealloc(run->files, run->n_files + 1, sizeof(*run->files));
	run->files[run->n_files] = path;
	rd.file = run->n_files++;
	rd.kind = is_read(schema_find_kind(kind)) ? schema_find_kind(kind) : KIND_none;
	int e = file_read(path, max_file, &text);

	if (e < 0) {
		buf_add_fmt(run->reason, "%s: %s", path, text_errno(e));
		return e;
	}
	e = read_list(&rd);
	if (e == 0)
		note_unknown_kind(&rd);
	buf_fini(&rd.problems);
	return e;
}

/* ---- folders ---- */

static bool is_json_name(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > strlen(suffix) &&
	       strcmp(name + len - strlen(suffix), suffix) == 0;
}

static int select_json(const struct dirent *d)
{
	return is_json_name(d->d_name);
}

static void free_names(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

int64_t import_measure_folder(const char *path)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, select_json, alphasort);
	int64_t bytes = 0;

	for (int i = 0; i < n; i++) {
		scoped(free_ptr) char *file = xasprintf("%s/%s", path, names[i]->d_name);
		struct stat st;

		bytes += stat(file, &st) == 0 ? (int64_t)st.st_size : 0;
	}
	free_names(names, n);
	return bytes;
}

static void note_other_files(struct import_run *run, const char *path)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (name[0] != '.' && !is_json_name(name) && strcmp(name, "files") != 0)
			buf_add_fmt(&run->report.notes, "%s/%s: not a <kind>.json file; left out\n",
				path, name);
	}
	free_names(names, n);
}

int import_read_folder(struct import_run *run, const char *folder)
{
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/')
		len--;
	scoped(free_ptr) char *path = xstrndup(folder, len);
	struct dirent **names = NULL;
	int n = scandir(path, &names, select_json, alphasort);
	int e = n < 0 ? -errno : 0;

	if (e == -ENOTDIR)
		buf_add_fmt(run->reason, "%s: is a file; expected the folder of a V5 dump", path);
	else if (e < 0)
		buf_add_fmt(run->reason, "%s: %s", path, text_errno(e));
	if (n == 0) {
		buf_add_fmt(run->reason,
			"%s: is no V5 dump: there is no <kind>.json (project.json, story.json, ...) "
			"in it, nor a CSV of an export",
			path);
		e = -ENOENT;
	}
	if (n > 0)
		note_other_files(run, path);
	for (int i = 0; e == 0 && i < n; i++)
		e = read_file(run, path, names[i]->d_name);
	free_names(names, n);
	return e;
}
