/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A saved text becomes a patch, is checked, compared with what is there, and sent; or refused, with
 * all that the writer needs to know. */
#include <errno.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "storyfs/clock.h"
#include "storyfs/text.h"

enum { SHOWN_BYTES = 400 };

struct edit {
	enum kind kind;
	int field;
	struct record *record; /* as it is */
	struct record *patch;  /* what the text means */
	struct buf reason;     /* why it means nothing */
	struct v5_error error; /* or why it may not be */
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

/* How much of a text is shown: cut between characters, where it has some. */
static size_t shown_length(const char *data, size_t len)
{
	if (len <= SHOWN_BYTES)
		return len;
	for (size_t n = SHOWN_BYTES; n > SHOWN_BYTES - 4; n--) {
		if (text_is_valid(data, n))
			return n;
	}
	return SHOWN_BYTES;
}

/* What was written, in one line of valid UTF-8. */
static void add_shown(struct buf *b, const char *data, size_t len)
{
	size_t shown = shown_length(data, len);
	bool is_text = text_is_valid(data, shown);

	if (!len)
		buf_add_str(b, "(nothing)");
	for (size_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_text))
			buf_add_fmt(b, c == '\n' ? "\\n" : "\\x%02x", c);
		else
			buf_add_char(b, (char)c);
	}
	if (shown < len)
		buf_add_fmt(b, "... (%zu bytes in all)", len);
}

static void add_accepted(struct buf *b, const struct field *field)
{
	buf_add_str(b, "accepted: ");
	plain_describe(field, b);
	if (field->max)
		buf_add_fmt(b, ", at most %zu characters", field->max);
	buf_add_str(b, field->flags & FIELD_REQ ? ", never empty\n" : "; empty for none\n");
}

static char *explain(const struct edit *e, int error, const char *data, size_t len)
{
	struct buf b = BUF_INIT;
	char now[CLOCK_ISO_SIZE];
	bool unknown = api_is_outcome_unknown(error);

	clock_format_iso(clock_now_ms(), now);
	buf_add_fmt(&b, "%s: not saved (%s), %s\n", schema_field(e->kind, e->field)->key,
		strerrordesc_np(-error), now);
	buf_add_str(&b, "wrote: ");
	add_shown(&b, data, len);
	buf_add_char(&b, '\n');
	buf_add_str(&b, buf_str(&e->reason));
	if (e->error.code != V5_OK)
		v5_error_add_text(&e->error, &b);
	add_accepted(&b, schema_field(e->kind, e->field));
	buf_add_str(
		&b, unknown ? "next: whether the server has it is unknown; read the file, and save "
			      "again if it does not\n"
			    : "next: the server's value is unchanged; save another one\n");
	return buf_take(&b);
}

static int edit_send(struct edit *e, struct tree *t, const struct call_limit *limit)
{
	scoped(record_unref) struct record *now = NULL;
	scoped(call_fini) struct call call = { 0 };

	if (limit)
		call.limit = *limit;
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

int tree_save(struct tree *t, const struct node *node, const char *data, size_t len,
	const struct call_limit *limit)
{
	scoped(edit_fini) struct edit e = { 0 };
	struct node_attr attr;
	int r = tree_stat(t, node, &attr);

	if (r < 0)
		return r;
	if (attr.type == NODE_DIR)
		return -EISDIR;
	if (!attr.writable)
		return -EACCES;
	r = edit_begin(&e, t, node, data, len);
	if (r == -ESTALE)
		return r;
	if (r == 0 && !is_nothing_new(&e))
		r = edit_send(&e, t, limit);
	if (r < 0)
		refusal_put(t, e.kind, node->id, node->field, explain(&e, r, data, len));
	else
		refusal_drop(t, e.kind, node->id, node->field);
	return r;
}

bool tree_is_saved(struct tree *t, const struct node *node, const char *data, size_t len)
{
	scoped(edit_fini) struct edit e = { 0 };

	return is_field(node) && edit_begin(&e, t, node, data, len) == 0 && is_nothing_new(&e);
}

bool tree_is_clearable(const struct node *node)
{
	if (!is_field(node))
		return false;
	const struct field *field = schema_field(layout_of(node->row)->kind, node->field);

	return field->write & WRITE_UPDATE && !(field->flags & FIELD_REQ) && !field->initial;
}

int tree_error(struct tree *t, const struct node *node, struct buf *ret)
{
	return refusal_get(t, layout_of(node->row)->kind, node->id, node->field, ret);
}
