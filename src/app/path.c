/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths within a tree. */
#include "path.h"

#include <errno.h>
#include <string.h>

#include "storyfs/alloc.h"

enum { MAX_LINKS = 8 };

static int walk(struct tree *t, const char *path, int links, struct node *at);

static int follow(struct tree *t, int links, struct node *at)
{
	scoped(buf_fini) struct buf target = BUF_INIT;
	struct node_attr attr;
	struct node link = *at;
	int e = tree_stat(t, &link, &attr);

	if (e < 0 || attr.type != NODE_LINK)
		return e;
	if (links == MAX_LINKS)
		return -ELOOP;
	e = tree_read(t, &link, &target);
	if (e == 0)
		e = tree_parent(t, &link, at);
	return e < 0 ? e : walk(t, buf_str(&target), links + 1, at);
}

static int step(struct tree *t, const char *name, int links, struct node *at)
{
	struct node dir = *at;

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0)
		return tree_parent(t, &dir, at);
	int e = tree_lookup(t, &dir, name, NULL, at);

	if (e)
		return e < 0 ? e : -ENOENT;
	return follow(t, links, at);
}

static int walk(struct tree *t, const char *path, int links, struct node *at)
{
	while (*path) {
		size_t len = strcspn(path, "/");
		scoped(free_ptr) char *name = xstrndup(path, len);

		path += len + (path[len] == '/');
		if (!len)
			continue;
		int e = step(t, name, links, at);

		if (e < 0)
			return e;
	}
	return 0;
}

int path_find(struct tree *t, const char *path, struct node *ret)
{
	*ret = NODE_ROOT;
	return walk(t, path, 0, ret);
}
