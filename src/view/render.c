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

/* Links to the files of a FILES directory. */
static const struct {
	enum layout_row link, file;
	const char *dir;
} file_links[] = {
	{ ROW_story_md, ROW_markdown_story, "../../markdown/" },
	{ ROW_story_activity_link, ROW_story_activity, "../../history/activity/" },
	{ ROW_story_transitions_link, ROW_story_transitions, "../../history/transitions/" },
	{ ROW_epic_activity_link, ROW_epic_activity, "../../history/epic_activity/" },
};

static int read_file_link(struct tree *t, const struct node *node, struct buf *ret)
{
	for (size_t i = 0; i < sizeof(file_links) / sizeof(*file_links); i++) {
		if (file_links[i].link != node->row)
			continue;
		buf_add_str(ret, file_links[i].dir);
		return tree_name(t, &(struct node){ file_links[i].file, node->id, -1 }, ret);
	}
	return 1;
}

/* From a link to the directory of collections. */
static void add_way_up(
	struct tree *t, const struct node *node, const struct record *r, struct buf *b)
{
	if (node->row == ROW_my_link)
		buf_add_fmt(b, "../../projects/%" PRId64, store_project_of(t->store, r));
	else
		buf_add_str(b, node->row == ROW_shelf_link   ? "../../.."
			       : node->row == ROW_story_link ? "../.."
							     : "..");
}

static int read_link(struct tree *t, const struct node *node, struct buf *ret)
{
	scoped(record_unref) struct record *r = NULL;
	int e = get_record(t, node, &r);
	enum kind kind = layout_of(node->row)->kind;

	if (e < 0)
		return e;
	if (node->row == ROW_attachment_comment)
		return attachment_add_comment(t, r, ret) ? -ESTALE : 0;
	if (layout_of(node->row)->name)
		return read_file_link(t, node, ret);
	if (kind == KIND_file_attachment) {
		attachment_add_target(r, ret);
		return 0;
	}
	add_way_up(t, node, r, ret);
	buf_add_fmt(ret, "/%s/%" PRId64, schema_resource(kind)->plural, node->id);
	return 0;
}

static int read_error(struct tree *t, const struct node *node, struct buf *ret)
{
	const struct node dir = { layout_of(node->row)->parent, node->id, -1 };

	return refusal_get(t, &dir, NULL, ret) ? -ESTALE : 0;
}

static int read_nothing(struct tree *t, const struct node *node, struct buf *ret)
{
	(void)t;
	(void)node;
	(void)ret;
	return 0;
}

static int read_document(struct tree *t, const struct node *node, struct buf *ret)
{
	return document_read(t, node->id, ret);
}

static int read_guide(struct tree *t, const struct node *node, struct buf *ret)
{
	(void)node;
	guide_read(t, ret);
	return 0;
}

static int refuse_bytes(struct tree *t, const struct node *node, struct buf *ret)
{
	(void)t;
	(void)node;
	(void)ret;
	return -EINVAL;
}

/* What is not in here is a directory. */
static int (*const readers[N_ROW_TYPES])(struct tree *, const struct node *, struct buf *) = {
	[ROW_JSON] = read_json,
	[ROW_LINK] = read_link,
	[ROW_ERROR] = read_error,
	[ROW_NEW] = read_nothing,
	[ROW_LINES] = read_nothing,
	[ROW_DOCUMENT] = read_document,
	[ROW_CONTROL] = control_read,
	[ROW_TABLE] = table_read,
	[ROW_HISTORY] = history_read,
	[ROW_GUIDE] = read_guide,
	[ROW_BYTES] = refuse_bytes,
};

int tree_read(struct tree *t, const struct node *node, struct buf *ret)
{
	enum row_type type = layout_of(node->row)->type;

	if (node->field >= 0)
		return read_field(t, node, ret);
	return readers[type] ? readers[type](t, node, ret) : -EISDIR;
}

enum node_type tree_type(const struct node *node)
{
	return node->field >= 0 ? NODE_FILE : layout_class(node->row)->node;
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

	if (l->type == ROW_RESOURCE)
		return l->kind != KIND_me &&
		       (node->field < 0 || layout_is_writable(l->kind, node->field));
	if (l->type == ROW_COLLECTION)
		return has_new(node->row);
	if (l->type == ROW_CONTROL)
		return control_is_writable(node->row);
	if (l->type == ROW_LINKS)
		return attachments_are_in(node->row);
	return layout_makes_new(l->type) || l->type == ROW_DOCUMENTS || l->type == ROW_DOCUMENT;
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
	if (l->type == ROW_ERROR)
		return refusal_time(t, &(struct node){ l->parent, node->id, -1 });
	if (l->type == ROW_GROUPS || l->type == ROW_TABLE || is_group(node->row))
		return view_mtime(t, node);
	if (is_mine(node->row))
		return mine_time(t);
	if (l->type == ROW_COLLECTION || l->type == ROW_LINKS || l->type == ROW_FILES ||
		l->type == ROW_DOCUMENTS || layout_makes_new(l->type))
		return list_mtime(t, node, r);
	if (l->type == ROW_DOCUMENT)
		return r ? document_mtime(t, r) : 0;
	if (l->type == ROW_CONFLICTS || l->type == ROW_CONFLICT)
		return later(conflict_time(t, node->id), store_mtime(t->store, KIND_none, 0, -1));
	if (l->type == ROW_CONTROL)
		return control_time(t);
	if (l->type == ROW_HISTORY)
		return history_time(t, node);
	if (l->type == ROW_GUIDE)
		return guide_time(t);
	if (l->type == ROW_BYTES)
		return birth_of(r);
	if (l->type == ROW_DEPOT || l->type == ROW_DIR)
		return r ? store_mtime(t->store, record_kind(r), node->id, -1)
			 : store_mtime(t->store, KIND_none, 0, -1);
	return store_mtime(t->store, l->kind, node->id, -1);
}

/* The resource a node shows, or the one it hangs below; NULL for fixed ones at the top. Whoever we
 * are need not be known before somebody looks into it. */
static int get_subject(struct tree *t, const struct node *node, struct record **ret)
{
	const struct layout *l = layout_of(node->row);
	enum kind kind = layout_subject_kind(node->row);

	if ((l->kind == KIND_me && node->field < 0) || is_group(node->row))
		return 0;
	if (l->type == ROW_CONFLICT)
		return conflict_is_there(t, node->id) ? 0 : -ESTALE;
	return kind && store_peek(t->store, kind, node->id, ret) ? -ESTALE : 0;
}

/* To be measured is not to be read. */
static int measure(
	struct tree *t, const struct node *node, const struct record *r, uint64_t *ret_size)
{
	scoped(buf_fini) struct buf content = BUF_INIT;
	enum row_type type = layout_of(node->row)->type;
	int e;

	if (node->field < 0 && type == ROW_BYTES) {
		int64_t size = record_int(r, F_file_attachment_size, 0);

		*ret_size = size > 0 ? (uint64_t)size : 0;
		return 0;
	}
	e = type == ROW_DOCUMENT ? document_write(t, node->id, &content)
				 : tree_read(t, node, &content);
	*ret_size = content.len;
	return e;
}

/* Changes of it are not told, or too late for who has just made one. */
static bool is_live(struct tree *t, const struct node *node)
{
	enum row_type type = layout_of(node->row)->type;

	return type == ROW_ERROR || type == ROW_CONTROL || type == ROW_CONFLICTS ||
	       type == ROW_CONFLICT || is_story_link(node->row) ||
	       (type == ROW_GUIDE && !guide_is_settled(t));
}

int tree_stat(struct tree *t, const struct node *node, struct node_attr *ret)
{
	struct node_attr attr = {
		.type = tree_type(node),
		.writable = is_writable(node),
		.grows = node->field < 0 && make_is_possible(node),
		.gives = node->field < 0 &&
			 (is_movable_group(node->row) || remove_is_possible(node)),
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
