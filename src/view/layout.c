/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layout's rows as data. */
#include "shown.h"

static const struct layout rows[N_ROWS] = {
#define LAYOUT(row, parent_row, file_name, row_type, resource) \
	[ROW_##row] = { ROW_##parent_row, file_name, ROW_##row_type, KIND_##resource },
#include "storyfs/layout.def"
};

static const struct row_class classes[N_ROW_TYPES] = {
#define ROW_TYPE(type, node, about, words) [ROW_##type] = { NODE_##node, ABOUT_##about, words },
#include "storyfs/row_types.def"
};

const struct layout *layout_of(enum layout_row row)
{
	return &rows[row];
}

const struct row_class *layout_class(enum layout_row row)
{
	return &classes[rows[row].type];
}

enum kind layout_subject_kind(enum layout_row row)
{
	if (layout_class(row)->about != ABOUT_BELOW)
		return rows[row].kind;
	if (!rows[row].name && rows[rows[row].parent].type == ROW_FILES)
		return rows[rows[row].parent].kind;
	return layout_parent_kind(row);
}

enum kind layout_parent_kind(enum layout_row row)
{
	while (row != ROW_root) {
		row = rows[row].parent;
		if (rows[row].type == ROW_RESOURCE)
			return rows[row].kind;
	}
	return KIND_none;
}

enum layout_row layout_find(enum row_type type, enum kind kind, enum kind parent)
{
	for (int row = 0; row < N_ROWS; row++) {
		if (rows[row].type == type && rows[row].kind == kind &&
			layout_parent_kind((enum layout_row)row) == parent)
			return (enum layout_row)row;
	}
	return N_ROWS;
}

enum layout_row layout_entry(enum layout_row dir)
{
	int row = ROW_root + 1;

	while (row < N_ROWS && (rows[row].parent != dir || rows[row].name))
		row++;
	return (enum layout_row)row;
}

struct place layout_place(const struct node *dir)
{
	return (struct place){
		.kind = rows[dir->row].kind,
		.parent = layout_parent_kind(dir->row),
		.parent_id = dir->id,
	};
}

bool layout_has_file(enum kind kind, int f)
{
	const struct field *field = schema_field(kind, f);
	unsigned flags = field->flags;

	/* Stories are a directory of links. */
	if (field->type == TYPE_OBJECTS && field->of == KIND_story)
		return false;
	return (flags & (FIELD_DEF | FIELD_FILE)) && !(flags & (FIELD_SECRET | FIELD_HIDDEN));
}

bool layout_is_writable(enum kind kind, int f)
{
	const struct resource *res = schema_resource(kind);

	return schema_field(kind, f)->write & WRITE_UPDATE &&
	       !(res->parent && f == res->parent_key);
}

bool layout_makes_new(enum row_type type)
{
	return type == ROW_NEW || type == ROW_LINES;
}

const char *layout_stand_in(enum layout_row row)
{
	const struct layout *l = layout_of(row);

	if (row == ROW_search_query)
		return "<query>";
	if (l->type == ROW_DOCUMENT)
		return "<id>.md";
	if (l->type == ROW_HISTORY)
		return "<id>.tsv";
	if (l->type == ROW_CONFLICT)
		return "<n>";
	return l->type == ROW_RESOURCE || l->type == ROW_FOLDER ? "<id>"
	       : l->type == ROW_JSON				? "<id>.json"
								: "<name>";
}

enum kind tree_place(enum layout_row row, struct buf *b)
{
	if (rows[row].parent != ROW_root) {
		tree_place(rows[row].parent, b);
		buf_add_char(b, '/');
	}
	buf_add_str(b, rows[row].name ? rows[row].name : layout_stand_in(row));
	return rows[row].kind;
}

const char *tree_place_words(enum layout_row row)
{
	return layout_class(row)->words;
}
