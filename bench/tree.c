/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast a large project is listed and read, without network and FUSE, beside what jansson takes
 * to parse the same answers.
 *
 * usage: bench/tree [STORIES]
 */
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "host.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/tree.h"

enum { N_MEMBERS = 30, N_LABELS = 40, PROJECT = 99 };

#define AT "2024-05-01T10:00:00Z"

/* ---- the project ---- */

static json_t *make_story(int i)
{
	char text[601];
	json_t *story, *labels = json_array(), *comments = json_array(), *tasks = json_array();

	memset(text, 'd', 600);
	text[600 - i % 400] = '\0';
	for (int k = 0; k < 3; k++) {
		int label = (i * 7 + k) % N_LABELS;
		char name[32];

		snprintf(name, sizeof(name), "label %d", label);
		json_array_append_new(
			labels, json_pack("{s:i,s:i,s:s,s:s,s:s}", "id", 300 + label, "project_id",
					PROJECT, "name", name, "created_at", AT, "updated_at", AT));
	}
	for (int k = 0; k < i % 4; k++)
		json_array_append_new(
			comments, json_pack("{s:i,s:i,s:s,s:i,s:s,s:s}", "id", 1000000 + i * 4 + k,
					  "story_id", 1000 + i, "text", text + 200, "person_id",
					  100 + k, "created_at", AT, "updated_at", AT));
	for (int k = 0; k < i % 2; k++)
		json_array_append_new(
			tasks, json_pack("{s:i,s:i,s:s,s:b,s:i,s:s,s:s}", "id", 2000000 + i,
				       "story_id", 1000 + i, "description", "Do it", "complete", 0,
				       "position", 1, "created_at", AT, "updated_at", AT));
	story = json_pack("{s:i,s:s,s:i,s:s,s:s,s:s,s:s,s:i,s:i,s:[i,i],s:s,s:s,s:s}", "id",
		1000 + i, "kind", "story", "project_id", PROJECT, "name", "A story of this project",
		"description", text, "story_type", "feature", "current_state", "unstarted",
		"estimate", i % 4, "requested_by_id", 100 + i % N_MEMBERS, "owner_ids",
		100 + i % N_MEMBERS, 100 + (i + 1) % N_MEMBERS, "created_at", AT, "updated_at", AT,
		"url", "https://example.org/story/show/1000000");
	json_object_set_new(story, "labels", labels);
	json_object_set_new(story, "comments", comments);
	json_object_set_new(story, "tasks", tasks);
	return story;
}

static void fill(struct host *h, int n_stories)
{
	json_t *members = json_array(), *stories = json_array();

	for (int i = 0; i < N_MEMBERS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "Person %d", i);
		json_array_append_new(
			members, json_pack("{s:i,s:i,s:s,s:{s:i,s:s,s:s}}", "id", 200 + i,
					 "project_id", PROJECT, "role", "member", "person", "id",
					 100 + i, "name", name, "username", name + 7));
	}
	for (int i = 0; i < n_stories; i++)
		json_array_append_new(stories, make_story(i));
	host_set(h, "/projects", "[{'id':99,'name':'Big','version':10}]");
	host_set_json(h, "/projects/99/memberships", members);
	host_set_json(h, "/projects/99/stories", stories);
	host_set(h, "/projects/99/labels", "[]");
	host_set(h, "/projects/99/epics", "[]");
	host_set(h, "/me", "{'id':100,'name':'Person 0'}");
}

/* ---- answers that were given before, so that the host's own work is not measured ---- */

struct answer {
	char *target;
	struct http_response resp;
	UT_hash_handle hh;
};

struct replay {
	struct transport base;
	struct host *host;
	struct answer *answers;
	size_t n_asked;
};

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct replay *r = (struct replay *)t;
	struct answer *a;

	r->n_asked++;
	HASH_FIND_STR(r->answers, req->target, a);
	if (!a) {
		a = xcalloc(1, sizeof(*a));
		a->target = xstrdup(req->target);
		transport_perform(&r->host->base, req, limit, &a->resp);
		HASH_ADD_KEYPTR(hh, r->answers, a->target, strlen(a->target), a);
	}
	ret->status = a->resp.status;
	for (size_t i = 0; i < a->resp.headers.n; i++)
		http_headers_add(&ret->headers, a->resp.headers.items[i].name,
			a->resp.headers.items[i].value);
	buf_add(&ret->body, a->resp.body.data, a->resp.body.len);
	return 0;
}

static void forget_nothing(struct transport *t)
{
	(void)t;
}

static void replay_fini(struct replay *r)
{
	struct answer *a, *next;

	HASH_ITER(hh, r->answers, a, next) {
		HASH_DEL(r->answers, a);
		http_response_fini(&a->resp);
		free(a->target);
		free(a);
	}
}

static size_t answers_size(const struct replay *r)
{
	size_t size = 0;

	for (const struct answer *a = r->answers; a; a = a->hh.next)
		size += a->resp.body.len;
	return size;
}

static int64_t parse_all(const struct replay *r)
{
	int64_t start = clock_monotonic_ms();

	for (const struct answer *a = r->answers; a; a = a->hh.next)
		json_decref(json_loadb(a->resp.body.data, a->resp.body.len, 0, NULL));
	return clock_monotonic_ms() - start;
}

/* ---- the walk ---- */

enum step {
	LIST = 1,
	LOOKUP = 2,
	STAT = 4,
	READ = 8,
};

struct walk {
	struct tree *tree;
	unsigned steps;
	struct node dir;
	size_t n_dirs, n_files, n_bytes;
};

static void walk_dir(struct walk *w, const struct node *dir);

static bool is_dir(const struct node *node)
{
	return node->field < 0 && node->row != ROW_project_json && node->row != ROW_by_name_link;
}

static bool visit(void *data, const char *name, const struct node *node)
{
	struct walk *w = data;
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct node_attr attr;
	struct node found;

	if (w->steps & LOOKUP && tree_lookup(w->tree, &w->dir, name, NULL, &found) != 0)
		abort();
	if (w->steps & STAT && tree_stat(w->tree, node, &attr) < 0)
		abort();
	if (is_dir(node)) {
		walk_dir(w, node);
		return true;
	}
	if (w->steps & READ && tree_read(w->tree, node, &text) < 0)
		abort();
	w->n_files++;
	w->n_bytes += text.len;
	return true;
}

static void walk_dir(struct walk *w, const struct node *dir)
{
	struct node up = w->dir;

	w->dir = *dir;
	w->n_dirs++;
	if (tree_list(w->tree, dir, NULL, visit, w) < 0)
		abort();
	w->dir = up;
}

static int64_t walk_all(struct tree *t, unsigned steps, const char *words)
{
	struct walk w = { .tree = t, .steps = steps };
	int64_t start = clock_monotonic_ms();

	walk_dir(&w, &NODE_ROOT);
	int64_t took = clock_monotonic_ms() - start;

	printf("%-34s %6lld ms  %zu directories, %zu files, %zu bytes\n", words, (long long)took,
		w.n_dirs, w.n_files, w.n_bytes);
	return took;
}

/* ---- all ---- */

static struct store *make_store(struct replay *r)
{
	struct api_config config = { .base_path = HOST_BASE };

	return store_new(api_new(&r->base, &config), &(struct store_config){ 0 });
}

static void load_all(struct store *s, int n_stories)
{
	static const struct place places[] = { { .kind = KIND_project },
		{ KIND_story, 0, KIND_project, PROJECT, PROJECT },
		{ KIND_comment, 0, KIND_story, 1000, PROJECT },
		{ KIND_task, 0, KIND_story, 1000, PROJECT } };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		scoped(records_fini) struct records found = { 0 };
		scoped(call_fini) struct call call = { 0 };

		if (store_list(s, &places[i], &call, &found) != 0 ||
			(places[i].kind == KIND_story && found.n != (size_t)n_stories))
			abort();
	}
}

static size_t heap(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void bench(struct host *h, struct replay *r, int n_stories)
{
	struct store *s = make_store(r);

	load_all(s, n_stories);
	store_free(s);
	int64_t parse = parse_all(r);
	size_t before = heap();

	r->n_asked = 0;
	s = make_store(r);
	int64_t start = clock_monotonic_ms();

	load_all(s, n_stories);
	int64_t load = clock_monotonic_ms() - start;

	printf("%-34s %6lld ms  %zu bytes\n", "jansson parses the answers", (long long)parse,
		answers_size(r));
	printf("%-34s %6lld ms  %zu requests, %.1f times the parse, %zu bytes a story\n",
		"load stories, comments, tasks", (long long)load, r->n_asked,
		(double)load / (double)(parse ? parse : 1), (heap() - before) / (size_t)n_stories);
	struct tree *t = tree_new(s);

	walk_all(t, LIST, "list");
	walk_all(t, LIST | LOOKUP, "list, lookup");
	walk_all(t, LIST | STAT, "list, stat");
	int64_t all = walk_all(t, LIST | LOOKUP | STAT | READ, "list, lookup, stat, read");

	printf("%-34s %6.1f times the parse\n", "", (double)all / (double)(parse ? parse : 1));
	tree_free(t);
	host_change(h, "/projects/99/stories/1005", "name", "'Another'");
	host_move(h, PROJECT, 11);
	replay_fini(r);
	r->answers = NULL;
	struct store *other = make_store(r);

	load_all(other, n_stories);
	store_free(other);
	scoped(call_fini) struct call call = { 0 };

	start = clock_monotonic_ms();
	if (store_refresh(s, &call) < 0)
		abort();
	printf("%-34s %6lld ms\n", "refresh, one story moved",
		(long long)(clock_monotonic_ms() - start));
	store_free(s);
}

int main(int argc, char **argv)
{
	int n_stories = argc > 1 ? atoi(argv[1]) : 20000;
	struct host h;
	struct replay r = { { perform, forget_nothing }, &h, NULL, 0 };

	if (n_stories < 10)
		n_stories = 10;
	host_init(&h);
	fill(&h, n_stories);
	bench(&h, &r, n_stories);
	replay_fini(&r);
	host_fini(&h);
	return 0;
}
