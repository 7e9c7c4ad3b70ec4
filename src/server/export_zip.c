/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ZIP of exports: for each project its CSV and history, and attached files in a folder that is
 * called by the id of their story or epic. A second file of the same name there goes into such a
 * folder within another one, where an import finds it, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "export_rows.h"
#include "export_run.h"
#include "storyfs/alloc.h"
#include "storyfs/table.h"
#include "storyfs/text.h"
#include "storyfs/zipfile.h"

enum { BATCH = 500 };

struct name {
	struct table_item item;
	char *text;
};

struct package {
	struct export_run *run;
	struct zipfile *zip;
	struct table names; /* of its entries */
	int n_parts;
};

static void package_fini(struct package *p)
{
	struct name *name;

	while ((name = table_pop(&p->names))) {
		free(name->text);
		free(name);
	}
	zipfile_free(p->zip);
}

SCOPED_VALUE(struct package, package_fini);

static int fail(struct package *p, const struct buf *why, int error)
{
	buf_add_fmt(p->run->reason, "%s: %s", p->run->config->path, buf_str(why));
	return error;
}

static int64_t now_s(const struct package *p)
{
	return call_now_ms(&p->run->desk.call) / 1000;
}

/* ---- CSVs ---- */

static void add_name(struct buf *b, const char *text)
{
	size_t from = b->len;

	text_add_file_name(b, text);
	/* To an import, what has one is no path within a ZIP. */
	for (char *c = b->data + from; *c; c++)
		*c = (char)(*c == '\\' ? '_' : *c);
}

/* It tells an import which project it is of. */
static char *make_csv_name(const struct package *p, const struct record *project, const char *what)
{
	time_t now = (time_t)now_s(p);
	struct buf name = BUF_INIT;
	struct tm tm;
	char day[32];

	localtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y%m%d_%H%M", &tm);
	buf_add_fmt(&name, "projects_%" PRId64 "_", record_id(project));
	add_name(&name, record_text(project, F_project_name));
	buf_add_fmt(&name, "%s_%s.csv", what, day);
	return buf_take(&name);
}

/* A part is written beside the ZIP first. */
static int open_part(struct package *p, char **ret_path, int *ret_fd)
{
	*ret_path = xasprintf("%s/part-%d.csv", p->run->config->scratch, p->n_parts++);
	*ret_fd = open(*ret_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? export_fail(p->run, *ret_path, -errno) : 0;
}

static int add_part(struct package *p, const struct record *project, const char *what,
	const struct unknown_resources *history)
{
	scoped(free_ptr) char *name = make_csv_name(p, project, what);
	scoped(free_ptr) char *path = NULL;
	scoped(close_fd) int fd = -1;
	scoped(buf_fini) struct buf why = BUF_INIT;
	int r = open_part(p, &path, &fd);

	if (r < 0)
		return r;
	r = history ? export_write_history(p->run, history, fd, path)
		    : export_write_csv(p->run, project, fd, path);
	if (r < 0)
		return r;
	r = zipfile_add_file(p->zip, name, path, now_s(p), &why);
	return r < 0 ? fail(p, &why, r) : 0;
}

/* ---- attached files ---- */

/* A file's bytes, out of the archive. */
struct bytes {
	struct zipfile_source source;
	struct tx *tx;
	int64_t id;
};

static int64_t read_bytes(struct zipfile_source *s, int64_t at, void *to, size_t max)
{
	const struct bytes *bytes = (const struct bytes *)s;
	scoped(buf_fini) struct buf piece = BUF_INIT;
	int r = tx_get_bytes(bytes->tx, bytes->id, at, max, &piece);

	if (r < 0)
		return r;
	if (piece.len)
		memcpy(to, piece.data, piece.len);
	return (int64_t)piece.len;
}

static void free_bytes(struct zipfile_source *s)
{
	free(s);
}

/* A path that no entry has yet. */
static const char *choose_name(struct package *p, int64_t owner_id, const char *filename)
{
	scoped(buf_fini) struct buf base = BUF_INIT;
	struct name *name = xcalloc(1, sizeof(*name));

	buf_add_fmt(&base, "%" PRId64 "/", owner_id);
	add_name(&base, filename);
	name->text = xstrdup(base.data);
	for (int n = 2; table_find(&p->names, name->text, strlen(name->text)); n++) {
		free(name->text);
		name->text = xasprintf("%d/%s", n, base.data);
	}
	table_add(&p->names, &name->item, name->text, strlen(name->text));
	return name->text;
}

static int add_file(struct package *p, int64_t owner_id, const struct record *file)
{
	scoped(buf_fini) struct buf why = BUF_INIT;
	int64_t size = 0, id = record_id(file);
	int r = tx_count_bytes(export_tx(p->run), id, &size);

	if (r > 0)
		buf_add_fmt(&p->run->report.notes,
			"%" PRId64 "/%s: the archive has not its bytes; left out\n", owner_id,
			record_text(file, F_file_attachment_filename));
	if (r)
		return r < 0 ? r : 0;
	const char *name = choose_name(p, owner_id, record_text(file, F_file_attachment_filename));
	struct bytes *bytes = xcalloc(1, sizeof(*bytes));

	*bytes = (struct bytes){ { .read = read_bytes, .free = free_bytes, .size = size },
		export_tx(p->run), id };
	p->run->report.written[KIND_file_attachment]++;
	r = zipfile_add_source(p->zip, name, &bytes->source,
		record_int(file, F_file_attachment_created_at, now_s(p) * 1000) / 1000, &why);
	return r < 0 ? fail(p, &why, r) : 0;
}

static int add_files_of(struct package *p, const struct record *comment, int key)
{
	const struct ids ids = value_ids(record_get(comment, F_comment_file_attachment_ids));
	scoped(records_fini) struct records files = { 0 };
	int r = 0;

	if (ids.n)
		r = export_list(export_tx(p->run), KIND_file_attachment, &ids, &files);
	for (size_t i = 0; r == 0 && i < files.n; i++)
		r = add_file(p, record_int(comment, key, 0), files.items[i]);
	return r;
}

static int add_files(struct package *p, enum kind kind, const struct record *project)
{
	int key = kind == KIND_story ? F_comment_story_id : F_comment_epic_id;
	scoped(ids_fini) struct ids owners = { 0 };
	int r = export_list_ids(p->run, kind, project, &owners);

	for (size_t i = 0; r == 0 && i < owners.n; i += BATCH) {
		const struct ids batch = { owners.n - i < BATCH ? owners.n - i : BATCH,
			owners.v + i };
		struct query q = { .kind = KIND_comment, .limit = -1 };
		scoped(records_fini) struct records comments = { 0 };

		query_where(&q, key, OP_IN, 0)->where[0].ids = &batch;
		r = tx_list(export_tx(p->run), &q, &comments);
		for (size_t k = 0; r == 0 && k < comments.n; k++)
			r = add_files_of(p, comments.items[k], key);
	}
	return r;
}

/* ---- the whole ---- */

static int add_project(struct package *p, const struct record *project)
{
	const struct unknown_resources history =
		export_select_kept(&p->run->history, record_id(project));

	p->run->what = record_text(project, F_project_name);
	int r = add_part(p, project, "", NULL);

	if (r == 0 && history.n)
		r = add_part(p, project, "_history", &history);
	if (r == 0)
		r = add_files(p, KIND_story, project);
	return r < 0 ? r : add_files(p, KIND_epic, project);
}

static void show(void *data, double part)
{
	struct export_run *run = data;

	run->config->progress(run->config->data, "packing", (int64_t)(part * 1000), 1000);
}

int export_zip(struct export_run *run)
{
	scoped(package_fini) struct package p = { .run = run };
	scoped(buf_fini) struct buf why = BUF_INIT;

	if (!run->projects.n)
		return desk_refuse(&run->desk, ENOENT, "there is no project in this archive");
	int r = zipfile_create(run->config->path, &p.zip, &why);

	for (size_t i = 0; r == 0 && i < run->projects.n; i++)
		r = add_project(&p, run->projects.items[i]);
	if (r == 0)
		r = zipfile_finish(take_ptr(p.zip), run->config->progress ? show : NULL, run, &why);
	return r < 0 && why.len ? fail(&p, &why, r) : r;
}
