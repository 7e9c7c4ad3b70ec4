/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Uploads. While one is sent, and afterwards, it is frozen: what comes later would be lost. */
#include "upload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "notify.h"
#include "process.h"
#include "save.h"
#include "storyfs/clock.h"
#include "storyfs/file.h"

/* What a line has to carry at least; the time for an upload grows with it. */
enum { BYTES_A_MS = 64 };

static bool is_whole(const char *name)
{
	static const char part[] = ".part";
	size_t len = strlen(name), n = sizeof(part) - 1;

	return name[0] != '.' && !(len > n && strcmp(name + len - n, part) == 0);
}

bool upload_is_spot(const struct spot *spot)
{
	return spot->takes_files && !spot->in_tree && is_whole(spot->name);
}

int upload_begin(struct fs *fs, struct file *f, const struct spot *spot)
{
	int fd = -ENOENT;

	if (fs->config.cache_dir && file_make_dirs(fs->config.cache_dir) == 0)
		fd = file_open_nameless(fs->config.cache_dir);
	if (fd < 0)
		fd = file_open_nameless(P_tmpdir);
	if (fd < 0)
		return fd;
	f->is_spooled = true;
	f->spool = fd;
	f->is_seed = upload_is_spot(spot);
	f->settled = f->gen;
	return 0;
}

uint64_t upload_room(const struct fs *fs)
{
	uint64_t room = 0;
	int r = -ENOENT;

	if (fs->config.cache_dir && file_make_dirs(fs->config.cache_dir) == 0)
		r = file_get_room(fs->config.cache_dir, &room);
	if (r < 0)
		file_get_room(P_tmpdir, &room);
	return room < SPOOL_MAX ? room : SPOOL_MAX;
}

/* ---- bytes ---- */

static void note_written(struct fs *fs, struct handle *h, uint64_t end)
{
	struct file *f = h->file;

	lock_scope(&fs->lock);
	if (end > f->spool_len)
		f->spool_len = end;
	file_changed(&fs->files, f);
	f->bare = false;
	h->wrote = f->gen;
}

static void note_broken(struct fs *fs, struct file *f)
{
	lock_scope(&fs->lock);
	f->is_broken = true;
}

int upload_write(struct fs *fs, struct handle *h, const struct buf *data, off_t off)
{
	struct file *f = h->file;

	{
		lock_scope(&fs->lock);
		if (f->is_frozen)
			return -ETXTBSY;
		if (off < 0)
			off = (off_t)f->spool_len;
	}
	uint64_t end = (uint64_t)off + data->len;
	int r = end > SPOOL_MAX ? -EFBIG : file_write_at(f->spool, data->data, data->len, off);

	if (r < 0)
		note_broken(fs, f);
	else
		note_written(fs, h, end);
	return r;
}

int upload_read(struct fs *fs, struct file *f, const struct file_part *part, struct buf *ret)
{
	{
		lock_scope(&fs->lock);
		f->used_ms = clock_monotonic_ms();
	}
	int64_t n = file_read_at(f->spool, buf_reserve(ret, part->max), part->max, part->at);

	if (n > 0)
		ret->len += (size_t)n;
	return n < 0 ? (int)n : 0;
}

void upload_note_killed(struct fs *fs, struct file *f, pid_t closer)
{
	bool is_upload;

	{
		lock_scope(&fs->lock);
		is_upload = f->is_spooled && f->is_seed;
	}
	if (is_upload && process_was_killed(closer))
		note_broken(fs, f);
}

/* ---- sending ---- */

struct spool_source {
	struct http_source source;
	int fd;
};

static int64_t read_spool(struct http_source *source, int64_t at, char *to, size_t max)
{
	int64_t n = file_read_at(((struct spool_source *)source)->fd, to, max, at);

	return n ? n : -EIO;
}

/* The bytes of a frozen file, wherever they are. */
static int send_bytes(struct fs *fs, uint64_t dir, const char *name, const struct file *f,
	const struct call_limit *limit)
{
	struct spool_source spool = { { (int64_t)f->frozen_len, read_spool, NULL }, f->spool };
	struct http_source *memory =
		f->is_spooled ? NULL : http_source_new(f->bytes.data, f->bytes.len);
	struct api_file file = { name, memory ? memory : &spool.source };
	struct call_limit longer = *limit;
	struct node dir_node;
	int r = -ESTALE;

	longer.deadline_ms += file.bytes->len / BYTES_A_MS;
	if (tree_node(dir, &dir_node)) {
		r = tree_attach(fs->tree, &dir_node, &file, &longer);
		save_notify_error(fs, &dir_node);
	}
	http_source_free(memory);
	return r;
}

/* Is there something to send? Then it is frozen. The lock is held. */
static bool freeze(struct file *f)
{
	if (f->is_frozen || f->is_broken || !file_size(f))
		return false;
	f->is_frozen = true;
	f->frozen_len = f->spool_len;
	return true;
}

/* Taken, the file has no name any more: the tree's has it. The lock is held. */
static void settle(struct fs *fs, struct file *f, int r)
{
	f->settled = f->gen;
	f->refused = r < 0;
	f->is_frozen = r == 0;
	if (r < 0)
		return;
	f->is_seed = false;
	if (!f->entry)
		return;
	notify_entry(fs->notifier, f->entry->dir->number, f->entry->name);
	files_unbind(&fs->files, f->entry);
}

int upload_save(struct fs *fs, struct file *f, const struct call_limit *limit)
{
	lock_scope(&fs->lock);
	int r = save_begin(fs, f->number, limit);

	if (r < 0)
		return r;
	if (!f->is_seed || !f->entry || f->gen == f->settled || !freeze(f)) {
		r = f->is_broken ? -EIO : 0;
		save_end(fs, f->number);
		return r;
	}
	uint64_t dir = f->entry->dir->number;
	scoped(free_ptr) char *name = xstrdup(f->entry->name);

	pthread_mutex_unlock(&fs->lock);
	r = send_bytes(fs, dir, name, f, limit);
	pthread_mutex_lock(&fs->lock);
	settle(fs, f, r);
	save_end(fs, f->number);
	return r;
}

int upload_save_as(
	struct fs *fs, struct file *f, const struct spot *spot, const struct call_limit *limit)
{
	lock_scope(&fs->lock);
	int r = save_begin(fs, f->number, limit);

	if (r < 0)
		return r;
	if (!freeze(f)) {
		r = f->is_broken ? -EIO : -EBUSY;
		save_end(fs, f->number);
		return r;
	}
	pthread_mutex_unlock(&fs->lock);
	r = send_bytes(fs, spot->dir, spot->name, f, limit);
	pthread_mutex_lock(&fs->lock);
	settle(fs, f, r);
	if (r == 0)
		notify_entry(fs->notifier, spot->dir, spot->name);
	save_end(fs, f->number);
	return r;
}
