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

	if (spot->in_tree)
		return denied_note_at(fs, TREE_WRITE, spot, r);
	if (!tree_node(spot->dir, &d.dir))
		return r;
	d.node = d.dir;
	return denied_note(fs, &d, r);
}

void denied_note_write(struct fs *fs, uint64_t number, int r)
{
	struct tree_denied d = { .act = TREE_WRITE };

	if (tree_node(number, &d.node))
		denied_note(fs, &d, r);
}
