/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Denials. */
#include "denied.h"

#include <errno.h>

#include "save.h"

int denied_note(struct fs *fs, const struct tree_denied *denied, int r)
{
	struct tree_denied d = *denied;
	struct node dir;

	if ((r != -EPERM && r != -EACCES && r != -ENOTEMPTY) || fs->config.read_only)
		return r;
	d.error = r;
	tree_note_denied(fs->tree, &d);
	if (d.name)
		save_notify_error(fs, &d.dir);
	if (tree_error_dir(fs->tree, &d.node, &dir) == 0)
		save_notify_error(fs, &dir);
	return r;
}

int denied_note_at(struct fs *fs, enum tree_act act, const struct spot *spot, int r)
{
	struct tree_denied d = { .act = act, .node = spot->node, .name = spot->name };

	return tree_node(spot->dir, &d.dir) ? denied_note(fs, &d, r) : r;
}

int denied_note_making(struct fs *fs, enum tree_act act, const struct spot *spot, int r)
{
	struct tree_denied d = { .act = act, .name = spot->name };

	/* A file of ours is there, or may be, whose own mode denies it. */
	if (spot->is_field || (!spot->in_tree && r == -EACCES && spot->is_writable))
		return r;
	if (spot->in_tree)
		return denied_note_at(fs, TREE_WRITE, spot, r);
	if (!tree_node(spot->dir, &d.dir))
		return r;
	d.node = d.dir;
	return denied_note(fs, &d, r);
}

static bool is_ours(struct fs *fs, uint64_t number)
{
	lock_scope(&fs->lock);
	return files_find(&fs->files, number) != NULL;
}

void denied_note_write(struct fs *fs, uint64_t number, int r)
{
	struct tree_denied d = { .act = TREE_WRITE };

	if (r < 0 && !is_ours(fs, number) && tree_node(number, &d.node))
		denied_note(fs, &d, r);
}
