/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stories as the documents of markdown.h: made from the store, saved into it. */
#ifndef STORYFS_VIEW_DOCUMENT_H
#define STORYFS_VIEW_DOCUMENT_H

#include "doubt.h"
#include "shown.h"
#include "storyfs/markdown.h"

/* The kinds that a document's lists hold, and their fields. */
struct document_list {
	enum kind kind;
	int text, done;
	bool has_order; /* a new one has its place, told by `position` */
	size_t offset;	/* of the list in struct markdown */
};

extern const struct document_list document_lists[2];

static inline struct markdown_items *document_items(
	const struct markdown *m, const struct document_list *list)
{
	return (struct markdown_items *)((char *)(uintptr_t)m + list->offset);
}

/* One list in three versions. */
struct document_versions {
	const struct document_list *list;
	const struct markdown_items *base, *mine, *present;
};

struct markdown_item *document_find_item(const struct markdown_items *items, int64_t id);
/* The field's text, "" when the document has none. */
const char *document_text(const struct markdown *m, int f);

/* document.c: what the store has. -ESTALE when the story is gone. */
int document_make(struct tree *t, const struct record *story, struct markdown *ret);

/* remembered.c: documents that were read, by their version: what a save is made against. */
struct remembered {
	struct table_item item;
	char *key; /* the story's id and the version */
	struct buf text;
	/* What became of it by saves: the same with what was sent, where what was made has line 0.
	 * More than one when programs that know nothing of each other saved. */
	struct markdown **sent;
	size_t n_sent;
	/* What saves tried to make of it, and nobody knows whether they did: in which of sent it
	 * belongs if so. */
	struct remembered_doubt {
		struct doubt *doubt;
		struct markdown *sent;
	} * doubts;
	size_t n_doubts;
	int n_users;
	bool dropped; /* out of the table, to be freed by the last user */
};

/* Remember the document's text. */
void remembered_add(struct tree *t, int64_t story_id, const struct buf *text);
/* The text that made the story, which its editor saves again, has no version: it goes by this one.
 * What was made is taken over. */
#define REMEMBERED_MADE "made"
void remembered_add_made(
	struct tree *t, int64_t story_id, const struct buf *text, struct markdown *made);
/* NULL when it is forgotten. The caller gives it back; a story is saved by one at a time. */
struct remembered *remembered_take(struct tree *t, int64_t story_id, const char *version);
void remembered_give(struct tree *t, struct remembered *r);
/* Of one that was taken. The doubt is taken over; the last one is settled. */
void remembered_add_doubt(struct remembered *r, struct doubt *doubt, struct markdown *sent);
void remembered_drop_doubt(struct remembered *r);

/* document_plan.c: what a save means. */
struct document_step {
	enum { STEP_UPDATE, STEP_DELETE, STEP_CREATE } type;
	enum kind kind;
	int64_t id;
	struct record *patch;
	struct markdown_item *item; /* of mine; NULL for the story, a comment, a DELETE */
};

struct document_plan {
	const struct markdown *base, *present;
	struct markdown *mine;
	bool follows; /* mine goes on from the base: what is not in it any more was removed */
	const struct record *story;
	const struct resolver *resolver;
	size_t n;
	struct document_step *steps;
	struct buf conflicts; /* a line each: what is not sent, for it moved */
	struct buf reason;    /* why nothing may be sent */
	struct v5_error error;
};

/* -EINVAL or as check_patch, with the reason, when nothing of it may be sent. */
int document_plan_make(struct document_plan *p);
void document_plan_fini(struct document_plan *p);
/* Add what the other patch has. */
void document_merge(struct record *patch, const struct record *more);
/* One field that a document gives, as a patch of its own that was checked. */
int document_read_field(struct document_plan *p, int f, struct record **ret);
/* A task or a blocker to be made of an item, checked. */
int document_read_item(struct document_plan *p, const struct document_list *list,
	const struct markdown_item *item, struct record **ret);
/* A comment alike, of the text below the last line. */
int document_read_comment(struct document_plan *p, struct record **ret);
/* Is mine another text? Python reads CR LF as LF, and writes that: nobody means it. */
bool document_has_changed(const char *base, const char *mine);
/* Will the save remove this one of the present? Not what others changed. */
bool document_is_removed(const struct document_versions *l, const struct markdown_item *present);
/* document_order.c: for each of mine the position that it is sent to by the steps in their order
 * (removals first), 0: it stays, or comes at the end by itself; the caller frees them. False when
 * others moved some, too, and what I moved is not among it. */
bool document_find_positions(const struct document_versions *l, int64_t **ret);
/* Did mine move what the present one moved, too, of the base? */
bool document_shares_moves(const struct document_versions *l);
/* document_sent.c: what was sent of a document. */
/* The text that was saved last of those that mine comes from, of which it has something that was
 * sent; NULL when it has nothing of any: it comes from the text that was read. */
struct markdown *document_find_sent(
	const struct remembered *r, const struct markdown *read, const struct markdown *mine);
/* New items of mine that a save made already have their ids from now on. */
void document_adopt(struct markdown *mine, const struct markdown *sent);
/* A save made this, as is known only now. */
void document_note_made(const struct record *made, struct markdown *sent);
/* Mine goes on from the last text that was saved: when it has as many new items as that, they are
 * the same ones, however they read now. */
void document_follow(struct markdown *mine, struct markdown *last, const struct markdown *sent);
/* The step was carried out; id is that of what it made. */
void document_note_sent(struct document_plan *p, const struct document_step *step, int64_t id,
	struct markdown *sent);

SCOPED_VALUE(struct document_plan, document_plan_fini);

#endif
