/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A name in a project's `search/`, over a server in this process; with a newline behind it, it is
 * made there, too, as mkdir(1) does.
 *
 * To look a name up costs no request: file managers try many. It is a query when there is a colon
 * in it, else nothing but what is listed. A query costs one request, which carries it byte for
 * byte; its links are found as they are listed; or it is refused, in words that steer no terminal.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fuzz_world.h"
#include "storyfs/alloc.h"
#include "storyfs/log.h"
#include "storyfs/text.h"
#include "storyfs/tree.h"

#include "fuzz.h"

enum { MAX_NAME = 255, LISTED_FOR = 500 /* inputs, until what was selected is forgotten */ };

/* ---- the server, and what it was asked last ---- */

struct counted {
	struct transport base;
	struct transport *inner;
	size_t n;
	char *target;
};

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	struct counted *c = (struct counted *)t;

	c->n++;
	free(c->target);
	c->target = xstrdup(req->target);
	return transport_perform(c->inner, req, limit, ret);
}

static void end(struct transport *t)
{
	struct counted *c = (struct counted *)t;

	transport_free(c->inner);
	free(c->target);
	c->target = NULL;
}

static struct counted asked = { .base = { perform, end } };

static struct store *begin(struct world *w)
{
	const struct api_config config = { .base_path = SERVER_PREFIX };

	asked.inner = server_transport_new(w->server, 1);
	return store_new(api_new(&asked.base, &config), &(struct store_config){ 0 });
}

/* What the request's `filter` says. */
static char *filter_of(const char *target)
{
	const char *at = strstr(target, "filter=");
	struct buf b = BUF_INIT;

	assert(at);
	at += strlen("filter=");
	http_add_decoded(&b, at, strcspn(at, "&"), true);
	return buf_take(&b);
}

/* ---- the tree ---- */

static struct node node_at(struct tree *t, const char *path)
{
	scoped(free_ptr) char *copy = xstrdup(path);
	struct node node = NODE_ROOT;
	char *rest = copy, *name;

	while ((name = strsep(&rest, "/")))
		assert(tree_lookup(t, &node, name, NULL, &node) == 0);
	return node;
}

struct check {
	struct tree *tree;
	const struct node *dir;
};

static bool check_entry(void *data, const char *name, const struct node *node)
{
	struct check *c = data;
	struct node found;

	assert(*name && strlen(name) <= MAX_NAME && !strchr(name, '/'));
	assert(text_is_valid(name, strlen(name)));
	assert(tree_lookup(c->tree, c->dir, name, NULL, &found) == 0);
	assert(tree_number(&found) == tree_number(node));
	return true;
}

static void list(struct tree *t, const char *path)
{
	struct node dir = node_at(t, path);

	assert(tree_list(t, &dir, NULL, check_entry, &(struct check){ t, &dir }) == 0);
}

static void check_refusal(struct tree *t, const struct node *search)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	struct node error;

	assert(tree_lookup(t, search, ".error", NULL, &error) == 0);
	assert(tree_read(t, &error, &text) == 0 && text.len);
	assert(text_is_valid(text.data, text.len));
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		assert(c == '\n' || (c >= 0x20 && c != 0x7f));
		assert(c != 0xc2 || (unsigned char)text.data[i + 1] >= 0xa0);
	}
}

/* ---- one name ---- */

static void list_query(
	struct tree *t, const struct node *search, const struct node *query, const char *name)
{
	struct check c = { t, query };
	size_t n = asked.n;
	int r = tree_list(t, query, NULL, check_entry, &c);

	assert((r == 0 || r == -EINVAL) && asked.n <= n + 1);
	if (r == -EINVAL) {
		check_refusal(t, search);
		return;
	}
	if (asked.n == n)
		return;
	scoped(free_ptr) char *filter = filter_of(asked.target);

	assert(strcmp(filter, name) == 0);
	n = asked.n;
	assert(tree_list(t, query, NULL, check_entry, &c) == 0 && asked.n == n);
}

static void look_up(struct tree *t, const struct node *search, const char *name)
{
	scoped(buf_fini) struct buf same = BUF_INIT;
	bool is_query = name[0] != '.' && strchr(name, ':');
	size_t n = asked.n;
	struct node found, again;
	int r = tree_lookup(t, search, name, NULL, &found);

	assert(asked.n == n);
	assert(r == (is_query || strcmp(name, "s") == 0 ? 0 : 1));
	if (r)
		return;
	assert(tree_lookup(t, search, name, NULL, &again) == 0 && asked.n == n);
	assert(tree_number(&found) == tree_number(&again));
	assert(tree_name(t, &found, &same) == 0 && strcmp(buf_str(&same), name) == 0);
	assert(tree_parent(t, &found, &again) == 0 && tree_number(&again) == tree_number(search));
	if (is_query)
		list_query(t, search, &found, name);
}

static void make(struct tree *t, const struct node *search, const char *name)
{
	struct node made, found;
	int r = tree_make(t, search, name, NULL, &made);

	assert(r == 0 || r == -EINVAL || r == -EPERM || r == -EMSGSIZE);
	if (r == -EINVAL || r == -EMSGSIZE)
		check_refusal(t, search);
	if (r)
		return;
	struct check c = { t, search };

	assert(tree_lookup(t, search, name, NULL, &found) == 0);
	assert(found.row == ROW_search_group && found.id == made.id);
	assert(tree_list(t, search, NULL, check_entry, &c) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store *s;
	static int n_inputs;
	struct world *w = world_get();
	const uint8_t *stop = memchr(data, '\n', size);
	size_t len = stop ? (size_t)(stop - data) : size;
	scoped(free_ptr) char *name = xstrndup((const char *)data, len);

	if (strlen(name) != len || !len || len > MAX_NAME || strchr(name, '/'))
		return 0;
	log_set_level(LOG_LEVEL_ERROR);
	if (!s)
		s = begin(w);
	struct tree *t = tree_new(s);
	struct node search = node_at(t, "projects/1/search");

	list(t, "projects/1/search");
	list(t, "projects/1/by-state/accepted");
	look_up(t, &search, name);
	if (stop)
		make(t, &search, name);
	tree_free(t);
	if (w->written || ++n_inputs % LISTED_FOR == 0) {
		store_free(s);
		s = NULL;
	}
	world_restore(w);
	return 0;
}
