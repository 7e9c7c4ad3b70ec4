/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A saved text becomes a patch, is checked, compared with what is there, and sent; or refused, with
 * all that the writer needs to know. */
#include <errno.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"

struct edit {
	enum kind kind;
	int field;
	struct record *record; /* as it is */
	struct record *patch;  /* what the text means */
	struct buf reason;     /* why it means nothing */
	struct v5_error error; /* or why it may not be */
	enum sent sent;
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

static char *explain(struct tree *t, const struct edit *e, int error, const char *data, size_t len)
{
	const struct field *field = schema_field(e->kind, e->field);
	scoped(buf_fini) struct buf accepted = BUF_INIT;
	bool is_special = rules_describe(t, e->record, e->field, &accepted);

	return explain_refusal(&(struct refused_save){ .name = field->key,
		.what = "saved",
		.error = error,
		.data = data,
		.len = len,
		.reason = &e->reason,
		.v5 = &e->error,
		.sent = e->sent,
		.field = field,
		.accepted = is_special ? buf_str(&accepted) : NULL,
		.next = "the server's value is unchanged; save another one",
		.next_unknown = "whether the server has it is unknown; read the file, and save "
				"again if it does not" });
}

static int edit_send(struct edit *e, struct tree *t, const struct call_limit *limit)
{
	scoped(record_unref) struct record *now = NULL;
	scoped(call_fini) struct call call = { 0 };

	if (limit)
		call.limit = *limit;
	e->sent = SENT_REQUEST;
	int r = store_update(t->store, e->record, e->patch, &call, &now);

	v5_error_fini(&e->error);
	e->error = call.error;
	call.error = (struct v5_error){ 0 };
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
static int save_field(struct tree *t, const struct node *node, const char *data, size_t len,
	const struct call_limit *limit)
{
	scoped(edit_fini) struct edit e = { .sent = SENT_NOTHING };
	struct node dir = { node->row, node->id, -1 };
	int r = edit_begin(&e, t, node, data, len);

	if (r == -ESTALE)
		return r;
	if (r == 0 && !is_nothing_new(&e)) {
		r = rules_check(t, e.record, e.patch, &e.reason);
		if (r == 0)
			r = edit_send(&e, t, limit);
	}
	if (r < 0)
		refusal_put(t, &dir, node, explain(t, &e, r, data, len));
	else
		refusal_drop(t, &dir, node);
	return r;
}

int tree_save(struct tree *t, const struct node *node, const char *data, size_t len,
	const struct call_limit *limit)
{
	struct node_attr attr;
	int r = tree_stat(t, node, &attr);

	if (r < 0)
		return r;
	if (attr.type == NODE_DIR)
		return -EISDIR;
	if (!attr.writable)
		return -EACCES;
	if (tree_makes_new(node))
		return make_from_text(t, node, data, len, limit);
	if (is_document(node))
		return document_save(t, node, data, len, limit);
	if (layout_of(node->row)->type == ROW_CONTROL)
		return control_save(t, node, data, len);
	return save_field(t, node, data, len, limit);
}

bool tree_makes_new(const struct node *node)
{
	return layout_makes_new(layout_of(node->row)->type);
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
