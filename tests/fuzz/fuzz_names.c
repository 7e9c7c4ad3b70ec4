/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A name, newline, up to three titles, a line each, as a host sends them: of a project, a story, an
 * epic, a label, a person, a saved search, a file. Titles may hold any bytes; `\n` and `\0` stand
 * for what would end them.
 *
 * Whatever they are, each directory that is named by them lists names that are legal, alike each
 * time and no two the same; each leads to the node that was listed, and the node to a name that
 * leads to it. The name of the first line is looked up everywhere: what is found under it is
 * listed there.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

#include "storyfs/alloc.h"
#include "storyfs/log.h"
#include "storyfs/table.h"
#include "storyfs/text.h"
#include "storyfs/tree.h"

#include "fuzz.h"

enum { MAX_TITLES = 3, PROJECT = 9 };

/* ---- a host that has nothing but these titles ---- */

/* `@` is the id, `$` the title; one item a title. */
static const struct {
	const char *path, *item;
} lists[] = {
	{ "/projects", "{'id':@,'name':'$'}" },
	{ "/projects/9/memberships",
		"{'id':@,'project_id':9,'role':'member','person':{'id':@,'name':'$','initials':'$'}}" },
	{ "/projects/9/labels", "{'id':@,'project_id':9,'name':'$'}" },
	{ "/projects/9/stories",
		"{'id':@,'project_id':9,'name':'$','story_type':'bug','current_state':'started',"
		"'owner_ids':[9,10,11],'labels':[{'id':9,'name':'l'}],'comments':[{'id':@,'text':'$',"
		"'file_attachments':[{'id':@,'filename':'$','size':1},{'id':1@,'filename':'$'}]}]}" },
	{ "/projects/9/epics", "{'id':@,'project_id':9,'name':'$','label':{'id':9,'name':'$'}}" },
	{ "/projects/9/my/searches", "{'id':@,'project_id':9,'name':'$','query':'$'}" },
};

struct host {
	struct transport base;
	size_t n_titles;
	struct buf titles[MAX_TITLES];
};

/* A title as JSON has it, but for what is no UTF-8. */
static void add_title(const struct buf *title, struct buf *b)
{
	for (size_t i = 0; i < title->len; i++) {
		unsigned char c = (unsigned char)title->data[i];

		if (c < 0x20 || c == '"' || c == '\\')
			buf_add_fmt(b, "\\u%04x", c);
		else
			buf_add_char(b, (char)c);
	}
}

static void add_item(const char *item, const struct host *h, size_t i, struct buf *b)
{
	for (const char *p = item; *p; p++) {
		if (*p == '@')
			buf_add_fmt(b, "%zu", PROJECT + i);
		else if (*p == '$')
			add_title(&h->titles[i], b);
		else
			buf_add_char(b, *p == '\'' ? '"' : *p);
	}
}

static bool is_asked_for(const struct http_request *req, const char *path)
{
	size_t len = strlen(path);

	return strncmp(req->target, path, len) == 0 &&
	       (req->target[len] == '?' || !req->target[len]);
}

static int perform(struct transport *t, const struct http_request *req,
	const struct call_limit *limit, struct http_response *ret)
{
	const struct host *h = (const struct host *)t;

	(void)limit;
	ret->status = 200;
	buf_add_char(&ret->body, '[');
	for (size_t k = 0; k < sizeof(lists) / sizeof(*lists); k++) {
		if (!is_asked_for(req, lists[k].path))
			continue;
		for (size_t i = 0; i < h->n_titles; i++) {
			if (i)
				buf_add_char(&ret->body, ',');
			add_item(lists[k].item, h, i, &ret->body);
		}
	}
	buf_add_char(&ret->body, ']');
	return 0;
}

static void end(struct transport *t)
{
	(void)t;
}

/* ---- names ---- */

static bool is_shown(const char *name)
{
	const uint8_t *p = (const uint8_t *)name;
	ucs4_t c;

	while ((p = u8_next(&c, p))) {
		if (c == '/' || uc_is_general_category_withtable(
					c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf |
						   UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp))
			return false;
	}
	return true;
}

static void check_name(const char *name)
{
	size_t len = strlen(name);

	assert(len >= 1 && len <= 255);
	assert(text_is_valid(name, len) && is_shown(name));
	assert(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
	assert(name[0] != ' ' && name[len - 1] != ' ');
}

/* A title's name, and that of the name, which is the same. */
static void check_title(const struct buf *title)
{
	scoped(buf_fini) struct buf name = BUF_INIT;
	scoped(buf_fini) struct buf again = BUF_INIT;

	text_add_file_name(&name, buf_str(title));
	check_name(buf_str(&name));
	assert(name.data[0] != '.');
	text_add_file_name(&again, buf_str(&name));
	assert(strcmp(buf_str(&name), buf_str(&again)) == 0);
}

/* ---- directories ---- */

static const char *const dirs[] = { "by-name", "projects/9/by-state/started", "projects/9/by-owner",
	"projects/9/by-label", "projects/9/by-epic", "projects/9/search",
	"projects/9/stories/9/attachments", "projects/9/attachments", "projects/9/attachments/9",
	"projects/9/stories" };

struct entry {
	struct table_item item;
	char *name;
	struct node node;
};

static bool add_entry(void *data, const char *name, const struct node *node)
{
	struct table *entries = data;
	struct entry *e = xcalloc(1, sizeof(*e));

	assert(!table_find(entries, name, strlen(name)));
	e->name = xstrdup(name);
	e->node = *node;
	table_add(entries, &e->item, e->name, strlen(e->name));
	return true;
}

static void list(struct tree *t, const struct node *dir, struct table *ret)
{
	assert(tree_list(t, dir, NULL, add_entry, ret) == 0);
}

static void entries_fini(struct table *entries)
{
	struct entry *e;

	while ((e = table_pop(entries))) {
		free(e->name);
		free(e);
	}
}

SCOPED_VALUE(struct table, entries_fini);

static bool is_same(const struct node *a, const struct node *b)
{
	return tree_number(a) == tree_number(b);
}

static struct node node_at(struct tree *t, const char *path)
{
	scoped(free_ptr) char *copy = xstrdup(path);
	struct node node = NODE_ROOT;
	char *rest = copy, *name;

	while ((name = strsep(&rest, "/")))
		assert(tree_lookup(t, &node, name, NULL, &node) == 0);
	return node;
}

/* From the node back to it, by the name it gives itself. */
static void check_way_back(struct tree *t, const struct node *node)
{
	scoped(buf_fini) struct buf name = BUF_INIT;
	struct node parent, again;

	assert(tree_parent(t, node, &parent) == 0 && tree_name(t, node, &name) == 0);
	/* A story's link is in several groups; the one that its parent is may not be there. */
	if (node->row == ROW_story_link)
		return;
	assert(tree_lookup(t, &parent, buf_str(&name), NULL, &again) == 0);
	assert(is_same(&again, node));
}

static void check_dir(struct tree *t, const struct node *dir, struct table *ret)
{
	scoped(entries_fini) struct table again = { 0 };
	struct entry *e = NULL, *other = NULL;

	list(t, dir, ret);
	list(t, dir, &again);
	while ((e = table_next(ret, e))) {
		struct node found;

		other = table_next(&again, other);
		assert(other && strcmp(other->name, e->name) == 0 &&
			is_same(&other->node, &e->node));
		check_name(e->name);
		assert(tree_lookup(t, dir, e->name, NULL, &found) == 0);
		assert(is_same(&found, &e->node));
		check_way_back(t, &e->node);
	}
	assert(!table_next(&again, other));
}

/* A link may be named by another rank; a query is a name that is listed nowhere. */
static void check_wanted(
	struct tree *t, const struct node *dir, const struct table *entries, const char *wanted)
{
	const struct entry *e = NULL;
	struct node found;
	int r = tree_lookup(t, dir, wanted, NULL, &found);

	assert(r == 0 || r == 1);
	if (table_find(entries, wanted, strlen(wanted)))
		assert(r == 0);
	if (r != 0 || found.row == ROW_search_query)
		return;
	while ((e = table_next(entries, e))) {
		if (is_same(&e->node, &found))
			return;
	}
	assert(false);
}

static void check_all(struct tree *t, const char *wanted)
{
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		scoped(entries_fini) struct table entries = { 0 };
		struct node dir = node_at(t, dirs[i]);

		check_dir(t, &dir, &entries);
		if (*wanted && strlen(wanted) <= 255 && !strchr(wanted, '/'))
			check_wanted(t, &dir, &entries, wanted);
	}
}

/* ---- the input ---- */

/* A line's bytes, where `\n` and `\0` are two that no line can hold. */
static void read_title(const char *line, size_t len, struct buf *ret)
{
	for (size_t i = 0; i < len; i++) {
		bool is_escape = line[i] == '\\' && i + 1 < len;

		if (is_escape && (line[i + 1] == 'n' || line[i + 1] == '0'))
			buf_add_char(ret, line[++i] == 'n' ? '\n' : '\0');
		else
			buf_add_char(ret, line[i]);
	}
}

static void read_titles(const char *data, size_t size, struct host *h)
{
	while (h->n_titles < MAX_TITLES) {
		const char *stop = size ? memchr(data, '\n', size) : NULL;
		size_t len = stop ? (size_t)(stop - data) : size;

		read_title(data, len, &h->titles[h->n_titles++]);
		if (!stop)
			return;
		data += len + 1;
		size -= len + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct api_config config = { .base_path = "" };
	struct host h = { .base = { perform, end } };
	scoped(free_ptr) char *wanted = fuzz_take_line(&data, &size);

	if (!wanted)
		return 0;
	log_set_level(LOG_LEVEL_ERROR);
	read_titles((const char *)data, size, &h);
	struct store *s = store_new(api_new(&h.base, &config), &(struct store_config){ 0 });
	struct tree *t = tree_new(s);

	for (size_t i = 0; i < h.n_titles; i++)
		check_title(&h.titles[i]);
	check_all(t, wanted);
	tree_free(t);
	store_free(s);
	for (size_t i = 0; i < h.n_titles; i++)
		buf_fini(&h.titles[i]);
	return 0;
}
