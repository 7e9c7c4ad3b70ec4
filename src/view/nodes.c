/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes as numbers. */
#include "shown.h"

enum {
	FIELD_BITS = 8,
	ROW_BITS = 8,
	ID_SHIFT = FIELD_BITS + ROW_BITS,
	FIELD_OFFSET = 2, /* field -1 is 1, so that the root is inode 1 */
};

_Static_assert(N_ROWS < 1 << ROW_BITS, "a row has its bits in a node's number");

_Static_assert(NODE_MAX_ID == INT64_C(1) << (63 - ID_SHIFT), "and so has an id");

uint64_t tree_number(const struct node *node)
{
	return (uint64_t)node->id << ID_SHIFT | (uint64_t)node->row << FIELD_BITS |
	       (uint64_t)(node->field + FIELD_OFFSET);
}

bool node_has_id(enum layout_row row)
{
	while (row != ROW_root && layout_of(row)->name)
		row = layout_of(row)->parent;
	return row != ROW_root;
}

static bool is_node(const struct node *node)
{
	const struct layout *l = layout_of(node->row);

	if (node_has_id(node->row) ? node->id <= 0 : node->id != 0)
		return false;
	return node->field < 0 ||
	       (l->type == ROW_RESOURCE && node->field < schema_resource(l->kind)->n_fields &&
		       layout_has_file(l->kind, node->field));
}

bool tree_node(uint64_t number, struct node *ret)
{
	unsigned row = (number >> FIELD_BITS) & ((1U << ROW_BITS) - 1);
	int field = (int)(number & ((1U << FIELD_BITS) - 1)) - FIELD_OFFSET;

	if (number >> 63 || row >= N_ROWS || field < -1)
		return false;
	struct node node = { (enum layout_row)row, (int64_t)(number >> ID_SHIFT), field };

	if (!is_node(&node))
		return false;
	*ret = node;
	return true;
}
