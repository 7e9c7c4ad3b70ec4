/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fake tree does not do: nothing is made, moved, deleted or fetched in it. */
#include <errno.h>

#include "fake_tree.h"

bool tree_makes_new(const struct node *node)
{
	(void)node;
	return false;
}

bool tree_is_alias(const struct node *node, const char *name)
{
	(void)node;
	(void)name;
	return false;
}

int tree_make(struct tree *t, const struct node *dir, const char *name,
	const struct call_limit *limit, struct node *ret)
{
	(void)t;
	(void)dir;
	(void)name;
	(void)limit;
	(void)ret;
	return -EPERM;
}

int tree_remove(struct tree *t, const struct node *node, const struct call_limit *limit)
{
	(void)t;
	(void)node;
	(void)limit;
	return -EPERM;
}

int tree_move(struct tree *t, const struct tree_rename *rename, const struct call_limit *limit)
{
	(void)t;
	(void)rename;
	(void)limit;
	return 1;
}

void tree_note_denied(struct tree *t, const struct tree_denied *denied)
{
	(void)t;
	(void)denied;
}

void tree_note_unlink(struct tree *t, const struct node *node)
{
	(void)t;
	(void)node;
}

bool tree_makes_named(const struct node *dir, const char *name)
{
	(void)dir;
	(void)name;
	return false;
}

int tree_make_text(struct tree *t, const struct node *dir, const struct tree_text *text,
	const struct call_limit *limit, struct node *ret)
{
	(void)t;
	(void)dir;
	(void)text;
	(void)limit;
	(void)ret;
	return -EPERM;
}

int tree_attach(struct tree *t, const struct node *dir, const struct api_file *file,
	const struct call_limit *limit)
{
	(void)t;
	(void)dir;
	(void)file;
	(void)limit;
	return -EPERM;
}

int tree_error_dir(struct tree *t, const struct node *node, struct node *ret)
{
	return tree_parent(t, node, ret);
}

int tree_read_part(struct tree *t, const struct node *node, const struct file_part *part,
	const struct call_limit *limit, struct buf *ret)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	int r = tree_read(t, node, &text);

	(void)limit;
	if (r < 0 || part->at < 0 || (size_t)part->at >= text.len)
		return r;
	size_t left = text.len - (size_t)part->at;

	buf_add(ret, text.data + part->at, left < part->max ? left : part->max);
	return 0;
}
