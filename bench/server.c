/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast the server is: beside the same bytes as a constant, beside SQLite alone, and over a
 * small and a large archive, all in one run, in turns, so that what disturbs one disturbs all.
 *
 * usage: bench/server [--rounds N] [--ms N] [--dir DIR] [--write FILE]
 *
 * Archives are made in DIR (/var/tmp) and removed. FILE gets the results as Markdown, in a section
 * of their own: what else it holds stays.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "load.h"
#include "requests.h"
#include "rivals.h"
#include "storyfs/alloc.h"
#include "storyfs/file.h"

enum {
	N_SMALL = 1000,
	N_LARGE = 100000,
	MAX_ROUNDS = 99,
	MANY = 16,
	READERS = 4,
	MAX_FILE = 1 << 24
};

/* ---- what is measured ---- */

enum target {
	SMALL,
	SMALL_NO_CACHE,
	LARGE,
	LARGE_NO_CACHE,
	STORY_CONSTANT,
	PAGE_CONSTANT,
	N_TARGETS,
	SQLITE = N_TARGETS,
};

/* name, against whom, by how many, what, beside a writer */
#define MEASURES(X)                                                                                \
	X(story_constant, "GET a story, as a constant", STORY_CONSTANT, READERS,                   \
		request_get_story, false)                                                          \
	X(story, "GET a story", SMALL, READERS, request_get_story, false)                          \
	X(story_large, "GET a story, 100,000", LARGE, READERS, request_get_story, false)           \
	X(story_computed, "GET stories, computed", SMALL_NO_CACHE, READERS, request_get_stories,   \
		false)                                                                             \
	X(story_computed_large, "GET stories, computed, 100,000", LARGE_NO_CACHE, READERS,         \
		request_get_stories, false)                                                        \
	X(story_beside, "GET a story, one writes beside", SMALL, READERS, request_get_story, true) \
	X(page_constant, "GET 500 stories, as a constant", PAGE_CONSTANT, READERS,                 \
		request_get_page, false)                                                           \
	X(page, "GET 500 stories", SMALL, READERS, request_get_page, false)                        \
	X(page_large, "GET 500 stories, 100,000", LARGE, READERS, request_get_page, false)         \
	X(page_computed, "GET 500 stories, computed", SMALL_NO_CACHE, READERS, request_get_page,   \
		false)                                                                             \
	X(page_computed_large, "GET 500 stories, computed, 100,000", LARGE_NO_CACHE, READERS,      \
		request_get_page, false)                                                           \
	X(page_beside, "GET 500 stories, one writes beside", SMALL, READERS, request_get_page,     \
		true)                                                                              \
	X(commit, "SQLite alone commits one row", SQLITE, 1, NULL, false)                          \
	X(put, "PUT a field", SMALL, 1, request_put_name, false)                                   \
	X(put_large, "PUT a field, 100,000", LARGE, 1, request_put_name, false)                    \
	X(put_many, "PUT a field, 16 clients", SMALL, MANY, request_put_name, false)               \
	X(put_many_large, "PUT a field, 16 clients, 100,000", LARGE, MANY, request_put_name,       \
		false)                                                                             \
	X(state, "PUT state and estimate", SMALL, 1, request_put_state, false)                     \
	X(state_large, "PUT state and estimate, 100,000", LARGE, 1, request_put_state, false)      \
	X(place, "PUT a place", SMALL, 1, request_put_place, false)                                \
	X(place_large, "PUT a place, 100,000", LARGE, 1, request_put_place, false)                 \
	X(post, "POST a story", SMALL, 1, request_post_story, false)                               \
	X(post_large, "POST a story, 100,000", LARGE, 1, request_post_story, false)

enum measure {
#define X(id, ...) M_##id,
	MEASURES(X)
#undef X
		N_MEASURES,
};

static const struct {
	const char *name;
	enum target target;
	int n_clients;
	void (*make)(const void *data, int client, int64_t n, struct buf *ret);
	bool beside;
} measures[N_MEASURES] = {
#define X(id, name, target, clients, make, beside) { name, target, clients, make, beside },
	MEASURES(X)
#undef X
};

static const struct {
	const char *words;
	enum measure of, to;
	double least; /* 0: told, not asked for */
} aims[] = {
	{ "GET a story : the same bytes as a constant", M_story, M_story_constant, 0.5 },
	{ "GET 500 stories : the same bytes as a constant", M_page, M_page_constant, 0.5 },
	{ "PUT a field : SQLite alone commits one row", M_put, M_commit, 0.5 },
	{ "the same, 16 clients", M_put_many, M_commit, 0.5 },
	{ "100,000 : 1,000 stories, GET a story", M_story_large, M_story, 0.8 },
	{ "100,000 : 1,000 stories, GET 500 stories", M_page_large, M_page, 0.8 },
	{ "100,000 : 1,000 stories, GET stories, computed", M_story_computed_large,
		M_story_computed, 0.8 },
	{ "100,000 : 1,000 stories, GET 500 stories, computed", M_page_computed_large,
		M_page_computed, 0.8 },
	{ "100,000 : 1,000 stories, PUT a field", M_put_large, M_put, 0.8 },
	{ "100,000 : 1,000 stories, PUT state and estimate", M_state_large, M_state, 0.8 },
	{ "100,000 : 1,000 stories, PUT a place", M_place_large, M_place, 0.8 },
	{ "100,000 : 1,000 stories, POST a story", M_post_large, M_post, 0.8 },
	{ "without the cache: GET a story : a constant", M_story_computed, M_story_constant, 0 },
	{ "without the cache: GET 500 stories : a constant", M_page_computed, M_page_constant, 0 },
	{ "beside a writer: GET a story : a constant", M_story_beside, M_story_constant, 0 },
	{ "beside a writer: GET 500 stories : a constant", M_page_beside, M_page_constant, 0 },
};

struct bench {
	char *dir;
	int n_rounds;
	int64_t duration_ms;
	struct rival rivals[N_TARGETS];
	struct load_result results[N_MEASURES][MAX_ROUNDS];
	size_t archive_bytes[2];
};

/* ---- measuring ---- */

static void *write_beside(void *data)
{
	load_run(data);
	return NULL;
}

static struct load_result measure_http(struct bench *b, enum measure m, int64_t duration_ms)
{
	static const int small = N_SMALL, large = N_LARGE;
	enum target target = measures[m].target;
	const int *count = target == LARGE || target == LARGE_NO_CACHE ? &large : &small;
	struct load load = { b->rivals[target].port, measures[m].n_clients, duration_ms,
		measures[m].make, count };
	struct load beside = { b->rivals[target].port, 1, duration_ms, request_put_name, count };
	pthread_t writer;

	if (measures[m].beside && pthread_create(&writer, NULL, write_beside, &beside))
		errx(1, "no thread");
	struct load_result result = load_run(&load);

	if (measures[m].beside)
		pthread_join(writer, NULL);
	if (result.n_failed)
		errx(1, "%s: %lld of %lld requests failed", measures[m].name,
			(long long)result.n_failed, (long long)result.n);
	return result;
}

static struct load_result measure(struct bench *b, enum measure m, int64_t duration_ms)
{
	scoped(free_ptr) char *path = xasprintf("%s/bare.db", b->dir);

	if (measures[m].target != SQLITE)
		return measure_http(b, m, duration_ms);
	double per_s = bare_commits(path, duration_ms);

	return (struct load_result){ .per_s = per_s, .p50_us = 1e6 / per_s, .p99_us = 1e6 / per_s };
}

static void show_progress(int done, int all)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r[%-40.*s] %3d%%%s", done * 40 / all,
		"########################################", done * 100 / all,
		done == all ? "\n" : "");
}

static void measure_all(struct bench *b)
{
	for (int m = 0; m < N_MEASURES; m++)
		measure(b, (enum measure)m, b->duration_ms / 5 + 1);
	for (int i = 0; i < b->n_rounds; i++) {
		for (int m = 0; m < N_MEASURES; m++) {
			show_progress(i * N_MEASURES + m, b->n_rounds * N_MEASURES);
			b->results[m][i] = measure(b, (enum measure)m, b->duration_ms);
		}
	}
	show_progress(1, 1);
}

/* ---- setting up ---- */

static size_t file_size(const char *path)
{
	FILE *f = fopen(path, "r");
	long size = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : 0;

	if (f)
		fclose(f);
	return (size_t)size;
}

static void ask_constant(struct bench *b, enum target target,
	void (*make)(const void *data, int client, int64_t n, struct buf *ret))
{
	scoped(buf_fini) struct buf request = BUF_INIT;
	scoped(buf_fini) struct buf answer = BUF_INIT;

	make(NULL, 0, 0, &request);
	load_ask(b->rivals[SMALL].port, request.data, &answer);
	b->rivals[target] = serve_constant(&answer);
}

static void set_up(struct bench *b)
{
	static const int counts[2] = { N_SMALL, N_LARGE };

	for (int i = 0; i < 2; i++) {
		scoped(free_ptr) char *path = xasprintf("%s/%d.db", b->dir, counts[i]);

		make_archive(path, counts[i]);
		b->archive_bytes[i] = file_size(path);
		b->rivals[i ? LARGE : SMALL] = serve_archive(path, 0);
		b->rivals[i ? LARGE_NO_CACHE : SMALL_NO_CACHE] = serve_archive(path, -1);
	}
	ask_constant(b, STORY_CONSTANT, request_get_story);
	ask_constant(b, PAGE_CONSTANT, request_get_page);
}

static void tear_down(struct bench *b)
{
	scoped(free_ptr) char *rm = xasprintf("rm -r '%s'", b->dir);

	for (int i = 0; i < N_TARGETS; i++)
		rival_end(&b->rivals[i]);
	if (system(rm) != 0)
		warnx("%s is left", b->dir);
	free(b->dir);
}

/* ---- telling ---- */

static int by_rate(const void *a, const void *b)
{
	double left = ((const struct load_result *)a)->per_s;
	double right = ((const struct load_result *)b)->per_s;

	return (left > right) - (left < right);
}

static struct load_result median(struct bench *b, enum measure m)
{
	qsort(b->results[m], (size_t)b->n_rounds, sizeof(struct load_result), by_rate);
	return b->results[m][b->n_rounds / 2];
}

static void add_machine(const struct bench *b, struct buf *ret)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256], model[256] = "unknown";
	struct utsname name = { 0 };
	struct statfs fs = { 0 };

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "model name : %255[^\n]", model) == 1)
			break;
	}
	if (f)
		fclose(f);
	uname(&name);
	statfs(b->dir, &fs);
	buf_add_fmt(ret,
		"%s, %ld processors, Linux %s, archives on file system type 0x%lx. The load client "
		"runs on the same machine. %d rounds of %lld ms, medians.\n\n",
		model, sysconf(_SC_NPROCESSORS_ONLN), name.release, (unsigned long)fs.f_type,
		b->n_rounds, (long long)b->duration_ms);
}

static void add_results(struct bench *b, struct buf *ret)
{
	buf_add_str(ret, "| what | clients | per second | p50 | p99 | bytes |\n"
			 "|---|---:|---:|---:|---:|---:|\n");
	for (int m = 0; m < N_MEASURES; m++) {
		struct load_result r = median(b, (enum measure)m);

		buf_add_fmt(ret, "| %s | %d | %.0f | %.0f us | %.0f us | %zu |\n", measures[m].name,
			measures[m].n_clients, r.per_s, r.p50_us, r.p99_us, r.body);
	}
	buf_add_str(ret, "\n| ratio | is | aim | |\n|---|---:|---:|---|\n");
	for (size_t i = 0; i < sizeof(aims) / sizeof(*aims); i++) {
		double is = median(b, aims[i].of).per_s / median(b, aims[i].to).per_s;

		if (aims[i].least > 0)
			buf_add_fmt(ret, "| %s | %.2f | %.1f | %s |\n", aims[i].words, is,
				aims[i].least, is >= aims[i].least ? "reached" : "**missed**");
		else
			buf_add_fmt(ret, "| %s | %.2f | | |\n", aims[i].words, is);
	}
}

static void add_memory(const struct bench *b, struct buf *ret)
{
	buf_add_fmt(ret,
		"\nResident memory afterwards: %ld MiB with 1,000 stories, %ld MiB with 100,000 (%ld "
		"and %ld MiB without the cache). The archives had %zu and %zu KiB.\n",
		rival_rss(&b->rivals[SMALL]) / 1024, rival_rss(&b->rivals[LARGE]) / 1024,
		rival_rss(&b->rivals[SMALL_NO_CACHE]) / 1024,
		rival_rss(&b->rivals[LARGE_NO_CACHE]) / 1024, b->archive_bytes[0] / 1024,
		b->archive_bytes[1] / 1024);
}

/* Put the section in the place of the one before, or behind all. */
static void write_section(const char *file, const struct buf *section)
{
	static const char *const begin = "<!-- bench/server: begin -->\n";
	static const char *const end = "<!-- bench/server: end -->\n";
	scoped(buf_fini) struct buf old = BUF_INIT;
	scoped(buf_fini) struct buf text = BUF_INIT;
	int r = file_read(file, MAX_FILE, &old);

	if (r < 0 && r != -ENOENT)
		errx(1, "%s: %s", file, strerrordesc_np(-r));
	const char *from = strstr(buf_str(&old), begin), *to = from ? strstr(from, end) : NULL;
	size_t before = to ? (size_t)(from - old.data) : old.len;

	buf_add(&text, buf_str(&old), before);
	buf_add_fmt(&text, "%s%s%s%s", begin, section->data, end, to ? to + strlen(end) : "");
	r = file_write_atomic(file, text.data, text.len, 0644);
	if (r < 0)
		errx(1, "%s: %s", file, strerrordesc_np(-r));
}

static void report(struct bench *b, const char *file)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add_str(&text,
		"## The server\n\nWritten by `bench/server --write docs/benchmarks.md`.\n\n");
	add_machine(b, &text);
	add_results(b, &text);
	add_memory(b, &text);
	printf("%s", text.data);
	if (file)
		write_section(file, &text);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "rounds", 1, NULL, 'r' }, { "ms", 1, NULL, 'm' },
		{ "dir", 1, NULL, 'd' }, { "write", 1, NULL, 'w' }, { 0 } };
	static struct bench b = { .n_rounds = 5, .duration_ms = 500 };
	const char *dir = "/var/tmp", *file = NULL;

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'r')
			b.n_rounds = atoi(optarg);
		else if (o == 'm')
			b.duration_ms = atoll(optarg);
		else if (o == 'd')
			dir = optarg;
		else if (o == 'w')
			file = optarg;
		else
			return 2;
	}
	if (b.n_rounds < 1 || b.n_rounds > MAX_ROUNDS || b.duration_ms < 1)
		errx(2, "1 to %d rounds of at least 1 ms", MAX_ROUNDS);
	b.dir = xasprintf("%s/storyfs-bench-XXXXXX", dir);
	if (!mkdtemp(b.dir))
		err(1, "%s", b.dir);
	set_up(&b);
	measure_all(&b);
	report(&b, file);
	tear_down(&b);
	return 0;
}
