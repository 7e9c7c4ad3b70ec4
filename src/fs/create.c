/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New names: scratch files and links of both sorts, and the save of a field whose name was
 * vacated. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "attr.h"
#include "denied.h"
#include "handle.h"
#include "mount.h"
#include "node.h"
#include "permit.h"
#include "request.h"
#include "save.h"
#include "scratch.h"
#include "seed.h"
#include "spot.h"

/* The field whose name was vacated is there again, as an empty file. */
static struct file *make_vacated(struct fs *fs, const struct spot *spot)
{
	struct node node = files_entry(&fs->files, spot->dir, spot->name)->node;
	struct file *f = files_of_node(&fs->files, &node);

	if (!f)
		f = spot_make_field(fs, spot->dir, spot->name, &node);
	node_truncate(fs, f, 0);
	return f;
}

static int make_scratch(fuse_req_t req, const struct spot *spot, mode_t mode, struct file **ret)
{
	int r = scratch_make(req, spot, S_IFREG | (mode & 07777), ret);

	if (r == 0 && seed_is_spot(spot))
		seed_begin(*ret);
	return r;
}

/* The file to open at the spot, made if there is none. The lock is held. */
static int open_spot(fuse_req_t req, const struct spot *spot, mode_t mode,
	const struct fuse_file_info *fi, struct file **ret)
{
	struct fs *fs = request_fs(req);
	uint64_t number;
	enum meaning meaning = spot_mean(fs, spot, &number);

	switch (meaning) {
	case MEANS_NOTHING:
		return make_scratch(req, spot, mode, ret);
	case MEANS_VACATED:
		*ret = make_vacated(fs, spot);
		return 0;
	case MEANS_NODE:
	case MEANS_FIELD:
	case MEANS_SCRATCH:
		break;
	}
	if (fi->flags & O_EXCL)
		return -EEXIST;
	int r = node_get_file(fs, number, ret);

	if (r == 0)
		r = (*ret)->is_link ? -ELOOP : permit_open(req, *ret, fi->flags);
	return r;
}

static int create(fuse_req_t req, const struct spot *spot, mode_t mode, struct fuse_file_info *fi,
	struct fuse_entry_param *ret)
{
	struct fs *fs = request_fs(req);
	struct file *f;

	lock_scope(&fs->lock);
	int r = open_spot(req, spot, mode, fi, &f);

	if (r < 0)
		return r;
	r = handle_open(req, f, fi);
	if (r < 0)
		return r;
	/* A vacated field that was made again is emptied, by this descriptor. */
	if (f->is_field && f->gen != f->settled)
		handle_of(fi)->wrote = f->gen;
	return attr_get_entry(fs, f->number, ret);
}

void fs_op_create(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct fs *fs = request_fs(req);
	struct call_limit limit = request_limit(req);
	struct fuse_entry_param e = { 0 };
	struct spot spot;
	int r = spot_find(fs, parent, name, &limit, &spot);

	fi->fh = 0;
	if (r == 0)
		r = denied_note_making(fs, TREE_MAKE_FILE, &spot, create(req, &spot, mode, fi, &e));
	if (r == 0 && fuse_reply_create(req, &e, fi) != -ENOENT)
		return;
	if (r)
		request_end(req, r);
	else
		node_forget(fs, e.ino, 1);
	if (fi->fh)
		handle_close(fs, handle_of(fi));
}

/* The new link is nowhere when there is no room for its target. */
static int set_target(struct fs *fs, struct file *f, const char *target)
{
	int r = file_resize(&fs->files, f, strlen(target));

	if (r == 0)
		memcpy(f->bytes.data, target, strlen(target));
	else
		files_unbind(&fs->files, f->entry);
	return r;
}

static int make_node(fuse_req_t req, const struct spot *spot, mode_t mode, const char *target,
	struct fuse_entry_param *ret)
{
	struct fs *fs = request_fs(req);
	struct file *f = NULL;
	uint64_t number;

	lock_scope(&fs->lock);
	switch (spot_mean(fs, spot, &number)) {
	case MEANS_NOTHING:
		break;
	case MEANS_VACATED:
		return -EPERM;
	case MEANS_NODE:
	case MEANS_FIELD:
	case MEANS_SCRATCH:
		return -EEXIST;
	}
	int r = scratch_make(req, spot, mode, &f);

	if (r == 0 && target)
		r = set_target(fs, f, target);
	return r < 0 ? r : attr_get_entry(fs, f->number, ret);
}

static void make(fuse_req_t req, uint64_t dir, const char *name, mode_t mode, const char *target)
{
	struct call_limit limit = request_limit(req);
	struct fuse_entry_param e;
	struct spot spot;
	struct fs *fs = request_fs(req);
	int r = spot_find(fs, dir, name, &limit, &spot);

	if (r == 0)
		r = denied_note_making(fs, S_ISREG(mode) ? TREE_MAKE_FILE : TREE_MAKE_OTHER, &spot,
			S_ISREG(mode) || target ? make_node(req, &spot, mode, target, &e) : -EPERM);
	request_end_entry(req, r, &e);
}

void fs_op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)rdev;
	make(req, parent, name, mode, NULL);
}

void fs_op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make(req, parent, name, S_IFLNK | 0777, target);
}

/* Another name for a plain file, where a name is nothing but that. */
static int add_name(
	struct fs *fs, uint64_t number, const struct spot *spot, struct fuse_entry_param *ret)
{
	lock_scope(&fs->lock);
	struct file *f = files_find(&fs->files, number);
	uint64_t other;
	enum meaning meaning = spot_mean(fs, spot, &other);

	if (meaning != MEANS_NOTHING && meaning != MEANS_VACATED)
		return -EEXIST;
	if (!f || !file_is_plain(f) || f->is_rejected || meaning == MEANS_VACATED ||
		seed_is_spot(spot) || spot->takes_files)
		return -EPERM;
	if (!f->entry)
		return -ENOENT;
	if (!spot->is_writable)
		return -EACCES;
	if (!files_names_left(&fs->files))
		return -ENOSPC;
	files_bind(&fs->files, f, spot->dir, spot->name);
	f->ctime_ns = files_now_ns(&fs->files);
	return attr_get_entry(fs, number, ret);
}

void fs_op_link(fuse_req_t req, fuse_ino_t number, fuse_ino_t parent, const char *name)
{
	struct fs *fs = request_fs(req);
	struct call_limit limit = request_limit(req);
	struct fuse_entry_param e;
	struct spot spot;
	int r = spot_find(fs, parent, name, &limit, &spot);

	if (r == 0)
		r = denied_note_making(fs, TREE_MAKE_OTHER, &spot, add_name(fs, number, &spot, &e));
	request_end_entry(req, r, &e);
}
