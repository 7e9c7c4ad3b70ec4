/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of an import. */
#include "import_table.h"

#include <string.h>

#include "storyfs/alloc.h"

void import_table_fini(struct import_table *t)
{
	for (struct entry *e = table_clear(&t->entries), *next; e; e = next) {
		next = table_next(&t->entries, e);
		record_unref(e->record);
		free(e);
	}
}

struct entry *import_table_find(const struct import_table *t, enum kind kind, int64_t id)
{
	struct entry_key key = { .id = id, .kind = kind };

	return table_find(&t->entries, &key, sizeof(key));
}

static struct entry *add(struct import_table *t, struct record *r, size_t file, bool nested)
{
	struct entry *e = xcalloc(1, sizeof(*e));

	e->key = (struct entry_key){ .id = record_id(r), .kind = record_kind(r) };
	e->record = r;
	e->file = file;
	e->nested = nested;
	table_add(&t->entries, &e->item, &e->key, sizeof(e->key));
	if (t->last[e->key.kind])
		t->last[e->key.kind]->next_of_kind = e;
	else
		t->first[e->key.kind] = e;
	t->last[e->key.kind] = e;
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
