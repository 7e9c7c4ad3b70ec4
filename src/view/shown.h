/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the tree share: the layout as data, names of people, refusals. */
#ifndef STORYFS_VIEW_SHOWN_H
#define STORYFS_VIEW_SHOWN_H

#include <pthread.h>

#include "storyfs/plain.h"
#include "storyfs/table.h"
#include "storyfs/tree.h"

struct layout {
	enum layout_row parent;
	const char *name;
	enum row_type type;
	enum kind kind;
};

const struct layout *layout_of(enum layout_row row);
/* What rows of a type have in common. */
struct row_class {
	enum node_type node;
	enum { ABOUT_BELOW, ABOUT_WHOLE, ABOUT_TO_ONE } about;
	const char *words;
};

const struct row_class *layout_class(enum layout_row row);
/* What stands for the name of an entry that has no fixed one. */
const char *layout_stand_in(enum layout_row row);
/* The kind of the resource that a node's id is of; KIND_none at the top. */
enum kind layout_subject_kind(enum layout_row row);
/* The kind of the resource that the row's directory hangs below; KIND_none at the top. */
enum kind layout_parent_kind(enum layout_row row);
/* The row that shows resources of this kind below that parent; N_ROWS when none does. */
enum layout_row layout_find(enum row_type type, enum kind kind, enum kind parent);
/* The row of a directory's entries that have no fixed name; N_ROWS when there are none. */
enum layout_row layout_entry(enum layout_row dir);
/* What a COLLECTION, LINKS, GROUPS or FILES directory lists, or a TABLE. */
struct place layout_place(const struct node *dir);
#define NODE_MAX_ID STORE_MAX_ID
/* Does the row hang below what is named by a number, or show such a thing? */
bool node_has_id(enum layout_row row);
/* Is the field a file of its resource's directory? */
bool layout_has_file(enum kind kind, int f);
/* May the file be saved? Not what says where the resource is: that would move it elsewhere. */
bool layout_is_writable(enum kind kind, int f);
/* Is a file of this type one whose text makes resources? */
bool layout_makes_new(enum row_type type);

/* README.md as it was rendered last. */
struct guide {
	struct buf text;
	bool settled; /* and will be */
	int64_t changed_ns;
};

struct tree {
	struct store *store;
	struct journal *journal; /* NULL: none is kept */
	pthread_mutex_t lock;	 /* guards what follows; the store's lock may be taken under it */
	struct table refusals, rosters, names, torn, tables, queries, remembered, conflicts, doubts;
	struct table histories;
	size_t remembered_bytes, conflict_bytes;
	int64_t last_conflict, conflicts_ns; /* when one came or went */
	struct buf last;		     /* what `.storyfs/last` says */
	struct guide guide;
	int64_t last_query;
	int deletes_left;
	int64_t deleted_ms; /* monotonic; the last one */
	int64_t control_ns; /* when a file of `.storyfs` last changed */
};

/* naming.c: people as the members of a project. The value lives as long as its resolver. */
struct people {
	struct tree *tree;
	int64_t project_id;
};

struct resolver people_resolver(struct people *people);
/* Does the field's file show people by name? */
bool people_are_shown(const struct field *field);
/* When one of those that the file shows was last renamed while we looked; 0: never. */
int64_t people_mtime(const struct people *people, const struct record *r, int f);
/* Was anybody ever, in this project? */
bool people_were_renamed(const struct people *people);
void rosters_fini(struct tree *t);

/* links.c: the names of links to these, in their order. */
struct link_names {
	size_t n;
	char **v;
};

void link_names_make(const struct records *all, struct link_names *ret);
/* The same of other names than titles, a name a record; they are taken over. */
void link_names_take(const struct records *all, char **plain, struct link_names *ret);
void link_names_fini(struct link_names *names);
/* The two forms a name may have; the caller frees them. */
char *link_plain_name(const struct record *r);
char *link_long_name(const char *plain, int64_t id);

/* refusal.c; text is taken over. Of a file in the directory, or of the directory itself; NULL
 * stands for all there are. Where the directory has no `.error` it is told in the nearest one
 * above. refusal_get, of one that has: 1 when there is none. */
void refusal_put(struct tree *t, const struct node *dir, const struct node *node, char *text);
void refusal_drop(struct tree *t, const struct node *dir, const struct node *node);
int refusal_get(struct tree *t, const struct node *dir, const struct node *node, struct buf *ret);
/* All there are, each under the path of its directory. */
int refusals_read(struct tree *t, struct buf *ret);
/* How many there are, and which is the last, `key: value` a line. */
void refusals_add_status(struct tree *t, struct buf *ret);
int64_t refusal_time(struct tree *t, const struct node *dir);
void refusals_fini(struct tree *t);

/* deny.c: the nearest directory, this one or above, that has a `.error`. */
struct node refusal_place(struct tree *t, const struct node *dir);
/* Something was done in the directory: what was denied in it before is no matter any more. */
void denied_drop(struct tree *t, const struct node *dir);

/* explain.c: what `.error` says, a sentence or more; the caller frees it. */
/* Did it reach the server? */
enum sent {
	SENT_UNTOLD, /* the reason says it, part by part */
	SENT_NOTHING,
	SENT_REQUEST,
};

struct refused_save {
	const char *name; /* of what was written or made */
	const char *what; /* it was not: "saved", "made", "deleted" */
	int error;	  /* -errno */
	const char *data; /* what was written, or NULL */
	size_t len;
	const struct buf *reason;  /* ours, lines */
	const struct v5_error *v5; /* the server's */
	enum sent sent;
	const struct field *field;	 /* whose accepted values are told, or NULL */
	const char *accepted;		 /* those, where there is more to say than by the field */
	const char *next, *next_unknown; /* the next move; after an unknown outcome */
};

char *explain_refusal(const struct refused_save *r);

/* render.c: append the text of a field's file, were this the record. */
void field_write(struct tree *t, const struct record *r, int f, struct buf *ret);
/* When the text of a field's file last moved. */
int64_t file_mtime(struct tree *t, const struct record *r, int f);

/* document.c: append the document of a story; document_read remembers that somebody read it. What
 * it is made of was loaded, by document_load. -ESTALE when the story is gone. */
int document_write(struct tree *t, int64_t story_id, struct buf *ret);
int document_read(struct tree *t, int64_t story_id, struct buf *ret);
int document_load(struct tree *t, int64_t story_id, struct call *call);
int64_t document_mtime(struct tree *t, const struct record *story);
/* Does a story's document show resources of this kind (below it, or the story itself)? */
bool document_shows(enum kind kind);
/* document_save.c: -errno with the reason as a refusal; what was sent is told there. */
int document_save(struct tree *t, const struct node *node, const struct tree_text *text,
	const struct call_limit *limit);
bool document_is_saved(struct tree *t, const struct node *node, const char *data, size_t len);
/* remembered.c */
void remembered_fini(struct tree *t);

/* rules.c: -EINVAL, with the reason, for what V5 certainly refuses. */
int rules_check(struct tree *t, const struct record *old, const struct record *patch,
	struct buf *ret_reason);
/* What a field of this very record accepts; false when that is what any such field does. */
bool rules_describe(struct tree *t, const struct record *r, int f, struct buf *ret);

/* make.c: the save of a NEW file; one resource of the text, or one of each line. */
int make_from_text(struct tree *t, const struct node *node, const char *data, size_t len,
	const struct call_limit *limit);
/* Can mkdir(2) make resources in the directory, by the text that stands for them? */
bool make_is_possible(const struct node *dir);
/* remove.c: can what the directory holds be removed, by rmdir(2)? */
bool remove_is_possible(const struct node *dir);
/* The name finds it from now on. */
void make_remember(
	struct tree *t, const struct node *dir, const char *name, const struct node *node);
/* What was made under a name that is not the listing's: true and the node. */
bool make_find_name(struct tree *t, const struct node *dir, const char *name, struct node *ret);
void make_fini(struct tree *t);

/* groups.c: views of a project's stories, group by group. */
/* Is the LINKS directory such a group? */
bool is_group(enum layout_row row);
/* And is it one that its resource lists: a release or an iteration? */
bool is_shelf(enum layout_row row);
/* Can a story's link be moved into the group, and away? */
bool is_movable_group(enum layout_row row);
/* The stories on it. */
const struct value *group_shelf_ids(const struct record *shelf);
/* What it shows: the project's stories. -ESTALE */
int group_place(struct tree *t, const struct node *dir, struct place *ret);
/* The stories of the group among all of the project's, in their order. May ask the server. -ESTALE;
 * -EINVAL for a bad query, which is then told in the directory's `.error`. */
int group_select(struct tree *t, const struct node *dir, const struct records *all,
	struct call *call, struct records *ret);
/* `<rank>-<id>-<slug>`; width is that of the highest rank. The caller frees it. */
char *group_link_name(const struct record *story, size_t rank, int width);
/* The id in such a name if it fits the story's id and slug; ranks come and go. 0: no such name. */
int64_t group_link_id(const char *name);
bool group_link_fits(const struct record *story, const char *name);
/* The names of the groups (a GROUPS directory's), in the records' order. */
void group_names_make(
	struct tree *t, int64_t project_id, const struct records *all, struct link_names *ret);
/* One of them, were it the only one so called; the caller frees it. */
char *group_name(struct tree *t, int64_t project_id, const struct record *r);

/* Is it a link to a story in such a group, or a list of mine? */
bool is_story_link(enum layout_row row);

/* mine.c: is the LINKS directory one of my stories? */
bool is_mine(enum layout_row row);
/* Those in it. May ask the server. */
int mine_select(struct tree *t, enum layout_row row, struct call *call, struct records *ret);
int64_t mine_time(struct tree *t);

/* queries.c: names in `search` that are queries at once. */
/* The node of such a name, which is one from now on; false when it is none. */
bool query_of_name(struct tree *t, const struct node *dir, const char *name, struct node *ret);
/* -ESTALE; the text is the tree's, for good. */
int query_get(struct tree *t, const struct node *node, int64_t *ret_project_id, const char **ret);
/* Append it. -ESTALE */
int query_add_name(struct tree *t, const struct node *node, struct buf *ret);
/* The node ids of those there are in a project, in no order. */
void query_list(struct tree *t, int64_t project_id, struct ids *ret);
void queries_fini(struct tree *t);

/* rows.c: a TABLE file. -ENODATA when its resources were not loaded yet. */
int table_read(struct tree *t, const struct node *node, struct buf *ret);
void tables_fini(struct tree *t);

/* history.c: HISTORY files. history_load may ask the server; history_read is -ENODATA before. */
int history_load(struct tree *t, const struct node *node, struct call *call);
int history_read(struct tree *t, const struct node *node, struct buf *ret);
int64_t history_time(struct tree *t, const struct node *node);
/* The resources of the kind that a thing of a history is of. */
void history_subjects(const struct record *r, enum kind kind, struct ids *ret);
void histories_fini(struct tree *t);

/* attachments.c. The ids of all in a project, whose DEPOT dir is; or with one wanted, at least that
 * one if it is among them. May ask the server. */
int attachments_list(struct tree *t, const struct node *dir, const char *wanted, struct call *call,
	struct ids *ret);
/* Is the directory one of links to them, in which files can be made? */
bool attachments_are_in(enum layout_row dir);
/* The name of the file (BYTES); where a link to it leads. -ESTALE */
int attachment_add_name(struct tree *t, const struct node *node, struct buf *ret);
void attachment_add_target(const struct record *file, struct buf *ret);
/* Where the comment is that holds it, from its FOLDER. 1 when that is not known. */
int attachment_add_comment(struct tree *t, const struct record *file, struct buf *ret);
/* Tell how to delete it, if it is one. */
void attachment_refuse_unlink(struct tree *t, const struct node *node);

/* tree.c: append the node's path from the root. -ESTALE */
int node_add_path(struct tree *t, const struct node *node, struct buf *b);

/* control.c: the files of `.storyfs`. */
int control_read(struct tree *t, const struct node *node, struct buf *ret);
int control_save(struct tree *t, const struct node *node, const struct tree_text *text,
	const struct call_limit *limit);
bool control_is_writable(enum layout_row row);
/* One more is about to be deleted: -EBUSY when that would be too many. */
int control_take_delete(struct tree *t);
int64_t control_time(struct tree *t);
/* A file of `.storyfs` has another text. The lock is not held; of the other one it is. */
void control_touch(struct tree *t);
int64_t control_now(struct tree *t);
/* Say in `.storyfs/last` what was made; more is added to what the same save made before. */
void control_note_made(struct tree *t, const struct node *node, const struct record *r, bool more);
/* guide.c: README.md. */
void guide_read(struct tree *t, struct buf *ret);
/* Is it what it will be? */
bool guide_is_settled(struct tree *t);
int64_t guide_time(struct tree *t);
/* remove.c */
void torn_fini(struct tree *t);

SCOPED_VALUE(struct link_names, link_names_fini);

#endif
