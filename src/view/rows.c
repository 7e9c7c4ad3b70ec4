/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TABLE files: a line for each resource, for awk, sort and whoever pays by the token. */
#include <errno.h>
#include <string.h>

#include "shown.h"
#include "storyfs/alloc.h"

/* The columns, by V5's keys, the name last: it alone is free text. */
static const int story_columns[] = { F_story_id, F_story_current_state, F_story_story_type,
	F_story_estimate, F_story_owners, F_story_labels, F_story_name };

enum { N_COLUMNS = sizeof(story_columns) / sizeof(*story_columns) };

/* A table as it was rendered last, and of what. */
struct rendered {
	struct table_item item;
	int64_t project_id;
	uint64_t stamp, people_stamp;
	struct buf text;
};

/* A value in one cell: items by commas, what would end a cell as a blank. */
static void add_cell(const struct record *r, int f, const struct resolver *resolver, struct buf *b)
{
	scoped(buf_fini) struct buf text = BUF_INIT;
	enum value_type type = schema_field(record_kind(r), f)->type;
	bool is_list = type == TYPE_OBJECTS || type == TYPE_IDS;

	plain_write(r, f, resolver, &text);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '\n' && is_list)
			c = ',';
		else if (c == '\t' || c == '\n' || c == '\r')
			c = ' ';
		buf_add_char(b, c);
	}
}

static void render(struct tree *t, int64_t project_id, const struct records *all, struct buf *b)
{
	struct people people = { t, project_id };
	struct resolver resolver = people_resolver(&people);

	for (size_t i = 0; i < N_COLUMNS; i++)
		buf_add_fmt(
			b, "%s%s", i ? "\t" : "", schema_field(KIND_story, story_columns[i])->key);
	buf_add_char(b, '\n');
	each_record(r, all) {
		for (size_t i = 0; i < N_COLUMNS; i++) {
			if (i)
				buf_add_char(b, '\t');
			add_cell(r, story_columns[i], &resolver, b);
		}
		buf_add_char(b, '\n');
	}
}

static bool copy_kept(struct tree *t, const struct rendered *now, struct buf *ret)
{
	lock_scope(&t->lock);
	const struct rendered *kept =
		table_find(&t->tables, &now->project_id, sizeof(now->project_id));

	if (!kept || kept->stamp != now->stamp || kept->people_stamp != now->people_stamp)
		return false;
	buf_add(ret, buf_str(&kept->text), kept->text.len);
	return true;
}

static void keep(struct tree *t, struct rendered *now)
{
	lock_scope(&t->lock);
	struct rendered *kept = table_find(&t->tables, &now->project_id, sizeof(now->project_id));

	if (!kept) {
		kept = xcalloc(1, sizeof(*kept));
		kept->project_id = now->project_id;
		table_add(&t->tables, &kept->item, &kept->project_id, sizeof(kept->project_id));
	}
	buf_fini(&kept->text);
	kept->stamp = now->stamp;
	kept->people_stamp = now->people_stamp;
	kept->text = now->text;
	now->text = BUF_INIT;
}

int table_read(struct tree *t, const struct node *node, struct buf *ret)
{
	struct place place = layout_place(node), members = place;
	struct rendered now = { .project_id = node->id };
	scoped(records_fini) struct records all = { 0 };

	members.kind = KIND_project_membership;
	now.stamp = store_stamp(t->store, &place);
	now.people_stamp = store_stamp(t->store, &members);
	if (now.stamp && copy_kept(t, &now, ret))
		return 0;
	if (store_peek_list(t->store, &place, &all))
		return -ENODATA;
	render(t, node->id, &all, &now.text);
	buf_add(ret, now.text.data, now.text.len);
	keep(t, &now);
	return 0;
}

void tables_fini(struct tree *t)
{
	struct rendered *r;

	while ((r = table_pop(&t->tables))) {
		buf_fini(&r->text);
		free(r);
	}
}
