/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of an import. */
#include "import_table.h"

#include <string.h>

#include "storyfs/alloc.h"

struct indexed {
	struct table_item item;
	struct entry *entry;
};

/* Of most kinds there are many that nobody looks for, so entries come in when one is. */
struct import_index {
	struct table entries;
	struct entry *waiting; /* the first that is not in yet */
};

static void free_index(struct import_index *index)
{
	for (struct indexed *i = table_clear(&index->entries), *next; i; i = next) {
		next = table_next(&index->entries, i);
		free(i);
	}
}

void import_table_fini(struct import_table *t)
{
	for (int kind = 0; t->by_id && kind < N_KINDS; kind++)
		free_index(&t->by_id[kind]);
	free(t->by_id);
	for (struct entry *e = t->all, *next; e; e = next) {
		next = e->next;
		record_unref(e->record);
		free(e);
	}
}

struct entry *import_table_find(const struct import_table *t, enum kind kind, int64_t id)
{
	struct import_index *index = t->by_id ? &t->by_id[kind] : NULL;

	if (!index)
		return NULL;
	for (struct entry *e; (e = index->waiting); index->waiting = e->next_of_kind) {
		struct indexed *i = xcalloc(1, sizeof(*i));

		i->entry = e;
		table_add(&index->entries, &i->item, &e->key.id, sizeof(e->key.id));
	}
	struct indexed *found = table_find(&index->entries, &id, sizeof(id));

	return found ? found->entry : NULL;
}

static struct entry *add(struct import_table *t, struct record *r, size_t file, bool nested)
{
	struct entry *e = xcalloc(1, sizeof(*e));
	enum kind kind = record_kind(r);

	*e = (struct entry){ .key = { .id = record_id(r), .kind = kind },
		.record = r,
		.file = file,
		.nested = nested };
	*(t->end ? &t->end->next : &t->all) = e;
	t->end = e;
	*(t->last[kind] ? &t->last[kind]->next_of_kind : &t->first[kind]) = e;
	t->last[kind] = e;
	if (!t->by_id)
		t->by_id = xcalloc(N_KINDS, sizeof(*t->by_id));
	if (!t->by_id[kind].waiting)
		t->by_id[kind].waiting = e;
	t->n++;
	return e;
}

/* Give r what only the other one has. */
static void fill(struct record *r, const struct record *other)
{
	each_field(f, record_kind(r)) {
		const struct value *v = record_get(other, f);

		if (v->state == VALUE_SET && !record_has(r, f))
			record_set(r, f, value_copy(schema_field(record_kind(r), f), v));
	}
	if (!record_extra(r) && record_extra(other))
		record_set_extra(r, xstrdup(record_extra(other)));
}

void import_table_add_new(struct import_table *t, struct record *r, size_t file, int64_t project_id)
{
	add(t, r, file, false)->project_id = project_id;
}

int import_table_add_own(struct import_table *t, struct record *r, size_t file)
{
	struct entry *e = import_table_find(t, record_kind(r), record_id(r));

	if (!e) {
		add(t, r, file, false);
		return 0;
	}
	bool again = e->file == file && !e->nested;

	if (e->nested)
		fill(r, e->record);
	/* Of two files that hold it, the later counts. */
	if (!again) {
		record_unref(e->record);
		e->record = record_ref(r);
		e->file = file;
		e->project_id = 0;
		e->nested = false;
	}
	record_unref(r);
	return again;
}

void import_table_add_nested(struct import_table *t, const struct record *r, size_t file)
{
	struct entry *e = import_table_find(t, record_kind(r), record_id(r));

	if (e)
		fill(e->record, r);
	else
		add(t, record_copy(r), file, true);
}
