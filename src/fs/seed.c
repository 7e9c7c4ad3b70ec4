/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seeds. */
#include "seed.h"

#include <errno.h>

#include "save.h"

bool seed_is_spot(const struct spot *spot)
{
	struct node dir;

	return !spot->in_tree && tree_node(spot->dir, &dir) && tree_makes_named(&dir, spot->name);
}

void seed_begin(struct file *f)
{
	f->is_seed = true;
	f->settled = f->gen;
}

/* What was made of the text goes by the name that the file has. The lock is held. */
static void grow(struct fs *fs, struct file *f, uint64_t gen, const struct node *node,
	const struct buf *text)
{
	seen_note(&fs->files.seen, f->writer, node, text);
	f->is_seed = false;
	f->settled = gen;
	if (files_of_node(&fs->files, node))
		files_unbind(&fs->files, f->entry); /* somebody was quicker to open it by its id */
	else
		file_become_field(&fs->files, f, node);
}

/* The lock is not held. */
static int make(struct fs *fs, uint64_t dir, const struct tree_text *text,
	const struct call_limit *limit, struct node *ret)
{
	struct node dir_node;

	if (!tree_node(dir, &dir_node))
		return -ESTALE;
	int r = tree_make_text(fs->tree, &dir_node, text, limit, ret);

	save_notify_error(fs, &dir_node);
	return r;
}

int seed_save(struct fs *fs, struct file *f, const struct call_limit *limit)
{
	scoped(buf_fini) struct buf bytes = BUF_INIT;
	struct node node;

	lock_scope(&fs->lock);
	int r = save_begin(fs, f->number, limit);

	if (r < 0)
		return r;
	if (!f->is_seed || !f->entry || f->gen == f->settled || !f->bytes.len) {
		save_end(fs, f->number);
		return 0;
	}
	uint64_t gen = f->gen, dir = f->entry->dir->number;
	scoped(free_ptr) char *name = xstrdup(f->entry->name);

	buf_add(&bytes, f->bytes.data, f->bytes.len);
	pthread_mutex_unlock(&fs->lock);
	r = make(fs, dir, &(struct tree_text){ name, bytes.data, bytes.len }, limit, &node);
	pthread_mutex_lock(&fs->lock);
	if (r == 0 && f->is_seed && f->entry)
		grow(fs, f, gen, &node, &bytes);
	else if (r != -EINTR)
		f->settled = gen;
	save_end(fs, f->number);
	return r;
}

int seed_save_as(
	struct fs *fs, struct file *f, const struct spot *spot, const struct call_limit *limit)
{
	scoped(buf_fini) struct buf bytes = BUF_INIT;
	struct node node;

	lock_scope(&fs->lock);
	int r = save_begin(fs, f->number, limit);

	if (r < 0)
		return r;
	uint64_t gen = f->gen;

	buf_add(&bytes, buf_str(&f->bytes), f->bytes.len);
	pthread_mutex_unlock(&fs->lock);
	r = make(fs, spot->dir, &(struct tree_text){ spot->name, buf_str(&bytes), bytes.len },
		limit, &node);
	pthread_mutex_lock(&fs->lock);
	struct entry *at = files_entry(&fs->files, spot->dir, spot->name);

	if (r == 0 && f->entry && !(at && at->file && at->file->is_field)) {
		if (at)
			files_unbind(&fs->files, at);
		save_drop_names(fs, f);
		files_bind(&fs->files, f, spot->dir, spot->name);
		grow(fs, f, gen, &node, &bytes);
	}
	save_end(fs, f->number);
	return r;
}
