/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes. A node has the tree's, and the kernel may keep them: changes are notified. A file
 * with bytes in memory has its own, and the kernel asks each time: its size and time say what a
 * read would give right now, which no notification could keep up with.
 */
#include "attr.h"

#include <errno.h>

#include "save.h"
#include "storyfs/clock.h"

static struct timespec timespec_of(int64_t ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	if (ts.tv_nsec < 0) {
		ts.tv_sec--;
		ts.tv_nsec += 1000000000;
	}
	return ts;
}

static void set_times(struct stat *st, int64_t atime_ns, int64_t mtime_ns, int64_t ctime_ns)
{
	st->st_atim = timespec_of(atime_ns);
	st->st_mtim = timespec_of(mtime_ns);
	st->st_ctim = timespec_of(ctime_ns);
}

static void set_size(struct stat *st, uint64_t size)
{
	st->st_size = (off_t)size;
	st->st_blocks = (blkcnt_t)((size + 511) / 512);
}

static mode_t mode_of(const struct fs *fs, const struct node_attr *attr)
{
	bool changes = attr->writable || attr->grows || attr->gives;
	bool writable = changes && !fs->config.read_only;

	switch (attr->type) {
	case NODE_LINK:
		return S_IFLNK | 0777;
	case NODE_DIR:
		return (S_IFDIR | (writable ? 0755 : 0555)) & ~fs->config.umask;
	case NODE_FILE:
		break;
	}
	return (S_IFREG | (writable ? 0644 : 0444)) & ~fs->config.umask;
}

/* Without an open nothing but another time makes the kernel read a file again. */
static int64_t live_mtime(const struct fs *fs, int64_t otherwise)
{
	return fs->is_openless ? clock_now_ms() * 1000000 : otherwise;
}

static int stat_node(struct fs *fs, const struct node *node, struct stat *ret, double *ret_valid_s)
{
	struct node_attr attr;
	uint64_t number = tree_number(node);
	int r = tree_stat(fs->tree, node, &attr);

	if (r)
		return r < 0 ? r : -ESTALE;
	if (attr.live)
		*ret_valid_s = 0;
	int64_t mtime = files_pinned(&fs->files, number, attr.mtime_ns);

	if (attr.live && attr.type == NODE_FILE)
		mtime = live_mtime(fs, mtime);
	const struct dir *dir = files_dir(&fs->files, number);

	if (dir && dir->mtime_ns > mtime)
		mtime = dir->mtime_ns;
	*ret = (struct stat){ .st_ino = number,
		.st_mode = mode_of(fs, &attr),
		.st_nlink = attr.type == NODE_DIR ? 2 : 1,
		.st_uid = fs->config.uid,
		.st_gid = fs->config.gid,
		.st_blksize = 4096 };
	set_size(ret, attr.size);
	set_times(ret, mtime, mtime, mtime);
	return 0;
}

static void stat_scratch(const struct file *f, struct stat *ret)
{
	*ret = (struct stat){ .st_ino = f->number,
		.st_mode = f->mode,
		.st_nlink = f->n_names,
		.st_uid = f->uid,
		.st_gid = f->gid,
		.st_blksize = 4096 };
	set_size(ret, file_size(f));
	set_times(ret, f->atime_ns, f->mtime_ns, f->ctime_ns);
}

/* The tree's attributes, but for what the bytes in memory changed. */
static int stat_field(struct fs *fs, struct file *f, struct stat *ret, double *ret_valid_s)
{
	int r = stat_node(fs, &f->node, ret, ret_valid_s);

	if (r < 0)
		return r;
	ret->st_ino = f->number;
	if (!f->loaded)
		return 0;
	set_size(ret, f->bytes.len);
	if (f->gen == f->settled && !f->refused)
		return 0;
	set_times(ret, f->mtime_ns, f->mtime_ns, f->ctime_ns);
	f->seen = true;
	return 0;
}

int attr_get(struct fs *fs, uint64_t number, struct stat *ret, double *ret_valid_s)
{
	struct file *f = files_find(&fs->files, number);
	struct node node;

	*ret_valid_s = f && (!f->is_field || f->loaded || f->stale) ? 0 : FOREVER_S;
	if (f && f->is_field)
		return stat_field(fs, f, ret, ret_valid_s);
	if (f) {
		stat_scratch(f, ret);
		return 0;
	}
	if (!tree_node(number, &node))
		return -ESTALE;
	return stat_node(fs, &node, ret, ret_valid_s);
}

int attr_get_entry(struct fs *fs, uint64_t number, struct fuse_entry_param *ret)
{
	struct file *f = files_find(&fs->files, number);

	*ret = (struct fuse_entry_param){ .ino = number, .entry_timeout = FOREVER_S };
	int r = attr_get(fs, number, &ret->attr, &ret->attr_timeout);

	if (save_is_error(number))
		ret->entry_timeout = 0;
	if (r == 0 && f && (number & NUMBER_OWN))
		f->n_lookups++;
	return r;
}
