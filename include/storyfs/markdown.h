/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole story as one document, and back. Pure: texts in, texts out, whose meaning is plain.h's.
 *
 *	---
 *	estimate: 3                         the editable fields, each; nothing behind the key is
 *none labels: [a, b]
 *	---
 *
 *	# The name
 *
 *	The description, as it is.
 *
 *	## Tasks <!-- storyfs: tasks -->
 *
 *	- [x] done <!-- storyfs: 701 -->
 *	- [ ] a new one has no mark
 *
 *	## Blockers <!-- storyfs: blockers -->
 *
 *	## Comments <!-- storyfs: comments -->
 *
 *	### Ada, 2024-05-31T16:00:00.000Z <!-- storyfs: comment 601 -->
 *
 *	The text, as it is.
 *
 *	<!-- storyfs: version 0123456789abcdef; text below this line becomes a comment -->
 *
 * `<!-- storyfs:` is a mark, nothing else is: in a text it is written `<!-- \storyfs:`, with one
 * backslash more than the text has. Lines of a task but the first stand behind two blanks; newlines
 * of a name are marks.
 */
#ifndef STORYFS_MARKDOWN_H
#define STORYFS_MARKDOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "storyfs/buf.h"
#include "storyfs/schema.h"

/* line: where the document has it, for who explains it; 0 when it was not read from one. */
struct markdown_field {
	char *text; /* as plain_write gives it, a list one item a line; NULL: not in the document */
	size_t line;
};

/* A task or a blocker. */
struct markdown_item {
	int64_t id; /* 0: new */
	bool done;  /* complete, resolved */
	char *text;
	size_t line;
};

struct markdown_comment {
	int64_t id;
	char *head; /* who and when */
	char *text;
	size_t line;
};

struct markdown_items {
	size_t n;
	struct markdown_item *v;
};

struct markdown_comments {
	size_t n;
	struct markdown_comment *v;
};

/* Zeroed is empty. */
struct markdown {
	struct markdown_field fields[N_story_FIELDS];
	struct markdown_items tasks, blockers;
	struct markdown_comments comments;
	char *comment; /* a new one, or NULL */
	size_t comment_line;
	char *version; /* of the text that was written; NULL when it has none */
};

void markdown_fini(struct markdown *m);
/* Takes what the item points to over. */
void markdown_add_item(struct markdown_items *items, struct markdown_item item);
void markdown_add_comment(struct markdown_comments *comments, struct markdown_comment comment);

/* Does a document have the field: as its heading, its body or in its front matter? */
bool markdown_has_field(int f);

/* Append the document. Its version is computed from all that stands before it. */
void markdown_write(const struct markdown *m, struct buf *b);

enum markdown_use {
	MARKDOWN_OF_STORY, /* what markdown_write wrote, edited: every part of it must be there */
	MARKDOWN_OF_NEW,   /* a story to be made: the heading is all that must be */
};

/*
 * Read a document; what markdown_write wrote comes back as it was. -EINVAL when it is none: no text
 * at all, cut off, with unknown keys or marks where none may be; the line and the reason are
 * appended to ret_reason.
 */
int markdown_read(const struct buf *text, enum markdown_use use, struct markdown *ret,
	struct buf *ret_reason);

SCOPED_VALUE(struct markdown, markdown_fini);

#endif
