/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Servers are processes of their own, so that nothing is shared with the load client but the
 * machine. */
#include "rivals.h"

#include <err.h>
#include <microhttpd.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "storyfs/alloc.h"
#include "storyfs/archive.h"
#include "storyfs/clock.h"
#include "storyfs/http_server.h"
#include "storyfs/token.h"

enum { N_PEOPLE = 10, N_LABELS = 40, BATCH = 10000, MS_A_DAY = 86400000 };

static const int64_t begin_ms = INT64_C(1700000000000);

/* ---- archives ---- */

static void put(struct tx *tx, struct record *r)
{
	if (tx_put(tx, r) < 0)
		errx(1, "cannot write the archive");
	record_unref(r);
}

static void put_people(struct tx *tx)
{
	char digest[TOKEN_DIGEST_SIZE];

	for (int i = 1; i <= N_PEOPLE; i++) {
		struct record *person = record_new(KIND_person);
		struct record *m = record_new(KIND_project_membership);
		scoped(free_ptr) char *name = xasprintf("Person %d", i);

		record_set_int(person, F_person_id, i);
		record_set_text(person, F_person_name, name);
		record_set_text(person, F_person_initials, "PE");
		record_set_text(person, F_person_username, name);
		put(tx, person);
		record_set_int(m, F_project_membership_id, i);
		record_set_int(m, F_project_membership_project_id, BENCH_PROJECT);
		record_set_int(m, F_project_membership_person_id, i);
		record_set_int(m, F_project_membership_role, ROLE_OWNER);
		put(tx, m);
	}
	token_digest(BENCH_TOKEN, digest);
	if (tx_put_token(tx, &(struct token){ .sha256 = digest, .person_id = 1 }) < 0)
		errx(1, "cannot write the archive");
}

static void put_project(struct tx *tx)
{
	struct record *project = record_new(KIND_project);
	struct record *zone = record_new(KIND_time_zone);

	record_set_text(zone, F_time_zone_olson_name, "Europe/Vienna");
	record_set_int(project, F_project_id, BENCH_PROJECT);
	record_set_text(project, F_project_name, "Bench");
	record_set_int(project, F_project_version, 1);
	record_set_text(project, F_project_point_scale, "0,1,2,3");
	record_set_int(project, F_project_bugs_and_chores_are_estimatable, 1);
	record_set_object(project, F_project_time_zone, zone);
	record_set_int(project, F_project_created_at, begin_ms);
	record_unref(zone);
	put(tx, project);
	for (int i = 1; i <= N_LABELS; i++) {
		struct record *label = record_new(KIND_label);
		scoped(free_ptr) char *name = xasprintf("label %02d", i);

		record_set_int(label, F_label_id, i);
		record_set_int(label, F_label_project_id, BENCH_PROJECT);
		record_set_text(label, F_label_name, name);
		record_set_int(label, F_label_created_at, begin_ms);
		record_set_int(label, F_label_updated_at, begin_ms);
		put(tx, label);
	}
}

static void set_one(struct record *r, int f, int64_t id)
{
	struct ids ids = { 1, &id };

	record_set_ids(r, f, &ids);
}

static void put_story(struct tx *tx, int i, int n_stories)
{
	struct record *story = record_new(KIND_story);
	scoped(free_ptr) char *name = xasprintf("Story %d: as a climber I want a ladder", i);
	scoped(free_ptr) char *url =
		xasprintf("https://www.pivotaltracker.com/story/show/%d", BENCH_FIRST_STORY + i);
	scoped(buf_fini) struct buf text = BUF_INIT;
	int at = (int)((int64_t)i * 10 / n_stories); /* a tenth of the way */

	for (int k = 0; k < 5 + i % 5; k++)
		buf_add_str(&text, "So that the wall is climbed, in *good* time.\n");
	record_set_int(story, F_story_id, BENCH_FIRST_STORY + i);
	record_set_int(story, F_story_project_id, BENCH_PROJECT);
	record_set_text(story, F_story_name, name);
	record_set_text(story, F_story_description, text.data);
	record_set_text(story, F_story_url, url);
	record_set_int(story, F_story_story_type, i % 4 ? STORY_TYPE_FEATURE : STORY_TYPE_BUG);
	record_set_int(story, F_story_current_state,
		at < 3	 ? STATE_ACCEPTED
		: at < 7 ? STATE_UNSTARTED
			 : STATE_UNSCHEDULED);
	if (at < 3)
		record_set_int(story, F_story_accepted_at, begin_ms + i * INT64_C(60000));
	record_set_float(story, F_story_estimate, i % 4);
	record_set_int(story, F_story_requested_by_id, 1 + i % N_PEOPLE);
	set_one(story, F_story_owner_ids, 1 + i % N_PEOPLE);
	set_one(story, F_story_label_ids, 1 + i % N_LABELS);
	set_one(story, F_story_follower_ids, 1);
	record_set_int(story, F_story_created_at, begin_ms);
	record_set_int(story, F_story_updated_at, begin_ms + MS_A_DAY);
	record_set_int(story, F_story_rank, (int64_t)(i + 1) << 16);
	put(tx, story);
}

void make_archive(const char *path, int n_stories)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(archive_close) struct archive *a = NULL;
	struct tx *tx = NULL;

	if (archive_open(path, ARCHIVE_CREATE, &a, &reason) < 0)
		errx(1, "%s", buf_str(&reason));
	for (int i = 0; i < n_stories; i++) {
		if (!tx && tx_begin(a, TX_WRITE, &tx) < 0)
			errx(1, "cannot begin");
		if (i == 0) {
			put_people(tx);
			put_project(tx);
		}
		put_story(tx, i, n_stories);
		if ((i + 1) % BATCH && i + 1 < n_stories)
			continue;
		if (tx_commit(tx) < 0)
			errx(1, "cannot commit");
		tx = NULL;
	}
}

/* ---- processes ---- */

/* In the child: tell the port, and end with the parent. */
static void tell_port(int fd, unsigned port)
{
	if (write(fd, &port, sizeof(port)) != sizeof(port))
		_exit(1);
	close(fd);
	for (;;)
		pause();
}

/* 0 in the child, whose end of the pipe is *ret_fd. */
static bool fork_rival(struct rival *ret, int *ret_fd)
{
	int ends[2];

	if (pipe(ends) < 0)
		err(1, "pipe");
	fflush(stdout);
	ret->pid = fork();
	if (ret->pid < 0)
		err(1, "fork");
	if (ret->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		*ret_fd = ends[1];
		return true;
	}
	close(ends[1]);
	if (read(ends[0], &ret->port, sizeof(ret->port)) != sizeof(ret->port))
		errx(1, "a server did not start");
	close(ends[0]);
	return false;
}

struct rival serve_archive(const char *path, int64_t cache_bytes)
{
	struct rival r;
	int fd;

	if (!fork_rival(&r, &fd))
		return r;
	scoped(buf_fini) struct buf reason = BUF_INIT;
	struct archive *a;
	struct server *s;
	struct http_server *h;
	struct server_config config = { .cache_bytes = cache_bytes };

	if (archive_open(path, ARCHIVE_EXISTING, &a, &reason) < 0 ||
		server_new(a, &config, &s) < 0 ||
		http_server_start(s, &(struct http_server_config){ .listen = "127.0.0.1:0" }, &h,
			&reason) < 0)
		errx(1, "%s", buf_str(&reason));
	tell_port(fd, http_server_port(h));
	return r;
}

/* ---- a constant ---- */

/* NOLINTNEXTLINE(readability-function-size): the signature is libmicrohttpd's */
static enum MHD_Result send_constant(void *data, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **state)
{
	static int seen;

	(void)url, (void)method, (void)version, (void)upload, (void)upload_len;
	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, data);
}

/* The same header fields, but those that libmicrohttpd writes itself. */
static struct MHD_Response *make_constant(const struct buf *answer)
{
	const char *body = strstr(answer->data, "\r\n\r\n") + 4;
	struct MHD_Response *constant = MHD_create_response_from_buffer(
		answer->len - (size_t)(body - answer->data), (void *)body, MHD_RESPMEM_MUST_COPY);

	for (const char *p = strstr(answer->data, "\r\n") + 2; p < body - 2;) {
		const char *end = strstr(p, "\r\n"), *colon = strchr(p, ':');
		scoped(free_ptr) char *name = xstrndup(p, (size_t)(colon - p));
		scoped(free_ptr) char *value = xstrndup(colon + 2, (size_t)(end - colon - 2));

		if (strcasecmp(name, "Date") != 0 && strcasecmp(name, "Content-Length") != 0 &&
			strcasecmp(name, "Connection") != 0)
			MHD_add_response_header(constant, name, value);
		p = end + 2;
	}
	return constant;
}

struct rival serve_constant(const struct buf *answer)
{
	struct rival r;
	unsigned n_threads = get_nprocs() > 4 ? (unsigned)get_nprocs() : 4; /* as http_server.c */
	int fd;

	if (!fork_rival(&r, &fd))
		return r;
	struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0,
		NULL, NULL, send_constant, make_constant(answer), MHD_OPTION_THREAD_POOL_SIZE,
		n_threads, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)128 << 10, MHD_OPTION_END);

	if (!d)
		errx(1, "libmicrohttpd does not start");
	tell_port(fd, MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
	return r;
}

long rival_rss(const struct rival *r)
{
	scoped(free_ptr) char *path = xasprintf("/proc/%d/statm", (int)r->pid);
	FILE *f = fopen(path, "r");
	long size, resident = 0;

	if (f && fscanf(f, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

void rival_end(const struct rival *r)
{
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
}

/* ---- SQLite alone ---- */

static void run_sql(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		errx(1, "%s: %s", sql, sqlite3_errmsg(db));
}

double bare_commits(const char *path, int64_t duration_ms)
{
	int64_t start = clock_monotonic_ms(), n = 0;
	sqlite3 *db;
	sqlite3_stmt *stmt;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		errx(1, "%s: %s", path, sqlite3_errmsg(db));
	run_sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		    "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, name TEXT);"
		    "INSERT OR REPLACE INTO t VALUES(1, '')");
	sqlite3_prepare_v2(db, "UPDATE t SET name = ? WHERE id = 1", -1, &stmt, NULL);
	for (; clock_monotonic_ms() - start < duration_ms; n++) {
		scoped(free_ptr) char *name = xasprintf("Name %lld", (long long)n);

		run_sql(db, "BEGIN IMMEDIATE");
		sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
		sqlite3_step(stmt);
		sqlite3_reset(stmt);
		run_sql(db, "COMMIT");
	}
	double seconds = (double)(clock_monotonic_ms() - start) / 1000;

	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return (double)n / seconds;
}
