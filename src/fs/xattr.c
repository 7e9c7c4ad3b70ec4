/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes: what a file or directory is of, why its last save was refused, and whether
 * it holds what the server does not have. */
#include <errno.h>
#include <string.h>

#include "mount.h"
#include "node.h"
#include "request.h"

enum { DIRTY = -1 };

static const struct {
	const char *name;
	int which; /* enum tree_attribute, or DIRTY */
} attributes[] = {
	{ "user.storyfs.id", TREE_ID },
	{ "user.storyfs.url", TREE_URL },
	{ "user.storyfs.version", TREE_VERSION },
	{ "user.storyfs.error", TREE_ERROR },
	{ "user.storyfs.dirty", DIRTY },
};

enum { N_ATTRIBUTES = sizeof(attributes) / sizeof(*attributes) };

/* Text that was not sent, or was refused and is still open. */
static bool is_dirty(const struct file *f)
{
	return (f->is_field || f->is_seed) && (f->gen != f->settled || f->refused);
}

/* Is the file in the directory? In the root are all that there are. */
static bool is_in(struct fs *fs, const struct file *f, uint64_t dir)
{
	struct node parent;

	if (dir == FUSE_ROOT_ID)
		return true;
	if (f->entry)
		return f->entry->dir->number == dir;
	return f->is_field && tree_parent(fs->tree, &f->node, &parent) == 0 &&
	       tree_number(&parent) == dir;
}

static int add_name(struct fs *fs, const struct file *f, struct buf *ret)
{
	if (ret->len)
		buf_add_char(ret, '\n');
	if (f->entry)
		buf_add_str(ret, f->entry->name);
	else
		tree_name(fs->tree, &f->node, ret);
	return 0;
}

/* Of a file what became of its text; of a directory the names of such files. */
static int get_dirty(struct fs *fs, uint64_t number, struct buf *ret)
{
	struct node node;
	const struct file *f = files_find(&fs->files, number);

	if (!f && tree_node(number, &node))
		f = files_of_node(&fs->files, &node);
	if (f) {
		if (!is_dirty(f))
			return 1;
		buf_add_str(ret, f->gen == f->settled ? "refused" : "unsaved");
		return 0;
	}
	for (f = fs->files.by_number; f; f = f->hh.next) {
		if (is_dirty(f) && is_in(fs, f, number))
			add_name(fs, f, ret);
	}
	return ret->len ? 0 : 1;
}

/* 1 when it has no such attribute. */
static int get_attribute(struct fs *fs, uint64_t number, int which, struct buf *ret)
{
	struct node node;

	lock_scope(&fs->lock);
	if (which == DIRTY)
		return get_dirty(fs, number, ret);
	return node_of_number(fs, number, &node)
		       ? tree_attribute(fs->tree, &node, (enum tree_attribute)which, ret)
		       : 1;
}

/* The value, or with size 0 how long it is. */
static void reply_value(fuse_req_t req, const struct buf *value, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, value->len);
	else if (value->len > size)
		request_end(req, -ERANGE);
	else
		fuse_reply_buf(req, buf_str(value), value->len);
}

/* What ls(1) asks of each file, until it hears that the filesystem has no such thing. */
static bool is_of_others(const char *name)
{
	static const char *const names[] = { "system.posix_acl_access", "system.posix_acl_default",
		"security.selinux" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

void fs_op_getxattr(fuse_req_t req, fuse_ino_t number, const char *name, size_t size)
{
	scoped(buf_fini) struct buf value = BUF_INIT;
	int r = 1;

	for (size_t i = 0; i < N_ATTRIBUTES; i++) {
		if (strcmp(name, attributes[i].name) == 0)
			r = get_attribute(request_fs(req), number, attributes[i].which, &value);
	}
	if (r > 0)
		r = is_of_others(name) ? -EOPNOTSUPP : -ENODATA;
	if (r)
		request_end(req, r);
	else
		reply_value(req, &value, size);
}

void fs_op_listxattr(fuse_req_t req, fuse_ino_t number, size_t size)
{
	scoped(buf_fini) struct buf names = BUF_INIT;

	for (size_t i = 0; i < N_ATTRIBUTES; i++) {
		scoped(buf_fini) struct buf value = BUF_INIT;

		if (get_attribute(request_fs(req), number, attributes[i].which, &value) == 0)
			buf_add(&names, attributes[i].name, strlen(attributes[i].name) + 1);
	}
	reply_value(req, &names, size);
}
