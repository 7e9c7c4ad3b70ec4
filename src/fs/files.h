/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the mount keeps beside the tree: files whose bytes are in memory, and names that mean
 * something else than the tree says. Everything here is guarded by the lock of struct fs.
 *
 * Inodes. A node of the tree has its tree_number, and nothing is kept for it. A number with bit 63
 * is a file of ours. As on any filesystem the inode follows the file, for that is what the kernel
 * caches: a field renamed away keeps its number under the new name, a temporary file renamed onto
 * a field keeps its own and stands for the field from then on. So a field may go by another
 * number for a while, until the kernel has forgotten that one; and a tree_number may for a while
 * be a scratch file's. A file in the table always overrides what the tree says of its number.
 *
 * Names. An entry (directory, name) overrides the tree: bound to a file, or vacated (a field that
 * was moved away; there is nothing until it expires).
 */
#ifndef STORYFS_FS_FILES_H
#define STORYFS_FS_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define uthash_malloc(size) xmalloc(size)
#include <uthash.h>

#include "seen.h"
#include "storyfs/alloc.h"
#include "storyfs/buf.h"
#include "storyfs/tree.h"

#define NUMBER_OWN (UINT64_C(1) << 63)

enum {
	FILE_MAX = 4 << 20,
	FILES_MAX = 64 << 20,
	N_FILES_MAX = 16 << 10,
};

#define SPOOL_MAX (UINT64_C(2) << 30)

struct file {
	uint64_t number;
	uint64_t n_lookups;  /* what the kernel holds; only counted for our own numbers */
	int n_handles;	     /* open descriptions, those to read a clean field not counted */
	int n_writers;	     /* of them, those that may write */
	int n_refs;	     /* operations at work on it without the lock */
	struct entry *entry; /* its name; the newest, if it has several (link(2)) */
	unsigned n_names;

	bool is_field; /* stands for node, is saved there, and has its content unless loaded */
	struct node node;
	bool is_seed;	 /* a scratch file whose text makes something (seed.h) */
	bool is_spooled; /* its bytes are in the file behind `spool`, not in `bytes` (upload.h) */
	int spool;
	uint64_t spool_len, frozen_len;
	bool is_frozen;	  /* is being sent, or was */
	bool is_broken;	  /* is not what its writer meant it to be */
	bool is_link;	  /* a scratch symlink; its bytes are the target */
	bool is_rejected; /* made by us: does not expire */

	bool loaded; /* bytes are the content */
	struct buf bytes;
	uint64_t gen;	  /* counts changes of the bytes */
	uint64_t settled; /* the newest generation that was saved, refused, or found to be saved */
	uint64_t mapped;  /* the newest that was written through a mapping */
	bool has_base;	  /* base is the text that the open generation was made from; */
	struct buf base;  /* else that is not known */
	struct process writer; /* who made it */
	bool bare;	       /* nothing but a truncation to nothing since the bytes were loaded */
	bool refused;	       /* that generation was refused */
	bool stale;	       /* the kernel may hold pages of text that is no longer shown */
	bool seen;	       /* somebody was shown mtime_ns since the last change */

	mode_t mode; /* from here on: of scratch files; mtime_ns of changed fields, too */
	uid_t uid;
	gid_t gid;
	int64_t atime_ns, mtime_ns, ctime_ns;
	int64_t used_ms; /* monotonic */

	UT_hash_handle hh;	/* in files.by_number */
	UT_hash_handle hh_node; /* in files.by_node, when is_field */
	uint64_t node_number;
};

struct entry {
	struct dir *dir;
	struct file *file;  /* NULL: vacated */
	struct entry *next; /* another name of the file */
	struct node node;   /* of VACATED: the field */
	int64_t until_ms;   /* of VACATED: monotonic */
	UT_hash_handle hh;
	char name[];
};

struct dir {
	uint64_t number;
	int64_t mtime_ns; /* when an entry was last made or removed */
	struct entry *entries;
	UT_hash_handle hh;
};

/* The mtime shown for a field instead of the tree's, as long as the tree's is this one: whoever
 * saved has seen it already. */
struct pin {
	uint64_t number;
	int64_t tree_ns, shown_ns;
	UT_hash_handle hh;
};

/* A field somebody is saving. */
struct saving {
	uint64_t number;
	UT_hash_handle hh;
};

struct files {
	struct file *by_number;
	struct file *by_node;
	struct saving *saving;
	struct dir *dirs;
	struct pin *pins;
	uint64_t last_number;
	struct seen seen;
	size_t total;	/* bytes in memory */
	size_t n_names; /* of all files */
	int64_t last_ns;
};

void files_fini(struct files *files);

/* NULL when the number is the tree's business. */
struct file *files_find(struct files *files, uint64_t number);
/* The file that stands for a field now, NULL when none is in memory. */
struct file *files_of_node(struct files *files, const struct node *node);
/* A file by this number, or with 0 by a new one of ours. */
struct file *files_add(struct files *files, uint64_t number);
/* How many more names there may be. */
size_t files_names_left(const struct files *files);
/* Free it when nobody can reach it any more and it holds nothing the tree does not know. */
void files_drop_idle(struct files *files, struct file *f);

/* From now on f stands for the field, which no other file does. */
void file_become_field(struct files *files, struct file *f, const struct node *node);
/* From now on f is a file of its own with the bytes it has; the node may get another. */
void file_become_scratch(struct files *files, struct file *f);

/* Take the bytes over as the content. */
void file_load(struct files *files, struct file *f, struct buf *bytes);
void file_unload(struct files *files, struct file *f);
/* How many bytes it has, if it is loaded, and how many it may have. */
uint64_t file_size(const struct file *f);
uint64_t file_max(const struct file *f);
/* How far it can grow just now, which is no further than file_max. */
uint64_t file_room(const struct files *files, const struct file *f);
/* Is it nothing but a file of ours: sent nowhere, and in memory? */
bool file_is_plain(const struct file *f);
/* Grow with NULs or cut. -EFBIG, -ENOSPC; -ETXTBSY while it is sent. */
int file_resize(struct files *files, struct file *f, uint64_t size);
/* The bytes are about to be changed by somebody, who was shown the base (NULL: who knows). */
void file_begin_change(struct file *f, struct process writer, const struct buf *base);
/* The bytes changed: a new generation. */
void file_changed(struct files *files, struct file *f);
/* Now, and later than any time given out before. */
int64_t files_now_ns(struct files *files);

/* NULL when the name is the tree's business. An expired vacancy is none. */
struct entry *files_entry(struct files *files, uint64_t dir, const char *name);
/* NULL when none was ever in the directory. */
struct dir *files_dir(struct files *files, uint64_t number);
/* Name the file; the name has no entry or a vacated one. Only a plain file may have several. */
void files_bind(struct files *files, struct file *f, uint64_t dir, const char *name);
/* Nothing is there until then; what was bound to the name loses it. */
void files_vacate(struct files *files, uint64_t dir, const char *name, const struct node *node,
	int64_t until_ms);
/* The name is the tree's business again. A file bound to it is dropped when idle. */
void files_unbind(struct files *files, struct entry *e);
/* All names of a file that somebody holds. */
void files_unbind_all(struct files *files, struct file *f);
/* Two names that are bound change their files. */
void files_exchange(struct files *files, struct entry *a, struct entry *b);

/* False when the field is being saved. */
bool files_begin_saving(struct files *files, uint64_t number);
void files_end_saving(struct files *files, uint64_t number);

void files_pin(struct files *files, uint64_t number, int64_t tree_ns, int64_t shown_ns);
int64_t files_pinned(struct files *files, uint64_t number, int64_t tree_ns);

#endif
