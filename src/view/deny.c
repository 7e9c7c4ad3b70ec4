/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What cannot be done because of what the tree is: why, and what does it instead, as `.error` of
 * the nearest directory that has one. Nothing of it ever reached the server. What programs try by
 * themselves (a swap file beside README.md, a trash can) is not worth a word.
 */
#include <errno.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"

enum { KEY_FIELD = 253 };

#define FOLLOWS "what is here is made of what the server has, and follows it"
#define ELSEWHERE "change what it is made of; README.md at the top of the mount says what is where"

/* The first row that fits: of the directory in which something was to be made, else of the thing
 * itself. N_ROW_TYPES: any. */
static const struct rule {
	enum tree_act act;
	enum row_type type;
	const char *reason, *next;
} rules[] = {
	{ TREE_MAKE_DIR, ROW_COLLECTION, "a name makes none here",
		"write into `new`, where it is; what is made nowhere here is the server's" },
	{ TREE_MAKE_DIR, ROW_RESOURCE,
		"a resource's directories are fixed, and its files its fields",
		"make what you want where it belongs" },
	{ TREE_MAKE_DIR, N_ROW_TYPES, "no directory can be made here",
		"make what you want where it belongs" },
	{ TREE_MAKE_FILE, ROW_COLLECTION, "what is here are directories",
		"mkdir NAME makes one, where a name is enough; else write into `new`, where it is" },
	{ TREE_MAKE_FILE, ROW_DEPOT, "what is here lies by id, which the server gives",
		"cp FILE stories/ID/attachments/ attaches a file to a story" },
	{ TREE_MAKE_FILE, N_ROW_TYPES, "no file can be made here",
		"files can be made in the directory of a resource, where they are scratch files, in "
		"attachments/ of a story or an epic, and in markdown/" },
	{ TREE_MAKE_OTHER, N_ROW_TYPES, "no such thing can be made here",
		"files and symbolic links can be made in the directory of a resource" },
	{ TREE_UNLINK, ROW_RESOURCE,
		"removing a file deletes nothing on the server, and this one is "
		"read-only",
		"rmdir of its directory deletes a resource that can be deleted" },
	{ TREE_UNLINK, ROW_LINK, "a link is there as long as what it stands for",
		"write the field that puts it here, or rmdir what it leads to" },
	{ TREE_UNLINK, ROW_ERROR, "it tells of what was refused last",
		"it goes with the next write in its directory that is taken" },
	{ TREE_UNLINK, N_ROW_TYPES, FOLLOWS, ELSEWHERE },
	{ TREE_REMOVE, ROW_RESOURCE, "one of these cannot be deleted from here",
		"nothing was deleted; a release is the story of its id" },
	{ TREE_REMOVE, ROW_CONFLICT, "a conflict goes when it is resolved",
		"echo mine > resolve (or theirs) in it" },
	{ TREE_REMOVE, ROW_LINKS, "a group goes with what it is made of",
		"rmdir that: labels/ID, epics/ID, memberships/ID" },
	{ TREE_REMOVE, N_ROW_TYPES, "a fixed part of the tree, and what is in it is kept",
		"rmdir what is in it, one by one; rm -r never deletes anything on the server" },
	{ TREE_RENAME, ROW_RESOURCE, "what it is called here is its id, or V5's word for the field",
		"write its name, or whatever is to change, into the file of that field" },
	{ TREE_RENAME, ROW_LINK,
		"a link is called after what it leads to, and is where that belongs",
		"mv it to another directory of by-state/, by-type/, by-owner/, by-label/ or panels/, or "
		"write the field" },
	{ TREE_RENAME, N_ROW_TYPES, "names and places are fixed here", ELSEWHERE },
	{ TREE_WRITE, ROW_RESOURCE, "the file is read-only: the server alone sets this field",
		"write the fields that can be written; README.md at the top of the mount lists them" },
	{ TREE_WRITE, N_ROW_TYPES, FOLLOWS, ELSEWHERE },
};

static const char *const not_done[] = {
	[TREE_MAKE_DIR] = "made",
	[TREE_MAKE_FILE] = "made",
	[TREE_MAKE_OTHER] = "made",
	[TREE_UNLINK] = "removed",
	[TREE_REMOVE] = "removed",
	[TREE_RENAME] = "moved",
	[TREE_WRITE] = "written",
};

static bool makes(enum tree_act act)
{
	return act == TREE_MAKE_DIR || act == TREE_MAKE_FILE || act == TREE_MAKE_OTHER;
}

static const struct rule *find_rule(const struct tree_denied *d)
{
	const struct rule *rule = rules;

	while (rule->act != d->act ||
		(rule->type != N_ROW_TYPES && rule->type != layout_of(d->node.row)->type))
		rule++;
	return rule;
}

/* Names of files that nobody means to send. */
static bool is_by_the_way(const struct tree_denied *d)
{
	size_t len = d->name ? strlen(d->name) : 0;

	if (!makes(d->act) || !len ||
		(d->act == TREE_MAKE_DIR && layout_of(d->node.row)->type == ROW_COLLECTION))
		return false;
	return d->name[0] == '.' || d->name[len - 1] == '~' || strspn(d->name, "0123456789") == len;
}

/* ---- where, and how it is called from there ---- */

static bool has_error(enum layout_row dir)
{
	for (int row = ROW_root + 1; row < N_ROWS; row++) {
		const struct layout *l = layout_of((enum layout_row)row);

		if (l->type == ROW_ERROR && l->parent == dir)
			return true;
	}
	return false;
}

struct node refusal_place(struct tree *t, const struct node *dir)
{
	struct node at = *dir, up;

	while (!has_error(at.row) && at.row != ROW_root && tree_parent(t, &at, &up) == 0)
		at = up;
	return at;
}

/* One is told in each place, the last: as what no node is called by. */
static struct node key_of(const struct node *place)
{
	return (struct node){ place->row, place->id, KEY_FIELD };
}

void denied_drop(struct tree *t, const struct node *dir)
{
	struct node place = refusal_place(t, dir), key = key_of(&place);

	refusal_drop(t, &place, &key);
}

static bool find_place(struct tree *t, const struct tree_denied *d, struct node *ret)
{
	struct node dir = d->dir;

	if ((!d->name || layout_of(d->node.row)->kind == KIND_file_attachment) && !makes(d->act) &&
		tree_error_dir(t, &d->node, &dir) < 0)
		return false;
	*ret = refusal_place(t, &dir);
	return true;
}

static void add_name(
	struct tree *t, const struct tree_denied *d, const struct node *place, struct buf *ret)
{
	scoped(buf_fini) struct buf from = BUF_INIT, to = BUF_INIT;

	node_add_path(t, place, &from);
	node_add_path(t, d->name ? &d->dir : &d->node, &to);
	if (d->name)
		buf_add_fmt(&to, "%s%s", to.len ? "/" : "", d->name);
	/* What lies elsewhere is told by its whole path. */
	bool is_below = from.len < to.len && strncmp(buf_str(&from), buf_str(&to), from.len) == 0;

	buf_add_str(ret, buf_str(&to) + (is_below && from.len ? from.len + 1 : 0));
}

/* Where directories can be made, by the layout. */
static void add_growing(struct buf *b)
{
	for (int i = ROW_root + 1; i < N_ROWS; i++) {
		struct node dir = { (enum layout_row)i, 0, -1 };
		const char *name = layout_of(dir.row)->name;
		scoped(free_ptr) char *word = xasprintf("%s/", name ? name : "");

		if (name && make_is_possible(&dir) && !strstr(buf_str(b), word))
			buf_add_fmt(b, "%s%s", b->len ? ", " : "mkdir NAME in ", word);
	}
}

static const char *reason_of(const struct tree_denied *d, const struct rule *rule)
{
	if (d->error == -ENOTEMPTY)
		return "files that are only here are in it, and would be lost";
	return d->act == TREE_MAKE_DIR && d->name[0] == '.'
		       ? "a name that begins with a dot makes nothing"
		       : rule->reason;
}

void tree_note_denied(struct tree *t, const struct tree_denied *d)
{
	bool is_rule = d->error == -EPERM || d->error == -EACCES || d->error == -ENOTEMPTY;
	scoped(buf_fini) struct buf name = BUF_INIT, reason = BUF_INIT, growing = BUF_INIT;
	const struct v5_error none = { 0 };
	struct node place;

	if (!is_rule || is_by_the_way(d) || !find_place(t, d, &place))
		return;
	const struct rule *rule = find_rule(d);

	add_name(t, d, &place, &name);
	buf_add_fmt(&reason, "%s\n", reason_of(d, rule));
	if (d->act == TREE_MAKE_DIR)
		add_growing(&growing);
	struct node key = key_of(&place);

	refusal_put(t, &place, &key,
		explain_refusal(&(struct refused_save){ .name = buf_str(&name),
			.what = not_done[d->act],
			.error = d->error,
			.reason = &reason,
			.v5 = &none,
			.sent = SENT_NOTHING,
			.accepted = growing.len ? buf_str(&growing) : NULL,
			.next = d->error == -ENOTEMPTY ? "rm those first" : rule->next,
			.next_unknown = rule->next }));
}
