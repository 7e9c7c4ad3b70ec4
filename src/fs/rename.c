/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Renaming and unlinking. What a name is (a field or a scratch file) stays with the name; the bytes
 * move: a scratch file that comes to a field's name is a save, a field that leaves it leaves a
 * vacancy and goes on as a scratch file.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attr.h"
#include "denied.h"
#include "mount.h"
#include "node.h"
#include "notify.h"
#include "request.h"
#include "save.h"
#include "seed.h"
#include "spot.h"
#include "storyfs/clock.h"
#include "upload.h"

/* One end of a rename, as it was when the lock was taken. */
struct rename_end {
	const struct spot *spot;
	enum meaning meaning;
	uint64_t number;
	struct entry *entry; /* of SCRATCH */
};

static struct rename_end find_end(struct fs *fs, const struct spot *spot)
{
	struct rename_end end = { .spot = spot };

	end.meaning = spot_mean(fs, spot, &end.number);
	if (end.meaning == MEANS_SCRATCH)
		end.entry = files_entry(&fs->files, spot->dir, spot->name);
	return end;
}

static void vacate(struct fs *fs, const struct spot *spot, const struct node *node)
{
	files_vacate(&fs->files, spot->dir, spot->name, node,
		clock_monotonic_ms() + fs->config.vacated_ms);
	notifier_wake(fs->notifier);
}

/* Whoever has it open sees that its name went. */
static void unlink_scratch(struct fs *fs, struct entry *e)
{
	e->file->ctime_ns = files_now_ns(&fs->files);
	files_unbind(&fs->files, e);
}

static int unlink_spot(struct fs *fs, const struct spot *spot)
{
	lock_scope(&fs->lock);
	struct rename_end end = find_end(fs, spot);
	struct file *f = files_find(&fs->files, end.number);

	switch (end.meaning) {
	case MEANS_NOTHING:
	case MEANS_VACATED:
		return -ENOENT;
	case MEANS_NODE:
		return -EPERM;
	case MEANS_SCRATCH:
		unlink_scratch(fs, end.entry);
		return 0;
	case MEANS_FIELD:
		break;
	}
	struct node node = f ? f->node : spot->node;
	bool is_bound = f && f->entry;

	if (f)
		node_displace(fs, f);
	vacate(fs, spot, &node);
	if (f && !is_bound)
		files_drop_idle(&fs->files, f);
	return 0;
}

void fs_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = request_fs(req);
	struct call_limit limit = request_limit(req);
	struct node dir;
	struct spot spot;
	int r = spot_find(fs, parent, name, &limit, &spot);

	if (r == 0 && spot.in_tree) {
		tree_note_unlink(fs->tree, &spot.node);
		if (tree_error_dir(fs->tree, &spot.node, &dir) == 0)
			save_notify_error(fs, &dir);
	}
	if (r == 0)
		r = unlink_spot(fs, &spot);
	if (r == -EPERM)
		denied_note_at(fs, TREE_UNLINK, &spot, r);
	request_end(req, r);
}

/* Both are scratch files. */
static void exchange(struct fs *fs, struct entry *a, struct entry *b)
{
	files_exchange(&fs->files, a, b);
	a->file->ctime_ns = b->file->ctime_ns = a->dir->mtime_ns;
}

/* The target of a rename that saves nothing: whatever scratch file is there goes. */
static int clear_target(struct fs *fs, const struct rename_end *to)
{
	if (to->meaning == MEANS_SCRATCH) {
		unlink_scratch(fs, to->entry);
		return 0;
	}
	return to->spot->is_writable ? 0 : -EACCES;
}

static int move_scratch(struct fs *fs, const struct rename_end *from, const struct rename_end *to)
{
	struct file *f = files_find(&fs->files, from->number);
	int r = clear_target(fs, to);

	if (r < 0)
		return r;
	f->n_refs++;
	files_unbind(&fs->files, from->entry);
	files_bind(&fs->files, f, to->spot->dir, to->spot->name);
	f->n_refs--;
	f->ctime_ns = files_now_ns(&fs->files);
	return 0;
}

static int move_field(struct fs *fs, const struct rename_end *from, const struct rename_end *to)
{
	struct file *f;
	int r = node_get_file(fs, from->number, &f);

	if (r == 0)
		r = clear_target(fs, to);
	if (r < 0)
		return r;
	struct node node = f->node;

	f->n_refs++;
	node_displace(fs, f);
	vacate(fs, from->spot, &node);
	files_bind(&fs->files, f, to->spot->dir, to->spot->name);
	f->n_refs--;
	return 0;
}

static bool makes_something(const struct spot *spot)
{
	return seed_is_spot(spot) || upload_is_spot(spot);
}

/* Renames that are done at once; 1 when it is the save of a scratch file (*ret_file, with a
 * reference) as the field at the target, or as something new. */
static int rename_here(struct fs *fs, const struct rename_end *from, const struct rename_end *to,
	struct file **ret_file)
{
	bool to_field = to->meaning == MEANS_FIELD || to->meaning == MEANS_VACATED;

	if (from->meaning == MEANS_NOTHING || from->meaning == MEANS_VACATED)
		return -ENOENT;
	if (from->number == to->number)
		return 0;
	if (from->meaning == MEANS_NODE || to->meaning == MEANS_NODE)
		return -EPERM;
	if (from->meaning == MEANS_FIELD && to->meaning == MEANS_FIELD)
		return -EXDEV; /* mv copies then, which is a save */
	if (from->meaning == MEANS_FIELD && to->meaning == MEANS_VACATED)
		return -EXDEV;
	if (from->meaning == MEANS_FIELD)
		return move_field(fs, from, to);
	struct file *f = files_find(&fs->files, from->number);

	if (f->is_spooled && !to->spot->takes_files)
		return -EXDEV; /* mv copies then */
	if (!to_field && (f->is_link || !file_size(f) || !makes_something(to->spot)))
		return move_scratch(fs, from, to);
	if (to_field && (f->is_link || !to->spot->is_field))
		return -EINVAL;
	if (f->n_names > 1)
		return -EXDEV; /* a field has one name: mv copies then */
	f->n_refs++;
	*ret_file = f;
	return 1;
}

static int rename_spots(struct fs *fs, const struct spot *old, const struct spot *new,
	unsigned flags, struct file **ret_file)
{
	lock_scope(&fs->lock);
	struct rename_end from = find_end(fs, old), to = find_end(fs, new);
	bool is_there = to.meaning != MEANS_NOTHING && to.meaning != MEANS_VACATED;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if ((flags & RENAME_NOREPLACE) && is_there)
		return -EEXIST;
	if (!(flags & RENAME_EXCHANGE))
		return rename_here(fs, &from, &to, ret_file);
	if (!is_there)
		return -ENOENT;
	if (from.meaning != MEANS_SCRATCH || to.meaning != MEANS_SCRATCH || old->takes_files ||
		new->takes_files)
		return -EINVAL;
	exchange(fs, from.entry, to.entry);
	return 0;
}

static void act(struct fs *fs,
	void (*note)(struct seen *seen, struct tree *t, struct process who, int64_t id),
	struct process who, int64_t id)
{
	lock_scope(&fs->lock);
	note(&fs->files.seen, fs->tree, who, id);
}

/* A link of a view to another place in it; 1 when it is no such rename. */
static int move_link(struct fs *fs, const struct spot *old, const struct spot *new,
	struct process who, const struct call_limit *limit)
{
	struct tree_rename rename = {
		.node = old->node,
		.old_name = old->name,
		.new_name = new->name,
	};
	struct node story = { ROW_story, old->node.id, -1 }, view;

	if (!old->in_tree || old->is_field || !tree_node(old->dir, &rename.from) ||
		!tree_node(new->dir, &rename.to))
		return 1;
	if (fs->config.read_only)
		return -EROFS;
	act(fs, seen_begin_act, who, old->node.id);
	int r = tree_move(fs->tree, &rename, limit);

	if (r == 0)
		act(fs, seen_end_act, who, old->node.id);
	/* The story's `.error` or that of the view. */
	save_notify_error(fs, &story);
	if (tree_parent(fs->tree, &rename.to, &view) == 0)
		save_notify_error(fs, &view);
	if (r > 0)
		return 1;
	return r == -EINVAL ? -EPERM : r; /* mv takes EINVAL for a move into itself, and says so */
}

static int save_as(struct fs *fs, struct file *f, const struct spot *spot, struct process who,
	const struct call_limit *limit)
{
	if (upload_is_spot(spot))
		return upload_save_as(fs, f, spot, limit);
	return seed_is_spot(spot) ? seed_save_as(fs, f, spot, limit)
				  : save_over(fs, f, spot, who, limit);
}

/* What is of the tree cannot be moved; else it is the target that is not to be had. */
static void note_denied(struct fs *fs, const struct spot *old, const struct spot *new, int r)
{
	if (old->in_tree && !old->is_field)
		denied_note_at(fs, TREE_RENAME, old, r);
	else
		denied_note_making(fs, TREE_MAKE_FILE, new, r);
}

/* NOLINTNEXTLINE(readability-function-size): the signature is libfuse's */
void fs_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags)
{
	struct fs *fs = request_fs(req);
	struct call_limit limit = request_limit(req);
	struct process who = process_of_thread(fuse_req_ctx(req)->pid);
	struct file *f = NULL;
	struct spot old = { 0 }, new = { 0 };
	int r = spot_find(fs, parent, name, &limit, &old);

	if (r == 0)
		r = spot_find(fs, new_parent, new_name, &limit, &new);
	int moved = r;

	if (r == 0)
		moved = flags & RENAME_EXCHANGE ? 1 : move_link(fs, &old, &new, who, &limit);

	if (moved <= 0) {
		request_end(req, moved);
		return;
	}
	r = rename_spots(fs, &old, &new, flags, &f);
	note_denied(fs, &old, &new, r);
	if (f) {
		r = save_as(fs, f, &new, who, &limit);
		save_finish(fs, f);
	}
	request_end(req, r);
}
