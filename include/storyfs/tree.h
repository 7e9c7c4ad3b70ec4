/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree a user sees, without FUSE: nodes, their names, attributes and contents, from layout.def
 * over the store. `storyfs ls` and `cat` show it as the mount does, byte for byte.
 *
 * A node is a value: which row of the layout, which resource, which field. Its number is the inode,
 * the same in every mount of the same source; nothing is kept for nodes that were looked up.
 *
 * tree_lookup, tree_list, tree_save and what says so may reach the network (within their limit);
 * the rest answers from memory. -errno on failure; 1 where a function says so. Any thread may call.
 */
#ifndef STORYFS_TREE_H
#define STORYFS_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "storyfs/buf.h"
#include "storyfs/store.h"

struct journal;
struct tree;

enum layout_row {
#define LAYOUT(row, parent, name, type, kind) ROW_##row,
#include "storyfs/layout.def"
	N_ROWS,
};

enum row_type {
#define ROW_TYPE(type, ...) ROW_##type,
#include "storyfs/row_types.def"
	N_ROW_TYPES,
};

struct node {
	enum layout_row row;
	int64_t id; /* of the resource the row shows or hangs below; 0 for fixed nodes */
	int field;  /* a field file of the row's resource, or -1 for the row itself */
};

#define NODE_ROOT ((struct node){ ROW_root, 0, -1 })

/* A node's number: id << 16 | row << 8 | field + 2. The root is 1, as FUSE wants it; bit 63 is
 * never set, so that others may number what is no node. */
uint64_t tree_number(const struct node *node);
/* False when no node has this number. */
bool tree_node(uint64_t number, struct node *ret);

enum node_type {
	NODE_DIR,
	NODE_FILE,
	NODE_LINK,
};

struct node_attr {
	enum node_type type;
	bool writable; /* a file that can be saved; a directory in which scratch files may be */
	bool grows;    /* a directory in which tree_make makes resources */
	bool gives;    /* from which tree_remove takes them, or tree_move a link */
	bool live;     /* a file whose content nobody tells of when it changes: not to be cached */
	bool remote;   /* a file whose bytes are fetched when they are read (tree_read_part) */
	bool takes_files; /* a directory into which files can be sent (tree_attach) */
	uint64_t size;	  /* true, also before the first read */
	int64_t mtime_ns; /* moves when the content moves, and only then */
	int64_t birth_ns; /* 0 when unknown */
};

/* For a manual: the path of a row, with words in <> for what has no fixed name, is appended, and
 * the kind of the resources there returned, KIND_none for none; and what its type is, in words. */
enum kind tree_place(enum layout_row row, struct buf *b);
const char *tree_place_words(enum layout_row row);

/* The store is borrowed. */
struct tree *tree_new(struct store *store);
void tree_free(struct tree *t);
/* Where writes are noted, and what `.storyfs/journal` shows; borrowed. Before the first write. */
void tree_set_journal(struct tree *t, struct journal *journal);

/* 1 when the directory has no such entry; -ENOTDIR. */
int tree_lookup(struct tree *t, const struct node *dir, const char *name,
	const struct call_limit *limit, struct node *ret);
/* Each entry but `.` and `..`, in order; the callback returns false to stop. What tree_list shows
 * tree_lookup finds: they are one function. -ESTALE when what the directory hangs below is gone. */
int tree_list(struct tree *t, const struct node *dir, const struct call_limit *limit,
	bool (*entry)(void *data, const char *name, const struct node *node), void *data);
/* The directories in the directory of a resource, or of resources of a kind, in the order of
 * tree_list, as far as they are in memory; 1 when they are not, or it is another directory. */
int tree_below(struct tree *t, const struct node *dir,
	void (*emit)(void *data, const struct node *dir), void *data);
/* The directory a node is in; the root's is the root. A story's link is in several groups, by other
 * ranks: of that it is the first view, and the name is one that all of them find. */
int tree_parent(struct tree *t, const struct node *node, struct node *ret);
/* The node's name in it. */
int tree_name(struct tree *t, const struct node *node, struct buf *ret);

/* What it is, whether or not the resource is known. */
enum node_type tree_type(const struct node *node);
/* -ESTALE when the resource is gone. -ENODATA when it has not been looked up yet, and would have to
 * be loaded for this. */
int tree_stat(struct tree *t, const struct node *node, struct node_attr *ret);
/* Append a file's content; of a link, its target. -EISDIR; -EINVAL for a remote one. */
int tree_read(struct tree *t, const struct node *node, struct buf *ret);
/* Append a part of any file. A remote one's may have to be fetched, within the limit; why that
 * failed is told in tree_error_dir. */
int tree_read_part(struct tree *t, const struct node *node, const struct file_part *part,
	const struct call_limit *limit, struct buf *ret);
/* The directory whose `.error` tells what went wrong with the node. -ESTALE */
int tree_error_dir(struct tree *t, const struct node *node, struct node *ret);

/* Send a whole file into a directory that takes files, under its name: one upload, and one comment
 * that holds it. Refused as a save is, with the reason in the directory's `.error`. */
int tree_attach(struct tree *t, const struct node *dir, const struct api_file *file,
	const struct call_limit *limit);

struct tree_text {
	const char *name; /* of tree_make_text */
	const char *data;
	size_t len;
	const struct buf *base; /* of tree_save */
};

/*
 * Save a field file: len bytes as the user wrote them (one final newline is the file's, not the
 * value's), which were made from the text base, that of the file when it was read; NULL: from what
 * there is. Returns 0 when the server has the value now, which costs a look (GET) and one PUT with
 * this field alone, or nothing when it is known to have the value. Else -errno by condition
 * (-EINVAL not a value of the field, -EMSGSIZE too long, -EACCES not writable, the server's
 * refusals by errors.def, ...), nothing is changed, and the reason with the server's words, what
 * was written, and what would be accepted is the directory's `.error` until the next good save in
 * it.
 *
 * -EBUSY when the server's value is no longer that of the base: nothing is sent, and base, mine and
 * theirs lie in `.storyfs/conflicts/<n>` until `mine`, `theirs` or a text that has both is saved as
 * `resolve` there. A field that others wrote between the look and the PUT is overwritten: that is
 * told in `.error`, with theirs in such a directory, too.
 *
 * A document's text tells what it was made from. There the base is what the same process saved last
 * of it (NULL or empty: nothing, or unknown): what that made is its own, to be changed again.
 */
int tree_save(struct tree *t, const struct node *node, const struct tree_text *text,
	const struct call_limit *limit);
/* Would tree_save have nothing to send? */
bool tree_is_saved(struct tree *t, const struct node *node, const char *data, size_t len);
/* Does each save of this file (`comments/new`) make something new? Then what was written there is
 * not its content: it is empty again. tree_save of one creates (all texts are checked before the
 * first is sent); where a line is a resource, what was made before one failed is told in the
 * refusal. */
bool tree_makes_new(const struct node *node);

/*
 * Create a resource in a directory of them, as mkdir(2) does: the name becomes the text that stands
 * for it (a story's name), and finds it from then on, for as long as the tree lives, beside its id.
 * One POST, never sent twice. -EPERM where nothing can be made or the name begins with a dot
 * (nobody means those); -EINVAL when the name is a number, which is an id, or no value of the
 * field.
 */
int tree_make(struct tree *t, const struct node *dir, const char *name,
	const struct call_limit *limit, struct node *ret);
/* Would a text by this name make something, where the directory has no such entry
 * (`markdown/<any>.md` a story)? */
bool tree_makes_named(const struct node *dir, const char *name);

/* Make it of the text: one POST with all that the text says. The name finds it as one of tree_make
 * does. -EPERM where nothing is made so; -EINVAL, as tree_save, with the reason in `.error`. */
int tree_make_text(struct tree *t, const struct node *dir, const struct tree_text *text,
	const struct call_limit *limit, struct node *ret);
/* Is the name such a one, not the listing's? */
bool tree_is_alias(const struct node *node, const char *name);

/*
 * Delete a resource, as rmdir(2) does: one DELETE. -EPERM where nothing can be deleted so (projects
 * among it). -ENOTEMPTY when its files were being unlinked (tree_note_unlink): then somebody is
 * deleting a directory and all that is in it, which must never delete anything upstream. -EBUSY
 * after too many in a short time; `.storyfs/deletes` says how to go on.
 */
int tree_remove(struct tree *t, const struct node *node, const struct call_limit *limit);
/*
 * Move a link of a view, as rename(2) does. Into another directory of the view: the story takes
 * that group's state, type, owner or label in the place of the one it had, which is the save of
 * that field, with its refusals in the story's directory. Within a panel: the rank that the new
 * name begins with is its place from then on, one PUT of before_id or after_id. From panel to
 * panel: the rank of a new name, in that one PUT; with the old name, the nearest place between the
 * current iteration and the backlog, and V5's choice otherwise. 1 for what is no such link; -EPERM
 * for one that is where it must be, -EXDEV between views.
 */
struct tree_rename {
	struct node node, from, to; /* the link and the two directories */
	const char *old_name, *new_name;
};

int tree_move(struct tree *t, const struct tree_rename *rename, const struct call_limit *limit);

/*
 * Something cannot be done because of what the tree is: why, and what does it instead, is told in
 * the `.error` of the nearest directory that has one, and in `.storyfs/errors`, until something in
 * that directory is done. For what fails with -EPERM, -EACCES or -ENOTEMPTY; what programs try
 * beside what they do is not told.
 */
struct tree_denied {
	enum tree_act {
		TREE_MAKE_DIR,
		TREE_MAKE_FILE,
		TREE_MAKE_OTHER,
		TREE_UNLINK,
		TREE_REMOVE, /* a directory */
		TREE_RENAME,
		TREE_WRITE,
	} act;
	struct node node; /* what it was to be done to; or the directory to be made in */
	struct node dir;  /* where it is, or was to be, and how it is called there; */
	const char *name; /* NULL: by the node alone */
	int error;	  /* -errno */
};

void tree_note_denied(struct tree *t, const struct tree_denied *denied);

/* Somebody tries to unlink the node: what it is in will not be deleted for a minute. */
void tree_note_unlink(struct tree *t, const struct node *node);

/* The text of the field's last refusal, or of all there are in a resource's directory, appended; 1
 * when there is none. */
int tree_error(struct tree *t, const struct node *node, struct buf *ret);

/* Facts of a resource's directory, its fields and the files that hold all of it; the project's
 * version and the last refusal also of what hangs below. Appended; 1 when there is none. */
enum tree_attribute {
	TREE_ID,
	TREE_URL,
	TREE_VERSION, /* the project's */
	TREE_ERROR,   /* as tree_error */
};

int tree_attribute(
	struct tree *t, const struct node *node, enum tree_attribute which, struct buf *ret);

/* The nodes a change of the store concerns, for whoever has shown them to somebody: files whose
 * content moved (removed false), entries that came or went, and directories whose listing moved. */
struct tree_change {
	enum { TREE_CONTENT, TREE_ENTRY } type;
	struct node node;   /* of CONTENT */
	struct node parent; /* of ENTRY */
	const char *name;   /* of ENTRY, borrowed for the call */
};

void tree_changes(struct tree *t, const struct change *change,
	void (*emit)(void *data, const struct tree_change *change), void *data);

SCOPED_PTR(struct tree, tree_free);

#endif
