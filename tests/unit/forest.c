/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree over the sample. */
#include "forest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "storyfs/alloc.h"

void add_node_path(struct tree *t, const struct node *node, struct buf *b)
{
	struct node parent;

	if (node->row == ROW_root)
		return;
	assert_int_equal(tree_parent(t, node, &parent), 0);
	add_node_path(t, &parent, b);
	buf_add_char(b, '/');
	assert_int_equal(tree_name(t, node, b), 0);
}

static void note_change(void *data, const struct tree_change *c)
{
	struct forest *f = data;

	if (c->type == TREE_CONTENT) {
		buf_add_str(&f->changes, "moved ");
		add_node_path(f->tree, &c->node, &f->changes);
		buf_add_char(&f->changes, '\n');
		return;
	}
	buf_add_str(&f->changes, "entry ");
	add_node_path(f->tree, &c->parent, &f->changes);
	buf_add_fmt(&f->changes, "/%s\n", c->name);
}

static void note(void *data, const struct change *c)
{
	struct forest *f = data;

	tree_changes(f->tree, c, note_change, f);
}

void forest_begin(struct forest *f)
{
	*f = (struct forest){ 0 };
	world_begin(&f->world);
	f->tree = tree_new(f->world.store);
	store_set_listener(f->world.store, note, f);
}

void forest_end(struct forest *f)
{
	tree_free(f->tree);
	buf_fini(&f->changes);
	world_end(&f->world);
}

struct node node_at(struct tree *t, const char *path)
{
	struct node node = NODE_ROOT;

	for (const char *p = path; *p;) {
		size_t len = strcspn(p, "/");
		scoped(free_ptr) char *name = xstrndup(p, len);

		if (tree_lookup(t, &node, name, NULL, &node) != 0)
			fail_msg("%s: no %s", path, name);
		p += len + (p[len] == '/');
	}
	return node;
}

char *read_at(struct tree *t, const char *path)
{
	struct node node = node_at(t, path);
	struct node_attr attr;
	struct buf text = BUF_INIT;

	assert_int_equal(tree_stat(t, &node, &attr), 0);
	assert_int_equal(tree_read(t, &node, &text), 0);
	assert_int_equal(attr.size, text.len);
	return buf_take(&text);
}

int64_t mtime_at(struct tree *t, const char *path)
{
	struct node node = node_at(t, path);
	struct node_attr attr;

	assert_int_equal(tree_stat(t, &node, &attr), 0);
	return attr.mtime_ns;
}

int save_text(
	struct tree *t, const struct node *node, const char *text, const struct call_limit *limit)
{
	return tree_save(t, node, &(struct tree_text){ .data = text, .len = strlen(text) }, limit);
}

int save_at(struct tree *t, const char *path, const char *text)
{
	struct node node = node_at(t, path);

	return save_text(t, &node, text, NULL);
}

int save_from(struct tree *t, const char *path, const char *base, const char *text)
{
	struct node node = node_at(t, path);
	scoped(buf_fini) struct buf read = BUF_INIT;

	buf_add_str(&read, base);
	return tree_save(t, &node,
		&(struct tree_text){ .data = text, .len = strlen(text), .base = &read }, NULL);
}

static bool add_name(void *data, const char *name, const struct node *node)
{
	(void)node;
	buf_add_fmt(data, "%s\n", name);
	return true;
}

char *names_at(struct tree *t, const char *path)
{
	struct node node = node_at(t, path);
	struct buf names = BUF_INIT;

	assert_int_equal(tree_list(t, &node, NULL, add_name, &names), 0);
	return buf_take(&names);
}

void assert_reads(struct tree *t, const char *path, const char *text)
{
	scoped(free_ptr) char *is = read_at(t, path);

	assert_string_equal(is, text);
}
