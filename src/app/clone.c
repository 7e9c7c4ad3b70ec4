/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The staging of a clone: who we are, which projects there are, and each that moved as a dump. */
#include "clone.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/dump.h"
#include "storyfs/file.h"
#include "storyfs/import.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

/* Without the token that V5 tells of oneself. */
#define ME_PATH "/me?fields=id,name,initials,username,email,time_zone,projects"

struct stage {
	const struct clone_config *config;
	struct clone *clone;
	struct call call;
	struct buf *reason;
	char *folder; /* of the project at hand */
};

static int fail(const struct stage *s, const char *path, int e)
{
	buf_add_fmt(s->reason, "%s: %s\n", path, text_errno(e));
	return e;
}

/* The host's words, or ours. */
static int explain(struct stage *s, int e)
{
	if (s->call.error.error)
		source_explain(s->config->source, e, &s->call.error, s->reason);
	else if (!s->reason->len)
		buf_add_fmt(s->reason, "%s\n", text_errno(e));
	return e;
}

static int open_folder(struct stage *s)
{
	struct clone *c = s->clone;

	c->folder = xasprintf("%s.clone", s->config->archive);
	c->lock = file_lock_folder(c->folder);
	if (c->lock == -EBUSY)
		buf_add_fmt(s->reason, "%s: another clone is at work there\n", c->folder);
	if (c->lock < 0)
		return c->lock == -EBUSY ? c->lock : fail(s, c->folder, c->lock);
	return 0;
}

static int open_archive(struct stage *s)
{
	const char *path = s->config->archive;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	return archive_open(path, ARCHIVE_EXISTING, &s->clone->archive, s->reason);
}

static void add_folder(struct clone *c, const char *folder)
{
	c->folders = xrealloc(c->folders, c->n_folders + 1, sizeof(*c->folders));
	c->folders[c->n_folders++] = xstrdup(folder);
}

/* ---- who and which ---- */

static int stage_me(struct stage *s)
{
	scoped(free_ptr) char *folder = xasprintf("%s/me", s->clone->folder);
	scoped(free_ptr) char *file = xasprintf("%s/me.json", folder);
	int e = file_make_dirs(folder);

	if (e < 0)
		return fail(s, folder, e);
	e = dump_object(source_api(s->config->source), ME_PATH, file, &s->call);
	if (e < 0 && !s->call.error.error)
		return fail(s, file, e);
	if (e < 0)
		return explain(s, e);
	add_folder(s->clone, folder);
	return 0;
}

static bool is_named(const struct record *project, const char *word)
{
	int64_t id;

	if (parse_int(word, 1, INT64_MAX, &id) && id == record_id(project))
		return true;
	return strcasecmp(word, record_text(project, F_project_name)) == 0;
}

/* Which of the host's projects the option names. */
static int select_projects(struct stage *s, const struct records *all, struct records *ret)
{
	const char *wanted = s->config->projects ? s->config->projects : "all";

	for (const char *p = wanted; *p;) {
		size_t len = strcspn(p, ",");
		scoped(free_ptr) char *word = xstrndup(p, len);
		bool is_all = strcmp(word, "all") == 0, found = is_all;

		each_record(project, all) {
			if (!is_all && !is_named(project, word))
				continue;
			found = true;
			records_add(ret, record_ref(project));
		}
		if (!found) {
			buf_add_fmt(
				s->reason, "there is no project '%s' that this token sees\n", word);
			return -ENOENT;
		}
		p += len + (p[len] == ',');
	}
	return 0;
}

static int list_projects(struct stage *s, struct records *ret)
{
	scoped(api_listing_fini) struct api_listing listing = { 0 };
	const struct place place = { .kind = KIND_project };
	const struct api_query query = { .fields = "id,name,version" };
	int e = api_list(source_api(s->config->source), &place, &query, &s->call, &listing);

	return e < 0 ? explain(s, e) : select_projects(s, &listing.records, ret);
}

/* ---- a project ---- */

static int get_cloned(struct stage *s, int64_t id, int64_t *ret)
{
	scoped(tx_abort) struct tx *tx = NULL;

	*ret = 0;
	if (!s->clone->archive)
		return 0;
	int e = tx_begin(s->clone->archive, TX_READ, &tx);

	return e < 0 ? e : import_get_mirrored(tx, id, ret);
}

static bool has_file(void *data, int64_t id, int64_t size)
{
	struct stage *s = data;
	scoped(tx_abort) struct tx *tx = NULL;
	int64_t n = -1;

	return s->clone->archive && tx_begin(s->clone->archive, TX_READ, &tx) == 0 &&
	       tx_count_bytes(tx, id, &n) == 0 && n == size;
}

static void show(void *data, const char *what, int64_t done, int64_t total)
{
	struct stage *s = data;
	scoped(free_ptr) char *path = xasprintf("%s/%s", s->folder, what);

	s->config->progress(s->config->data, path, done, total);
}

static int fetch(struct stage *s, const struct record *project)
{
	const struct dump_config config = {
		.api = source_api(s->config->source),
		.folder = s->folder,
		.project_id = record_id(project),
		.page_limit = s->config->page_limit,
		.has_file = has_file,
		.progress = show,
		.data = s,
		.notes = &s->clone->notes,
	};
	int e = file_make_dirs(s->folder);

	if (e < 0)
		return fail(s, s->folder, e);
	e = dump_project(&config, &s->call, s->reason);
	return e < 0 ? explain(s, e) : 0;
}

static int stage_project(struct stage *s, const struct record *project)
{
	int64_t version = record_int(project, F_project_version, 0), cloned;
	int e = get_cloned(s, record_id(project), &cloned);

	if (e < 0)
		return fail(s, s->config->archive, e);
	if (cloned && cloned == version)
		return 0;
	s->folder = xasprintf("%s/%" PRId64, s->clone->folder, record_id(project));
	e = dump_is_whole(s->folder, version) ? 0 : fetch(s, project);
	if (e == 0)
		add_folder(s->clone, s->folder);
	free(take_ptr(s->folder));
	return e;
}

int clone_stage(const struct clone_config *config, struct clone *ret, struct buf *ret_reason)
{
	struct stage s = { .config = config, .clone = ret, .reason = ret_reason };
	scoped(records_fini) struct records projects = { 0 };

	ret->lock = -1;
	int e = open_archive(&s);

	if (e == 0)
		e = open_folder(&s);
	if (e == 0)
		e = stage_me(&s);
	if (e == 0)
		e = list_projects(&s, &projects);
	for (size_t i = 0; e == 0 && i < projects.n; i++)
		e = stage_project(&s, projects.items[i]);
	call_fini(&s.call);
	return e;
}

/* ---- the end ---- */

void clone_remove_stage(struct clone *c)
{
	file_remove_tree(c->folder);
}

void clone_fini(struct clone *c)
{
	for (size_t i = 0; i < c->n_folders; i++)
		free(c->folders[i]);
	free(c->folders);
	free(c->folder);
	if (c->lock >= 0)
		close(c->lock);
	archive_close(c->archive);
	buf_fini(&c->notes);
}
