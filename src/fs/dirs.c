/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making and removing directories, which is making and deleting resources. */
#include <errno.h>

#include "attr.h"
#include "denied.h"
#include "mount.h"
#include "notify.h"
#include "request.h"
#include "save.h"
#include "spot.h"

static int get_entry(struct fs *fs, const struct node *node, struct fuse_entry_param *ret)
{
	lock_scope(&fs->lock);
	int r = attr_get_entry(fs, tree_number(node), ret);

	ret->entry_timeout = ALIAS_S;
	return r;
}

static bool is_free(struct fs *fs, const struct spot *spot)
{
	uint64_t number;

	lock_scope(&fs->lock);
	return spot_mean(fs, spot, &number) == MEANS_NOTHING;
}

static int make(fuse_req_t req, uint64_t dir, const char *name, struct fuse_entry_param *ret)
{
	struct fs *fs = request_fs(req);
	struct call_limit limit = request_limit(req);
	struct node dir_node, node;
	struct spot spot;
	int r = spot_find(fs, dir, name, &limit, &spot);

	if (r < 0)
		return r;
	if (!is_free(fs, &spot))
		return -EEXIST;
	if (fs->config.read_only)
		return -EROFS;
	if (!tree_node(dir, &dir_node))
		return -ESTALE;
	r = tree_make(fs->tree, &dir_node, name, &limit, &node);
	save_notify_error(fs, &dir_node);
	return r < 0 ? r : get_entry(fs, &node, ret);
}

void fs_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fuse_entry_param e;

	(void)mode;
	request_end_entry(req, make(req, parent, name, &e), &e);
}

/* Our own files in it would be lost. */
static bool has_files(struct fs *fs, const struct node *node)
{
	lock_scope(&fs->lock);
	struct dir *dir = files_dir(&fs->files, tree_number(node));

	for (struct entry *e = dir ? dir->entries : NULL; e; e = e->hh.next) {
		if (e->file && !e->file->is_field)
			return true;
	}
	return false;
}

static int remove_dir(fuse_req_t req, uint64_t dir, const char *name)
{
	struct fs *fs = request_fs(req);
	struct call_limit limit = request_limit(req);
	struct node dir_node, told;
	struct spot spot;
	int r = spot_find(fs, dir, name, &limit, &spot);

	if (r < 0)
		return r;
	if (is_free(fs, &spot))
		return -ENOENT;
	if (!spot.in_tree)
		return -ENOTDIR;
	if (fs->config.read_only)
		return -EROFS;
	if (!tree_node(dir, &dir_node))
		return -ESTALE;
	if (has_files(fs, &spot.node))
		return denied_note_at(fs, TREE_REMOVE, &spot, -ENOTEMPTY);
	if (tree_error_dir(fs->tree, &spot.node, &told) < 0)
		told = dir_node;
	r = tree_remove(fs->tree, &spot.node, &limit);
	save_notify_error(fs, &told);
	if (r == 0 && tree_is_alias(&spot.node, name))
		notify_entry(fs->notifier, dir, name);
	return r;
}

void fs_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	request_end(req, remove_dir(req, parent, name));
}
