/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A saved text becomes a patch, is checked, compared with what is there, and sent; or refused, with
 * all that the writer needs to know. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "conflict.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "write.h"

struct edit {
	enum kind kind;
	int field;
	struct record *record; /* as it is */
	struct record *patch;  /* what the text means */
	struct buf reason;     /* why it means nothing */
	struct v5_error error; /* or why it may not be */
	enum sent sent;
	int64_t conflict; /* the number of the one it made; 0: none */
	bool overwrote;	  /* it was saved nevertheless */
};

struct save {
	const struct node *node;
	const struct tree_text *text;
	const struct call_limit *limit; /* or NULL */
};

static void edit_fini(struct edit *e)
{
	record_unref(e->record);
	record_unref(e->patch);
	buf_fini(&e->reason);
	v5_error_fini(&e->error);
}

SCOPED_VALUE(struct edit, edit_fini);

/* One newline is the file's. */
static size_t value_length(const char *data, size_t len)
{
	return len && data[len - 1] == '\n' ? len - 1 : len;
}

/* Read the text; -errno when it cannot be a value of the field. */
static int edit_begin(
	struct edit *e, struct tree *t, const struct node *node, const char *data, size_t len)
{
	const struct layout *l = layout_of(node->row);

	e->kind = l->kind;
	e->field = node->field;
	if (store_peek(t->store, l->kind, node->id, &e->record) > 0)
		return -ESTALE;
	struct people people = { t, store_project_of(t->store, e->record) };
	struct resolver resolver = people_resolver(&people);
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add(&text, data, value_length(data, len));
	e->patch = record_new(e->kind);
	int r = plain_read(e->patch, e->field, &text, &resolver, &e->reason);

	if (r < 0)
		return r;
	r = check_patch(e->patch, &e->error);
	if (r == 0 || !e->error.requirement)
		return r;
	/* Its problem quotes the whole text, which is too long. */
	free(e->error.general_problem);
	e->error.general_problem = NULL;
	return -EMSGSIZE;
}

/* Lists of resources are sets: V5 puts labels in order itself. */
static bool is_nothing_new(const struct edit *e)
{
	scoped(record_unref) struct record *diff = record_diff(e->record, e->patch);

	if (!diff)
		return true;
	return schema_field(e->kind, e->field)->type == TYPE_OBJECTS &&
	       record_fulfils(e->record, e->patch);
}

static char *explain(struct tree *t, const struct edit *e, int error, const struct tree_text *text)
{
	const struct field *field = schema_field(e->kind, e->field);
	scoped(buf_fini) struct buf accepted = BUF_INIT;
	bool is_special = rules_describe(t, e->record, e->field, &accepted);
	scoped(buf_fini) struct buf next = BUF_INIT;

	if (e->conflict)
		buf_add_fmt(&next,
			".storyfs/conflicts/%" PRId64 " (at the top of the mount) has base, mine "
			"and theirs; write mine, theirs or the text that it is to be into "
			"resolve there",
			e->conflict);
	else
		buf_add_str(&next, "the server's value is unchanged; save another one");
	return explain_refusal(&(struct refused_save){ .name = field->key,
		.what = "saved",
		.error = error,
		.data = text->data,
		.len = text->len,
		.reason = &e->reason,
		.v5 = &e->error,
		.sent = e->sent,
		.field = e->conflict ? NULL : field,
		.accepted = is_special && !e->conflict ? buf_str(&accepted) : NULL,
		.next = buf_str(&next),
		.next_unknown = e->sent == SENT_REQUEST
					? "whether the server has it is unknown; read the file, "
					  "and save again if it does not"
					: "nothing was sent; save again" });
}

/* Ours is what the server has; theirs, which came between our look and our PUT, is kept. */
static char *explain_overwritten(const struct edit *e)
{
	return xasprintf("%s: saved, over what somebody else saved in the same moment\n"
			 "next: .storyfs/conflicts/%" PRId64 " (at the top of the mount) has "
			 "theirs; write mine, or the text that it is to be, into resolve there\n",
		schema_field(e->kind, e->field)->key, e->conflict);
}

/* ---- conflicts ---- */

/* Do both texts mean one value? */
static bool means_same(
	const struct edit *e, struct tree *t, const struct buf *a, const struct record *r)
{
	scoped(buf_fini) struct buf text = BUF_INIT, reason = BUF_INIT, value = BUF_INIT;
	scoped(record_unref) struct record *patch = record_new(e->kind);
	struct people people = { t, store_project_of(t->store, r) };
	struct resolver resolver = people_resolver(&people);

	field_write(t, r, e->field, &text);
	if (text.len == a->len && memcmp(buf_str(&text), buf_str(a), text.len) == 0)
		return true;
	buf_add(&value, buf_str(a), value_length(buf_str(a), a->len));
	return plain_read(patch, e->field, &value, &resolver, &reason) == 0 &&
	       record_fulfils(r, patch);
}

/* Keep the three texts, and tell where. */
static void put_conflict(
	struct edit *e, struct tree *t, const struct save *s, const struct record *theirs)
{
	scoped(buf_fini) struct buf base = BUF_INIT, now = BUF_INIT;

	field_write(t, theirs, e->field, &now);
	if (s->text->base)
		buf_add(&base, buf_str(s->text->base), s->text->base->len);
	else
		field_write(t, e->record, e->field, &base);
	e->conflict = conflict_put(t, &(struct conflict_texts){ .node = *s->node,
					      .base = &base,
					      .theirs = &now,
					      .mine = s->text->data,
					      .mine_len = s->text->len });
}

/* The server's value is not the one that this text was made from. */
static int refuse_moved(struct edit *e, struct tree *t, const struct save *s)
{
	scoped(record_unref) struct record *theirs = NULL;

	if (store_peek(t->store, e->kind, s->node->id, &theirs))
		return -ESTALE;
	put_conflict(e, t, s, theirs);
	buf_add_str(&e->reason, "somebody else changed it since you read it\n");
	return -EBUSY;
}

/* ---- sending ---- */

/* What is known is not what the text was made from: WRITE_MOVED unless the server has that. */
static int look_for_base(struct edit *e, struct tree *t, const struct save *s, struct call *call)
{
	scoped(record_unref) struct record *seen = NULL;
	int r = store_look(t->store, e->record, call, &seen);

	if (r < 0)
		return r;
	if (!means_same(e, t, s->text->base, seen) && !record_fulfils(seen, e->patch))
		return WRITE_MOVED;
	record_unref(e->record);
	e->record = take_ptr(seen);
	return 0;
}

static int edit_send(struct edit *e, struct tree *t, const struct save *s)
{
	scoped(call_fini) struct call call = { 0 };
	scoped(write_result_fini) struct write_result written = { 0 };
	int r = 0;

	if (s->limit)
		call.limit = *s->limit;
	if (s->text->base && !means_same(e, t, s->text->base, e->record))
		r = look_for_base(e, t, s, &call);
	if (r == 0 && !is_nothing_new(e))
		r = write_update(t, e->record, e->patch, &call, &written);
	e->sent = written.sent ? SENT_REQUEST : SENT_NOTHING;
	v5_error_fini(&e->error);
	e->error = call.error;
	call.error = (struct v5_error){ 0 };
	if (r == WRITE_MOVED)
		return refuse_moved(e, t, s);
	if (r == 0 && written.overwritten) {
		put_conflict(e, t, s, written.overwritten);
		e->overwrote = true;
	}
	return r;
}

static bool is_field(const struct node *node)
{
	return node->field >= 0;
}

static bool is_document(const struct node *node)
{
	return layout_of(node->row)->type == ROW_DOCUMENT;
}

/* Send what a field's text means, or note why not. */
static int save_field(struct tree *t, const struct save *s)
{
	scoped(edit_fini) struct edit e = { .sent = SENT_NOTHING };
	struct node dir = { s->node->row, s->node->id, -1 };
	int r = edit_begin(&e, t, s->node, s->text->data, s->text->len);

	if (r == -ESTALE)
		return r;
	if (r == 0 && !is_nothing_new(&e)) {
		r = rules_check(t, e.record, e.patch, &e.reason);
		if (r == 0)
			r = edit_send(&e, t, s);
	}
	if (r < 0)
		refusal_put(t, &dir, s->node, explain(t, &e, r, s->text));
	else if (e.overwrote)
		refusal_put(t, &dir, s->node, explain_overwritten(&e));
	else
		refusal_drop(t, &dir, s->node);
	return r;
}

static int save(struct tree *t, const struct save *s)
{
	const struct tree_text *text = s->text;

	if (layout_of(s->node->row)->type == ROW_CONTROL)
		return control_save(t, s->node, text, s->limit);
	if (tree_makes_new(s->node))
		return make_from_text(t, s->node, text->data, text->len, s->limit);
	if (is_document(s->node))
		return document_save(t, s->node, text, s->limit);
	return save_field(t, s);
}

int tree_save(struct tree *t, const struct node *node, const struct tree_text *text,
	const struct call_limit *limit)
{
	struct node_attr attr;
	struct node dir;
	int r = tree_stat(t, node, &attr);

	if (r < 0)
		return r;
	if (attr.type == NODE_DIR)
		return -EISDIR;
	if (!attr.writable)
		return -EACCES;
	r = save(t, &(struct save){ node, text, limit });
	/* What could not be done in the directory before is no matter any more. */
	if (r == 0 && tree_parent(t, node, &dir) == 0)
		denied_drop(t, &dir);
	return r;
}

bool tree_makes_new(const struct node *node)
{
	return layout_makes_new(layout_of(node->row)->type) || node->row == ROW_conflict_resolve;
}

bool tree_is_saved(struct tree *t, const struct node *node, const char *data, size_t len)
{
	scoped(edit_fini) struct edit e = { 0 };

	if (is_document(node))
		return document_is_saved(t, node, data, len);
	return is_field(node) && edit_begin(&e, t, node, data, len) == 0 && is_nothing_new(&e);
}

int tree_error(struct tree *t, const struct node *node, struct buf *ret)
{
	struct node dir;

	if (!is_field(node) && !is_document(node) && !tree_makes_new(node) &&
		layout_of(node->row)->type != ROW_CONTROL &&
		layout_of(node->row)->type != ROW_BYTES)
		return refusal_get(t, node, NULL, ret);
	return tree_error_dir(t, node, &dir) < 0 ? 1 : refusal_get(t, &dir, node, ret);
}
