/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open files: reading, writing, and when what was written is complete.
 *
 * `echo x > f` opens, truncates, duplicates the descriptor and closes the first one, which is a
 * flush, before it writes; groups, loops and pipes flush once a child. So a flush is the end of a
 * save only if data followed the truncation, and if it comes from the process that opened the file
 * and has no other descriptor to write it. What never meets that is saved at the last close.
 */
#include "handle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <utlist.h>

#include "ahead.h"
#include "denied.h"
#include "node.h"
#include "notify.h"
#include "permit.h"
#include "process.h"
#include "request.h"
#include "save.h"
#include "storyfs/clock.h"
#include "upload.h"

enum { SETTLE_MS = 250 }; /* of a kernel that is busy with something else */

struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh; /* NOLINT(performance-no-int-to-ptr) */
}

static bool is_for_writing(const struct fuse_file_info *fi)
{
	return (fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC);
}

/* Opened anew, a field that was saved shows the server's form of the text. */
static void read_anew(struct fs *fs, struct file *f, struct fuse_file_info *fi)
{
	if (f->is_field && f->loaded && !f->n_writers && f->gen == f->settled) {
		file_unload(&fs->files, f);
		f->stale = true;
	}
	fi->keep_cache = !f->stale;
	f->stale = false;
}

/* The field's text as the server has it, as far as is known. */
static void read_field(struct fs *fs, const struct node *node, struct buf *ret)
{
	if (tree_read(fs->tree, node, ret) < 0)
		buf_reset(ret);
}

/* What will be written is made from what the process was shown last, unless it goes on from what
 * there is now: it appends, or reads by the same descriptor. */
static void find_base(struct fs *fs, struct handle *h, int flags)
{
	const struct file *f = h->file;
	bool goes_on = (flags & O_APPEND) || ((flags & O_ACCMODE) == O_RDWR && !(flags & O_TRUNC));
	const struct buf *seen = goes_on ? NULL : seen_find(&fs->files.seen, h->opener, &f->node);

	if (seen)
		buf_add(&h->base, buf_str(seen), seen->len);
	else
		read_field(fs, &f->node, &h->base);
}

static void note_shown(struct fs *fs, struct process who, const struct node *node)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	const struct file *f = files_of_node(&fs->files, node);

	if (f && f->loaded)
		buf_add(&text, buf_str(&f->bytes), f->bytes.len);
	else
		read_field(fs, node, &text);
	seen_note(&fs->files.seen, who, node, &text);
}

static void find_saved(struct fs *fs, struct handle *h)
{
	const struct buf *saved = seen_find(&fs->files.seen, h->opener, &h->file->node);

	if (saved)
		buf_add(&h->base, buf_str(saved), saved->len);
}

static void begin_field(struct fs *fs, struct handle *h, int flags)
{
	struct file *f = h->file;

	if (h->writes)
		find_base(fs, h, flags);
	if ((flags & O_ACCMODE) != O_WRONLY && !(flags & O_TRUNC))
		note_shown(fs, h->opener, &f->node);
	if (h->writes && ((flags & O_TRUNC) || (f->gen != f->settled && !f->has_base)))
		file_begin_change(f, h->opener, &h->base);
}

int handle_open(fuse_req_t req, struct file *f, struct fuse_file_info *fi)
{
	struct fs *fs = request_fs(req);
	struct handle *h = xcalloc(1, sizeof(*h));

	read_anew(fs, f, fi);
	h->file = f;
	h->writes = is_for_writing(fi);
	h->opener = process_of_thread(fuse_req_ctx(req)->pid);
	if (f->is_field && f->node.field >= 0)
		begin_field(fs, h, fi->flags);
	else if (f->is_field && h->writes)
		find_saved(fs, h);
	if ((fi->flags & O_TRUNC) && node_truncate(fs, f, 0) == 0)
		h->wrote = f->gen;
	f->n_handles++;
	f->n_writers += h->writes;
	f->used_ms = clock_monotonic_ms();
	fi->noflush = !h->writes;
	fi->fh = (uintptr_t)h;
	DL_APPEND(fs->handles, h);
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): utlist's macro */
static void remove_handle(struct fs *fs, struct handle *h)
{
	DL_DELETE(fs->handles, h);
}

static void handle_free(struct handle *h)
{
	buf_fini(&h->base);
	free(h);
}

void handle_close(struct fs *fs, struct handle *h)
{
	struct file *f = h->file;
	struct call_limit limit = request_patience(fs);

	pthread_mutex_lock(&fs->lock);
	remove_handle(fs, h);
	f->n_handles--;
	f->n_writers -= h->writes;
	f->n_refs++;
	bool send =
		h->writes && (f->is_field || f->is_seed) && !f->n_writers && f->gen != f->settled;

	pthread_mutex_unlock(&fs->lock);
	if (send)
		save_at_last(fs, f, &limit);
	save_finish(fs, f);
	handle_free(h);
}

void handles_fini(struct fs *fs)
{
	struct handle *h, *next;

	DL_FOREACH_SAFE(fs->handles, h, next)
	handle_free(h);
}

/* Open a file to read it that nobody has written to. Of a live one nobody tells the kernel when it
 * changes. */
static void open_clean(fuse_req_t req, uint64_t number, struct fuse_file_info *fi)
{
	struct fs *fs = request_fs(req);
	struct node_attr attr = { 0 };
	struct node node;

	if (tree_node(number, &node) && tree_stat(fs->tree, &node, &attr) == 0 && attr.writable &&
		node.field >= 0 && !fs->config.read_only)
		note_shown(fs, process_of_thread(fuse_req_ctx(req)->pid), &node);
	fi->direct_io = attr.live;
	fi->keep_cache = !fi->direct_io;
	fi->noflush = 1;
	fi->fh = 0;
}

static int open_number(fuse_req_t req, uint64_t number, struct fuse_file_info *fi)
{
	struct fs *fs = request_fs(req);

	lock_scope(&fs->lock);
	struct file *f = files_find(&fs->files, number);

	if (f && f->is_link)
		return -ELOOP;
	int r = f ? permit_open(req, f, fi->flags) : 0;

	if (!f && is_for_writing(fi))
		r = node_get_file(fs, number, &f);
	if (r < 0)
		return r;
	if (f)
		return handle_open(req, f, fi);
	open_clean(req, number, fi);
	return 0;
}

/* Not by request_end: the kernel is to hear that there is no such operation, and never ask again.
 */
static bool end_openless(fuse_req_t req)
{
	if (!request_fs(req)->is_openless)
		return false;
	fuse_reply_err(req, ENOSYS);
	return true;
}

void fs_op_open(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi)
{
	if (end_openless(req))
		return;
	int r = open_number(req, number, fi);

	if (r == 0 && is_for_writing(fi))
		ahead_settle(request_fs(req)->ahead, number);
	if (r < 0)
		denied_note_write(request_fs(req), number, r);
	if (r)
		request_end(req, r);
	else if (fuse_reply_open(req, fi) == -ENOENT && fi->fh)
		handle_close(request_fs(req), handle_of(fi));
}

/* The part of a text, appended. */
static void add_slice(struct buf *ret, const struct buf *text, size_t size, off_t off)
{
	if (off < 0 || (size_t)off >= text->len)
		return;
	size_t left = text->len - (size_t)off;

	buf_add(ret, text->data + off, left < size ? left : size);
}

/* What is fetched may fail, which is told, or work again. */
static int read_node(
	fuse_req_t req, const struct node *node, const struct file_part *part, struct buf *ret)
{
	struct fs *fs = request_fs(req);
	struct call_limit limit = request_limit(req);
	scoped(buf_fini) struct buf before = BUF_INIT;
	bool was_told = tree_error(fs->tree, node, &before) == 0;
	struct node dir;
	int r = tree_read_part(fs->tree, node, part, &limit, ret);

	if ((r < 0 || was_told) && tree_error_dir(fs->tree, node, &dir) == 0)
		save_notify_error(fs, &dir);
	return r;
}

/* The whole text of a field is given to who reads it. */
static void note_read(fuse_req_t req, const struct node *node, const struct fuse_file_info *fi,
	const struct buf *text)
{
	struct fs *fs = request_fs(req);
	struct handle *h = fi ? handle_of(fi) : NULL;

	lock_scope(&fs->lock);
	if (h && h->writes && h->file->gen == h->file->settled) {
		buf_reset(&h->base);
		buf_add(&h->base, buf_str(text), text->len);
	}
	seen_reread(&fs->files.seen, fuse_req_ctx(req)->pid, node, text);
}

/* From a spool, in memory, or the tree: 1, the node. */
static int read_here(struct fs *fs, uint64_t number, const struct file_part *part, struct buf *ret,
	struct node *ret_node)
{
	lock_scope(&fs->lock);
	struct file *f = files_find(&fs->files, number);

	if (!f || !f->loaded)
		return node_of_number(fs, number, ret_node) ? 1 : -ESTALE;
	add_slice(ret, &f->bytes, part->max, part->at);
	f->used_ms = clock_monotonic_ms();
	return 0;
}

static struct file *spooled_file(const struct fuse_file_info *fi)
{
	const struct handle *h = fi ? handle_of(fi) : NULL;

	return h && h->file->is_spooled ? h->file : NULL;
}

static int read_number(fuse_req_t req, uint64_t number, const struct file_part *part,
	const struct fuse_file_info *fi, struct buf *ret)
{
	struct fs *fs = request_fs(req);
	struct file *spooled = spooled_file(fi);
	struct node node;

	if (spooled)
		return upload_read(fs, spooled, part, ret);
	int r = read_here(fs, number, part, ret, &node);

	if (r <= 0)
		return r;
	if (node.field >= 0 && !part->at)
		ahead_note_read(fs->ahead, fuse_req_ctx(req)->pid, &node);
	r = read_node(req, &node, part, ret);
	if (r == 0 && node.field >= 0 && !part->at && ret->len < part->max && !fs->config.read_only)
		note_read(req, &node, fi, ret);
	return r;
}

void fs_op_read(
	fuse_req_t req, fuse_ino_t number, size_t size, off_t off, struct fuse_file_info *fi)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	int r = read_number(req, number, &(struct file_part){ off, size }, fi, &text);

	if (r)
		request_end(req, r);
	else
		fuse_reply_buf(req, buf_str(&text), text.len);
}

/* The length of the write, or of its beginning, if no more has room. A field's text is not cut:
 * there it fails. */
static size_t fit(const struct files *files, const struct file *f, size_t len, size_t off)
{
	uint64_t room = file_room(files, f);

	return file_is_plain(f) && off < room && room - off < len ? room - off : len;
}

/* How many bytes were written. */
static int write_file(
	struct fs *fs, struct handle *h, const struct buf *data, off_t off, bool is_mapped)
{
	lock_scope(&fs->lock);
	struct file *f = h->file;

	node_load(fs, f);
	if (off < 0 || (size_t)off > FILE_MAX)
		return -EFBIG;
	size_t len = fit(&fs->files, f, data->len, (size_t)off), end = (size_t)off + len;
	int r = end > f->bytes.len ? file_resize(&fs->files, f, end) : 0;

	if (r < 0)
		return r;
	memcpy(f->bytes.data + off, data->data, len);
	file_begin_change(f, h->opener, &h->base);
	file_changed(&fs->files, f);
	f->bare = false;
	h->wrote = f->gen;
	if (is_mapped)
		f->mapped = f->gen;
	return (int)len;
}

static int write_spool(struct fs *fs, struct handle *h, const struct buf *data, off_t off)
{
	int r = upload_write(fs, h, data, off);

	return r < 0 ? r : (int)data->len;
}

static bool appends(const struct fuse_file_info *fi)
{
	return (fi->flags & O_APPEND) && !fi->writepage;
}

/* Where the write goes: what the kernel takes for the end of the file may be out of date. */
static off_t offset_of(struct fs *fs, const struct fuse_file_info *fi, off_t off)
{
	struct file *f = handle_of(fi)->file;

	if (!appends(fi))
		return off;
	lock_scope(&fs->lock);
	node_load(fs, f);
	return (off_t)f->bytes.len;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is libfuse's */
void fs_op_write(fuse_req_t req, fuse_ino_t number, const char *data, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	struct fs *fs = request_fs(req);
	/* Borrowed, not freed. */
	const struct buf bytes = { .data = (char *)(uintptr_t)data, .len = size };
	int r = 0;

	(void)number;
	if (size && spooled_file(fi))
		r = write_spool(fs, handle_of(fi), &bytes, appends(fi) ? -1 : off);
	else if (size)
		r = write_file(fs, handle_of(fi), &bytes, offset_of(fs, fi, off), fi->writepage);
	if (r < 0)
		request_end(req, r);
	else
		fuse_reply_write(req, (size_t)r);
}

/* Has this descriptor something to send that is more than a truncation? */
static bool has_text(struct fs *fs, const struct handle *h)
{
	lock_scope(&fs->lock);
	const struct file *f = h->file;

	return (f->is_field || f->is_seed) && !f->bare &&
	       (h->wrote > f->settled || (h->writes && f->mapped > f->settled));
}

/* Whoever saved looks at once: what the save made or changed is to be seen then, in listings, too.
 */
static int save_now(struct fs *fs, struct file *f, const struct call_limit *limit)
{
	int r = save_file(fs, f, limit);

	notifier_settle(fs->notifier, SETTLE_MS);
	return r;
}

void fs_op_flush(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi)
{
	if (end_openless(req))
		return;
	struct fs *fs = request_fs(req);
	struct handle *h = handle_of(fi);
	struct call_limit limit = request_limit(req);
	int r = 0;

	if (h && has_text(fs, h)) {
		pid_t closer = process_of_thread(fuse_req_ctx(req)->pid).id;

		upload_note_killed(fs, h->file, fuse_req_ctx(req)->pid);
		if (closer == h->opener.id && !process_may_write(closer, number))
			r = save_now(fs, h->file, &limit);
	}
	request_end(req, r);
}

/* The same, of a file whose text may be sent before it is complete: what makes something new is
 * made once, at close. */
static bool has_part(struct fs *fs, const struct handle *h)
{
	{
		lock_scope(&fs->lock);
		if (h->file->is_seed || (h->file->is_field && tree_makes_new(&h->file->node)))
			return false;
	}
	return has_text(fs, h);
}

void fs_op_fsync(fuse_req_t req, fuse_ino_t number, int datasync, struct fuse_file_info *fi)
{
	struct fs *fs = request_fs(req);
	struct handle *h = handle_of(fi);
	struct call_limit limit = request_limit(req);

	(void)number;
	(void)datasync;
	request_end_sync(req, h && has_part(fs, h) ? save_now(fs, h->file, &limit) : 0);
}

void fs_op_release(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi)
{
	(void)number;
	if (fi->fh)
		handle_close(request_fs(req), handle_of(fi));
	request_end(req, 0);
}

/* Zeros in the range, as far as the file goes. */
static int zero(struct fs *fs, struct file *f, uint64_t off, uint64_t end)
{
	if (!file_is_plain(f))
		return -EOPNOTSUPP;
	if (end > f->bytes.len)
		end = f->bytes.len;
	if (off < end)
		memset(f->bytes.data + off, 0, end - off);
	file_changed(&fs->files, f);
	return 0;
}

/* As fallocate(2): nothing is set aside, for there is no place but that of what is written. */
static int allocate(struct fs *fs, struct handle *h, int mode, uint64_t off, uint64_t end)
{
	const int zeros = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
	lock_scope(&fs->lock);
	struct file *f = h->file;
	int r = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | zeros))
		return -EOPNOTSUPP;
	if (end > file_max(f))
		return -EFBIG;
	node_load(fs, f);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > file_size(f)) {
		file_begin_change(f, h->opener, &h->base);
		r = node_truncate(fs, f, end);
		h->wrote = r == 0 ? f->gen : h->wrote;
	}
	return r == 0 && (mode & zeros) ? zero(fs, f, off, end) : r;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is libfuse's */
void fs_op_fallocate(fuse_req_t req, fuse_ino_t number, int mode, off_t off, off_t len,
	struct fuse_file_info *fi)
{
	(void)number;
	request_end(req, allocate(request_fs(req), handle_of(fi), mode, (uint64_t)off,
				 (uint64_t)off + (uint64_t)len));
}
