/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving. A generation of bytes is copied under the lock and sent without it. Settled generations
 * are not sent again: a later flush, fsync or close of the same bytes has nothing to do.
 *
 * What a save leaves behind:
 *   taken     the file reads back what was written until it is opened anew, when the tree's own
 *             form of it is shown (often the same). Its mtime is the tree's, unless somebody has
 *             looked at the file since the last write: then it stays what they saw.
 *   refused   while somebody has it open for writing it reads what they wrote; then the tree's old
 *             text is back, and the refused one lies beside it.
 */
#include "save.h"

#include <errno.h>
#include <string.h>

#include "handle.h"
#include "node.h"
#include "notify.h"
#include "request.h"
#include "scratch.h"
#include "seed.h"
#include "storyfs/clock.h"
#include "storyfs/log.h"
#include "storyfs/thread.h"
#include "upload.h"

enum { LOOK_EVERY_MS = 50 };

static const char rejected_suffix[] = ".rejected";

static const struct {
	enum layout_row parent;
	enum row_type type;
} rows[N_ROWS] = {
#define LAYOUT(row, parent_row, name, row_type, kind) \
	[ROW_##row] = { ROW_##parent_row, ROW_##row_type },
#include "storyfs/layout.def"
};

/* The row of a directory's ERROR file; the root's for none. */
static enum layout_row error_row(enum layout_row dir)
{
	for (int row = ROW_root + 1; row < N_ROWS; row++) {
		if (rows[row].parent == dir && rows[row].type == ROW_ERROR)
			return (enum layout_row)row;
	}
	return ROW_root;
}

static void wait_a_little(struct fs *fs)
{
	struct timespec until = clock_timespec(clock_deadline(LOOK_EVERY_MS));

	thread_will_wait();
	pthread_cond_timedwait(&fs->saved, &fs->lock, &until);
}

int save_begin(struct fs *fs, uint64_t number, const struct call_limit *limit)
{
	while (!files_begin_saving(&fs->files, number)) {
		int r = call_limit_check(limit);

		if (r < 0)
			return r;
		wait_a_little(fs);
	}
	return 0;
}

void save_end(struct fs *fs, uint64_t number)
{
	files_end_saving(&fs->files, number);
	pthread_cond_broadcast(&fs->saved);
}

bool save_is_error(uint64_t number)
{
	struct node node;

	return tree_node(number, &node) && node.field < 0 && rows[node.row].type == ROW_ERROR;
}

/* False when it has none. */
static bool name_error(
	struct fs *fs, const struct node *dir, struct node *ret, struct buf *ret_name)
{
	*ret = (struct node){ error_row(dir->row), dir->id, -1 };
	return ret->row != ROW_root && tree_name(fs->tree, ret, ret_name) == 0;
}

bool save_is_error_name(struct fs *fs, uint64_t dir, const char *name)
{
	scoped(buf_fini) struct buf own = BUF_INIT;
	struct node node, error;

	return tree_node(dir, &node) && name_error(fs, &node, &error, &own) &&
	       strcmp(buf_str(&own), name) == 0;
}

void save_notify_error(struct fs *fs, const struct node *dir)
{
	scoped(buf_fini) struct buf name = BUF_INIT;
	struct node at = *dir, up, error;

	while (error_row(at.row) == ROW_root && at.row != ROW_root &&
		tree_parent(fs->tree, &at, &up) == 0)
		at = up;
	if (!name_error(fs, &at, &error, &name))
		return;
	notify_data(fs->notifier, tree_number(&error));
	notify_entry(fs->notifier, tree_number(&at), buf_str(&name));
}

/* A save may make a conflict, or settle one. */
static void notify_conflicts(struct fs *fs, const struct node *node, int r)
{
	const struct node conflicts = { ROW_conflicts, 0, -1 };
	scoped(buf_fini) struct buf name = BUF_INIT;
	struct node conflict;

	notify_data(fs->notifier, tree_number(&conflicts));
	if (r == 0 && node->row == ROW_conflict_resolve &&
		tree_parent(fs->tree, node, &conflict) == 0 &&
		tree_name(fs->tree, &conflict, &name) == 0)
		notify_entry(fs->notifier, tree_number(&conflicts), buf_str(&name));
}

/* A generation on its way, and what it was made from. */
struct text {
	struct buf data, base;
	bool has_base;
};

static void text_fini(struct text *t)
{
	buf_fini(&t->data);
	buf_fini(&t->base);
}

SCOPED_VALUE(struct text, text_fini);

/* 0 when it was sent and taken, 1 when the server has it already. The lock is not held. */
static int send(struct fs *fs, const struct node *node, const struct text *text,
	const struct call_limit *limit)
{
	const struct buf *data = &text->data;
	struct node dir;

	if (tree_is_saved(fs->tree, node, buf_str(data), data->len))
		return 1;
	int r = tree_save(fs->tree, node,
		&(struct tree_text){ .data = buf_str(data),
			.len = data->len,
			.base = text->has_base ? &text->base : NULL },
		limit);

	notify_conflicts(fs, node, r);
	if (tree_parent(fs->tree, node, &dir) == 0)
		save_notify_error(fs, &dir);
	return r < 0 ? r : 0;
}

/* Where the refused text of a field lies. False when the field is nowhere any more. */
static bool find_rejected(
	struct fs *fs, const struct node *node, uint64_t *ret_dir, struct buf *ret_name)
{
	struct node dir;

	if (tree_parent(fs->tree, node, &dir) < 0 || tree_name(fs->tree, node, ret_name) < 0)
		return false;
	buf_add_str(ret_name, rejected_suffix);
	*ret_dir = tree_number(&dir);
	return true;
}

static void keep_rejected(struct fs *fs, const struct node *node, const struct buf *text)
{
	scoped(buf_fini) struct buf name = BUF_INIT;
	scoped(buf_fini) struct buf copy = BUF_INIT;
	uint64_t dir;

	if (!text->len || !find_rejected(fs, node, &dir, &name))
		return;
	struct entry *e = files_entry(&fs->files, dir, buf_str(&name));
	struct file *f = e ? e->file : scratch_add(fs, dir, buf_str(&name));

	buf_add(&copy, text->data, text->len);
	file_load(&fs->files, f, &copy);
	file_changed(&fs->files, f);
	f->mode = S_IFREG | (0644 & ~fs->config.umask);
	f->uid = fs->config.uid;
	f->gid = fs->config.gid;
	f->is_rejected = true;
	notify_data(fs->notifier, f->number);
	notify_entry(fs->notifier, dir, buf_str(&name));
}

static void drop_rejected(struct fs *fs, const struct node *node)
{
	scoped(buf_fini) struct buf name = BUF_INIT;
	uint64_t dir;

	if (!find_rejected(fs, node, &dir, &name))
		return;
	struct entry *e = files_entry(&fs->files, dir, buf_str(&name));

	if (!e || !e->file || !e->file->is_rejected)
		return;
	files_unbind(&fs->files, e);
	notify_entry(fs->notifier, dir, buf_str(&name));
}

/* Nobody writes and nothing is to be sent: the tree may have its say again. */
static void calm(struct fs *fs, struct file *f)
{
	scoped(buf_fini) struct buf text = BUF_INIT;

	if (!f->is_field || !f->loaded || f->n_writers || f->gen != f->settled)
		return;
	bool is_same = tree_read(fs->tree, &f->node, &text) == 0 && text.len == f->bytes.len &&
		       memcmp(buf_str(&text), buf_str(&f->bytes), text.len) == 0;

	if (!is_same && !f->refused && !tree_makes_new(&f->node))
		return;
	f->stale |= !is_same;
	file_unload(&fs->files, f);
	if (f->stale)
		notify_data(fs->notifier, f->number);
}

/* A field that goes by another number gets its own back as soon as the kernel forgets this one;
 * ask it to, once nobody uses it. */
static void restore_number(struct fs *fs, const struct file *f)
{
	if (!f->is_field || !f->entry || f->loaded || f->n_handles || f->n_refs)
		return;
	if (!files_find(&fs->files, f->node_number))
		notify_entry(fs->notifier, f->entry->dir->number, f->entry->name);
}

/* Whoever wrote it goes on from what the server made of a field, and from the text itself of what
 * is no field. */
static void note_saved(struct fs *fs, struct file *f, uint64_t gen, const struct buf *text)
{
	scoped(buf_fini) struct buf now = BUF_INIT;

	f->has_base = false;
	if (f->node.field < 0)
		buf_add(&now, buf_str(text), text->len);
	else if (tree_read(fs->tree, &f->node, &now) < 0)
		return;
	seen_note(&fs->files.seen, f->writer, &f->node, &now);
	if (f->node.field < 0)
		seen_end_act(&fs->files.seen, fs->tree, f->writer, f->node.id);
	for (struct handle *h = fs->handles; h; h = h->next) {
		if (h->file != f || !h->wrote || h->wrote > gen)
			continue;
		buf_reset(&h->base);
		buf_add(&h->base, buf_str(&now), now.len);
	}
}

/* The outcome of one generation, unless the file became another while it was on its way. */
static void settle(struct fs *fs, struct file *f, uint64_t gen, int r, const struct buf *text)
{
	struct node_attr attr;

	if (r == -EINTR || !f->is_field || gen <= f->settled)
		return;
	f->settled = gen;
	f->refused = r < 0;
	if (r >= 0)
		note_saved(fs, f, gen, text);
	if (r >= 0 && f->gen == gen && f->seen && tree_stat(fs->tree, &f->node, &attr) == 0)
		files_pin(&fs->files, f->node_number, attr.mtime_ns, f->mtime_ns);
}

static void put_aside(struct fs *fs, const struct node *node, const struct buf *text, int r)
{
	if (r == 0)
		drop_rejected(fs, node);
	else if (r < 0 && r != -EINTR)
		keep_rejected(fs, node, text);
}

static bool is_seed(struct fs *fs, const struct file *f)
{
	lock_scope(&fs->lock);
	return f->is_seed;
}

int save_file(struct fs *fs, struct file *f, const struct call_limit *limit)
{
	scoped(text_fini) struct text text = { 0 };

	if (is_seed(fs, f))
		return f->is_spooled ? upload_save(fs, f, limit) : seed_save(fs, f, limit);
	lock_scope(&fs->lock);
	if (!f->is_field)
		return 0;
	struct node node = f->node;
	int r = save_begin(fs, tree_number(&node), limit);

	if (r < 0)
		return r;
	/* While this one waited another may have sent it, or taken its place. */
	if (!f->is_field || f->gen == f->settled) {
		save_end(fs, tree_number(&node));
		return 0;
	}
	uint64_t gen = f->gen;

	buf_add(&text.data, buf_str(&f->bytes), f->bytes.len);
	buf_add(&text.base, buf_str(&f->base), f->base.len);
	text.has_base = f->has_base;
	if (node.field < 0)
		seen_begin_act(&fs->files.seen, fs->tree, f->writer, node.id);
	pthread_mutex_unlock(&fs->lock);
	r = send(fs, &node, &text, limit);
	pthread_mutex_lock(&fs->lock);
	settle(fs, f, gen, r, &text.data);
	put_aside(fs, &node, &text.data, r);
	save_end(fs, tree_number(&node));
	return r < 0 ? r : 0;
}

void save_drop_names(struct fs *fs, struct file *f)
{
	for (struct entry *e = f->n_names > 1 ? f->entry : NULL; e; e = e->next)
		notify_entry(fs->notifier, e->dir->number, e->name);
	files_unbind_all(&fs->files, f);
}

/* f stands for the field at the spot, whose bytes it has. */
static void take_over(struct fs *fs, struct file *f, const struct spot *spot)
{
	struct file *old = files_of_node(&fs->files, &spot->node);
	bool is_own_number = f->number == tree_number(&spot->node);

	if (old) {
		node_displace(fs, old);
		if (old->entry)
			files_unbind(&fs->files, old->entry);
		else
			files_drop_idle(&fs->files, old);
	}
	save_drop_names(fs, f);
	struct entry *vacated = files_entry(&fs->files, spot->dir, spot->name);

	file_become_field(&fs->files, f, &spot->node);
	if (!is_own_number)
		files_bind(&fs->files, f, spot->dir, spot->name);
	else if (vacated)
		files_unbind(&fs->files, vacated);
}

/* What was to come to a vacated name did not: the field is back at once. */
static void end_vacancy(struct fs *fs, const struct spot *spot)
{
	struct entry *e = files_entry(&fs->files, spot->dir, spot->name);

	if (!e || e->file)
		return;
	files_unbind(&fs->files, e);
	notify_entry(fs->notifier, spot->dir, spot->name);
}

int save_over(struct fs *fs, struct file *f, const struct spot *spot, struct process who,
	const struct call_limit *limit)
{
	scoped(text_fini) struct text text = { 0 };

	lock_scope(&fs->lock);
	int r = save_begin(fs, tree_number(&spot->node), limit);

	if (r < 0)
		return r;
	uint64_t gen = f->gen;
	const struct buf *seen = seen_find(&fs->files.seen, who, &spot->node);

	buf_add(&text.data, buf_str(&f->bytes), f->bytes.len);
	text.has_base = seen;
	if (seen)
		buf_add(&text.base, buf_str(seen), seen->len);
	if (spot->node.field < 0)
		seen_begin_act(&fs->files.seen, fs->tree, who, spot->node.id);
	pthread_mutex_unlock(&fs->lock);
	r = send(fs, &spot->node, &text, limit);
	pthread_mutex_lock(&fs->lock);
	put_aside(fs, &spot->node, &text.data, r);
	if (r >= 0) {
		take_over(fs, f, spot);
		f->settled = gen;
		f->writer = who;
		note_saved(fs, f, gen, &text.data);
	} else {
		end_vacancy(fs, spot);
	}
	save_end(fs, tree_number(&spot->node));
	return r < 0 ? r : 0;
}

void save_finish(struct fs *fs, struct file *f)
{
	lock_scope(&fs->lock);
	f->n_refs--;
	calm(fs, f);
	restore_number(fs, f);
	files_drop_idle(&fs->files, f);
}

void save_at_last(struct fs *fs, struct file *f, const struct call_limit *limit)
{
	int r = save_file(fs, f, limit);

	if (r == 0)
		return;
	lock_scope(&fs->lock);
	log_warning("a text was not saved: %s", strerrordesc_np(-r));
	if (!f->is_field || f->n_writers || f->gen == f->settled)
		return;
	put_aside(fs, &f->node, &f->bytes, -ETIMEDOUT);
	settle(fs, f, f->gen, -ETIMEDOUT, &f->bytes);
}

/* A field with something to send, with a reference; NULL when there is none. */
static struct file *find_open(struct fs *fs)
{
	lock_scope(&fs->lock);
	struct file *f, *next;

	HASH_ITER(hh, fs->files.by_number, f, next) {
		if (!f->is_field || f->gen == f->settled)
			continue;
		f->n_refs++;
		f->n_writers = 0;
		return f;
	}
	return NULL;
}

void save_all(struct fs *fs)
{
	struct call_limit limit = request_patience(fs);

	for (struct file *f; (f = find_open(fs));) {
		save_at_last(fs, f, &limit);
		save_finish(fs, f);
	}
}
