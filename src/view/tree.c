/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes and their names. walk() is both lookup and listing: it emits the entries of
 * a directory, all of them or just those that could have the wanted name.
 */
#include "storyfs/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conflict.h"
#include "doubt.h"
#include "storyfs/alloc.h"
#include "storyfs/parse.h"
#include "storyfs/text.h"

struct tree *tree_new(struct store *store)
{
	struct tree *t = xcalloc(1, sizeof(*t));

	t->store = store;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void tree_set_journal(struct tree *t, struct journal *journal)
{
	t->journal = journal;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	refusals_fini(t);
	rosters_fini(t);
	make_fini(t);
	doubts_fini(t);
	torn_fini(t);
	tables_fini(t);
	histories_fini(t);
	queries_fini(t);
	conflicts_fini(t);
	remembered_fini(t);
	buf_fini(&t->last);
	buf_fini(&t->guide.text);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* ---- entries ---- */

struct walk {
	struct tree *tree;
	const struct node *dir;
	const char *wanted; /* or NULL: all */
	struct call *call;
	bool (*entry)(void *data, const char *name, const struct node *node);
	void *data;
	bool stopped;
};

static void emit(struct walk *w, const char *name, enum layout_row row, int64_t id, int field)
{
	struct node node = { row, id, field };

	if (w->stopped || (w->wanted && strcmp(w->wanted, name) != 0))
		return;
	w->stopped = !w->entry(w->data, name, &node);
}

static bool is_there(struct walk *w, enum layout_row row)
{
	scoped(buf_fini) struct buf target = BUF_INIT;

	if (row == ROW_attachment_comment)
		return tree_read(w->tree, &(struct node){ row, w->dir->id, -1 }, &target) == 0;
	return layout_of(row)->type != ROW_ERROR || refusal_time(w->tree, w->dir) != 0;
}

/* What is made of a whole collection is read next when it is asked for by name. */
static int load_derived(struct walk *w, enum layout_row row)
{
	struct node node = { row, w->dir->id, -1 };
	scoped(records_fini) struct records list = { 0 };
	struct place place = layout_place(&node);

	if (layout_of(row)->type == ROW_HISTORY)
		return history_load(w->tree, &node, w->call);
	return layout_of(row)->type == ROW_TABLE
		       ? store_list(w->tree->store, &place, w->call, &list)
		       : 0;
}

static int walk_fixed(struct walk *w)
{
	int e = 0;

	for (int i = ROW_root + 1; i < N_ROWS; i++) {
		enum layout_row row = (enum layout_row)i;
		const struct layout *l = layout_of(row);

		if (l->parent != w->dir->row || !l->name || !is_there(w, row))
			continue;
		if (w->wanted && strcmp(w->wanted, l->name) == 0)
			e = load_derived(w, row);
		emit(w, l->name, row, w->dir->id, -1);
	}
	return e < 0 ? e : 0;
}

static void walk_fields(struct walk *w)
{
	enum kind kind = layout_of(w->dir->row)->kind;

	each_field(f, kind) {
		if (layout_has_file(kind, f))
			emit(w, schema_field(kind, f)->key, w->dir->row, w->dir->id, f);
	}
}

/* What stands behind the id in the names of a row's nodes. */
static const char *suffix_of(enum layout_row row)
{
	enum row_type type = layout_of(row)->type;

	return type == ROW_DOCUMENT  ? ".md"
	       : type == ROW_JSON    ? ".json"
	       : type == ROW_HISTORY ? ".tsv"
				     : "";
}

static void emit_id(struct walk *w, enum layout_row row, int64_t id)
{
	char name[32];

	snprintf(name, sizeof(name), "%" PRId64 "%s", store_shown_id(layout_of(row)->kind, id),
		suffix_of(row));
	if (id > 0 && id < NODE_MAX_ID)
		emit(w, name, row, id, -1);
}

static int walk_collection(struct walk *w)
{
	scoped(record_unref) struct record *one = NULL;
	scoped(ids_fini) struct ids ids = { 0 };
	struct place place = layout_place(w->dir);
	enum layout_row row = layout_entry(w->dir->row);

	if (w->wanted) {
		walk_fixed(w);
		if (!parse_int(w->wanted, 1, NODE_MAX_ID - 1, &place.id))
			return 0;
		place.id = store_id_of(&place, place.id);
		int e = store_find(w->tree->store, &place, w->call, &one);

		if (e == 0)
			emit_id(w, row, place.id);
		return e < 0 ? e : 0;
	}
	walk_fixed(w);
	int e = store_list_ids(w->tree->store, &place, w->call, &ids);

	for (size_t i = 0; e == 0 && i < ids.n; i++)
		emit_id(w, row, ids.v[i]);
	return e > 0 ? -ESTALE : e;
}

/* A directory for each of the records. */
static int walk_named_groups(struct walk *w)
{
	scoped(records_fini) struct records list = { 0 };
	scoped(link_names_fini) struct link_names names = { 0 };
	struct place place = layout_place(w->dir);
	enum layout_row row = layout_entry(w->dir->row);
	int e = store_list(w->tree->store, &place, w->call, &list);

	if (e)
		return e < 0 ? e : -ESTALE;
	group_names_make(w->tree, w->dir->id, &list, &names);
	for (size_t i = 0; i < list.n; i++) {
		int64_t id = record_id(list.items[i]);

		if (id > 0 && id < NODE_MAX_ID)
			emit(w, names.v[i], row, id, -1);
	}
	return 0;
}

/* A query is one also for whom the host shows no saved searches; but not what was made by the name.
 */
static bool is_query(struct walk *w, int e, struct node *ret)
{
	return w->wanted && !make_find_name(w->tree, w->dir, w->wanted, ret) && !w->stopped &&
	       (e == 0 || e == -EACCES) && w->dir->row == ROW_search &&
	       query_of_name(w->tree, w->dir, w->wanted, ret);
}

/* What has a name of its own is that, also where the name could be a query. */
static int walk_groups(struct walk *w)
{
	int e = walk_fixed(w);
	struct node query;

	if (e == 0 && !w->stopped)
		e = walk_named_groups(w);
	if (!is_query(w, e, &query))
		return e;
	emit(w, w->wanted, query.row, query.id, -1);
	return 0;
}

/* A link leads from where it is. */
static enum layout_row link_row(const struct node *dir)
{
	return is_shelf(dir->row)  ? ROW_shelf_link
	       : is_mine(dir->row) ? ROW_my_link
				   : ROW_story_link;
}

/* Whether a name is the link of a story in the group is told without making all of them. */
static void walk_group_name(struct walk *w, const struct records *members)
{
	int64_t id = group_link_id(w->wanted);

	each_record(story, members) {
		if (record_id(story) == id && id < NODE_MAX_ID && group_link_fits(story, w->wanted))
			emit(w, w->wanted, link_row(w->dir), id, -1);
	}
}

static int decimal_digits(size_t n)
{
	int digits = 1;

	while (n /= 10)
		digits++;
	return digits;
}

static int select_members(struct walk *w, struct records *ret)
{
	scoped(records_fini) struct records all = { 0 };
	struct place place;

	if (is_mine(w->dir->row))
		return mine_select(w->tree, w->dir->row, w->call, ret);
	int e = group_place(w->tree, w->dir, &place);

	if (e == 0)
		e = store_list(w->tree->store, &place, w->call, &all);
	return e ? e : group_select(w->tree, w->dir, &all, w->call, ret);
}

static int walk_group(struct walk *w)
{
	scoped(records_fini) struct records members = { 0 };
	size_t rank = 0;
	int e = select_members(w, &members);

	if (e)
		return e < 0 ? e : -ESTALE;
	if (w->wanted) {
		walk_group_name(w, &members);
		return 0;
	}
	each_record(story, &members) {
		scoped(free_ptr) char *name =
			group_link_name(story, ++rank, decimal_digits(members.n));

		if (record_id(story) > 0 && record_id(story) < NODE_MAX_ID)
			emit(w, name, link_row(w->dir), record_id(story), -1);
	}
	return 0;
}

/* The files of a project, a directory each. */
static int walk_depot(struct walk *w)
{
	scoped(ids_fini) struct ids ids = { 0 };
	int e = attachments_list(w->tree, w->dir, w->wanted, w->call, &ids);

	for (size_t i = 0; e == 0 && i < ids.n; i++)
		emit_id(w, layout_entry(w->dir->row), ids.v[i]);
	return e > 0 ? -ESTALE : e;
}

/* The one file in it, and which comment holds it. */
static int walk_folder(struct walk *w)
{
	struct node file = { layout_entry(w->dir->row), w->dir->id, -1 };
	scoped(buf_fini) struct buf name = BUF_INIT;
	int e = tree_name(w->tree, &file, &name);

	if (e < 0)
		return e;
	emit(w, buf_str(&name), file.row, file.id, -1);
	/* A file by the name of what else is there takes its place. */
	if (strcmp(buf_str(&name), layout_of(ROW_attachment_comment)->name) != 0)
		walk_fixed(w);
	return 0;
}

static int walk_links(struct walk *w)
{
	scoped(records_fini) struct records list = { 0 };
	scoped(link_names_fini) struct link_names names = { 0 };
	struct place place = layout_place(w->dir);
	enum layout_row row = layout_entry(w->dir->row);
	int e = walk_fixed(w);

	if (e == 0)
		e = store_list(w->tree->store, &place, w->call, &list);
	if (e)
		return e < 0 ? e : -ESTALE;
	link_names_make(&list, &names);
	for (size_t i = 0; i < list.n; i++) {
		int64_t id = record_id(list.items[i]);

		if (id > 0 && id < NODE_MAX_ID)
			emit(w, names.v[i], row, id, -1);
	}
	return 0;
}

/* The id in the name of a row's file. */
static bool read_file_name(enum layout_row row, const char *name, int64_t *ret_id)
{
	const char *suffix = suffix_of(row);
	size_t len = strlen(name), n = strlen(suffix);
	scoped(free_ptr) char *digits = xstrndup(name, len > n ? len - n : 0);

	return len > n && strcmp(name + len - n, suffix) == 0 &&
	       parse_int(digits, 1, NODE_MAX_ID - 1, ret_id);
}

/* With all it is made of, so that it can be shown from memory; what is made of much only when it is
 * asked for. */
static int emit_file(struct walk *w, enum layout_row row, int64_t id)
{
	struct node node = { row, id, -1 };
	enum row_type type = layout_of(row)->type;
	int e = 0;

	if (type == ROW_DOCUMENT)
		e = document_load(w->tree, id, w->call);
	else if (type == ROW_HISTORY && w->wanted)
		e = history_load(w->tree, &node, w->call);
	if (e == 0)
		emit_id(w, row, id);
	return e;
}

static int walk_files(struct walk *w)
{
	scoped(records_fini) struct records list = { 0 };
	scoped(record_unref) struct record *one = NULL;
	struct place place = layout_place(w->dir);
	enum layout_row row = layout_entry(w->dir->row);
	int e;

	walk_fixed(w);
	if (w->wanted) {
		if (w->stopped || !read_file_name(row, w->wanted, &place.id))
			return 0;
		e = store_find(w->tree->store, &place, w->call, &one);
		if (e == 0)
			e = emit_file(w, row, place.id);
		return e < 0 ? e : 0;
	}
	e = store_list(w->tree->store, &place, w->call, &list);
	each_record(r, &list) {
		if (e == 0)
			e = emit_file(w, row, record_id(r));
	}
	return e > 0 ? -ESTALE : e;
}

/* Whoever we are is asked for once, when somebody looks into me/. */
static int walk_resource(struct walk *w)
{
	enum kind kind = layout_of(w->dir->row)->kind;
	scoped(record_unref) struct record *r = NULL;
	int e = kind == KIND_me ? store_get_me(w->tree->store, w->call, &r)
				: store_peek(w->tree->store, kind, w->dir->id, &r);

	if (e)
		return e < 0 ? e : -ESTALE;
	walk_fields(w);
	return walk_fixed(w);
}

static int walk_conflicts(struct walk *w)
{
	scoped(ids_fini) struct ids ids = { 0 };

	conflict_list(w->tree, &ids);
	for (size_t i = 0; i < ids.n; i++)
		emit_id(w, layout_entry(w->dir->row), ids.v[i]);
	return 0;
}

static int walk_conflict(struct walk *w)
{
	return conflict_is_there(w->tree, w->dir->id) ? walk_fixed(w) : -ESTALE;
}

static int walk_linked(struct walk *w)
{
	enum layout_row row = w->dir->row;

	return is_group(row) || is_mine(row) ? walk_group(w) : walk_links(w);
}

/* What is not in here is no directory. */
static int (*const walkers[N_ROW_TYPES])(struct walk *) = {
	[ROW_DIR] = walk_fixed,
	[ROW_CONFLICTS] = walk_conflicts,
	[ROW_CONFLICT] = walk_conflict,
	[ROW_COLLECTION] = walk_collection,
	[ROW_RESOURCE] = walk_resource,
	[ROW_LINKS] = walk_linked,
	[ROW_GROUPS] = walk_groups,
	[ROW_FILES] = walk_files,
	[ROW_DOCUMENTS] = walk_files,
	[ROW_DEPOT] = walk_depot,
	[ROW_FOLDER] = walk_folder,
};

static int walk(struct walk *w)
{
	enum row_type type = layout_of(w->dir->row)->type;

	return w->dir->field < 0 && walkers[type] ? walkers[type](w) : -ENOTDIR;
}

static bool keep_node(void *data, const char *name, const struct node *node)
{
	(void)name;
	*(struct node *)data = *node;
	return false;
}

int tree_lookup(struct tree *t, const struct node *dir, const char *name,
	const struct call_limit *limit, struct node *ret)
{
	scoped(call_fini) struct call call = { 0 };
	struct walk w = { t, dir, name, &call, keep_node, ret, false };

	if (limit)
		call.limit = *limit;
	int e = walk(&w);

	if (e < 0)
		return e;
	return w.stopped || make_find_name(t, dir, name, ret) ? 0 : 1;
}

int tree_list(struct tree *t, const struct node *dir, const struct call_limit *limit,
	bool (*entry)(void *data, const char *name, const struct node *node), void *data)
{
	scoped(call_fini) struct call call = { 0 };
	struct walk w = { t, dir, NULL, &call, entry, data, false };

	if (limit)
		call.limit = *limit;
	return walk(&w);
}

/* ---- the other way ---- */

int tree_parent(struct tree *t, const struct node *node, struct node *ret)
{
	const struct layout *l = layout_of(node->row);
	const struct layout *up = layout_of(l->parent);
	struct node parent = { l->parent, node->id, -1 };
	const char *query;
	scoped(record_unref) struct record *r = NULL;

	if (node->field >= 0) {
		parent.row = node->row;
	} else if (l->name || !node_has_id(l->parent)) {
		parent.id = node_has_id(l->parent) ? node->id : 0;
	} else if (node->row == ROW_search_query) {
		if (query_get(t, node, &parent.id, &query) < 0)
			return -ESTALE;
	} else if (l->type == ROW_FOLDER) {
		if (store_peek(t->store, l->kind, node->id, &r) > 0)
			return -ESTALE;
		parent.id = store_project_of(t->store, r);
	} else if (up->type != ROW_RESOURCE && up->type != ROW_FOLDER) {
		enum kind kind =
			up->type == ROW_GROUPS || up->type == ROW_FILES ? up->kind : l->kind;

		if (store_peek(t->store, kind, node->id, &r) > 0)
			return -ESTALE;
		parent.id = store_parent_of(t->store, r);
	}
	*ret = parent;
	return 0;
}

/* Of a link to a resource, or of a group, as the directory lists it. */
static int add_listed_name(struct tree *t, const struct node *node, struct buf *ret)
{
	scoped(records_fini) struct records all = { 0 };
	scoped(link_names_fini) struct link_names names = { 0 };
	struct node dir;
	int e = tree_parent(t, node, &dir);

	if (e < 0)
		return e;
	struct place place = layout_place(&dir);

	store_peek_list(t->store, &place, &all);
	if (layout_of(dir.row)->type == ROW_GROUPS)
		group_names_make(t, dir.id, &all, &names);
	else
		link_names_make(&all, &names);
	for (size_t i = 0; i < all.n; i++) {
		if (record_id(all.items[i]) != node->id)
			continue;
		buf_add_str(ret, names.v[i]);
		return 0;
	}
	return -ESTALE;
}

/* A story's link is in several groups, by other ranks: this is its name in any. */
static int add_story_link_name(struct tree *t, const struct node *node, struct buf *ret)
{
	scoped(record_unref) struct record *r = NULL;

	if (store_peek(t->store, KIND_story, node->id, &r))
		return -ESTALE;
	scoped(free_ptr) char *name = group_link_name(r, 1, 1);

	buf_add_str(ret, name);
	return 0;
}

int tree_name(struct tree *t, const struct node *node, struct buf *ret)
{
	const struct layout *l = layout_of(node->row);

	if (node->field >= 0)
		buf_add_str(ret, schema_field(l->kind, node->field)->key);
	else if (l->name)
		buf_add_str(ret, l->name);
	else if (is_story_link(node->row))
		return add_story_link_name(t, node, ret);
	else if (node->row == ROW_search_query)
		return query_add_name(t, node, ret);
	else if (l->type == ROW_BYTES)
		return attachment_add_name(t, node, ret);
	else if (l->type == ROW_LINK || l->type == ROW_LINKS)
		return add_listed_name(t, node, ret);
	else
		buf_add_fmt(ret, "%" PRId64 "%s", store_shown_id(l->kind, node->id),
			suffix_of(node->row));
	return 0;
}

int node_add_path(struct tree *t, const struct node *node, struct buf *b)
{
	struct node parent;

	if (node->row == ROW_root)
		return 0;
	int r = tree_parent(t, node, &parent);

	if (r == 0)
		r = node_add_path(t, &parent, b);
	if (r < 0)
		return r;
	if (b->len)
		buf_add_char(b, '/');
	return tree_name(t, node, b);
}

bool tree_is_alias(const struct node *node, const char *name)
{
	const struct layout *l = layout_of(node->row);
	int64_t id;

	if (node->field >= 0 || l->name)
		return false;
	if (l->type == ROW_DOCUMENT)
		return !(read_file_name(node->row, name, &id) && id == node->id);
	return l->type == ROW_RESOURCE && !(parse_int(name, 1, NODE_MAX_ID - 1, &id) &&
						  id == store_shown_id(l->kind, node->id));
}
