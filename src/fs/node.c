/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes: lookup, attributes, links. */
#include "node.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ahead.h"
#include "attr.h"
#include "denied.h"
#include "handle.h"
#include "permit.h"
#include "request.h"
#include "save.h"
#include "spot.h"
#include "storyfs/clock.h"
#include "upload.h"

void node_forget(struct fs *fs, uint64_t number, uint64_t n)
{
	lock_scope(&fs->lock);
	struct file *f = number & NUMBER_OWN ? files_find(&fs->files, number) : NULL;

	if (!f)
		return;
	f->n_lookups -= n < f->n_lookups ? n : f->n_lookups;
	files_drop_idle(&fs->files, f);
}

bool node_of_number(struct fs *fs, uint64_t number, struct node *ret)
{
	const struct file *f = files_find(&fs->files, number);

	if (!f)
		return tree_node(number, ret);
	if (f->is_field)
		*ret = f->node;
	return f->is_field;
}

int node_get_file(struct fs *fs, uint64_t number, struct file **ret)
{
	struct file *f = files_find(&fs->files, number);
	struct node_attr attr;
	struct node node;

	if (f) {
		*ret = f;
		return 0;
	}
	if (!tree_node(number, &node))
		return -ESTALE;
	int r = tree_stat(fs->tree, &node, &attr);

	if (r)
		return r < 0 ? r : -ESTALE;
	if (attr.type == NODE_DIR)
		return -EISDIR;
	if (fs->config.read_only)
		return -EROFS;
	if (!attr.writable || attr.type != NODE_FILE)
		return -EACCES;
	f = files_of_node(&fs->files, &node);
	if (!f) {
		f = files_add(&fs->files, number);
		file_become_field(&fs->files, f, &node);
	}
	*ret = f;
	return 0;
}

void node_load(struct fs *fs, struct file *f)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	if (f->loaded)
		return;
	/* A resource that is gone reads as nothing; saving it will say what is wrong. */
	if (tree_read(fs->tree, &f->node, &text) < 0)
		buf_reset(&text);
	file_load(&fs->files, f, &text);
}

int node_truncate(struct fs *fs, struct file *f, uint64_t size)
{
	if (size > file_max(f))
		return -EFBIG;
	node_load(fs, f);
	int r = file_resize(&fs->files, f, size);

	if (r < 0)
		return r;
	file_changed(&fs->files, f);
	f->bare = size == 0;
	return 0;
}

void node_displace(struct fs *fs, struct file *f)
{
	struct stat st = { 0 };
	double valid_s;

	attr_get(fs, f->number, &st, &valid_s);
	node_load(fs, f);
	file_become_scratch(&fs->files, f);
	f->settled = f->gen;
	f->mode = st.st_mode ? st.st_mode : S_IFREG | 0600;
	f->uid = st.st_uid;
	f->gid = st.st_gid;
	f->mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
	f->atime_ns = f->mtime_ns;
	f->ctime_ns = files_now_ns(&fs->files);
}

/* Nobody tells the kernel when something comes into the directory. */
static bool is_live(struct fs *fs, uint64_t dir)
{
	struct node_attr attr;
	struct node node;

	return tree_node(dir, &node) && tree_stat(fs->tree, &node, &attr) == 0 && attr.live;
}

static int lookup(fuse_req_t req, uint64_t dir, const char *name, struct fuse_entry_param *ret)
{
	struct fs *fs = request_fs(req);
	struct call_limit limit = request_limit(req);
	struct spot spot;
	uint64_t number;
	int r = spot_find(fs, dir, name, &limit, &spot);

	if (r < 0)
		return r;
	lock_scope(&fs->lock);
	switch (spot_mean(fs, &spot, &number)) {
	case MEANS_NOTHING:
		*ret = (struct fuse_entry_param){ .entry_timeout = NEGATIVE_S };
		if (is_live(fs, dir) || save_is_error_name(fs, dir, name))
			ret->entry_timeout = 0;
		return 0;
	case MEANS_VACATED:
		return -ENOENT;
	case MEANS_NODE:
	case MEANS_FIELD:
	case MEANS_SCRATCH:
		break;
	}
	r = attr_get_entry(fs, number, ret);
	if (spot.in_tree && ret->entry_timeout > 0 &&
		(tree_is_alias(&spot.node, name) || ret->attr_timeout == 0))
		ret->entry_timeout = ALIAS_S;
	return r;
}

void fs_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e;

	request_end_entry(req, lookup(req, parent, name, &e), &e);
}

void fs_op_forget(fuse_req_t req, fuse_ino_t number, uint64_t n)
{
	node_forget(request_fs(req), number, n);
	fuse_reply_none(req);
}

void fs_op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		node_forget(request_fs(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static int get_attr(struct fs *fs, uint64_t number, struct stat *ret, double *ret_valid_s)
{
	lock_scope(&fs->lock);
	return attr_get(fs, number, ret, ret_valid_s);
}

static void reply_attr(fuse_req_t req, uint64_t number, int r)
{
	double valid_s = 0;
	struct stat st;

	if (r == 0)
		r = get_attr(request_fs(req), number, &st, &valid_s);
	if (r)
		request_end(req, r);
	else
		fuse_reply_attr(req, &st, valid_s);
}

void fs_op_getattr(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi)
{
	(void)fi;
	reply_attr(req, number, 0);
}

/* Truncate by descriptor (h), whose flush sends it, or by path: then it is sent now, unless
 * somebody is writing. */
static int set_size(fuse_req_t req, uint64_t number, uint64_t size, struct handle *h)
{
	struct fs *fs = request_fs(req);
	struct call_limit limit = request_limit(req);
	struct process who = process_of_thread(fuse_req_ctx(req)->pid);
	struct file *f = NULL;
	bool send = false;

	{
		lock_scope(&fs->lock);
		int r = node_get_file(fs, number, &f);

		if (r == 0 && !h)
			r = permit_access(req, f, W_OK);
		if (r == 0) {
			file_begin_change(f, who,
				h	      ? &h->base
				: f->is_field ? seen_find(&fs->files.seen, who, &f->node)
					      : NULL);
			r = node_truncate(fs, f, size);
		}
		if (r < 0)
			return r;
		if (h)
			h->wrote = f->gen;
		send = f->is_field && !f->n_writers;
		f->n_refs++;
	}
	ahead_settle(fs->ahead, number);
	int r = send ? save_file(fs, f, &limit) : 0;

	save_finish(fs, f);
	return r;
}

/* A time beyond what 64 bits of nanoseconds hold (years 1677 to 2262) is the last that they do. */
static int64_t ns_of(struct timespec ts)
{
	const int64_t second = 1000000000;
	time_t max = INT64_MAX / second - 1;

	if (ts.tv_sec > max)
		return max * second;
	if (ts.tv_sec < -max)
		return -max * second;
	return ts.tv_sec * second + ts.tv_nsec;
}

static void set_scratch(struct fs *fs, struct file *f, const struct stat *attr, unsigned set)
{
	int64_t now = files_now_ns(&fs->files);

	if (set & FUSE_SET_ATTR_MODE)
		f->mode = (f->mode & S_IFMT) | (attr->st_mode & 07777);
	if (set & FUSE_SET_ATTR_UID)
		f->uid = attr->st_uid;
	if (set & FUSE_SET_ATTR_GID)
		f->gid = attr->st_gid;
	if (set & FUSE_SET_ATTR_ATIME)
		f->atime_ns = set & FUSE_SET_ATTR_ATIME_NOW ? now : ns_of(attr->st_atim);
	if (set & FUSE_SET_ATTR_MTIME)
		f->mtime_ns = set & FUSE_SET_ATTR_MTIME_NOW ? now : ns_of(attr->st_mtim);
	f->ctime_ns = now;
	f->used_ms = clock_monotonic_ms();
}

/* Mode, owner and times. What the tree shows keeps its own; see the contract in fs.h. */
static int set_others(fuse_req_t req, uint64_t number, const struct stat *attr, unsigned set)
{
	struct fs *fs = request_fs(req);
	lock_scope(&fs->lock);
	struct file *f = files_find(&fs->files, number);
	struct node_attr node_attr;
	struct node node;

	if (f && !f->is_field) {
		int r = permit_owner(req, f, attr, set);

		if (r == 0)
			set_scratch(fs, f, attr, set);
		return r;
	}
	if (!node_of_number(fs, number, &node) || tree_stat(fs->tree, &node, &node_attr))
		return -ESTALE;
	return node_attr.writable || node_attr.remote ? 0 : -EPERM;
}

void fs_op_setattr(
	fuse_req_t req, fuse_ino_t number, struct stat *attr, int set, struct fuse_file_info *fi)
{
	struct handle *h = fi ? handle_of(fi) : NULL;
	unsigned others =
		(unsigned)set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID |
					FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME);
	int r = 0;

	if (set & FUSE_SET_ATTR_SIZE)
		r = set_size(req, number, (uint64_t)attr->st_size, h);
	if (r < 0)
		denied_note_write(request_fs(req), number, r);
	if (r == 0 && others)
		r = set_others(req, number, attr, (unsigned)set);
	reply_attr(req, number, r);
}

static int read_link(struct fs *fs, uint64_t number, struct buf *ret)
{
	lock_scope(&fs->lock);
	struct file *f = files_find(&fs->files, number);
	struct node node;

	if (f && f->is_link) {
		buf_add(ret, f->bytes.data, f->bytes.len);
		f->used_ms = clock_monotonic_ms();
		return 0;
	}
	if (f || !tree_node(number, &node))
		return -EINVAL;
	return tree_read(fs->tree, &node, ret);
}

void fs_op_readlink(fuse_req_t req, fuse_ino_t number)
{
	scoped(buf_fini) struct buf target = BUF_INIT;
	int r = read_link(request_fs(req), number, &target);

	if (r)
		request_end(req, r);
	else
		fuse_reply_readlink(req, buf_str(&target));
}

/* What the tree shows may be written where its mode says so of anybody. */
static int get_access(fuse_req_t req, uint64_t number, int wanted)
{
	struct fs *fs = request_fs(req);
	lock_scope(&fs->lock);
	const struct file *f = files_find(&fs->files, number);
	struct stat st;
	double valid_s;

	if (f && !f->is_field)
		return permit_access(req, f, wanted);
	int r = attr_get(fs, number, &st, &valid_s);

	if (r == 0 && (wanted & W_OK) && !(st.st_mode & 0222))
		r = -EACCES;
	if (r == 0 && (wanted & X_OK) && !(st.st_mode & 0111))
		r = -EACCES;
	return r;
}

/* Asked only when the kernel does not check modes itself. */
void fs_op_access(fuse_req_t req, fuse_ino_t number, int mask)
{
	request_end(req, get_access(req, number, mask));
}

/* Is it a directory whose files are sent, or one of those? */
static bool is_for_uploads(struct fs *fs, uint64_t number)
{
	struct node_attr attr;
	struct node node;

	{
		lock_scope(&fs->lock);
		const struct file *f = files_find(&fs->files, number);

		if (f)
			return f->is_spooled;
	}
	return tree_node(number, &node) && tree_stat(fs->tree, &node, &attr) == 0 &&
	       attr.takes_files;
}

/* What is there is the server's, and has no size: free is what we can keep for whoever asks, in
 * memory, or on disk until it is sent. */
void fs_op_statfs(fuse_req_t req, fuse_ino_t number)
{
	struct fs *fs = request_fs(req);
	struct statvfs st = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX };
	bool is_on_disk = is_for_uploads(fs, number);
	uint64_t room = is_on_disk ? upload_room(fs) : FILES_MAX;

	pthread_mutex_lock(&fs->lock);
	uint64_t used = is_on_disk ? 0 : fs->files.total;

	st.f_files = N_FILES_MAX;
	st.f_ffree = st.f_favail = files_names_left(&fs->files);
	pthread_mutex_unlock(&fs->lock);
	st.f_blocks = room / st.f_frsize;
	used = (used + st.f_frsize - 1) / st.f_frsize;
	if (!fs->config.read_only)
		st.f_bfree = st.f_bavail = used < st.f_blocks ? st.f_blocks - used : 0;
	fuse_reply_statfs(req, &st);
}
