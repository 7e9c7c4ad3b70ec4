/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scratch files. */
#include "scratch.h"

#include <errno.h>

#include "notify.h"
#include "request.h"
#include "storyfs/clock.h"
#include "upload.h"

enum {
	EXPIRE_MS = 24 * 60 * 60 * 1000,
	SWEEP_MS = 60 * 1000, /* how often old files are looked for */
};

struct file *scratch_add(struct fs *fs, uint64_t dir, const char *name)
{
	scoped(buf_fini) struct buf empty = BUF_INIT;
	struct file *f = files_add(&fs->files, 0);

	file_load(&fs->files, f, &empty);
	file_changed(&fs->files, f);
	f->atime_ns = f->mtime_ns;
	files_bind(&fs->files, f, dir, name);
	return f;
}

int scratch_make(fuse_req_t req, const struct spot *spot, mode_t mode, struct file **ret)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	if (!spot->is_writable)
		return -EACCES;
	if (!files_names_left(&request_fs(req)->files))
		return -ENOSPC;
	struct file *f = scratch_add(request_fs(req), spot->dir, spot->name);

	f->mode = mode;
	f->uid = ctx->uid;
	f->gid = ctx->gid;
	f->is_link = S_ISLNK(mode);
	int r = S_ISREG(mode) && spot->takes_files ? upload_begin(request_fs(req), f, spot) : 0;

	if (r < 0) {
		files_unbind(&request_fs(req)->files, f->entry);
		return r;
	}
	*ret = f;
	return 0;
}

/* In how many ms the entry ends; 0 or less when it has. */
static int64_t time_left(const struct entry *e, int64_t now)
{
	const struct file *f = e->file;

	if (!f)
		return e->until_ms - now;
	if (f->is_field || f->is_rejected || f->n_handles || f->n_refs)
		return SWEEP_MS;
	return f->used_ms + EXPIRE_MS - now;
}

/* The lock is held. */
static int64_t sweep_dir(struct fs *fs, struct dir *d, int64_t now)
{
	int64_t next = SWEEP_MS;
	struct entry *e, *next_entry;

	HASH_ITER(hh, d->entries, e, next_entry) {
		int64_t left = time_left(e, now);

		if (left > 0) {
			next = left < next ? left : next;
			continue;
		}
		notify_entry(fs->notifier, d->number, e->name);
		files_unbind(&fs->files, e);
	}
	return next;
}

int64_t scratch_sweep(void *data)
{
	struct fs *fs = data;
	int64_t now = clock_monotonic_ms(), next = SWEEP_MS;

	lock_scope(&fs->lock);
	seen_sweep(&fs->files.seen);
	for (struct dir *d = fs->files.dirs; d; d = d->hh.next) {
		int64_t left = sweep_dir(fs, d, now);

		next = left < next ? left : next;
	}
	return next;
}
