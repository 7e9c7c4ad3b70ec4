/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operations of one mount share.
 *
 * Locks. `lock` guards files, handles and listings; it is held for work in memory only, and
 * the tree's functions that answer from memory (stat, read, parent, name, is_saved) may be called
 * with it: lock -> tree -> store. It is never held across tree_lookup, tree_list, tree_save, a
 * reply to the kernel or a notification. A field is saved by one thread at a time, which takes its
 * number in `saving`; the others wait at `saved`, and give up when their caller does. The notifier
 * has a lock of its own, below this one and held for its queue only.
 */
#ifndef STORYFS_FS_MOUNT_H
#define STORYFS_FS_MOUNT_H

#define FUSE_USE_VERSION 312

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "files.h"
#include "storyfs/fs.h"

/* What the kernel was told once it need not ask again; changes are notified. */
#define FOREVER_S 1e9
/* Names that do not exist are asked for again now and then, belt and braces. */
#define NEGATIVE_S 60.0
/* An entry by the name that was used to make it: asked for again soon, for the day it goes. */
#define ALIAS_S 1.0

struct ahead;
struct loop;
struct notifier;
struct listing;
struct handle;

enum { N_SIGNALS = 4 };

struct fs {
	struct tree *tree;
	struct fs_config config; /* with texts of its own and the defaults filled in */
	struct fuse_session *session;
	struct ahead *ahead;
	struct loop *loop;
	struct notifier *notifier;
	struct sigaction signals_before[N_SIGNALS]; /* what they did, while they are taken */
	bool has_signals;
	bool mounted;
	bool is_openless; /* the kernel neither opens nor closes files, it only reads */

	pthread_mutex_t lock;
	struct files files;
	struct handle *handles;
	struct listing *listings; /* the one used last in front */
	uint64_t n_listings;	  /* made so far */
	pthread_cond_t saved;
};

/* Everything below is an operation, fuse_lowlevel.h says of what; fs.c has the table. */
void fs_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_op_forget(fuse_req_t req, fuse_ino_t number, uint64_t n);
void fs_op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void fs_op_getattr(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi);
void fs_op_setattr(
	fuse_req_t req, fuse_ino_t number, struct stat *attr, int set, struct fuse_file_info *fi);
void fs_op_readlink(fuse_req_t req, fuse_ino_t number);
void fs_op_access(fuse_req_t req, fuse_ino_t number, int mask);
void fs_op_statfs(fuse_req_t req, fuse_ino_t number);
void fs_op_getxattr(fuse_req_t req, fuse_ino_t number, const char *name, size_t size);
void fs_op_listxattr(fuse_req_t req, fuse_ino_t number, size_t size);

void fs_op_opendir(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi);
void fs_op_readdir(
	fuse_req_t req, fuse_ino_t number, size_t size, off_t off, struct fuse_file_info *fi);
void fs_op_readdirplus(
	fuse_req_t req, fuse_ino_t number, size_t size, off_t off, struct fuse_file_info *fi);

void fs_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *fi);
void fs_op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void fs_op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void fs_op_link(fuse_req_t req, fuse_ino_t number, fuse_ino_t parent, const char *name);

void fs_op_open(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi);
void fs_op_read(
	fuse_req_t req, fuse_ino_t number, size_t size, off_t off, struct fuse_file_info *fi);
void fs_op_write(fuse_req_t req, fuse_ino_t number, const char *data, size_t size, off_t off,
	struct fuse_file_info *fi);
void fs_op_flush(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi);
void fs_op_fsync(fuse_req_t req, fuse_ino_t number, int datasync, struct fuse_file_info *fi);
void fs_op_release(fuse_req_t req, fuse_ino_t number, struct fuse_file_info *fi);
void fs_op_fallocate(fuse_req_t req, fuse_ino_t number, int mode, off_t off, off_t len,
	struct fuse_file_info *fi);

void fs_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void fs_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);

void fs_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags);

#endif
