/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What files hold and how big and old they are. A content is rendered to be measured: it is small,
 * and so its size is true before anybody read it. */
#include <errno.h>
#include <inttypes.h>

#include "conflict.h"
#include "storyfs/json.h"

static int get_record(struct tree *t, const struct node *node, struct record **ret)
{
	return store_peek(t->store, layout_of(node->row)->kind, node->id, ret) ? -ESTALE : 0;
}

/* The resource a directory hangs below. */
static int get_parent(struct tree *t, const struct node *node, struct record **ret)
{
	enum kind kind = layout_parent_kind(node->row);

	return kind && store_peek(t->store, kind, node->id, ret) ? -ESTALE : 0;
}

void field_write(struct tree *t, const struct record *r, int f, struct buf *ret)
{
	struct people people = { t, store_project_of(t->store, r) };
	struct resolver resolver = people_resolver(&people);
	size_t start = ret->len;

	plain_write(r, f, &resolver, ret);
	if (ret->len > start)
		buf_add_char(ret, '\n');
}

static int read_field(struct tree *t, const struct node *node, struct buf *ret)
{
	scoped(record_unref) struct record *r = NULL;
	int e = get_record(t, node, &r);

	if (e == 0)
		field_write(t, r, node->field, ret);
	return e;
}

static int read_json(struct tree *t, const struct node *node, struct buf *ret)
{
	scoped(record_unref) struct record *r = NULL;
	int e = get_record(t, node, &r);

	if (e < 0)
		return e;
	json_write_record(r, NULL, JSON_AS_LINES | JSON_WITHOUT_SECRETS, ret);
	buf_add_char(ret, '\n');
	return 0;
}

/* From a link to the directory of collections. */
static const char *way_up(enum layout_row row)
{
	return row == ROW_shelf_link ? "../../.." : row == ROW_story_link ? "../.." : "..";
}

static int read_link(struct tree *t, const struct node *node, struct buf *ret)
{
	scoped(record_unref) struct record *r = NULL;
	int e = get_record(t, node, &r);
	enum kind kind = layout_of(node->row)->kind;

	if (e < 0)
		return e;
	if (node->row == ROW_story_md) {
		struct node document = { ROW_markdown_story, node->id, -1 };

		buf_add_str(ret, "../../markdown/");
		return tree_name(t, &document, ret);
	}
	if (kind == KIND_file_attachment) {
		attachment_add_target(r, ret);
		return 0;
	}
	buf_add_fmt(
		ret, "%s/%s/%" PRId64, way_up(node->row), schema_resource(kind)->plural, node->id);
	return 0;
}

int tree_read(struct tree *t, const struct node *node, struct buf *ret)
{
	const struct layout *l = layout_of(node->row);

	if (node->field >= 0)
		return read_field(t, node, ret);
	switch (l->type) {
	case ROW_JSON:
		return read_json(t, node, ret);
	case ROW_LINK:
		return read_link(t, node, ret);
	case ROW_ERROR:
		return refusal_get(t, &(struct node){ l->parent, node->id, -1 }, NULL, ret)
			       ? -ESTALE
			       : 0;
	case ROW_NEW:
	case ROW_LINES:
		return 0;
	case ROW_DOCUMENT:
		return document_read(t, node->id, ret);
	case ROW_CONTROL:
		return control_read(t, node, ret);
	case ROW_TABLE:
		return table_read(t, node, ret);
	case ROW_GUIDE:
		guide_read(t, ret);
		return 0;
	case ROW_BYTES:
		return -EINVAL;
	case ROW_DIR:
	case ROW_CONFLICTS:
	case ROW_CONFLICT:
	case ROW_COLLECTION:
	case ROW_RESOURCE:
	case ROW_LINKS:
	case ROW_GROUPS:
	case ROW_FILES:
	case ROW_DOCUMENTS:
	case ROW_DEPOT:
	case ROW_FOLDER:
		break;
	}
	return -EISDIR;
}

static enum node_type type_of(const struct node *node)
{
	if (node->field >= 0)
		return NODE_FILE;
	switch (layout_of(node->row)->type) {
	case ROW_JSON:
	case ROW_ERROR:
	case ROW_NEW:
	case ROW_LINES:
	case ROW_DOCUMENT:
	case ROW_CONTROL:
	case ROW_TABLE:
	case ROW_GUIDE:
	case ROW_BYTES:
		return NODE_FILE;
	case ROW_LINK:
		return NODE_LINK;
	case ROW_DIR:
	case ROW_CONFLICTS:
	case ROW_CONFLICT:
	case ROW_COLLECTION:
	case ROW_RESOURCE:
	case ROW_LINKS:
	case ROW_GROUPS:
	case ROW_FILES:
	case ROW_DOCUMENTS:
	case ROW_DEPOT:
	case ROW_FOLDER:
		break;
	}
	return NODE_DIR;
}

/* Does the directory hold a file whose text makes resources? Editors need room for theirs there. */
static bool has_new(enum layout_row dir)
{
	for (int row = ROW_root + 1; row < N_ROWS; row++) {
		const struct layout *l = layout_of((enum layout_row)row);

		if (l->parent == dir && layout_makes_new(l->type))
			return true;
	}
	return false;
}

/* May this be saved? */
static bool is_writable(const struct node *node)
{
	const struct layout *l = layout_of(node->row);

	switch (l->type) {
	case ROW_RESOURCE:
		return l->kind != KIND_me &&
		       (node->field < 0 || layout_is_writable(l->kind, node->field));
	case ROW_COLLECTION:
		return has_new(node->row);
	case ROW_NEW:
	case ROW_LINES:
	case ROW_DOCUMENTS:
	case ROW_DOCUMENT:
		return true;
	case ROW_CONTROL:
		return control_is_writable(node->row);
	case ROW_LINKS:
		return attachments_are_in(node->row);
	case ROW_DIR:
	case ROW_CONFLICTS:
	case ROW_CONFLICT:
	case ROW_JSON:
	case ROW_ERROR:
	case ROW_LINK:
	case ROW_GROUPS:
	case ROW_FILES:
	case ROW_TABLE:
	case ROW_GUIDE:
	case ROW_DEPOT:
	case ROW_FOLDER:
	case ROW_BYTES:
		break;
	}
	return false;
}

static int64_t birth_of(const struct record *r)
{
	int f = r ? schema_find_field(record_kind(r), "created_at") : -1;

	return f < 0 ? 0 : record_int(r, f, 0) * 1000000;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* An object form moves with the id form it is written from, and with the names it shows. */
int64_t file_mtime(struct tree *t, const struct record *r, int f)
{
	enum kind kind = record_kind(r);
	const struct field *field = schema_field(kind, f);
	int64_t id = record_id(r);
	int64_t at = store_mtime(t->store, kind, id, f);

	if (field->via)
		at = later(
			at, store_mtime(t->store, kind, id, schema_find_field(kind, field->via)));
	if (people_are_shown(field)) {
		struct people people = { t, store_project_of(t->store, r) };

		at = later(at, people_mtime(&people, r, f));
	}
	return at;
}

/* A directory of resources moves with what it hangs below, and when one comes or goes. */
static int64_t list_mtime(struct tree *t, const struct node *node, const struct record *parent)
{
	struct place place = layout_place(node);
	int64_t at = store_mtime(t->store, parent ? record_kind(parent) : KIND_none, node->id, -1);

	return later(at, store_list_mtime(t->store, &place));
}

/* A view moves with the stories it is of, and with what its groups are made of. */
static int64_t view_mtime(struct tree *t, const struct node *node)
{
	const struct layout *l = layout_of(node->row);
	struct place place = layout_place(node);

	if (is_group(node->row) && group_place(t, node, &place) < 0)
		return 0;
	int64_t at = later(store_mtime(t->store, KIND_project, place.parent_id, -1),
		store_touched(t->store, &place));

	if (l->type == ROW_TABLE) {
		place.kind = KIND_project_membership;
		at = later(at, store_touched(t->store, &place));
	}
	return at;
}

static int64_t mtime_of(struct tree *t, const struct node *node, const struct record *r)
{
	const struct layout *l = layout_of(node->row);

	if (node->field >= 0 && r)
		return file_mtime(t, r, node->field);
	switch (l->type) {
	case ROW_ERROR:
		return refusal_time(t, &(struct node){ l->parent, node->id, -1 });
	case ROW_LINKS:
		return is_group(node->row) ? view_mtime(t, node) : list_mtime(t, node, r);
	case ROW_GROUPS:
	case ROW_TABLE:
		return view_mtime(t, node);
	case ROW_COLLECTION:
	case ROW_FILES:
	case ROW_NEW:
	case ROW_LINES:
	case ROW_DOCUMENTS:
		return list_mtime(t, node, r);
	case ROW_DOCUMENT:
		return r ? document_mtime(t, r) : 0;
	case ROW_CONFLICTS:
	case ROW_CONFLICT:
		return later(conflict_time(t, node->id), store_mtime(t->store, KIND_none, 0, -1));
	case ROW_CONTROL:
		return control_time(t);
	case ROW_GUIDE:
		return guide_time(t);
	case ROW_BYTES:
		return birth_of(r);
	case ROW_DEPOT:
	case ROW_DIR:
		return r ? store_mtime(t->store, record_kind(r), node->id, -1)
			 : store_mtime(t->store, KIND_none, 0, -1);
	case ROW_RESOURCE:
	case ROW_JSON:
	case ROW_LINK:
	case ROW_FOLDER:
		break;
	}
	return store_mtime(t->store, l->kind, node->id, -1);
}

/* The resource a node shows, or the one it hangs below; NULL for fixed ones at the top. Whoever we
 * are need not be known before somebody looks into it. */
static int get_subject(struct tree *t, const struct node *node, struct record **ret)
{
	const struct layout *l = layout_of(node->row);

	if (l->kind == KIND_me && node->field < 0)
		return 0;
	switch (l->type) {
	case ROW_RESOURCE:
	case ROW_JSON:
	case ROW_LINK:
	case ROW_DOCUMENT:
	case ROW_FOLDER:
	case ROW_BYTES:
		return get_record(t, node, ret);
	case ROW_LINKS:
		if (is_group(node->row))
			return 0;
		break;
	case ROW_CONFLICT:
		return conflict_is_there(t, node->id) ? 0 : -ESTALE;
	case ROW_DIR:
	case ROW_CONFLICTS:
	case ROW_COLLECTION:
	case ROW_ERROR:
	case ROW_NEW:
	case ROW_LINES:
	case ROW_DOCUMENTS:
	case ROW_CONTROL:
	case ROW_GROUPS:
	case ROW_FILES:
	case ROW_TABLE:
	case ROW_GUIDE:
	case ROW_DEPOT:
		break;
	}
	return get_parent(t, node, ret);
}

/* To be measured is not to be read. */
static int measure(
	struct tree *t, const struct node *node, const struct record *r, uint64_t *ret_size)
{
	scoped(buf_fini) struct buf content = BUF_INIT;
	enum row_type type = layout_of(node->row)->type;
	int e;

	if (node->field < 0 && type == ROW_BYTES) {
		*ret_size = (uint64_t)record_int(r, F_file_attachment_size, 0);
		return 0;
	}
	e = type == ROW_DOCUMENT ? document_write(t, node->id, &content)
				 : tree_read(t, node, &content);
	*ret_size = content.len;
	return e;
}

/* Changes of it are not told. */
static bool is_live(struct tree *t, const struct node *node)
{
	enum row_type type = layout_of(node->row)->type;

	return type == ROW_CONTROL || type == ROW_CONFLICTS || type == ROW_CONFLICT ||
	       node->row == ROW_story_link || node->row == ROW_shelf_link ||
	       (type == ROW_GUIDE && !guide_is_settled(t));
}

int tree_stat(struct tree *t, const struct node *node, struct node_attr *ret)
{
	struct node_attr attr = {
		.type = type_of(node),
		.writable = is_writable(node),
		.grows = node->field < 0 && make_is_possible(node),
		.remote = node->field < 0 && layout_of(node->row)->type == ROW_BYTES,
		.takes_files = node->field < 0 && attachments_are_in(node->row),
	};
	scoped(record_unref) struct record *r = NULL;
	int e = get_subject(t, node, &r);

	if (e == 0 && attr.type != NODE_DIR)
		e = measure(t, node, r, &attr.size);
	if (e < 0)
		return e;
	attr.live = is_live(t, node);
	attr.mtime_ns = mtime_of(t, node, r);
	attr.birth_ns = birth_of(r);
	*ret = attr;
	return 0;
}
