/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names in directories: the entries of ours over those of the tree. */
#include "spot.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static bool is_writable(struct fs *fs, const struct node *node, enum node_type type)
{
	struct node_attr attr;

	return !fs->config.read_only && tree_stat(fs->tree, node, &attr) == 0 && attr.writable &&
	       attr.type == type;
}

static bool takes_files(struct fs *fs, const struct node *node)
{
	struct node_attr attr;

	return tree_stat(fs->tree, node, &attr) == 0 && attr.takes_files;
}

int spot_find(struct fs *fs, uint64_t dir, const char *name, const struct call_limit *limit,
	struct spot *ret)
{
	struct spot spot = { .dir = dir, .name = name };
	struct node dir_node;

	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	if (!tree_node(dir, &dir_node))
		return -ESTALE;
	int r = tree_lookup(fs->tree, &dir_node, name, limit, &spot.node);

	if (r < 0)
		return r;
	spot.in_tree = r == 0;
	spot.is_writable = is_writable(fs, &dir_node, NODE_DIR);
	spot.takes_files = takes_files(fs, &dir_node);
	spot.is_field = spot.in_tree && is_writable(fs, &spot.node, NODE_FILE);
	*ret = spot;
	return 0;
}

struct file *spot_make_field(struct fs *fs, uint64_t dir, const char *name, const struct node *node)
{
	uint64_t number = tree_number(node);
	bool is_taken = files_find(&fs->files, number) != NULL;
	struct file *f = files_add(&fs->files, is_taken ? 0 : number);
	struct entry *e = files_entry(&fs->files, dir, name);

	file_become_field(&fs->files, f, node);
	if (is_taken)
		files_bind(&fs->files, f, dir, name);
	else if (e)
		files_unbind(&fs->files, e);
	return f;
}

enum meaning spot_mean(struct fs *fs, const struct spot *spot, uint64_t *ret_number)
{
	struct entry *e = files_entry(&fs->files, spot->dir, spot->name);

	*ret_number = 0;
	if (e && !e->file)
		return MEANS_VACATED;
	if (e) {
		*ret_number = e->file->number;
		return e->file->is_field ? MEANS_FIELD : MEANS_SCRATCH;
	}
	if (!spot->in_tree)
		return MEANS_NOTHING;
	*ret_number = tree_number(&spot->node);
	if (!spot->is_field)
		return MEANS_NODE;
	const struct file *f = files_find(&fs->files, *ret_number);

	if (f && !f->is_field)
		*ret_number = spot_make_field(fs, spot->dir, spot->name, &spot->node)->number;
	return MEANS_FIELD;
}
