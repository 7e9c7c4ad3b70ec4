/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directories below a directory that are known without asking anybody. */
#include "shown.h"

struct emitter {
	void (*emit)(void *data, const struct node *dir);
	void *data;
};

/* Those with a name of their own. */
static void emit_fixed(const struct emitter *to, const struct node *dir)
{
	for (int i = ROW_root + 1; i < N_ROWS; i++) {
		struct node node = { (enum layout_row)i, dir->id, -1 };
		const struct layout *l = layout_of(node.row);

		if (l->parent == dir->row && l->name && tree_type(&node) == NODE_DIR)
			to->emit(to->data, &node);
	}
}

static int emit_resources(struct tree *t, const struct emitter *to, const struct node *dir)
{
	scoped(ids_fini) struct ids ids = { 0 };
	struct place place = layout_place(dir);
	enum layout_row row = layout_entry(dir->row);

	if (store_peek_ids(t->store, &place, &ids))
		return 1;
	for (size_t i = 0; i < ids.n; i++) {
		struct node node = { row, ids.v[i], -1 };

		if (node.id > 0 && node.id < NODE_MAX_ID)
			to->emit(to->data, &node);
	}
	return 0;
}

int tree_below(struct tree *t, const struct node *dir,
	void (*emit)(void *data, const struct node *dir), void *data)
{
	const struct emitter to = { emit, data };
	enum row_type type = layout_of(dir->row)->type;

	if (dir->field < 0 && type == ROW_COLLECTION)
		return emit_resources(t, &to, dir);
	if (dir->field >= 0 || type != ROW_RESOURCE)
		return 1;
	emit_fixed(&to, dir);
	return 0;
}
