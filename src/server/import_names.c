/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who and what exports tell by name alone. Names are found in the archive first: a person whatever
 * the case, a label or a review type of the project as it is written.
 */
#include <string.h>

#include "import_export.h"
#include "initial.h"
#include "people.h"
#include "storyfs/alloc.h"
#include "storyfs/text.h"

struct named {
	struct table_item item;
	char *key;
	struct record *record;
	bool told; /* is in the run's table */
	int64_t n; /* of a title without ids: how many there were */
};

/* What is read is as often as not what was read before, and to fold its case takes time. */
struct spelling {
	struct table_item item;
	struct named *named;
	char key[];
};

void import_names_fini(struct exports *x)
{
	struct spelling *s;
	struct named *n;

	while ((s = table_pop(&x->spellings)))
		free(s);
	buf_fini(&x->spelling);

	while ((n = table_pop(&x->names))) {
		record_unref(n->record);
		free(n->key);
		free(n);
	}
}

static int project_key(enum kind kind)
{
	const struct resource *res = schema_resource(kind);

	return res->parent == KIND_project ? res->parent_key : -1;
}

static char *make_key(enum kind kind, int64_t project_id, const char *name)
{
	scoped(free_ptr) char *folded = kind == KIND_person ? text_lower(name) : xstrdup(name);

	return xasprintf("%d %lld %s", (int)kind, (long long)project_id, folded);
}

int64_t import_id_of_text(enum kind kind, int64_t project_id, const char *text)
{
	scoped(free_ptr) char *key =
		xasprintf("%s %lld %s", schema_resource(kind)->name, (long long)project_id, text);
	uint64_t hash = UINT64_C(14695981039346656037);

	for (const char *p = key; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	hash ^= hash >> 32;
	return NAMED_FROM + (int64_t)(hash % (uint64_t)(NAMED_TO - NAMED_FROM));
}

static struct named *add(struct exports *x, char *key, struct record *r)
{
	struct named *n = table_find(&x->names, key, strlen(key));

	if (n) {
		free(key);
		return n;
	}
	n = xcalloc(1, sizeof(*n));
	n->key = key;
	n->record = r ? record_ref(r) : NULL;
	table_add(&x->names, &n->item, n->key, strlen(n->key));
	return n;
}

static int load(struct import_run *run, enum kind kind, int64_t project_id)
{
	struct query q = { .kind = kind, .limit = -1 };
	scoped(records_fini) struct records list = { 0 };

	if (project_id)
		query_where(&q, project_key(kind), OP_EQ, project_id);
	int r = tx_list(run->tx, &q, &list);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		add(run->exports,
			make_key(kind, project_id,
				record_text(list.items[i], schema_resource(kind)->label)),
			list.items[i]);
	return r;
}

/* A digest of the name it has: it was never called anything else. */
static bool has_first_name(enum kind kind, int64_t project_id, const struct record *r)
{
	const char *name = record_text(r, schema_resource(kind)->label);
	scoped(free_ptr) char *folded = kind == KIND_person ? text_lower(name) : xstrdup(name);

	return import_id_of_text(kind, project_id, folded) == record_id(r);
}

/* The one that was made for this name and called otherwise since, or a number that is free. */
static int find_id(struct import_run *run, enum kind kind, int64_t project_id, int64_t *id,
	struct record **ret_old)
{
	for (;; (*id)++) {
		scoped(record_unref) struct record *old = NULL;

		if (import_table_find(&run->table, kind, *id))
			continue;
		int r = tx_get(run->tx, kind, *id, &old);

		if (r)
			return r < 0 ? r : 0;
		if (has_first_name(kind, project_id, old))
			continue;
		*ret_old = take_ptr(old);
		return 0;
	}
}

static int make(struct import_run *run, enum kind kind, int64_t project_id, const char *name,
	struct record **ret)
{
	scoped(free_ptr) char *folded = kind == KIND_person ? text_lower(name) : xstrdup(name);
	int64_t id = import_id_of_text(kind, project_id, folded);
	int r = find_id(run, kind, project_id, &id, ret);

	if (r < 0 || *ret)
		return r;
	*ret = record_new(kind);
	record_set_int(*ret, 0, id);
	record_set_text(*ret, schema_resource(kind)->label, name);
	if (project_id)
		record_set_int(*ret, project_key(kind), project_id);
	if (kind == KIND_person)
		people_set_initials(*ret);
	initial_fill(*ret);
	return 0;
}

static int find_or_make(
	struct export_csv *csv, enum kind kind, const char *name, struct named **ret)
{
	int64_t project_id = project_key(kind) < 0 ? 0 : csv->project->id;
	struct exports *x = csv->run->exports;
	scoped(record_unref) struct record *made = NULL;
	char *key = make_key(kind, project_id, name);

	*ret = table_find(&x->names, key, strlen(key));
	if (*ret) {
		free(key);
		return 0;
	}
	int r = make(csv->run, kind, project_id, name, &made);

	if (r < 0) {
		free(key);
		return r;
	}
	*ret = add(x, key, made);
	return 0;
}

/* By the name as it is written. */
static int find_spelling(
	struct export_csv *csv, enum kind kind, const char *name, struct named **ret)
{
	struct exports *x = csv->run->exports;
	struct buf *key = &x->spelling;

	buf_reset(key);
	buf_add(key, &kind, sizeof(kind));
	buf_add(key, &csv->project->id, sizeof(csv->project->id));
	buf_add(key, name, strlen(name));
	struct spelling *s = table_find(&x->spellings, key->data, key->len);

	if (s) {
		*ret = s->named;
		return 0;
	}
	int r = find_or_make(csv, kind, name, ret);

	if (r < 0)
		return r;
	s = xcalloc(1, sizeof(*s) + key->len);
	s->named = *ret;
	memcpy(s->key, key->data, key->len);
	table_add(&x->spellings, &s->item, s->key, key->len);
	return 0;
}

int import_load_names(struct import_run *run, const struct export_project *p)
{
	int r = 0;

	if (!run->exports->knows_people)
		r = load(run, KIND_person, 0);
	run->exports->knows_people = true;
	if (r == 0 && p->old)
		r = load(run, KIND_label, p->id);
	if (r == 0 && p->old)
		r = load(run, KIND_review_type, p->id);
	return r;
}

int import_named(struct export_csv *csv, enum kind kind, const char *name, int64_t *ret_id)
{
	struct named *n;

	*ret_id = 0;
	if (text_is_blank(name))
		return 0;
	int r = find_spelling(csv, kind, name, &n);

	if (r < 0)
		return r;
	*ret_id = record_id(n->record);
	if (!n->told)
		import_table_add_own(&csv->run->table, record_copy(n->record), csv->file);
	n->told = true;
	return 0;
}

int64_t import_count_title(struct export_csv *csv, enum kind kind, const char *title)
{
	char *key = make_key(kind, csv->project->id, title);

	return ++add(csv->run->exports, key, NULL)->n;
}
