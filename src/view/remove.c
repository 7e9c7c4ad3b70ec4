/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deleting, and who must not: `rm -r` unlinks what it finds on its way down, so a directory in
 * which that was tried is not deleted. */
#include <errno.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "write.h"

enum { TORN_MS = 60000 };

/* A directory in which, or below which, something was to be unlinked. */
struct torn {
	struct table_item item;
	uint64_t dir;
	int64_t at_ms; /* monotonic */
};

static void note(struct tree *t, const struct node *dir)
{
	uint64_t number = tree_number(dir);
	struct torn *torn;

	lock_scope(&t->lock);
	torn = table_find(&t->torn, &number, sizeof(number));
	if (!torn) {
		torn = xcalloc(1, sizeof(*torn));
		torn->dir = number;
		table_add(&t->torn, &torn->item, &torn->dir, sizeof(torn->dir));
	}
	torn->at_ms = clock_monotonic_ms();
}

void tree_note_unlink(struct tree *t, const struct node *node)
{
	struct node dir = *node, up;

	attachment_refuse_unlink(t, node);
	while (dir.row != ROW_root && tree_parent(t, &dir, &up) == 0) {
		note(t, &up);
		dir = up;
	}
}

static bool is_torn(struct tree *t, const struct node *dir)
{
	uint64_t number = tree_number(dir);

	lock_scope(&t->lock);
	const struct torn *torn = table_find(&t->torn, &number, sizeof(number));

	return torn && clock_monotonic_ms() - torn->at_ms < TORN_MS;
}

void torn_fini(struct tree *t)
{
	struct torn *torn;

	while ((torn = table_pop(&t->torn)))
		free(torn);
}

/* V5 has no way to delete one. */
static bool is_kept(enum kind kind)
{
	static const bool kept[N_KINDS] = {
		[KIND_iteration] = true, [KIND_release] = true, [KIND_review_type] = true
	};

	return kept[kind];
}

/* The kind of what goes with the directory; KIND_none when it cannot go. */
static enum kind removable_kind(const struct node *node)
{
	const struct layout *l = layout_of(node->row), *up = layout_of(l->parent);

	if (node->field >= 0 || l->name || layout_parent_kind(node->row) == KIND_none ||
		is_kept(l->kind))
		return KIND_none;
	if (l->type == ROW_RESOURCE || l->type == ROW_FOLDER)
		return l->kind;
	return up->type == ROW_GROUPS && node->row == layout_entry(ROW_search) ? up->kind
									       : KIND_none;
}

/* Only what V5 lets clients make it lets them delete. */
static bool is_made_by_clients(enum kind kind)
{
	each_field(f, kind) {
		if (schema_field(kind, f)->write & WRITE_CREATE)
			return true;
	}
	return false;
}

bool remove_is_possible(const struct node *dir)
{
	enum row_type type = layout_of(dir->row)->type;
	struct node entry = { layout_entry(dir->row), 0, -1 };

	/* Whoever empties a FOLDER is told that this deletes nothing. */
	if (type == ROW_DEPOT || type == ROW_FOLDER)
		return true;
	return entry.row < N_ROWS && layout_of(entry.row)->type == ROW_RESOURCE &&
	       removable_kind(&entry) && is_made_by_clients(removable_kind(&entry));
}

struct removal {
	const char *next;
	enum sent sent;
	struct buf reason;
	struct call call;
};

static void removal_fini(struct removal *r)
{
	buf_fini(&r->reason);
	call_fini(&r->call);
}

SCOPED_VALUE(struct removal, removal_fini);

static int remove_record(struct tree *t, const struct node *node, struct removal *ret)
{
	scoped(record_unref) struct record *r = NULL;

	if (store_peek(t->store, removable_kind(node), node->id, &r))
		return -ESTALE;
	if (is_torn(t, node)) {
		buf_add_str(&ret->reason, "files in it were being removed: rm -r never deletes "
					  "anything on the server\n");
		ret->next = "rmdir it, a minute from now, to delete it";
		return -ENOTEMPTY;
	}
	int e = control_take_delete(t);

	if (e < 0) {
		buf_add_str(&ret->reason, "too many were deleted in a short time\n");
		ret->next = "echo N > .storyfs/deletes (at the top of the mount) allows N more";
		return e;
	}
	ret->sent = SENT_REQUEST;
	return write_delete(t, r, &ret->call);
}

static void refuse(struct tree *t, const struct node *dir, const struct node *node, int e,
	const struct removal *r)
{
	scoped(buf_fini) struct buf name = BUF_INIT;

	tree_name(t, node, &name);
	refusal_put(t, dir, node,
		explain_refusal(&(struct refused_save){ .name = buf_str(&name),
			.what = "deleted",
			.error = e,
			.reason = &r->reason,
			.v5 = &r->call.error,
			.sent = r->sent,
			.next = r->next,
			.next_unknown = "whether it was deleted is unknown; look again" }));
}

int tree_remove(struct tree *t, const struct node *node, const struct call_limit *limit)
{
	scoped(removal_fini) struct removal r = { .next = "nothing was deleted",
		.sent = SENT_NOTHING };
	struct node dir;

	if (!removable_kind(node)) {
		tree_note_unlink(t, node);
		tree_note_denied(t, &(struct tree_denied){
					    .act = TREE_REMOVE, .node = *node, .error = -EPERM });
		return -EPERM;
	}
	if (tree_error_dir(t, node, &dir) < 0)
		return -ESTALE;
	if (limit)
		r.call.limit = *limit;
	int e = remove_record(t, node, &r);

	if (e < 0) {
		refuse(t, &dir, node, e, &r);
		return e;
	}
	refusal_drop(t, &dir, node);
	denied_drop(t, &dir);
	return e;
}
