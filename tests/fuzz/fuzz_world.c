/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The archive lies in memory (/dev/shm) where there is such a place; a copy in SQLite's memory is
 * put back by SQLite itself, under the archive's feet, as another process that writes would. */
#include "fuzz_world.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/token.h"

/* Ada owns the archive and the project, Ben is its member, Cleo its viewer, Dan none of it. Their
 * tokens are 32 times b, c, d, e. */
static const char *const people[] = { "Ada", "Ben", "Cleo", "Dan" };

/* Made in this order; the ids are 1, but for the second story. */
static const struct {
	const char *path, *json;
} resources[] = {
	{ "projects", "{\"name\":\"Moon\"}" },
	{ "projects/1/memberships", "{\"person_id\":2,\"role\":\"member\"}" },
	{ "projects/1/memberships", "{\"person_id\":3,\"role\":\"viewer\"}" },
	{ "projects/1/stories", "{\"name\":\"a\",\"labels\":[\"l\"],\"estimate\":1,"
				"\"tasks\":[{\"description\":\"t\"},{\"description\":\"u\"}],"
				"\"comments\":[{\"text\":\"c\"}],"
				"\"blockers\":[{\"description\":\"b\"}],"
				"\"reviews\":[{\"review_type_id\":1}],"
				"\"pull_requests\":[{\"number\":1}],"
				"\"branches\":[{\"name\":\"n\"}]}" },
	{ "projects/1/stories", "{\"name\":\"b\",\"blockers\":[{\"description\":\"#1\"}]}" },
	{ "projects/1/stories", "{\"name\":\"r\",\"story_type\":\"release\","
				"\"current_state\":\"unstarted\"}" },
	{ "projects/1/stories/1/cicd_events", "{\"name\":\"c\",\"status\":\"s\",\"url\":\"u\"}" },
	{ "projects/1/stories/1/comments/1/reactions", "{\"emoji\":\"x\"}" },
	{ "projects/1/stories/1/followers", "{\"person_id\":2}" },
	{ "projects/1/story_templates", "{\"name\":\"t\"}" },
	{ "projects/1/epics", "{\"name\":\"e\",\"comments\":[{\"text\":\"d\"}]}" },
	{ "projects/1/webhooks", "{\"webhook_url\":\"http://h.example/\"}" },
	{ "projects/1/integrations",
		"{\"type\":\"other\",\"name\":\"i\",\"base_url\":\"http://h.example/\"}" },
	{ "projects/1/my/searches", "{\"name\":\"s\",\"query\":\"label:l\"}" },
	{ "my/workspaces", "{\"name\":\"w\",\"project_ids\":[1]}" },
};

static char path[64];
static sqlite3 *copy;

static void remove_archive(void)
{
	static const char *const ends[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		scoped(free_ptr) char *file = xasprintf("%s%s", path, ends[i]);

		unlink(file);
	}
}

static void note_write(void *data)
{
	((struct world *)data)->written = true;
}

/* ---- making it ---- */

static void add_person(struct tx *tx, int64_t id, const char *name)
{
	scoped(record_unref) struct record *person = record_new(KIND_person);
	char token[TOKEN_SIZE], digest[TOKEN_DIGEST_SIZE];

	record_set_int(person, F_person_id, id);
	record_set_text(person, F_person_name, name);
	record_set_text(person, F_person_username, name);
	assert(tx_put(tx, person) == 0);
	memset(token, 'a' + (int)id, TOKEN_SIZE - 1);
	token[TOKEN_SIZE - 1] = '\0';
	token_digest(token, digest);
	assert(tx_put_token(tx, &(struct token){ .sha256 = digest, .person_id = id }) == 0);
}

static void add_people(struct archive *a)
{
	struct tx *tx;

	assert(tx_begin(a, TX_WRITE, &tx) == 0);
	for (size_t i = 0; i < sizeof(people) / sizeof(*people); i++)
		add_person(tx, (int64_t)i + 1, people[i]);
	assert(tx_commit(tx) == 0);
}

static void post(struct world *w, const char *path_of, const char *type, const char *body)
{
	scoped(http_request_fini) struct http_request req = { .method = HTTP_POST,
		.target = xasprintf("%s/%s", SERVER_PREFIX, path_of) };
	scoped(http_response_fini) struct http_response resp = { 0 };

	http_headers_add(&req.headers, "Content-Type", type);
	buf_add_str(&req.body, body);
	server_handle_as(w->server, 1, &req, &resp);
	if (resp.status != 200) {
		fprintf(stderr, "%s: %s\n", path_of, buf_str(&resp.body));
		abort();
	}
}

static void fill(struct world *w)
{
	for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++)
		post(w, resources[i].path, "application/json", resources[i].json);
	post(w, "projects/1/uploads", "multipart/form-data; boundary=B",
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n"
		"0123456789\r\n--B--\r\n");
	post(w, "projects/1/stories/1/comments", "application/json",
		"{\"file_attachment_ids\":[1]}");
}

static void open_world(struct world *w)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	const struct server_config keeps = { .written = note_write, .data = w };
	const struct server_config forgets = { .cache_bytes = -1 };

	clock_set_fixed(INT64_C(1714979289000));
	snprintf(path, sizeof(path), "%s/storyfs-fuzz-%d.db",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	remove_archive();
	atexit(remove_archive);
	assert(archive_open(path, ARCHIVE_CREATE, &w->archive, &reason) == 0);
	add_people(w->archive);
	assert(server_new(w->archive, &keeps, &w->server) == 0);
	assert(server_new(w->archive, &forgets, &w->forgets) == 0);
	fill(w);
}

/* ---- as it was made ---- */

static void copy_all(sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

	assert(backup);
	assert(sqlite3_backup_step(backup, -1) == SQLITE_DONE);
	assert(sqlite3_backup_finish(backup) == SQLITE_OK);
}

static sqlite3 *open_file(void)
{
	static sqlite3 *file;

	if (!file)
		assert(sqlite3_open_v2(path, &file, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
	return file;
}

void world_restore(struct world *w)
{
	if (w->written)
		copy_all(copy, open_file());
	w->written = false;
}

struct world *world_get(void)
{
	static struct world w;

	if (w.archive)
		return &w;
	open_world(&w);
	assert(sqlite3_open(":memory:", &copy) == SQLITE_OK);
	copy_all(open_file(), copy);
	w.written = false;
	return &w;
}

/* ---- what holds ---- */

static void check_versions(struct tx *tx, const struct record *project)
{
	struct query q = {
		.kind = KIND_activity, .limit = -1, .order = F_activity_project_version
	};
	scoped(records_fini) struct records activity = { 0 };
	int64_t version = 0;

	query_where(&q, F_activity_project_id, OP_EQ, record_id(project));
	assert(tx_list(tx, &q, &activity) == 0);
	each_record(item, &activity) {
		int64_t next = record_int(item, F_activity_project_version, 0);

		assert(next == version + 1);
		version = next;
	}
	assert(version == record_int(project, F_project_version, 0));
}

void world_check(struct world *w)
{
	const struct query q = { .kind = KIND_project, .limit = -1 };
	scoped(records_fini) struct records projects = { 0 };
	struct tx *tx;

	if (!w->written)
		return;
	assert(tx_begin(w->archive, TX_READ, &tx) == 0);
	assert(tx_list(tx, &q, &projects) == 0);
	each_record(project, &projects)
		check_versions(tx, project);
	tx_abort(tx);
}
