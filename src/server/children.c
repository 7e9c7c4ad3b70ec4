/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hangs on what, and deleting it: a generation at a time, the youngest first. Files hang on
 * nothing: a comment holds them, several may; those that no comment holds any more go last.
 */
#include "children.h"

#include "attachments.h"

bool children_are(enum kind child, enum kind parent)
{
	const struct resource *res = schema_resource(child);

	return res->parent == parent || res->parent2 == parent;
}

int children_key(enum kind child, enum kind parent)
{
	const struct resource *res = schema_resource(child);

	return res->parent == parent ? res->parent_key : res->parent2_key;
}

/* Those that go, and the files that they held. */
struct parting {
	struct call *call;
	struct ids files;
};

static int delete_below(struct parting *p, enum kind parent, const struct ids *parents);

static int note_files(struct parting *p, const struct query *comments)
{
	scoped(records_fini) struct records list = { 0 };
	int r = tx_list(p->call->tx, comments, &list);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		attachments_note(list.items[i], &p->files);
	return r;
}

static int delete_kind(struct parting *p, enum kind kind, int key, const struct ids *parents)
{
	struct query q = { .kind = kind, .limit = -1 };
	scoped(ids_fini) struct ids ids = { 0 };

	query_where(&q, key, OP_IN, 0)->where[0].ids = parents;
	int r = tx_list_ids(p->call->tx, &q, &ids);

	if (r == 0 && ids.n)
		r = delete_below(p, kind, &ids);
	if (r == 0 && kind == KIND_comment)
		r = note_files(p, &q);
	for (size_t i = 0; r >= 0 && i < ids.n; i++)
		r = tx_delete(p->call->tx, kind, ids.v[i]);
	return r < 0 ? r : 0;
}

static bool is_kept(enum kind kind)
{
	return schema_field(kind, 0)->flags & FIELD_KEEP;
}

static int delete_below(struct parting *p, enum kind parent, const struct ids *parents)
{
	int r = 0;

	for (int k = KIND_none + 1; r == 0 && k < N_KINDS; k++) {
		enum kind kind = (enum kind)k;

		if (children_are(kind, parent) && is_kept(kind))
			r = delete_kind(p, kind, children_key(kind, parent), parents);
	}
	return r;
}

/* What was sent to the project and never attached. */
static int note_uploads(struct parting *p, int64_t project_id)
{
	struct query q = { .kind = KIND_file_attachment, .limit = -1 };

	query_where(&q, F_file_attachment_project_id, OP_EQ, project_id);
	return tx_list_ids(p->call->tx, &q, &p->files);
}

int children_delete(struct call *c, enum kind kind, int64_t id)
{
	struct parting parting = { .call = c };
	scoped(ids_fini) struct ids ids = { 0 };

	ids_add(&ids, id);
	int r = delete_below(&parting, kind, &ids);

	if (r == 0 && kind == KIND_project)
		r = note_uploads(&parting, id);
	if (r == 0)
		r = attachments_release(c, &parting.files);
	ids_fini(&parting.files);
	return r;
}
