/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New resources: of the name of a directory that is made, of the text of a `new` file. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"
#include "storyfs/check.h"
#include "storyfs/parse.h"
#include "write.h"

/* ---- names that were used to make something ---- */

struct made_name {
	struct table_item item;
	char *key; /* the directory's number and the name */
	struct node node;
};

static char *name_key(const struct node *dir, const char *name)
{
	return xasprintf("%" PRIu64 "/%s", tree_number(dir), name);
}

void make_remember(
	struct tree *t, const struct node *dir, const char *name, const struct node *node)
{
	char *key = name_key(dir, name);

	lock_scope(&t->lock);
	struct made_name *made = table_find(&t->names, key, strlen(key));

	if (made) {
		free(key);
	} else {
		made = xcalloc(1, sizeof(*made));
		made->key = key;
		table_add(&t->names, &made->item, made->key, strlen(made->key));
	}
	made->node = *node;
}

static bool find(struct tree *t, const struct node *dir, const char *name, struct node *ret)
{
	scoped(free_ptr) char *key = name_key(dir, name);

	lock_scope(&t->lock);
	const struct made_name *made = table_find(&t->names, key, strlen(key));

	if (made)
		*ret = made->node;
	return made;
}

bool make_find_name(struct tree *t, const struct node *dir, const char *name, struct node *ret)
{
	scoped(record_unref) struct record *r = NULL;
	struct node node, at;

	if (!find(t, dir, name, &node) ||
		store_peek(t->store, layout_of(node.row)->kind, node.id, &r))
		return false;
	/* It may have been moved elsewhere. */
	if (tree_parent(t, &node, &at) < 0 || tree_number(&at) != tree_number(dir))
		return false;
	*ret = node;
	return true;
}

void make_fini(struct tree *t)
{
	struct made_name *made;

	while ((made = table_pop(&t->names))) {
		free(made->key);
		free(made);
	}
}

/* ---- one save ---- */

struct making {
	struct tree *tree;
	struct node dir;
	enum layout_row row; /* of what is made */
	enum kind kind;
	const struct field *field; /* that stands for it */
	struct call call;
	struct buf reason;
	size_t n_made;
	enum sent sent;
};

static void making_fini(struct making *m)
{
	buf_fini(&m->reason);
	call_fini(&m->call);
}

SCOPED_VALUE(struct making, making_fini);

static void begin(
	struct making *m, struct tree *t, const struct node *dir, const struct call_limit *limit)
{
	m->tree = t;
	m->sent = SENT_NOTHING;
	m->dir = *dir;
	m->kind = layout_of(dir->row)->kind;
	m->row = layout_entry(dir->row);
	m->field = schema_field(m->kind, schema_resource(m->kind)->label);
	if (limit)
		m->call.limit = *limit;
}

/* Of a saved search the name is the query. */
static bool is_named_so(enum kind kind, int f)
{
	return f == schema_resource(kind)->label ||
	       (kind == KIND_saved_search && f == F_saved_search_query);
}

bool make_is_possible(const struct node *dir)
{
	const struct layout *l = layout_of(dir->row);
	enum kind kind = l->kind;
	const struct resource *res = schema_resource(kind);

	if (l->type != ROW_COLLECTION && dir->row != ROW_search)
		return false;
	const struct field *label = schema_field(kind, res->label);

	if (!res->parent || !(label->write & WRITE_CREATE) ||
		(label->type != TYPE_STRING && label->type != TYPE_XSTRING))
		return false;
	each_field(f, kind) {
		const struct field *field = schema_field(kind, f);

		if (!is_named_so(kind, f) && field->flags & FIELD_REQ && !field->initial)
			return false;
	}
	return true;
}

/* The patch that a text means. */
static int read_text(struct making *m, const char *data, size_t len, struct record **ret)
{
	scoped(record_unref) struct record *patch = record_new(m->kind);
	scoped(buf_fini) struct buf text = BUF_INIT;

	buf_add(&text, data, len);
	int e = 0;

	each_field(f, m->kind) {
		if (e == 0 && is_named_so(m->kind, f))
			e = plain_read(patch, f, &text, NULL, &m->reason);
	}
	if (e < 0)
		return e;
	e = check_patch(patch, &m->call.error);
	if (e < 0)
		return e;
	*ret = take_ptr(patch);
	return 0;
}

static int send(struct making *m, const struct record *patch, struct node *ret)
{
	scoped(record_unref) struct record *now = NULL;
	struct place place = layout_place(&m->dir);
	m->sent = SENT_REQUEST;
	int e = write_create(m->tree, &place, patch, &m->call, &now);

	if (e < 0)
		return e;
	*ret = (struct node){ m->row, record_id(now), -1 };
	control_note_made(m->tree, ret, now, m->n_made > 0);
	m->n_made++;
	return 0;
}

static void refuse(struct making *m, const struct node *node, const char *data, size_t len, int e)
{
	scoped(buf_fini) struct buf next = BUF_INIT;

	if (m->n_made)
		buf_add_fmt(&next,
			"the first %zu were made (.storyfs/last has them); write the "
			"others again",
			m->n_made);
	else
		buf_add_str(&next, "nothing was made; write another one");
	refusal_put(m->tree, &m->dir, node,
		explain_refusal(&(struct refused_save){ .name = schema_resource(m->kind)->name,
			.what = "made",
			.error = e,
			.data = data,
			.len = len,
			.reason = &m->reason,
			.v5 = &m->call.error,
			.sent = m->sent,
			.field = m->field,
			.next = buf_str(&next),
			.next_unknown = "whether it was made is unknown; look, and write it again "
					"if it is not there" }));
}

/* ---- mkdir ---- */

static bool is_number(const char *name)
{
	return *name && strspn(name, "0123456789") == strlen(name);
}

static int make_named(struct making *m, const char *name, struct node *ret)
{
	scoped(record_unref) struct record *patch = NULL;

	if (is_number(name)) {
		buf_add_str(&m->reason, "a number is an id, and ids are given by the server\n");
		return -EINVAL;
	}
	int e = read_text(m, name, strlen(name), &patch);

	return e < 0 ? e : send(m, patch, ret);
}

int tree_make(struct tree *t, const struct node *dir, const char *name,
	const struct call_limit *limit, struct node *ret)
{
	scoped(making_fini) struct making m = { 0 };
	struct node_attr attr;
	int e = tree_stat(t, dir, &attr);

	if (e < 0)
		return e;
	if (name[0] == '.' || !attr.grows) {
		tree_note_denied(
			t, &(struct tree_denied){
				   .node = *dir, .dir = *dir, .name = name, .error = -EPERM });
		return -EPERM;
	}
	begin(&m, t, dir, limit);
	e = make_named(&m, name, ret);
	if (e < 0) {
		refuse(&m, dir, name, strlen(name), e);
		return e;
	}
	refusal_drop(t, dir, dir);
	denied_drop(t, dir);
	make_remember(t, dir, name, ret);
	return 0;
}

/* ---- new files ---- */

struct part {
	const char *data;
	size_t len;
};

/* The next one of a text, taken off it; false after the last. Blank lines are none. */
static bool next_part(enum row_type type, struct part *rest, struct part *ret)
{
	static const char blanks[] = " \t\r\n";

	while (rest->len && memchr(blanks, rest->data[0], sizeof(blanks) - 1)) {
		rest->data++;
		rest->len--;
	}
	const char *end = type == ROW_LINES ? memchr(rest->data, '\n', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->data) : rest->len;

	*ret = (struct part){ rest->data, len };
	rest->data += len;
	rest->len -= len;
	while (ret->len && memchr(blanks, ret->data[ret->len - 1], sizeof(blanks) - 1))
		ret->len--;
	return ret->len;
}

static int read_parts(struct making *m, enum row_type type, struct part rest, struct records *ret)
{
	struct part part;

	while (next_part(type, &rest, &part)) {
		struct record *patch;
		int e = read_text(m, part.data, part.len, &patch);

		if (e < 0)
			return e;
		records_add(ret, patch);
	}
	if (ret->n)
		return 0;
	buf_add_str(&m->reason, "nothing but blanks was written\n");
	return -EINVAL;
}

static int send_all(struct making *m, const struct records *patches)
{
	struct node made;
	int e = 0;

	each_record(patch, patches) {
		e = send(m, patch, &made);
		if (e < 0)
			break;
	}
	return e;
}

int make_from_text(struct tree *t, const struct node *node, const char *data, size_t len,
	const struct call_limit *limit)
{
	scoped(making_fini) struct making m = { 0 };
	scoped(records_fini) struct records patches = { 0 };
	struct node dir;
	int e = tree_parent(t, node, &dir);

	if (e < 0)
		return e;
	begin(&m, t, &dir, limit);
	e = read_parts(&m, layout_of(node->row)->type, (struct part){ data, len }, &patches);
	if (e == 0)
		e = send_all(&m, &patches);
	if (e < 0)
		refuse(&m, node, data, len, e);
	else
		refusal_drop(t, &dir, node);
	return e;
}
