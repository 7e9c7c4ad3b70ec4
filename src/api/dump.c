/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A project's lists, page by page. In the folder, `.version` tells of which version what lies there
 * is, `.story.500` is a page, story.json a list that is whole. project.json comes last.
 */
#include "storyfs/dump.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dump_files.h"
#include "exchange.h"
#include "storyfs/alloc.h"
#include "storyfs/file.h"
#include "storyfs/json_outline.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

enum {
	MOVED = 1,
	PAGE_LIMIT = 500,
	MAX_TRIES = 5,
	MODE = 0600,
};
static const size_t max_file = (size_t)2 << 30;
static const char project_file[] = "project.json";
static const char version_file[] = ".version";

/* What a project has, as files and where the host has it. A host may lack what is optional, or keep
 * it from us. */
static const struct list {
	const char *kind, *path, *fields;
	bool paged, optional;
} lists[] = {
	{ "project_membership", "/memberships", NULL, false, false },
	{ "label", "/labels", NULL, false, false },
	{ "story", "/stories",
		":default,requested_by,owners,follower_ids,tasks,"
		"comments(:default,person,file_attachments,google_attachments,reactions),"
		"blockers,reviews,pull_requests,branches,cicd_events",
		true, false },
	{ "epic", "/epics",
		":default,follower_ids,"
		"comments(:default,person,file_attachments,google_attachments,reactions),"
		"pull_requests,branches",
		false, false },
	{ "story_transition", "/story_transitions", NULL, true, true },
	{ "activity", "/activity", NULL, true, true },
	{ "iteration_override", "/iterations", "number,project_id,length,team_strength", true,
		true },
	{ "review_type", "/review_types", NULL, false, true },
	{ "story_template", "/story_templates", NULL, false, true },
	{ "saved_search", "/my/searches", NULL, false, true },
};

struct dump {
	const struct dump_config *config;
	struct call *call;
	struct buf *reason;
	int64_t version;
};

/* ---- files ---- */

static char *path_in(const struct dump *d, const char *name)
{
	return xasprintf("%s/%s", d->config->folder, name);
}

static int fail_file(const struct dump *d, const char *path, int e)
{
	buf_add_fmt(d->reason, "%s: %s\n", path, strerrordesc_np(-e));
	return e;
}

static int write_file(const struct dump *d, const char *name, const struct buf *text)
{
	scoped(free_ptr) char *path = path_in(d, name);
	int e = file_write_atomic(path, buf_str(text), text->len, MODE);

	return e < 0 ? fail_file(d, path, e) : 0;
}

static bool has(const struct dump *d, const char *name)
{
	scoped(free_ptr) char *path = path_in(d, name);

	return access(path, F_OK) == 0;
}

static int64_t read_version(const char *folder)
{
	scoped(free_ptr) char *path = xasprintf("%s/%s", folder, version_file);
	scoped(buf_fini) struct buf text = BUF_INIT;
	int64_t version = 0;

	if (file_read(path, 32, &text) == 0)
		parse_int(buf_str(&text), 0, INT64_MAX, &version);
	return version;
}

bool dump_is_whole(const char *folder, int64_t version)
{
	scoped(free_ptr) char *path = xasprintf("%s/%s", folder, project_file);

	return access(path, F_OK) == 0 && read_version(folder) == version;
}

/* What is named so; folders stay. */
static void remove_files(const struct dump *d, const char *prefix)
{
	DIR *dir = opendir(d->config->folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (text_has_prefix(entry->d_name, prefix))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

static int begin(struct dump *d)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	if (read_version(d->config->folder) == d->version)
		return 0;
	/* Attached files, in their folder, are the same in each version. */
	remove_files(d, "");
	buf_add_fmt(&text, "%" PRId64, d->version);
	return write_file(d, version_file, &text);
}

/* ---- pages ---- */

static bool is_refusal(int e)
{
	return e == -ENOENT || e == -EACCES || e == -EPERM || e == -EOPNOTSUPP;
}

static void note_refusal(const struct dump *d, const char *what)
{
	struct buf *notes = d->config->notes;

	buf_add_fmt(notes, "project %" PRId64 ": no %s: ", d->config->project_id, what);
	v5_error_add_text(&d->call->error, notes);
	v5_error_fini(&d->call->error);
	if (notes->data[notes->len - 1] != '\n')
		buf_add_char(notes, '\n');
}

struct page {
	int64_t offset, n;
	int64_t total; /* of the list; -1: not told */
	bool last;
	struct buf *all; /* the list so far, without its brackets */
};

/* Adds the page to the list; false: it is none. */
static bool take_page(struct page *page, const struct buf *text)
{
	page->n = json_outline_count(text);
	if (page->n <= 0)
		return page->n == 0;
	const char *from = strchr(text->data, '[') + 1;
	const char *to = strrchr(text->data, ']');

	if (page->all->len)
		buf_add_char(page->all, ',');
	buf_add(page->all, from, (size_t)(to - from));
	return true;
}

static char *page_name(const struct list *list, int64_t offset)
{
	return xasprintf(".%s.%" PRId64, list->kind, offset);
}

static int64_t limit_of(const struct dump *d)
{
	return d->config->page_limit ? d->config->page_limit : PAGE_LIMIT;
}

static char *page_path(const struct dump *d, const struct list *list, int64_t offset)
{
	struct buf path = BUF_INIT;

	buf_add_fmt(&path, "/projects/%" PRId64 "%s", d->config->project_id, list->path);
	if (list->fields) {
		buf_add_str(&path, "?fields=");
		http_add_encoded(&path, list->fields);
	}
	if (list->paged)
		buf_add_fmt(&path, "%climit=%" PRId64 "&offset=%" PRId64, list->fields ? '&' : '?',
			limit_of(d), offset);
	return buf_take(&path);
}

static int fetch_page(
	const struct dump *d, const struct list *list, struct page *page, const char *name)
{
	scoped(http_response_fini) struct http_response resp = { 0 };
	scoped(free_ptr) char *path = page_path(d, list, page->offset);
	int e = api_get_text(d->config->api, path, d->call, &resp);

	if (e < 0)
		return e;
	if (d->call->version && d->call->version != d->version)
		return MOVED;
	if (!take_page(page, &resp.body))
		return api_refuse_body(&resp, "expected a list\n", d->call);
	int64_t limit = api_header_number(&resp, "X-Tracker-Pagination-Limit", limit_of(d));

	page->total = api_header_number(&resp, "X-Tracker-Pagination-Total", -1);
	page->last = !page->n || !list->paged ||
		     (page->total >= 0 ? page->offset + page->n >= page->total : page->n < limit);
	return write_file(d, name, &resp.body);
}

/* One that is here already: 1 when there is none. Only the next one tells that it was the last. */
static int read_page(const struct dump *d, struct page *page, const char *name)
{
	scoped(free_ptr) char *path = path_in(d, name);
	scoped(buf_fini) struct buf text = BUF_INIT;

	return file_read(path, max_file, &text) < 0 || !take_page(page, &text);
}

static int fetch_pages(const struct dump *d, const struct list *list)
{
	scoped(free_ptr) char *whole = xasprintf("%s.json", list->kind);
	scoped(free_ptr) char *pages = xasprintf(".%s.", list->kind);
	scoped(buf_fini) struct buf all = BUF_INIT;
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct page page = { .total = -1, .all = &all };

	while (!page.last) {
		scoped(free_ptr) char *name = page_name(list, page.offset);
		int e = read_page(d, &page, name);

		if (e)
			e = fetch_page(d, list, &page, name);
		if (e)
			return e;
		page.last = page.last || !list->paged;
		page.offset += page.n;
		d->config->progress(
			d->config->data, list->kind, page.offset, page.total >= 0 ? page.total : 0);
	}
	buf_add_fmt(&text, "[%s]", buf_str(&all));
	int e = write_file(d, whole, &text);

	if (e == 0)
		remove_files(d, pages);
	return e;
}

static int fetch_lists(const struct dump *d)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		scoped(free_ptr) char *whole = xasprintf("%s.json", lists[i].kind);
		int e = has(d, whole) ? 0 : fetch_pages(d, &lists[i]);

		if (e < 0 && lists[i].optional && is_refusal(e))
			note_refusal(d, lists[i].kind);
		else if (e)
			return e;
	}
	return 0;
}

/* ---- attached files ---- */

static int fetch_file(void *data, const struct outline_file *file)
{
	const struct dump *d = data;
	scoped(free_ptr) char *name = xasprintf("files/%" PRId64, file->id);
	scoped(free_ptr) char *path = path_in(d, name);

	if (file->id <= 0 || !file->download_url || access(path, F_OK) == 0 ||
		d->config->has_file(d->config->data, file->id, file->size))
		return 0;
	int e = dump_file(d->config->api, file->download_url, path, d->call);

	if (e < 0 && is_refusal(e) && d->call->error.error) {
		scoped(free_ptr) char *what = xasprintf("bytes of the file %" PRId64, file->id);

		note_refusal(d, what);
		return 0;
	}
	if (e < 0)
		return d->call->error.error ? e : fail_file(d, path, e);
	d->config->progress(d->config->data, "files", 0, 0);
	return 0;
}

static int fetch_files_of(struct dump *d, const char *list)
{
	scoped(free_ptr) char *path = path_in(d, list);
	scoped(buf_fini) struct buf text = BUF_INIT;
	int e = file_read(path, max_file, &text);

	return e < 0 ? fail_file(d, path, e) : json_outline_each_file(&text, fetch_file, d);
}

static int fetch_files(struct dump *d)
{
	scoped(free_ptr) char *folder = path_in(d, "files");
	int e = file_make_dirs(folder);

	if (e < 0)
		return fail_file(d, folder, e);
	e = fetch_files_of(d, "story.json");
	return e ? e : fetch_files_of(d, "epic.json");
}

/* ---- the project ---- */

/* The object that the answer holds, as a list. */
static int get_object(
	struct api *api, const char *path, struct call *call, struct buf *ret, int64_t *ret_version)
{
	scoped(http_response_fini) struct http_response resp = { 0 };
	int e = api_get_text(api, path, call, &resp);

	if (e < 0)
		return e;
	if (!json_outline_number(&resp.body, "version", ret_version))
		return api_refuse_body(&resp, "expected an object\n", call);
	buf_add_fmt(ret, "[%s]", buf_str(&resp.body));
	return 0;
}

int dump_object(struct api *api, const char *path, const char *file, struct call *call)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	int64_t version;
	int e = get_object(api, path, call, &text, &version);

	return e < 0 ? e : file_write_atomic(file, text.data, text.len, MODE);
}

static int dump_once(struct dump *d)
{
	scoped(free_ptr) char *path = xasprintf("/projects/%" PRId64, d->config->project_id);
	scoped(buf_fini) struct buf project = BUF_INIT;
	int e = get_object(d->config->api, path, d->call, &project, &d->version);

	if (e == 0)
		e = begin(d);
	if (e == 0)
		e = fetch_lists(d);
	if (e == 0)
		e = fetch_files(d);
	return e ? e : write_file(d, project_file, &project);
}

int dump_project(const struct dump_config *config, struct call *call, struct buf *ret_reason)
{
	size_t before = config->notes->len;

	for (int i = 0; i < MAX_TRIES; i++) {
		struct dump d = { .config = config, .call = call, .reason = ret_reason };
		int e = dump_once(&d);

		if (e != MOVED)
			return e;
		config->notes->len = before;
	}
	buf_add_fmt(ret_reason, "project %" PRId64 ": it moves all the time\n", config->project_id);
	return -EAGAIN;
}
