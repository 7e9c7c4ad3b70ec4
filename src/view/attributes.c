/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a node is of, in single words: for extended attributes. */
#include <inttypes.h>

#include "shown.h"

/* Is the row one resource's: its directory, or a file that holds all of it? */
static bool is_of_one(enum layout_row row)
{
	return layout_class(row)->about == ABOUT_WHOLE;
}

/* The resource the node is of, or else is below. NULL: none. */
static struct record *get_record(struct tree *t, const struct node *node)
{
	enum kind kind = layout_subject_kind(node->row);
	struct record *r = NULL;

	return kind && store_peek(t->store, kind, node->id, &r) == 0 ? r : NULL;
}

static int add_version(struct tree *t, const struct record *r, struct buf *ret)
{
	scoped(record_unref) struct record *project = NULL;

	if (store_peek(t->store, KIND_project, store_project_of(t->store, r), &project) ||
		!record_has(project, F_project_version))
		return 1;
	buf_add_fmt(ret, "%" PRId64, record_int(project, F_project_version, 0));
	return 0;
}

static int add_url(const struct record *r, struct buf *ret)
{
	int f = schema_find_field(record_kind(r), "url");

	if (f < 0 || !record_has(r, f))
		return 1;
	buf_add_str(ret, record_text(r, f));
	return 0;
}

int tree_attribute(
	struct tree *t, const struct node *node, enum tree_attribute which, struct buf *ret)
{
	if (which == TREE_ERROR)
		return tree_error(t, node, ret);
	scoped(record_unref) struct record *r = get_record(t, node);

	if (!r)
		return 1;
	if (which == TREE_VERSION)
		return add_version(t, r, ret);
	if (!is_of_one(node->row))
		return 1;
	if (which == TREE_URL)
		return add_url(r, ret);
	buf_add_fmt(ret, "%" PRId64, record_id(r));
	return 0;
}
