/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of `.storyfs`: the mount itself, in words. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "conflict.h"
#include "storyfs/alloc.h"
#include "storyfs/clock.h"
#include "storyfs/journal.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

enum {
	DELETES_AT_ONCE = 10, /* what a person does by hand */
	DELETES_REST_MS = 60000,
	DELETES_MAX = 1000000,
	SHOWN_BYTES = 5000,
};

int64_t control_now(struct tree *t)
{
	int64_t now = clock_now_ms() * 1000000;

	t->control_ns = now > t->control_ns ? now : t->control_ns + 1;
	return t->control_ns;
}

void control_touch(struct tree *t)
{
	lock_scope(&t->lock);
	control_now(t);
}

int64_t control_time(struct tree *t)
{
	int64_t started = store_mtime(t->store, KIND_none, 0, -1);

	lock_scope(&t->lock);
	return t->control_ns > started ? t->control_ns : started;
}

/* ---- last ---- */

void control_note_made(struct tree *t, const struct node *node, const struct record *r, bool more)
{
	enum kind kind = record_kind(r);
	scoped(buf_fini) struct buf path = BUF_INIT;

	if (node_add_path(t, node, &path) < 0)
		return;
	const char *text = record_text(r, schema_resource(kind)->label);

	lock_scope(&t->lock);
	if (!more)
		buf_reset(&t->last);
	else if (t->last.len)
		buf_add_char(&t->last, '\n');
	buf_add_fmt(&t->last, "id: %" PRId64 "\nkind: %s\npath: %s\n", node->id,
		schema_resource(kind)->name, buf_str(&path));
	buf_add_str(&t->last, "name: ");
	text_add_excerpt(&t->last, text, strlen(text), SHOWN_BYTES);
	buf_add_char(&t->last, '\n');
	control_now(t);
}

/* ---- deletes ---- */

/* The lock is held. */
static int deletes_left(const struct tree *t)
{
	bool rested = !t->deleted_ms || clock_monotonic_ms() - t->deleted_ms >= DELETES_REST_MS;

	return rested && t->deletes_left < DELETES_AT_ONCE ? DELETES_AT_ONCE : t->deletes_left;
}

int control_take_delete(struct tree *t)
{
	lock_scope(&t->lock);
	int left = deletes_left(t);

	if (left == 0)
		return -EBUSY;
	t->deletes_left = left - 1;
	t->deleted_ms = clock_monotonic_ms();
	control_now(t);
	return 0;
}

static char *explain_deletes(const char *data, size_t len)
{
	scoped(buf_fini) struct buf reason = BUF_INIT;
	scoped(free_ptr) char *accepted = xasprintf("a whole number from 0 to %d", DELETES_MAX);
	const struct v5_error none = { 0 };

	buf_add_str(&reason, "not how many more may be deleted\n");
	return explain_refusal(&(struct refused_save){ .name = layout_of(ROW_storyfs_deletes)->name,
		.what = "saved",
		.error = -EINVAL,
		.data = data,
		.len = len,
		.reason = &reason,
		.v5 = &none,
		.sent = SENT_NOTHING,
		.accepted = accepted,
		.next = "write a number; it counts from now on" });
}

static int save_deletes(struct tree *t, const char *data, size_t len)
{
	scoped(free_ptr) char *text = xstrndup(data, len);
	size_t n = strcspn(text, "\n");
	int64_t left;

	text[n] = '\0';
	if (!parse_int(text, 0, DELETES_MAX, &left))
		return -EINVAL;
	lock_scope(&t->lock);
	t->deletes_left = (int)left;
	t->deleted_ms = clock_monotonic_ms();
	control_now(t);
	return 0;
}

/* ---- status ---- */

static void add_status(struct tree *t, struct buf *ret)
{
	scoped(ids_fini) struct ids conflicts = { 0 };

	store_add_status(t->store, ret);
	refusals_add_status(t, ret);
	conflict_list(t, &conflicts);
	buf_add_fmt(ret, "conflicts: %zu\nstoryfs: " STORYFS_VERSION "\n", conflicts.n);
}

/* ---- all ---- */

int control_read(struct tree *t, const struct node *node, struct buf *ret)
{
	if (layout_of(node->row)->parent == ROW_conflict)
		return conflict_read(t, node, ret);
	if (node->row == ROW_storyfs_errors) {
		store_add_problems(t->store, ret);
		return refusals_read(t, ret);
	}
	if (node->row == ROW_storyfs_status) {
		add_status(t, ret);
		return 0;
	}
	if (node->row == ROW_storyfs_journal) {
		if (t->journal)
			journal_read(t->journal, ret);
		return 0;
	}
	lock_scope(&t->lock);
	if (node->row == ROW_storyfs_last)
		buf_add(ret, buf_str(&t->last), t->last.len);
	else if (node->row == ROW_storyfs_deletes)
		buf_add_fmt(ret, "%d\n", deletes_left(t));
	return 0;
}

bool control_is_writable(enum layout_row row)
{
	return row == ROW_storyfs_deletes || row == ROW_conflict_resolve;
}

int control_save(struct tree *t, const struct node *node, const struct tree_text *text,
	const struct call_limit *limit)
{
	struct node dir = { layout_of(node->row)->parent, 0, -1 };

	if (node->row == ROW_conflict_resolve)
		return conflict_resolve(t, node, text, limit);
	if (node->row != ROW_storyfs_deletes)
		return -EACCES;
	int e = save_deletes(t, text->data, text->len);

	if (e < 0)
		refusal_put(t, &dir, node, explain_deletes(text->data, text->len));
	else
		refusal_drop(t, &dir, node);
	return e;
}
